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
export interface ILiveRun {
  state: State;
  steps: Map<string, { state: State; seconds: number; begin: number; end: number }>;
  step: string;
  cell: number;
  text: string;
}

const MAX_TEXT_LENGTH = 400_000;
const MAX_RUNS = 200;

/** Runs as their events tell of them. */
export class RunFeed {
  constructor(stream: Event.Stream) {
    stream.connect(this._onEvent, this);
  }

  /** An event of any run. */
  get eventReceived(): ISignal<RunFeed, IRunEvent> {
    return this._eventReceived;
  }

  /** Emitted when the server may have told something that was not heard: ask again what matters. */
  get reconnected(): ISignal<RunFeed, void> {
    return this._reconnected;
  }

  /** The server is there again. */
  notifyReconnected(): void {
    this._reconnected.emit();
  }

  /** How a run stands; undefined if it told nothing yet. */
  live(run: string): ILiveRun | undefined {
    return this._live.get(run);
  }

  private _onEvent(_: unknown, emission: Event.Emission): void {
    if (emission.schema_id === SCHEMA_ID) {
      this.handle(emission as unknown as IRunEvent);
    }
  }

  /** Take an event in, and pass it on. */
  handle(event: IRunEvent): void {
    const liveRun = this._live.get(event.run) ?? {
      state: 'queued' as State,
      steps: new Map(),
      step: '',
      cell: -1,
      text: ''
    };
    this._live.delete(event.run);
    this._live.set(event.run, liveRun);
    if (this._live.size > MAX_RUNS) {
      this._live.delete(this._live.keys().next().value!);
    }
    this._apply(liveRun, event);
    this._eventReceived.emit(event);
  }

  private _apply(liveRun: ILiveRun, event: IRunEvent): void {
    switch (event.kind) {
      case 'run':
        liveRun.state = event.state!;
        break;
      case 'steps':
        liveRun.state = 'running';
        liveRun.steps = new Map(
          event.steps!.map(name => [name, { state: 'queued', seconds: 0, begin: 0, end: 0 }])
        );
        break;
      case 'step':
        liveRun.steps.set(event.step!, {
          state: event.state!,
          seconds: event.seconds ?? 0,
          begin:
            event.state === 'running' ? Date.parse(event.time) : (liveRun.steps.get(event.step!)?.begin ?? 0),
          end: event.state === 'running' ? 0 : Date.parse(event.time)
        });
        break;
      case 'cell':
        liveRun.step = event.step ?? '';
        liveRun.cell = event.cell!;
        break;
      case 'output':
        liveRun.text = (liveRun.text + event.text!).slice(-MAX_TEXT_LENGTH);
        break;
    }
  }

  private _reconnected = new Signal<RunFeed, void>(this);
  private _eventReceived = new Signal<RunFeed, IRunEvent>(this);
  private _live = new Map<string, ILiveRun>();
}
