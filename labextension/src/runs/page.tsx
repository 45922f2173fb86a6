import { MainAreaWidget } from '@jupyterlab/apputils';
import { ReactWidget } from '@jupyterlab/ui-components';
import { ISignal, Signal } from '@lumino/signaling';
import * as React from 'react';
import { duration, given, moment } from '../format';
import { huesOf } from '../hues';
import { mlopsIcon } from '../icons';
import { wordsOf } from '../request';
import { useAnswer, useSignal } from '../signal';
import { StateMark } from '../states';
import { TabPart, Tabs } from '../tabs';
import { IMlops } from '../tokens';
import { Analysis, Run, StepRun } from '../types';
import { attempt, IRunDoor } from './actions';
import { Compare } from './compare';
import { FailureBox } from './failure';
import { Log } from './log';
import { Metrics } from './metrics';
import { ACTIVE, stepsOf } from './model';
import { ExecutedNotebook, INotebookParts } from './notebook';
import { RunParameters } from './parameters';
import { spansOf } from './spans';
import { Timeline } from './timeline';
import { useReproduction, VerdictBox } from './verdict';

const Graph = React.lazy(() => import('../pipeline/graph'));

/** What a run page needs beside the server. */
export interface IRunParts extends INotebookParts {
  door: IRunDoor;
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
export function runPage(mlops: IMlops, id: string, parts: IRunParts): MainAreaWidget<RunWidget> {
  const page = new MainAreaWidget({ content: new RunWidget(mlops, id, parts) });
  page.id = `jupyter-mlops-run-${id}`;
  page.title.label = mlops.trans.__('run %1', id.slice(-8));
  page.title.caption = mlops.trans.__('Run %1', id);
  page.title.icon = mlopsIcon;
  page.title.closable = true;
  page.content.named.connect((_, name) => {
    page.title.label = mlops.trans.__('%1 · run %2', name, id.slice(-8));
  });
  return page;
}

export class RunWidget extends ReactWidget {
  constructor(
    private readonly _mlops: IMlops,
    readonly run: string,
    private readonly _parts: IRunParts
  ) {
    super();
    this.addClass('jp-mlops-page');
  }

  get view(): IRunView {
    return this._view;
  }

  /** Show a part of the page. */
  showPart(view: Partial<IRunView>): void {
    const made = { ...this._view, ...view };
    if (made.tab === 'compare' && !made.other) {
      made.tab = 'graph';
    }
    this._view = TABS.includes(made.tab) ? made : { ...made, tab: 'graph' };
    this.update();
    this._viewChanged.emit();
  }

  get viewChanged(): ISignal<RunWidget, void> {
    return this._viewChanged;
  }

  /** Emitted with the name of what was run, once it is known. */
  readonly named = new Signal<RunWidget, string>(this);

  render(): JSX.Element {
    return (
      <RunPage
        mlops={this._mlops}
        id={this.run}
        parts={this._parts}
        view={this._view}
        show={view => this.showPart(view)}
        onName={name => this.named.emit(name)}
      />
    );
  }

