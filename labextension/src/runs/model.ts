import { IDisposable } from '@lumino/disposable';
import { ISignal, Signal } from '@lumino/signaling';
import { ILive, IRunEvent, RunFeed } from '../events';
import { wordsOf } from '../request';
import { Run, State, StepRun } from '../types';
import { IRunWanted, RunsApi } from './api';

const PAGE = 20;
export const ACTIVE: readonly State[] = ['queued', 'running'];

/** How a step of a run stands now: as its events told, or as the database has it. */
export function stepsOf(run: Run, live?: ILive): StepRun[] {
  if (!live || !live.steps.size || !ACTIVE.includes(run.state)) {
    return run.steps;
  }
  return Array.from(live.steps, ([name, { state, seconds }]) => ({
    name,
    state: state as StepRun['state'],
    attempts: 0,
    seconds
  }));
}

/** Runs of one notebook, or of one job: a page at first, kept up to date by events. */
export class RunList implements IDisposable {
  constructor(
    readonly api: RunsApi,
    readonly feed: RunFeed,
    private readonly _which: () => { notebook?: string; job?: string; state?: string }
  ) {
    feed.heard.connect(this._hear, this);
    feed.returned.connect(this._return, this);
  }

  get changed(): ISignal<RunList, void> {
    return this._changed;
  }

  /** Newest first. */
  runs: Run[] = [];
  problem = '';
  ready = false;
  more = false;

  /** The run that goes on, or waits; the latest of them. */
  get active(): Run | undefined {
    return this.runs.find(run => ACTIVE.includes(run.state));
  }

  get last(): Run | undefined {
    return this.runs[0];
  }

  /** How a step of the latest run that knows it stands. */
  step(name: string): StepRun | undefined {
    const run = this.last;
    return run && stepsOf(run, this.feed.live(run.id)).find(step => step.name === name);
  }

  async refresh(): Promise<void> {
    try {
      const page = await this.api.list({ ...this._which(), limit: Math.max(PAGE, this.runs.length) });
      this.runs = page.runs;
      this._next = page.next ?? '';
      this.problem = '';
    } catch (error) {
      this.problem = wordsOf(error);
    }
    this.more = this._next !== '';
    this.ready = true;
    this._emit();
  }

  async loadMore(): Promise<void> {
    const page = await this.api.list({ ...this._which(), limit: PAGE, after: this._next });
    const known = new Set(this.runs.map(run => run.id));
    this.runs = [...this.runs, ...page.runs.filter(run => !known.has(run.id))];
    this._next = page.next ?? '';
    this.more = this._next !== '';
    this._emit();
  }

  /** Start a run; it is in the list when this resolves. */
  async start(wanted: IRunWanted): Promise<Run> {
    const made = await this.api.start(wanted);
    this.put(made);
    return made;
  }

  async stop(run: Run): Promise<void> {
    this.put(await this.api.stop(run.id));
  }

  async repair(run: Run, cells: Record<string, string> = {}): Promise<Run> {
    const made = await this.api.repair(run.id, cells);
    this.put(made);
    return made;
  }

  put(run: Run): void {
    const at = this.runs.findIndex(known => known.id === run.id);
    this.runs = at < 0 ? [run, ...this.runs] : this.runs.map(known => (known.id === run.id ? run : known));
    this._emit();
  }

  get isDisposed(): boolean {
    return this._disposed;
  }

  dispose(): void {
    this._disposed = true;
    this.feed.heard.disconnect(this._hear, this);
    this.feed.returned.disconnect(this._return, this);
    Signal.clearData(this);
  }

  /** What ended unheard ended all the same. */
  private async _return(): Promise<void> {
    const before = this.runs.filter(run => ACTIVE.includes(run.state));
    await this.refresh();
    for (const run of this.runs) {
      if (!ACTIVE.includes(run.state) && before.some(one => one.id === run.id)) {
        this._ended.emit(run);
      }
    }
  }

  private _hear(_: RunFeed, event: IRunEvent): void {
    const { notebook, job, state } = this._which();
    const mine = notebook ? event.notebook === notebook : event.job === job;
    if (!mine && !this.runs.some(run => run.id === event.run)) {
      return;
    }
    if (event.kind === 'run' && state) {
      void this.refresh();
    } else if (event.kind === 'run') {
      void this._fetch(event.run);
    } else if (event.kind !== 'output') {
      this._emit();
    }
  }

  private async _fetch(id: string): Promise<void> {
    try {
      const run = await this.api.get(id);
      if (!this._disposed) {
        const known = this.runs.find(one => one.id === id);
        this.put(run);
        if (!ACTIVE.includes(run.state) && (!known || ACTIVE.includes(known.state))) {
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
