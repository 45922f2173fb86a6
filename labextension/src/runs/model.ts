import { IDisposable } from '@lumino/disposable';
import { ISignal, Signal } from '@lumino/signaling';
import { ILiveRun, IRunEvent, RunFeed } from '../events';
import { errorMessage } from '../request';
import { Run, State, StepRun } from '../types';
import { IRunRequest, RunsApi } from './api';

const PAGE_SIZE = 20;
export const ACTIVE: readonly State[] = ['queued', 'running'];

/** How a step of a run stands now: as its events told, or as the database has it. */
export function stepsOf(run: Run, live?: ILiveRun): StepRun[] {
  if (!live || !live.steps.size || !ACTIVE.includes(run.state)) {
    return run.steps;
  }
  return Array.from(live.steps, ([name, { state, seconds }]) => ({
    name,
    state: state as StepRun['state'],
    attempts: 0,
    seconds,
    why: []
  }));
}

/** Which runs are listed: those of a notebook or of a job, and of these the ones in one state. */
export interface IRunQuery {
  notebook?: string;
  job?: string;
  state?: string;
}

/** Runs of one notebook, or of one job: a page at first, kept up to date by events. */
export class RunList implements IDisposable {
  constructor(
    readonly api: RunsApi,
    readonly feed: RunFeed,
    private _query: IRunQuery
  ) {
    feed.eventReceived.connect(this._onEvent, this);
    feed.reconnected.connect(this._onReconnected, this);
  }

  get changed(): ISignal<RunList, void> {
    return this._changed;
  }

  /** Newest first. */
  runs: Run[] = [];
  problem = '';
  ready = false;
  hasMore = false;

  /** The run that goes on, or waits; the latest of them. */
  get active(): Run | undefined {
    return this.runs.find(run => ACTIVE.includes(run.state));
  }

  get latest(): Run | undefined {
    return this.runs[0];
  }

  /** How a step of the latest run that knows it stands. */
  step(name: string): StepRun | undefined {
    const run = this.latest;
    return run && stepsOf(run, this.feed.live(run.id)).find(step => step.name === name);
  }

  async refresh(): Promise<void> {
    try {
      const page = await this.api.list({ ...this._query, limit: Math.max(PAGE_SIZE, this.runs.length) });
      this.runs = page.runs;
      this._next = page.next ?? '';
      this.problem = '';
    } catch (error) {
      this.problem = errorMessage(error);
    }
    this.hasMore = this._next !== '';
    this.ready = true;
    this._emit();
  }

  /** List other runs from now on. */
  select(query: IRunQuery): Promise<void> {
    this._query = query;
    return this.refresh();
  }

  async loadMore(): Promise<void> {
    const page = await this.api.list({ ...this._query, limit: PAGE_SIZE, after: this._next });
    const knownIds = new Set(this.runs.map(run => run.id));
    this.runs = [...this.runs, ...page.runs.filter(run => !knownIds.has(run.id))];
    this._next = page.next ?? '';
    this.hasMore = this._next !== '';
    this._emit();
  }

  /** Start a run; it is in the list when this resolves. */
  async start(request: IRunRequest): Promise<Run> {
    const newRun = await this.api.start(request);
    this.upsert(newRun);
    return newRun;
  }

  async stop(run: Run): Promise<void> {
    this.upsert(await this.api.stop(run.id));
  }

  async repair(run: Run, cells: Record<string, string> = {}): Promise<Run> {
    const response = await this.api.repair(run.id, cells);
    this.upsert(response);
    return response;
  }

  /** Take in how a run stands now; it leaves the list if it is in another state than those listed. */
  upsert(run: Run): void {
    const { state } = this._query;
    const isListed = this.runs.some(listItem => listItem.id === run.id);
    if (state && run.state !== state) {
      this.runs = this.runs.filter(listItem => listItem.id !== run.id);
    } else if (isListed) {
      this.runs = this.runs.map(listItem => (listItem.id === run.id ? run : listItem));
    } else {
      this.runs = [run, ...this.runs].sort((first, second) => second.created - first.created);
    }
    this._emit();
  }

  get isDisposed(): boolean {
    return this._disposed;
  }

  dispose(): void {
    this._disposed = true;
    this.feed.eventReceived.disconnect(this._onEvent, this);
    this.feed.reconnected.disconnect(this._onReconnected, this);
    Signal.clearData(this);
  }

  /** What ended unheard ended all the same. */
  private async _onReconnected(): Promise<void> {
    const activeRuns = this.runs.filter(run => ACTIVE.includes(run.state));
    await this.refresh();
    for (const run of this.runs) {
      if (!ACTIVE.includes(run.state) && activeRuns.some(activeRun => activeRun.id === run.id)) {
        this._ended.emit(run);
      }
    }
  }

  private _onEvent(_: RunFeed, event: IRunEvent): void {
    const { notebook, job } = this._query;
    const matches = notebook ? event.notebook === notebook : event.job === job;
    if (!matches && !this.runs.some(run => run.id === event.run)) {
      return;
    }
    if (event.kind === 'run') {
      void this._fetch(event.run);
    } else if (event.kind !== 'output') {
      this._emit();
    }
  }

  private async _fetch(id: string): Promise<void> {
    try {
      const run = await this.api.get(id);
      if (!this._disposed) {
        const previous = this.runs.find(listItem => listItem.id === id);
        this.upsert(run);
        if (!ACTIVE.includes(run.state) && (!previous || ACTIVE.includes(previous.state))) {
          this._ended.emit(run);
        }
      }
    } catch {
      // the next event may do better
    }
  }

  /** Emitted when a run that was seen to go on is over. */
  get ended(): ISignal<RunList, Run> {
    return this._ended;
  }

  private _emit(): void {
    if (!this._disposed) {
      this._changed.emit();
    }
  }

  private _changed = new Signal<RunList, void>(this);
  private _ended = new Signal<RunList, Run>(this);
  private _next = '';
  private _disposed = false;
}