  private _view: IRunView = { tab: 'graph', other: '' };
  private _viewChanged = new Signal<RunWidget, void>(this);
}

interface IPageProps {
  mlops: IMlops;
  id: string;
  parts: IRunParts;
  view: IRunView;
  show: (view: Partial<IRunView>) => void;
  onName: (name: string) => void;
}

function RunPage(props: IPageProps): JSX.Element {
  const { mlops, id, parts, view, show } = props;
  const { trans, feed } = mlops;
  const [cell, setCell] = React.useState<number | undefined>();
  useSignal(feed.heard);
  const told = useAnswer(() => mlops.runs.get(id), [id]);
  React.useEffect(() => {
    const hear = (_: unknown, event: { run: string; kind: string }) => {
      if (event.run === id && event.kind === 'run') {
        told.again();
      }
    };
    feed.heard.connect(hear);
    feed.returned.connect(told.again);
    return () => {
      feed.heard.disconnect(hear);
      feed.returned.disconnect(told.again);
    };
  }, [id]);
  const run = told.value;
  const name = run
    ? (run.job ??
      run.notebook
        ?.split('/')
        .pop()
        ?.replace(/\.ipynb$/, '') ??
      '')
    : '';
  React.useEffect(() => {
    name && props.onName(name);
  }, [name]);
  const over = run ? !ACTIVE.includes(run.state) : false;
  const known = feed.live(id);
  const liveSteps = known ? Array.from(known.steps.values()).filter(step => step.end).length : 0;
  const notebook = useAnswer<Record<string, unknown>>(
    () => (run && run.state !== 'queued' ? mlops.runs.notebook(id) : Promise.resolve({})),
    [id, run?.state, over, liveSteps]
  );
  const again = useReproduction(mlops, run);
  if (!run) {
    return (
      <div className="jp-mlops-empty" role={told.problem ? 'alert' : 'status'}>
        {told.problem ? wordsOf(told.problem) : trans.__('Loading…')}
      </div>
    );
  }
  const live = feed.live(id);
  const steps = stepsOf(run, live);
  const spans = spansOf(notebook.value, live);
  const showCell = (at?: number) => {
    setCell(at);
    show({ tab: 'notebook' });
  };
  const compare = (other: string) => show({ tab: other ? 'compare' : 'graph', other });
  const tabs = TABS.filter(one => one !== 'compare' || view.other);
  const key = `jp-mlops-run-${id}`;
  return (
    <div className="jp-mlops-run-page">
      <RunHead {...props} run={run} name={name} again={again} compare={compare} />
      {run.error ? (
        <FailureBox
          mlops={mlops}
          run={run}
          onShow={() => showCell(run.error!.cell)}
          compare={good => compare(good)}
        />
      ) : null}
      {again.told ? (
        <VerdictBox
          mlops={mlops}
          told={again.told}
          open={parts.door.open}
          showCell={showCell}
          compare={compare}
        />
      ) : null}
      <Tabs
        id={key}
        label={trans.__('Parts of the run')}
        names={tabs}
        words={{
          graph: trans.__('Graph'),
          timeline: trans.__('Timeline'),
          notebook: trans.__('Notebook'),
          parameters: trans.__('Parameters'),
          metrics: trans.__('Metrics'),
          log: trans.__('Log'),
          compare: trans.__('Compare')
        }}
        value={view.tab}
        onChange={tab => show({ tab })}
      />
      <TabPart id={key} name={view.tab}>
        {view.tab === 'graph' ? (
          <RunGraph mlops={mlops} run={run} steps={steps} notebook={notebook.value} />
        ) : null}
        {view.tab === 'timeline' ? <Timeline steps={steps} spans={spans} trans={trans} /> : null}
        {view.tab === 'notebook' ? (
          <ExecutedNotebook mlops={mlops} notebook={notebook.value} parts={parts} show={cell} />
        ) : null}
        {view.tab === 'parameters' ? <RunParameters mlops={mlops} run={run} /> : null}
        {view.tab === 'metrics' ? <Metrics mlops={mlops} run={run} rendermime={parts.rendermime} /> : null}
        {view.tab === 'log' ? <Log mlops={mlops} run={run} steps={steps} notebook={notebook.value} /> : null}
        {view.tab === 'compare' && view.other ? (
          <Compare mlops={mlops} first={view.other} second={id} />
        ) : null}
      </TabPart>
    </div>
  );
}

/** What the run is, how it stands, and what can be done with it. */
function RunHead(
  props: IPageProps & {
    run: Run;
    name: string;
    again: ReturnType<typeof useReproduction>;
    compare: (other: string) => void;
  }
): JSX.Element {
  const { mlops, run, parts, name, again } = props;
  const { trans } = mlops;
  const over = !ACTIVE.includes(run.state);
  const repeat = () =>
    attempt(trans.__('The run could not be started'), async () => {
      const target = run.job
        ? { job: run.version ? `${run.job}@${run.version}` : run.job }
        : { notebook: run.notebook! };
      const made = await mlops.runs.start({ ...target, parameters: run.parameters });
      parts.door.open(made.id);
    });
  const words = [
    duration(run.seconds),
    run.version,
    given(run.parameters) || trans.__('defaults'),
    moment(run.started ?? run.created),
    run.attempt > 1 ? trans.__('attempt %1', run.attempt) : '',
    { reproduce: trans.__('made to reproduce another'), schedule: trans.__('by its schedule') }[run.trigger]
  ].filter(Boolean);
  return (
    <header className="jp-mlops-head">
      <div className="jp-mlops-head-words">
        <h2>
          <StateMark state={run.state} trans={trans} /> <span>{name}</span>
        </h2>
        <div className="jp-mlops-quiet">{words.join(' · ')}</div>
        {run.notes.map((note, at) => (
          <div key={at} className="jp-mlops-quiet">
            {note}
          </div>
        ))}
      </div>
      <div className="jp-mlops-head-acts">
        {run.state === 'failed' || run.state === 'stopped' ? (
          <button className="jp-mod-styled jp-mod-accept" onClick={() => void parts.door.repair(run)}>
            {run.state === 'failed' ? trans.__('Repair') : trans.__('Resume')}
          </button>
        ) : null}
        {over ? (
          <button className="jp-mod-styled" onClick={() => void repeat()}>
            {trans.__('Run again')}
          </button>
        ) : (
          <button
            className="jp-mod-styled"
            onClick={() =>
              void attempt(trans.__('The run could not be stopped'), () => mlops.runs.stop(run.id))
            }
          >
            {trans.__('Stop')}
          </button>
        )}
        {run.state === 'completed' ? (
          <button
            className="jp-mod-styled"
            disabled={again.going}
            title={trans.__('Run it again without kept results, and compare every output and file')}
            onClick={again.begin}
          >
            {trans.__('Reproduce')}
          </button>
        ) : null}
        <CompareWith mlops={mlops} run={run} value={props.view.other} onChange={props.compare} />
        {run.notebook ? (
          <button className="jp-mod-styled" onClick={() => parts.openNotebook(run.notebook!)}>
            {trans.__('Open notebook')}
          </button>
        ) : null}
        {over ? (
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
function CompareWith(props: {
  mlops: IMlops;
  run: Run;
  value: string;
  onChange: (run: string) => void;
}): JSX.Element {
  const { mlops, run } = props;
  const { trans } = mlops;
  const siblings = useAnswer(
    () => mlops.runs.list({ notebook: run.notebook ?? undefined, job: run.job ?? undefined, limit: 50 }),
    [run.id]
  );
  const others = (siblings.value?.runs ?? []).filter(one => one.id !== run.id);
  return (
    <select
      className="jp-mlops-choice"
      aria-label={trans.__('Compare with')}
      value={props.value}
      disabled={!others.length && !props.value}
      onChange={event => props.onChange(event.target.value)}
    >
      <option value="">{trans.__('Compare with…')}</option>
      {props.value && !others.some(one => one.id === props.value) ? (
        <option value={props.value}>{props.value}</option>
      ) : null}
      {others.map(one => (
        <option key={one.id} value={one.id}>
          {moment(one.started ?? one.created)} {one.state} {given(one.parameters)}
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
  const { mlops, steps } = props;
  const { trans } = mlops;
  const text = JSON.stringify(steps);
  const by = React.useMemo(() => new Map(steps.map(step => [step.name, step])), [text]);
  const told = useAnswer<Analysis>(
    () => mlops.runs.pipeline(props.run.id),
    [props.run.id, props.run.attempt]
  );
  const pipeline = told.value?.pipeline;
  if (!pipeline || !pipeline.steps.length) {
    return (
      <Timeline steps={steps} spans={spansOf(props.notebook, mlops.feed.live(props.run.id))} trans={trans} />
    );
  }
  return (
    <React.Suspense fallback={<div className="jp-mlops-empty">{trans.__('Drawing…')}</div>}>
      <Graph pipeline={pipeline} hues={huesOf(pipeline.steps.map(one => one.name))} runs={by} trans={trans} />
    </React.Suspense>
  );
}
