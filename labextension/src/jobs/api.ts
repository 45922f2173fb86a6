import { Requests } from '../request';
import {
  Batch,
  BatchCreated,
  Calendar,
  Changes,
  CronDescription,
  Job,
  Schedule,
  Values,
  Version
} from '../types';

export interface IScheduleRequest {
  job: string;
  version: string;
  cron: string;
  zone: string;
  parameters: Values;
  missed: string;
  overlap: string;
}

export interface IVersionDiff {
  job: string;
  old: string;
  new: string;
  sections: Record<string, Values[]>;
}

export class JobsApi {
  constructor(private readonly requests: Requests) {}

  async list(): Promise<Job[]> {
    return (await this.requests.send<{ jobs: Job[] }>('GET', 'jobs')).jobs;
  }

  get(name: string): Promise<Job> {
    return this.requests.send('GET', `jobs/${encodeURIComponent(name)}`);
  }

  update(name: string, change: { paused?: boolean; policies?: Values }): Promise<Job> {
    return this.requests.send('PATCH', `jobs/${encodeURIComponent(name)}`, { body: change });
  }

  delete(name: string): Promise<void> {
    return this.requests.send('DELETE', `jobs/${encodeURIComponent(name)}`);
  }

  async versions(name: string): Promise<Version[]> {
    const path = `jobs/${encodeURIComponent(name)}/versions`;
    return (await this.requests.send<{ versions: Version[] }>('GET', path)).versions;
  }

  publish(name: string, notebook: string, message: string): Promise<Version> {
    return this.requests.send('POST', `jobs/${encodeURIComponent(name)}/versions`, {
      body: { notebook, message }
    });
  }

  changes(name: string, notebook: string): Promise<Changes> {
    return this.requests.send('GET', `jobs/${encodeURIComponent(name)}/changes`, { query: { notebook } });
  }

  diff(name: string, old: string, newVersion: string): Promise<IVersionDiff> {
    return this.requests.send('GET', `jobs/${encodeURIComponent(name)}/diff`, {
      query: { old, new: newVersion }
    });
  }

  setAlias(name: string, alias: string, version: string): Promise<unknown> {
    const path = `jobs/${encodeURIComponent(name)}/aliases/${encodeURIComponent(alias)}`;
    return this.requests.send('PUT', path, { body: { version } });
  }

  async schedules(job = ''): Promise<Schedule[]> {
    return (await this.requests.send<{ schedules: Schedule[] }>('GET', 'schedules', { query: { job } }))
      .schedules;
  }

  createSchedule(request: IScheduleRequest): Promise<Schedule> {
    return this.requests.send('POST', 'schedules', { body: request });
  }

  /** Change, pause or resume a schedule. */
  updateSchedule(id: number, change: Partial<IScheduleRequest> & { paused?: boolean }): Promise<Schedule> {
    return this.requests.send('PATCH', `schedules/${id}`, { body: change });
  }

  deleteSchedule(id: number): Promise<void> {
    return this.requests.send('DELETE', `schedules/${id}`);
  }

  describeCron(cron: string, zone: string): Promise<CronDescription> {
    return this.requests.send('POST', 'cron', { body: { cron, zone } });
  }

  calendar(days: number): Promise<Calendar> {
    return this.requests.send('GET', 'calendar', { query: { days } });
  }

  backfill(name: string, request: Values): Promise<BatchCreated> {
    return this.requests.send('POST', `jobs/${encodeURIComponent(name)}/backfills`, { body: request });
  }

  sweep(name: string, request: Values): Promise<BatchCreated> {
    return this.requests.send('POST', `jobs/${encodeURIComponent(name)}/sweeps`, { body: request });
  }

  batch(id: number): Promise<Batch> {
    return this.requests.send('GET', `batches/${id}`);
  }

  stopBatch(id: number): Promise<Batch> {
    return this.requests.send('POST', `batches/${id}/stop`);
  }

  copyDemo(folder: string): Promise<{ path: string }> {
    return this.requests.send('POST', 'demo', { body: { folder } });
  }
}
