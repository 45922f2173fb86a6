import { Requests } from '../request';
import { Batch, BatchMade, Calendar, Changes, CronTold, Job, Schedule, Values, Version } from '../types';

export interface IScheduleWanted {
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
    return (await this.requests.ask<{ jobs: Job[] }>('GET', 'jobs')).jobs;
  }

  get(name: string): Promise<Job> {
    return this.requests.ask('GET', `jobs/${encodeURIComponent(name)}`);
  }

  change(name: string, change: { paused?: boolean; policies?: Values }): Promise<Job> {
    return this.requests.ask('PATCH', `jobs/${encodeURIComponent(name)}`, { body: change });
  }

  remove(name: string): Promise<void> {
    return this.requests.ask('DELETE', `jobs/${encodeURIComponent(name)}`);
  }

  async versions(name: string): Promise<Version[]> {
    const path = `jobs/${encodeURIComponent(name)}/versions`;
    return (await this.requests.ask<{ versions: Version[] }>('GET', path)).versions;
  }

  publish(name: string, notebook: string, message: string): Promise<Version> {
    return this.requests.ask('POST', `jobs/${encodeURIComponent(name)}/versions`, {
      body: { notebook, message }
    });
  }

  changes(name: string, notebook: string): Promise<Changes> {
    return this.requests.ask('GET', `jobs/${encodeURIComponent(name)}/changes`, { query: { notebook } });
  }

  diff(name: string, old: string, now: string): Promise<IVersionDiff> {
    return this.requests.ask('GET', `jobs/${encodeURIComponent(name)}/diff`, { query: { old, new: now } });
  }

  setAlias(name: string, alias: string, version: string): Promise<unknown> {
    const path = `jobs/${encodeURIComponent(name)}/aliases/${encodeURIComponent(alias)}`;
    return this.requests.ask('PUT', path, { body: { version } });
  }

  async schedules(job = ''): Promise<Schedule[]> {
    return (await this.requests.ask<{ schedules: Schedule[] }>('GET', 'schedules', { query: { job } }))
      .schedules;
  }

  schedule(wanted: IScheduleWanted): Promise<Schedule> {
    return this.requests.ask('POST', 'schedules', { body: wanted });
  }

  /** Change a schedule, let it rest or go on. */
  changeSchedule(id: number, change: Partial<IScheduleWanted> & { paused?: boolean }): Promise<Schedule> {
    return this.requests.ask('PATCH', `schedules/${id}`, { body: change });
  }

  unschedule(id: number): Promise<void> {
    return this.requests.ask('DELETE', `schedules/${id}`);
  }

  cron(cron: string, zone: string): Promise<CronTold> {
    return this.requests.ask('POST', 'cron', { body: { cron, zone } });
  }

  calendar(days: number): Promise<Calendar> {
    return this.requests.ask('GET', 'calendar', { query: { days } });
  }

  backfill(name: string, wanted: Values): Promise<BatchMade> {
    return this.requests.ask('POST', `jobs/${encodeURIComponent(name)}/backfills`, { body: wanted });
  }

  sweep(name: string, wanted: Values): Promise<BatchMade> {
    return this.requests.ask('POST', `jobs/${encodeURIComponent(name)}/sweeps`, { body: wanted });
  }

  batch(id: number): Promise<Batch> {
    return this.requests.ask('GET', `batches/${id}`);
  }

  stopBatch(id: number): Promise<Batch> {
    return this.requests.ask('POST', `batches/${id}/stop`);
  }

  demo(folder: string): Promise<{ path: string }> {
    return this.requests.ask('POST', 'demo', { body: { folder } });
  }
}
