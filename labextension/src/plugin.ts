import { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { Signal } from '@lumino/signaling';
import { IRunEvent, RunFeed } from './events';
import { ExportsApi } from './export/api';
import { JobsApi } from './jobs/api';
import { ParametersModel } from './parameters/model';
import { PipelineApi } from './pipeline/api';
import { PipelineModel } from './pipeline/model';
import { Requests } from './request';
import { RunsApi } from './runs/api';
import { ACTIVE, RunList } from './runs/model';
import { IMlops, INotebookState, PLUGIN } from './tokens';

const RECONNECT_DELAYS_MS = [0, 8_000, 35_000]; // ms after which JupyterLab's stream of events is there again at the latest

class Mlops implements IMlops {
  constructor(
    app: JupyterFrontEnd,
    private readonly tracker: INotebookTracker,
    readonly translator: ITranslator
  ) {
    this.commands = app.commands;
    this.requests = new Requests(app.serviceManager.serverSettings);
    this.runs = new RunsApi(this.requests);
    this.jobs = new JobsApi(this.requests);
    this.exports = new ExportsApi(this.requests);
    this.feed = new RunFeed(app.serviceManager.events.stream);
    this.trans = translator.load('jupyter_mlops');
    this._pipelines = new PipelineApi(this.requests);
    tracker.currentChanged.connect((_, panel) => {
      this._current = panel;
      this.currentChanged.emit();
    });
    this._current = tracker.currentWidget;
    app.serviceManager.connectionFailure.connect(() => void this._awaitServer());
    tracker.widgetAdded.connect((_, { sessionContext }) => {
      sessionContext.connectionStatusChanged.connect((_, status) => {
        if (status !== 'connected') {
          void this._awaitServer();
        }
      });
    });
  }

  /** What happened while the server was away, or before its events are heard again, is asked for once it is there. */
  private async _awaitServer(): Promise<void> {
    if (this._serverUnreachable) {
      return;
    }
    this._serverUnreachable = true;
    for (let delay = 1000; ; delay = Math.min(30_000, delay * 1.5)) {
      await new Promise(resolve => window.setTimeout(resolve, delay));
      try {
        await this.runs.worker();
        break;
      } catch {
        // not yet
      }
    }
    this._serverUnreachable = false;
    for (const delay of RECONNECT_DELAYS_MS) {
      window.setTimeout(() => this.feed.notifyReconnected(), delay);
    }
  }

  readonly commands;
  readonly requests: Requests;
  readonly runs: RunsApi;
  readonly jobs: JobsApi;
  readonly exports: ExportsApi;
  readonly feed: RunFeed;
  readonly trans;
  headers: IMlops['headers'] = 'tagged';
  showTime = true;
  readonly currentChanged = new Signal<unknown, void>(this);
  readonly settingsChanged = new Signal<unknown, void>(this);

  get current(): NotebookPanel | null {
    return this._current && !this._current.isDisposed && this.tracker.has(this._current)
      ? this._current
      : null;
  }

  stateFor(panel: NotebookPanel): INotebookState {
    const { context } = panel;
    let state = this._states.get(context);
    if (!state) {
      const runs = new RunList(this.runs, this.feed, { notebook: context.localPath });
      state = {
        pipeline: new PipelineModel(context, this._pipelines),
        runs,
        parameters: new ParametersModel()
      };
      this._states.set(context, state);
      context.disposed.connect(() => runs.dispose());
      context.pathChanged.connect(() => {
        void runs.select({ notebook: context.localPath });
        state!.pipeline.refresh();
      });
      const { pipeline } = state;
      const refreshPipeline = (_: unknown, event: IRunEvent) => {
        if (event.kind === 'run' && event.notebook === context.localPath && !ACTIVE.includes(event.state!)) {
          pipeline.refresh(); // a run shows which step writes what
        }
      };
      this.feed.eventReceived.connect(refreshPipeline);
      context.disposed.connect(() => this.feed.eventReceived.disconnect(refreshPipeline));
      void runs.refresh();
    }
    return state;
  }

  private _pipelines: PipelineApi;
  private _serverUnreachable = false;
  private _current: NotebookPanel | null = null;
  private _states = new WeakMap<object, INotebookState>();
}

/** What all other plugins stand on. */
export const mlops: JupyterFrontEndPlugin<IMlops> = {
  id: `${PLUGIN}:plugin`,
  description: 'Pipelines and runs of open notebooks.',
  autoStart: true,
  requires: [INotebookTracker],
  optional: [ITranslator, ISettingRegistry],
  provides: IMlops,
  activate: (
    app: JupyterFrontEnd,
    tracker: INotebookTracker,
    translator: ITranslator | null,
    settings: ISettingRegistry | null
  ): IMlops => {
    const instance = new Mlops(app, tracker, translator ?? nullTranslator);
    const applySettings = (loadedSettings: ISettingRegistry.ISettings) => {
      instance.headers = loadedSettings.composite.cellHeaders as IMlops['headers'];
      instance.showTime = loadedSettings.composite.showTime as boolean;
      instance.settingsChanged.emit();
    };
    settings?.load(`${PLUGIN}:plugin`).then(
      loadedSettings => {
        loadedSettings.changed.connect(applySettings);
        applySettings(loadedSettings);
      },
      reason => console.error('jupyter-mlops: the settings could not be read', reason)
    );
    return instance;
  }
};
