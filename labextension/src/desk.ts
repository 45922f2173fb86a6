import { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { Signal } from '@lumino/signaling';
import { IRunEvent, RunFeed } from './events';
import { JobsApi } from './jobs/api';
import { ParametersModel } from './parameters/model';
import { PipelineApi } from './pipeline/api';
import { PipelineModel } from './pipeline/model';
import { Requests } from './request';
import { RunsApi } from './runs/api';
import { ACTIVE, RunList } from './runs/model';
import { IMlops, INotebookDesk, PLUGIN } from './tokens';

const HEARD_AGAIN = [0, 8_000, 35_000]; // ms after which JupyterLab's stream of events is there again at the latest

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
    if (this._away) {
      return;
    }
    this._away = true;
    for (let wait = 1000; ; wait = Math.min(30_000, wait * 1.5)) {
      await new Promise(resolve => window.setTimeout(resolve, wait));
      try {
        await this.runs.worker();
        break;
      } catch {
        // not yet
      }
    }
    this._away = false;
    for (const wait of HEARD_AGAIN) {
      window.setTimeout(() => this.feed.noteReturn(), wait);
    }
  }

  readonly commands;
  readonly requests: Requests;
  readonly runs: RunsApi;
  readonly jobs: JobsApi;
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

  desk(panel: NotebookPanel): INotebookDesk {
    const { context } = panel;
    let known = this._desks.get(context);
    if (!known) {
      const runs = new RunList(this.runs, this.feed, () => ({ notebook: context.localPath }));
      known = {
        pipeline: new PipelineModel(context, this._pipelines),
        runs,
        parameters: new ParametersModel()
      };
      this._desks.set(context, known);
      context.disposed.connect(() => runs.dispose());
      context.pathChanged.connect(() => {
        void runs.refresh();
        known!.pipeline.refresh();
      });
      const { pipeline } = known;
      const learn = (_: unknown, event: IRunEvent) => {
        if (event.kind === 'run' && event.notebook === context.localPath && !ACTIVE.includes(event.state!)) {
          pipeline.refresh(); // a run shows which step writes what
        }
      };
      this.feed.heard.connect(learn);
      context.disposed.connect(() => this.feed.heard.disconnect(learn));
      void runs.refresh();
    }
    return known;
  }

  private _pipelines: PipelineApi;
  private _away = false;
  private _current: NotebookPanel | null = null;
  private _desks = new WeakMap<object, INotebookDesk>();
}

/** What all other plugins stand on. */
export const desk: JupyterFrontEndPlugin<IMlops> = {
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
    const made = new Mlops(app, tracker, translator ?? nullTranslator);
    const take = (known: ISettingRegistry.ISettings) => {
      made.headers = known.composite.cellHeaders as IMlops['headers'];
      made.showTime = known.composite.showTime as boolean;
      made.settingsChanged.emit();
    };
    settings?.load(`${PLUGIN}:plugin`).then(
      known => {
        known.changed.connect(take);
        take(known);
      },
      reason => console.error('jupyter-mlops: the settings could not be read', reason)
    );
    return made;
  }
};
