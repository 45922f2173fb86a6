import { MainAreaWidget } from '@jupyterlab/apputils';
import { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget } from '@jupyterlab/ui-components';
import { ISignal, Signal } from '@lumino/signaling';
import * as React from 'react';
import { IRunEvent } from '../events';
import { formatDuration, formatParameters, formatTime } from '../format';
import { stepColors } from '../stepColors';
import { mlopsIcon } from '../icons';
import { errorMessage } from '../request';
import { useRequest, useSignal, useSlot, useStable } from '../hooks';
import { StateBadge } from '../stateBadge';
import { TabPanel, Tabs } from '../tabs';
import { Placeholder } from '../notices';
import { IMlops } from '../tokens';
import { Analysis, Run, StepRun } from '../types';
import { withErrorDialog, IRunActions } from './actions';
import { ComparisonView } from './compare';
import { FailureBox } from './failure';
import { Log } from './log';
import { Metrics } from './metrics';
import { ACTIVE, stepsOf } from './model';
import { ExecutedNotebook, INotebookServices } from './notebook';
import { RunParameters } from './parameters';
import { spansOf } from './spans';
import { Timeline } from './timeline';
import { useReproduction, VerdictBox } from './verdict';
import { Reasons } from './reasons';

const Graph = React.lazy(() => import('../pipeline/graph'));

/** What a run page needs beside the server. */
export interface IRunPageServices extends INotebookServices {
  actions: IRunActions;
  openNotebook: (path: string) => void;
}

const TABS = ['graph', 'timeline', 'notebook', 'parameters', 'metrics', 'log', 'compare'] as const;
export type RunTab = (typeof TABS)[number];

/** What of a run's page is kept when JupyterLab is loaded again. */
export interface IRunView {
  tab: RunTab;
  /** The run that it is compared with; '' for none. */
  other: string;
}

/** The page of one run. */
export function runPage(mlops: IMlops, id: string, services: IRunPageServices): MainAreaWidget<RunWidget> {
  const page = new MainAreaWidget({ content: new RunWidget(mlops, id, services) });
  page.toolbar.hide();
  page.id = `jupyter-mlops-run-${id}`;
  page.title.label = mlops.trans.__('run %1', id.slice(-8));
  page.title.caption = mlops.trans.__('Run %1', id);
  page.title.icon = mlopsIcon;
  page.title.closable = true;
  page.content.nameChanged.connect((_, name) => {
    page.title.label = mlops.trans.__('%1 · run %2', name, id.slice(-8));
  });
  return page;
}

export class RunWidget extends ReactWidget {
  constructor(
    private readonly _mlops: IMlops,
    readonly run: string,
    private readonly _services: IRunPageServices
  ) {
    super();
    this.addClass('jp-mlops-page');
  }

  get view(): IRunView {
    return this._view;
  }

  /** Show a part of the page. */
  readonly setView = (view: Partial<IRunView>): void => {
    const newView = { ...this._view, ...view };
    if (newView.tab === 'compare' && !newView.other) {
      newView.tab = 'graph';
    }
    this._view = TABS.includes(newView.tab) ? newView : { ...newView, tab: 'graph' };
    this.update();
    this._viewChanged.emit();
  };

  get viewChanged(): ISignal<RunWidget, void> {
    return this._viewChanged;
  }

  /** Emitted with the name of what was run, once it is known. */
  readonly nameChanged = new Signal<RunWidget, string>(this);

  render(): JSX.Element {
    return (
      <RunPage
        mlops={this._mlops}
        id={this.run}
        services={this._services}
        view={this._view}
        setView={this.setView}
        onNameChange={this._onNameChange}
      />
    );
  }

  private readonly _onNameChange = (name: string) => this.nameChanged.emit(name);
  private _view: IRunView = { tab: 'graph', other: '' };
  private _viewChanged = new Signal<RunWidget, void>(this);
}

interface IPageProps {
  mlops: IMlops;
  id: string;
  services: IRunPageServices;
  view: IRunView;
  setView: (view: Partial<IRunView>) => void;
  onNameChange: (name: string) => void;
}

