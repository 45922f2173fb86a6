import { Event } from '@jupyterlab/services';
import { ISignal, Signal } from '@lumino/signaling';
import { State } from './types';

export const SCHEMA_ID = 'https://events.jupyter.org/jupyter_mlops/run/v1';

/** What happened in a run. */
export interface IRunEvent {
  run: string;
  kind: 'run' | 'steps' | 'step' | 'cell' | 'output';
  time: string;
  job?: string | null;
  notebook?: string | null;
  state?: State;
  step?: string;
  cell?: number;
  seconds?: number;
  steps?: string[];
  why?: string;
  text?: string;
}

/** How a run stands, as far as its events told. */
export interface ILive {
  state: State;
  steps: Map<string, { state: State; seconds: number; begin: number; end: number }>;
  step: string;
  cell: number;
  text: string;
}

const MOST_TEXT = 400_000;
const MOST_RUNS = 200;

/** Runs as their events tell of them. */
export class RunFeed {
  constructor(stream: Event.Stream) {
    stream.connect(this._hear, this);
  }

  /** An event of any run. */
  get heard(): ISignal<RunFeed, IRunEvent> {
    return this._heard;
  }

  /** Emitted when the server may have told something that was not heard: ask again what matters. */
  get returned(): ISignal<RunFeed, void> {
    return this._returned;
  }

  /** The server is there again. */
  noteReturn(): void {
    this._returned.emit();
  }

  /** How a run stands; undefined if it told nothing yet. */
  live(run: string): ILive | undefined {
    return this._live.get(run);
  }

  private _hear(_: unknown, emission: Event.Emission): void {
    if (emission.schema_id === SCHEMA_ID) {
      this.take(emission as unknown as IRunEvent);
    }
  }

  /** Take an event in, and pass it on. */
  take(event: IRunEvent): void {
    const known = this._live.get(event.run) ?? {
      state: 'queued' as State,
      steps: new Map(),
      step: '',
      cell: -1,
      text: ''
    };
    this._live.delete(event.run);
    this._live.set(event.run, known);
    if (this._live.size > MOST_RUNS) {
      this._live.delete(this._live.keys().next().value!);
    }
    this._apply(known, event);
    this._heard.emit(event);
  }

  private _apply(known: ILive, event: IRunEvent): void {
    switch (event.kind) {
      case 'run':
        known.state = event.state!;
        break;
      case 'steps':
        known.state = 'running';
        known.steps = new Map(
          event.steps!.map(name => [name, { state: 'queued', seconds: 0, begin: 0, end: 0 }])
        );
        break;
      case 'step':
        known.steps.set(event.step!, {
          state: event.state!,
          seconds: event.seconds ?? 0,
          begin:
            event.state === 'running' ? Date.parse(event.time) : (known.steps.get(event.step!)?.begin ?? 0),
          end: event.state === 'running' ? 0 : Date.parse(event.time)
        });
        break;
      case 'cell':
        known.step = event.step ?? '';
        known.cell = event.cell!;
        break;
      case 'output':
        known.text = (known.text + event.text!).slice(-MOST_TEXT);
        break;
    }
  }

  private _returned = new Signal<RunFeed, void>(this);
  private _heard = new Signal<RunFeed, IRunEvent>(this);
  private _live = new Map<string, ILive>();
}
