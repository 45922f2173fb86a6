import { Query, Requests } from '../request';
import {
  Analysis,
  Comparison,
  RepairNotebook,
  Reproduction,
  Run,
  RunLog,
  RunPage,
  Suspects,
  Values,
  Worker
} from '../types';

export interface IRunRequest {
  notebook?: string;
  job?: string;
  parameters?: Values;
  from_step?: string;
  only_step?: string;
  use_cache?: boolean;
}

export class RunsApi {
  constructor(private readonly requests: Requests) {}

  worker(): Promise<Worker> {
    return this.requests.send('GET', 'worker');
  }

  startWorker(): Promise<Worker> {
    return this.requests.send('POST', 'worker', { body: {} });
  }

  list(query: Query): Promise<RunPage> {
    return this.requests.send('GET', 'runs', { query });
  }

  get(id: string): Promise<Run> {
    return this.requests.send('GET', `runs/${encodeURIComponent(id)}`);
  }

  start(request: IRunRequest): Promise<Run> {
    return this.requests.send('POST', 'runs', { body: request });
  }

  stop(id: string): Promise<Run> {
    return this.requests.send('POST', `runs/${encodeURIComponent(id)}/stop`);
  }

  repair(id: string, cells: Record<string, string> = {}): Promise<Run> {
    return this.requests.send('POST', `runs/${encodeURIComponent(id)}/repair`, { body: { cells } });
  }

  repairNotebook(id: string): Promise<RepairNotebook> {
    return this.requests.send('POST', `runs/${encodeURIComponent(id)}/repair-notebook`, { body: {} });
  }

  /** Whether a run was reproduced. */
  reproduction(id: string): Promise<Reproduction> {
    return this.requests.send('GET', `runs/${encodeURIComponent(id)}/reproduction`);
  }

  reproduce(id: string): Promise<Run> {
    return this.requests.send('POST', `runs/${encodeURIComponent(id)}/reproduction`, { body: {} });
  }

  /** What changed since the last good run before this one. */
  suspects(id: string): Promise<Suspects> {
    return this.requests.send('GET', `runs/${encodeURIComponent(id)}/suspects`);
  }

  pipeline(id: string): Promise<Analysis> {
    return this.requests.send('GET', `runs/${encodeURIComponent(id)}/pipeline`);
  }

  log(id: string, offset: number): Promise<RunLog> {
    return this.requests.send('GET', `runs/${encodeURIComponent(id)}/log`, { query: { offset } });
  }

  notebook(id: string): Promise<Record<string, unknown>> {
    return this.requests.send('GET', `runs/${encodeURIComponent(id)}/notebook`);
  }

  compare(first: string, second: string): Promise<Comparison> {
    const [firstId, secondId] = [first, second].map(encodeURIComponent);
    return this.requests.send('GET', `runs/${firstId}/comparison/${secondId}`);
  }

  reportUrl(id: string): string {
    return this.requests.url(`runs/${encodeURIComponent(id)}/report`);
  }
}