function RunPage(props: IPageProps): JSX.Element {
  const { mlops, id, services, view, setView, onNameChange } = props;
  const { trans, feed } = mlops;
  const [cell, setCell] = React.useState<number | undefined>();
  useSignal(
    feed.eventReceived,
    React.useCallback((event: IRunEvent) => event.run === id, [id])
  );
  const runRequest = useRequest(() => mlops.runs.get(id), [id]);
  const { refetch } = runRequest;
  useSlot(feed.reconnected, refetch);
  useSlot(
    feed.eventReceived,
    React.useCallback(event => event.run === id && event.kind === 'run' && refetch(), [id, refetch])
  );
  const run = runRequest.value;
  const name = run
    ? (run.job ??
      run.notebook
        ?.split('/')
        .pop()
        ?.replace(/\.ipynb$/, '') ??
      '')
    : '';
  React.useEffect(() => {
    name && onNameChange(name);
  }, [name, onNameChange]);
  const isFinished = run ? !ACTIVE.includes(run.state) : false;
  const liveRun = feed.live(id);
  const liveSteps = liveRun ? Array.from(liveRun.steps.values()).filter(step => step.end).length : 0;
  const notebook = useRequest<Record<string, unknown>>(
    () => (run && run.state !== 'queued' ? mlops.runs.notebook(id) : Promise.resolve({})),
    [id, run?.state, isFinished, liveSteps]
  );
  const reproduction = useReproduction(mlops, run);
  if (!run) {
    return (
      <div className="jp-mlops-placeholder" role={runRequest.problem ? 'alert' : 'status'}>
        {runRequest.problem ? errorMessage(runRequest.problem) : trans.__('Loading…')}
      </div>
    );
  }
  const live = feed.live(id);
  const steps = stepsOf(run, live);
  const spans = spansOf(notebook.value, live);
  const showCell = (index?: number) => {
    setCell(index);
    setView({ tab: 'notebook' });
  };
  const compare = (other: string) => setView({ tab: other ? 'compare' : 'graph', other });
  const tabs = TABS.filter(tab => tab !== 'compare' || view.other);
  const key = `jp-mlops-run-${id}`;
  return (
    <div className="jp-mlops-view jp-mlops-run-page">
      <RunHeader {...props} run={run} name={name} reproduction={reproduction} compare={compare} />
      {run.error ? (
        <FailureBox
          mlops={mlops}
          run={run}
          onShow={() => showCell(run.error!.cell)}
          compare={runId => compare(runId)}
        />
      ) : null}
      {reproduction.reproduction ? (
        <VerdictBox
          mlops={mlops}
          reproduction={reproduction.reproduction}
          open={services.actions.open}
          showCell={showCell}
          compare={compare}
        />
      ) : null}
      <Tabs
        id={key}
        label={trans.__('Parts of the run')}
        names={tabs}
        labels={{
          graph: trans.__('Graph'),
          timeline: trans.__('Timeline'),
          notebook: trans.__('Notebook'),
          parameters: trans.__('Parameters'),
          metrics: trans.__('Metrics'),
          log: trans.__('Log'),
          compare: trans.__('Compare')
        }}
        value={view.tab}
        onChange={tab => setView({ tab })}
      />
      <TabPanel id={key} name={view.tab}>
        {view.tab === 'graph' ? (
          <RunGraph mlops={mlops} run={run} steps={steps} notebook={notebook.value} />
        ) : null}
        {view.tab === 'timeline' ? (
          <>
            <Timeline steps={steps} spans={spans} trans={trans} />
            <Reasons steps={run.steps} trans={trans} />
          </>
        ) : null}
        {view.tab === 'notebook' ? (
          <ExecutedNotebook mlops={mlops} notebook={notebook.value} services={services} cellIndex={cell} />
        ) : null}
        {view.tab === 'parameters' ? <RunParameters mlops={mlops} run={run} /> : null}
        {view.tab === 'metrics' ? <Metrics mlops={mlops} run={run} rendermime={services.rendermime} /> : null}
        {view.tab === 'log' ? <Log mlops={mlops} run={run} steps={steps} notebook={notebook.value} /> : null}
        {view.tab === 'compare' && view.other ? (
          <ComparisonView mlops={mlops} first={view.other} second={id} />
        ) : null}
      </TabPanel>
    </div>
  );
}

/** What the run is, how it stands, and what can be done with it. */
function RunHeader(
  props: IPageProps & {
    run: Run;
    name: string;
    reproduction: ReturnType<typeof useReproduction>;
    compare: (other: string) => void;
  }
): JSX.Element {
  const { mlops, run, services, name, reproduction } = props;
  const { trans } = mlops;
  const isFinished = !ACTIVE.includes(run.state);
  const rerun = () =>
    withErrorDialog(trans.__('The run could not be started'), async () => {
      const target = run.job
        ? { job: run.version ? `${run.job}@${run.version}` : run.job }
        : { notebook: run.notebook! };
      const newRun = await mlops.runs.start({ ...target, parameters: run.parameters });
      services.actions.open(newRun.id);
    });
  const summary = [
    formatDuration(run.seconds),
    run.version,
    formatParameters(run.parameters) || trans.__('defaults'),
    formatTime(run.started ?? run.created),
    run.attempt > 1 ? trans.__('attempt %1', run.attempt) : '',
    { reproduce: trans.__('reproduction of another run'), schedule: trans.__('started by a schedule') }[
      run.trigger
    ]
  ].filter(Boolean);
  return (
    <header className="jp-mlops-row jp-mlops-head">
      <div className="jp-mlops-grow">
        <h2>
          <StateBadge state={run.state} trans={trans} /> <span>{name}</span>
        </h2>
        <div className="jp-mlops-secondary">
          {summary.join(' · ')}
          <Engine run={run} trans={trans} />
        </div>
        {run.notes.map((note, index) => (
          <div key={index} className="jp-mlops-secondary">
            {note}
          </div>
        ))}
      </div>
      <div className="jp-mlops-row">
        {!run.engine && (run.state === 'failed' || run.state === 'stopped') ? (
          <button className="jp-mod-styled jp-mod-accept" onClick={() => void services.actions.repair(run)}>
            {run.state === 'failed' ? trans.__('Repair') : trans.__('Resume')}
          </button>
        ) : null}
        {isFinished ? (
          <button className="jp-mod-styled" onClick={() => void rerun()}>
            {trans.__('Run again')}
          </button>
        ) : run.engine ? null : (
          <button
            className="jp-mod-styled"
            onClick={() =>
              void withErrorDialog(trans.__('The run could not be stopped'), () => mlops.runs.stop(run.id))
            }
          >
            {trans.__('Stop')}
          </button>
        )}
        {run.state === 'completed' ? (
          <button
            className="jp-mod-styled"
            disabled={reproduction.isRunning}
            title={trans.__('Run it again without cached results, and compare every output and file')}
            onClick={reproduction.start}
          >
            {trans.__('Reproduce')}
          </button>
        ) : null}
        <CompareWith mlops={mlops} run={run} value={props.view.other} onChange={props.compare} />
        {run.notebook ? (
          <button className="jp-mod-styled" onClick={() => services.openNotebook(run.notebook!)}>
            {trans.__('Open notebook')}
          </button>
        ) : null}
        {isFinished ? (
          <a
            className="jp-mlops-link"
            href={mlops.runs.reportUrl(run.id)}
            target="_blank"
            rel="noopener noreferrer"
          >
            {trans.__('Report')}
          </a>
        ) : null}
      </div>
    </header>
  );
}

/** Another run of the same, to be compared with. */
/** The engine of a run that no worker of ours executes, with a link to its page there. */
function Engine(props: { run: Run; trans: TranslationBundle }): JSX.Element | null {
  const { run, trans } = props;
  if (!run.engine) {
    return null;
  }
  const text = trans.__('on %1', run.engine);
  return (
    <>
      {' · '}
      {run.engine_url ? (
        <a className="jp-mlops-link" href={run.engine_url} target="_blank" rel="noopener noreferrer">
          {text}
        </a>
      ) : (
        text
      )}
    </>
  );
}

function CompareWith(props: {
  mlops: IMlops;
  run: Run;
  value: string;
  onChange: (run: string) => void;
}): JSX.Element {
  const { mlops, run } = props;
  const { trans } = mlops;
  const siblings = useRequest(
    () => mlops.runs.list({ notebook: run.notebook ?? undefined, job: run.job ?? undefined, limit: 50 }),
    [run.id]
  );
  const otherRuns = (siblings.value?.runs ?? []).filter(otherRun => otherRun.id !== run.id);
  return (
    <select
      className="jp-mlops-choice"
      aria-label={trans.__('Compare with')}
      value={props.value}
      disabled={!otherRuns.length && !props.value}
      onChange={event => props.onChange(event.target.value)}
    >
      <option value="">{trans.__('Compare with…')}</option>
      {props.value && !otherRuns.some(otherRun => otherRun.id === props.value) ? (
        <option value={props.value}>{props.value}</option>
      ) : null}
      {otherRuns.map(otherRun => (
        <option key={otherRun.id} value={otherRun.id}>
          {formatTime(otherRun.started ?? otherRun.created)} {otherRun.state}{' '}
          {formatParameters(otherRun.parameters)}
        </option>
      ))}
    </select>
  );
}

function RunGraph(props: {
  mlops: IMlops;
  run: Run;
  steps: StepRun[];
  notebook?: Record<string, unknown>;
}): JSX.Element {
  const { mlops } = props;
  const { trans } = mlops;
  const steps = useStable(props.steps);
  const runsByStep = React.useMemo(() => new Map(steps.map(step => [step.name, step])), [steps]);
  const pipelineRequest = useRequest<Analysis>(
    () => mlops.runs.pipeline(props.run.id),
    [props.run.id, props.run.attempt]
  );
  const pipeline = pipelineRequest.value?.pipeline;
  if (!pipeline || !pipeline.steps.length) {
    return (
      <Timeline steps={steps} spans={spansOf(props.notebook, mlops.feed.live(props.run.id))} trans={trans} />
    );
  }
  return (
    <React.Suspense fallback={<Placeholder trans={trans}>{trans.__('Drawing…')}</Placeholder>}>
      <Graph
        pipeline={pipeline}
        colors={stepColors(pipeline.steps.map(step => step.name))}
        runs={runsByStep}
        trans={trans}
      />
    </React.Suspense>
  );
}
