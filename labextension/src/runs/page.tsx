import { MainAreaWidget } from '@jupyterlab/apputils';
import { IEditorServices } from '@jupyterlab/codeeditor';
import { NotebookModel, NotebookPanel, StaticNotebook } from '@jupyterlab/notebook';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { ReactWidget } from '@jupyterlab/ui-components';
import { MessageLoop } from '@lumino/messaging';
import { Widget } from '@lumino/widgets';
import * as React from 'react';
import { duration, given, moment, short } from '../format';
import { huesOf } from '../hues';
import { mlopsIcon } from '../icons';
import { wordsOf } from '../request';
import { useAnswer, useSignal } from '../signal';
import { StateMark } from '../states';
import { IMlops } from '../tokens';
import { Analysis, Run, StepRun } from '../types';
import { attempt, IRunDoor } from './actions';
import { Compare } from './compare';
import { Metrics } from './metrics';
import { ACTIVE, stepsOf } from './model';
import { spansOf } from './spans';
import { Timeline } from './timeline';

const Graph = React.lazy(() => import('../pipeline/graph'));

/** What a run page needs beside the server. */
export interface IRunParts {
  rendermime: IRenderMimeRegistry;
  editors: IEditorServices;
  contentFactory: NotebookPanel.IContentFactory;
  door: IRunDoor;
  openNotebook: (path: string) => void;
}

const TABS = ['graph', 'timeline', 'notebook', 'parameters', 'metrics', 'log', 'compare'] as const;
type Tab = (typeof TABS)[number];

/** The page of one run. */
export function runPage(
  mlops: IMlops,
  id: string,
  parts: IRunParts,
  other = ''
): MainAreaWidget<ReactWidget> {
  const content = ReactWidget.create(<RunPage mlops={mlops} id={id} parts={parts} other={other} />);
  content.addClass('jp-mlops-page');
  const page = new MainAreaWidget({ content });
  page.id = `jupyter-mlops-run-${id}`;
  page.title.label = mlops.trans.__('run %1', id.slice(-8));
  page.title.caption = mlops.trans.__('Run %1', id);
  page.title.icon = mlopsIcon;
  page.title.closable = true;
  return page;
}

function RunPage(props: { mlops: IMlops; id: string; parts: IRunParts; other: string }): JSX.Element {
  const { mlops, id, parts } = props;
  const { trans, feed } = mlops;
  const [tab, setTab] = React.useState<Tab>(props.other ? 'compare' : 'graph');
  const [other, setOther] = React.useState(props.other);
  useSignal(feed.heard);
  const told = useAnswer(() => mlops.runs.get(id), [id]);
  React.useEffect(() => {
    const hear = (_: unknown, event: { run: string; kind: string }) => {
      if (event.run === id && event.kind === 'run') {
        told.again();
      }
    };
    feed.heard.connect(hear);
    return () => {
      feed.heard.disconnect(hear);
    };
  }, [id]);
  const run = told.value;
  const over = run ? !ACTIVE.includes(run.state) : false;
  const known = feed.live(id);
  const liveSteps = known ? Array.from(known.steps.values()).filter(step => step.end).length : 0;
  const notebook = useAnswer<Record<string, unknown>>(
    () => (run && run.state !== 'queued' ? mlops.runs.notebook(id) : Promise.resolve({})),
    [id, run?.state, over, liveSteps]
  );
  const siblings = useAnswer(
    () =>
      run
        ? mlops.runs.list({ notebook: run.notebook ?? undefined, job: run.job ?? undefined, limit: 50 })
        : Promise.reject(),
    [run?.id]
  );
  if (!run) {
    return (
      <div className="jp-mlops-empty" role={told.problem ? 'alert' : 'status'}>
        {told.problem ? wordsOf(told.problem) : trans.__('Loading…')}
      </div>
    );
  }
  const live = feed.live(id);
  const steps = stepsOf(run, live);
  const name = run.job ?? run.notebook ?? '';
  const words: Record<Tab, string> = {
    graph: trans.__('Graph'),
    timeline: trans.__('Timeline'),
    notebook: trans.__('Notebook'),
    parameters: trans.__('Parameters'),
    metrics: trans.__('Metrics'),
    log: trans.__('Log'),
    compare: trans.__('Compare')
  };
  return (
    <div className="jp-mlops-run-page">
      <header>
        <h2>
          <StateMark state={run.state} trans={trans} /> <span>{name}</span>
        </h2>
        <div className="jp-mlops-quiet">
          {[
            duration(run.seconds),
            run.version,
            given(run.parameters),
            moment(run.started ?? run.created),
            run.attempt > 1 ? trans.__('attempt %1', run.attempt) : ''
          ]
            .filter(Boolean)
            .join(' · ')}
        </div>
        <div className="jp-mlops-buttons">
          {over ? (
            <>
              {run.state === 'failed' || run.state === 'stopped' ? (
                <button className="jp-mod-styled jp-mod-accept" onClick={() => void parts.door.repair(run)}>
                  {run.state === 'failed' ? trans.__('Repair') : trans.__('Resume')}
                </button>
              ) : null}
              <button
                className="jp-mod-styled"
                onClick={() =>
                  void attempt(trans.__('The run could not be started'), async () => {
                    const made = await mlops.runs.start(
                      run.job
                        ? {
                            job: run.version ? `${run.job}@${run.version}` : run.job,
                            parameters: run.parameters
                          }
                        : { notebook: run.notebook!, parameters: run.parameters }
                    );
                    parts.door.open(made.id);
                  })
                }
              >
                {trans.__('Run again')}
              </button>
            </>
          ) : (
            <button
              className="jp-mod-styled"
              onClick={() =>
                void attempt(trans.__('The run could not be stopped'), () => mlops.runs.stop(id))
              }
            >
              {trans.__('Stop')}
            </button>
          )}
          <span className="jp-select-wrapper jp-mlops-select">
            <select
              className="jp-mod-styled"
              aria-label={trans.__('Compare with')}
              value={other}
              onChange={event => {
                setOther(event.target.value);
                setTab('compare');
              }}
            >
              <option value="">{trans.__('Compare with…')}</option>
              {(siblings.value?.runs ?? [])
                .filter(one => one.id !== id)
                .map(one => (
                  <option key={one.id} value={one.id}>
                    {moment(one.started ?? one.created)} {one.state} {given(one.parameters)}
                  </option>
                ))}
            </select>
          </span>
          {run.notebook ? (
            <button className="jp-mod-styled" onClick={() => parts.openNotebook(run.notebook!)}>
              {trans.__('Open notebook')}
            </button>
          ) : null}
          {over ? (
            <a
              className="jp-mlops-link"
              href={mlops.runs.reportUrl(id)}
              target="_blank"
              rel="noopener noreferrer"
            >
              {trans.__('Report')}
            </a>
          ) : null}
        </div>
      </header>
      {run.error ? <FailureBox mlops={mlops} run={run} onShow={() => setTab('notebook')} /> : null}
      <div className="jp-mlops-tabs" role="tablist" aria-label={trans.__('Parts of the run')}>
        {TABS.filter(one => one !== 'compare' || other).map(one => (
          <button
            key={one}
            role="tab"
            id={`jp-mlops-tab-${one}-${id}`}
            aria-selected={tab === one}
            aria-controls={`jp-mlops-part-${id}`}
            tabIndex={tab === one ? 0 : -1}
            onClick={() => setTab(one)}
            onKeyDown={event => {
              const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
              if (step) {
                const all = TABS.filter(each => each !== 'compare' || other);
                const next = all[(all.indexOf(one) + step + all.length) % all.length];
                setTab(next);
                document.getElementById(`jp-mlops-tab-${next}-${id}`)?.focus();
              }
            }}
          >
            {words[one]}
          </button>
        ))}
      </div>
      <div
        className="jp-mlops-part"
        data-tab={tab}
        role="tabpanel"
        id={`jp-mlops-part-${id}`}
        aria-labelledby={`jp-mlops-tab-${tab}-${id}`}
        tabIndex={0}
      >
        {tab === 'graph' ? (
          <RunGraph mlops={mlops} run={run} steps={steps} notebook={notebook.value} />
        ) : null}
        {tab === 'timeline' ? (
          <Timeline steps={steps} spans={spansOf(notebook.value, live)} trans={trans} />
        ) : null}
        {tab === 'notebook' ? (
          <ExecutedNotebook notebook={notebook.value} parts={parts} error={run.error?.cell} />
        ) : null}
        {tab === 'parameters' ? <Parameters mlops={mlops} run={run} /> : null}
        {tab === 'metrics' ? <Metrics mlops={mlops} run={run} rendermime={parts.rendermime} /> : null}
        {tab === 'log' ? <Log mlops={mlops} run={run} text={live?.text ?? ''} /> : null}
        {tab === 'compare' && other ? <Compare mlops={mlops} first={other} second={id} /> : null}
      </div>
    </div>
  );
}

const ANSI = /\x1b\[[0-9;]*m/g;

function FailureBox(props: { mlops: IMlops; run: Run; onShow: () => void }): JSX.Element {
  const { trans } = props.mlops;
  const error = props.run.error!;
  const frames = (error.traceback ?? [])
    .map(line => line.replace(ANSI, ''))
    .filter(line => line.includes('Cell') || line.includes('-->'));
  return (
    <section className="jp-mlops-failure" role="alert" aria-label={trans.__('What went wrong')}>
      <strong>
        {error.step ? trans.__('Step %1, cell %2', error.step, (error.cell ?? 0) + 1) : trans.__('The run')}
      </strong>
      <div>
        <code>
          {error.ename}: {error.evalue}
        </code>
      </div>
      {frames.length ? <pre tabIndex={0}>{frames.slice(-3).join('\n')}</pre> : null}
      {error.step ? (
        <button className="jp-mlops-link" onClick={props.onShow}>
          {trans.__('Show cell')}
        </button>
      ) : null}
    </section>
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

function Parameters(props: { mlops: IMlops; run: Run }): JSX.Element {
  const { trans } = props.mlops;
  const told = Object.entries(props.run.parameters);
  return told.length ? (
    <table className="jp-mlops-table">
      <thead>
        <tr>
          <th>{trans.__('Parameter')}</th>
          <th>{trans.__('Value')}</th>
        </tr>
      </thead>
      <tbody>
        {told.map(([name, value]) => (
          <tr key={name}>
            <td>{name}</td>
            <td className="jp-mlops-number">{short(value, 400)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  ) : (
    <div className="jp-mlops-empty">{trans.__('It ran with the defaults.')}</div>
  );
}

/** What the run wrote: from its file at first, then as it comes. */
function Log(props: { mlops: IMlops; run: Run; text: string }): JSX.Element {
  const { mlops, run } = props;
  const [text, setText] = React.useState('');
  const place = React.useRef(0);
  const busy = React.useRef(false);
  const wanted = React.useRef(false);
  const box = React.useRef<HTMLPreElement>(null);
  React.useEffect(() => {
    wanted.current = true;
    if (busy.current) {
      return;
    }
    busy.current = true;
    const read = async () => {
      while (wanted.current) {
        wanted.current = false;
        const told = await mlops.runs.log(run.id, place.current);
        wanted.current = wanted.current || told.next - place.current >= 1 << 20;
        place.current = told.next;
        setText(before => before + told.text);
      }
    };
    void read().finally(() => {
      busy.current = false;
    });
  }, [run.id, run.state, props.text]);
  React.useEffect(() => {
    if (box.current) {
      box.current.scrollTop = box.current.scrollHeight;
    }
  }, [text]);
  return (
    <pre className="jp-mlops-log" ref={box} tabIndex={0} aria-label={mlops.trans.__('Log')}>
      {text.replace(ANSI, '') || mlops.trans.__('Nothing yet.')}
    </pre>
  );
}

/** The executed notebook as JupyterLab shows notebooks, to be read only. */
function ExecutedNotebook(props: {
  notebook?: Record<string, unknown>;
  parts: IRunParts;
  error?: number;
}): JSX.Element {
  const box = React.useRef<HTMLDivElement>(null);
  React.useEffect(() => {
    const node = box.current;
    if (!node || !props.notebook?.cells) {
      return;
    }
    const { rendermime, editors, contentFactory } = props.parts;
    const model = new NotebookModel();
    model.fromJSON(props.notebook as never);
    model.readOnly = true;
    const view = new StaticNotebook({
      rendermime: rendermime.clone(),
      contentFactory,
      mimeTypeService: editors.mimeTypeService,
      notebookConfig: { ...StaticNotebook.defaultNotebookConfig, windowingMode: 'defer' },
      editorConfig: {
        code: { ...StaticNotebook.defaultEditorConfig.code, readOnly: true },
        markdown: { ...StaticNotebook.defaultEditorConfig.markdown, readOnly: true },
        raw: { ...StaticNotebook.defaultEditorConfig.raw, readOnly: true }
      }
    });
    view.model = model;
    view.addClass('jp-mlops-executed');
    MessageLoop.sendMessage(view, Widget.Msg.BeforeAttach);
    node.appendChild(view.node);
    MessageLoop.sendMessage(view, Widget.Msg.AfterAttach);
    const failed = view.widgets.find(cell => {
      const outputs = (cell.model.toJSON() as { outputs?: { output_type: string }[] }).outputs;
      return outputs?.some(output => output.output_type === 'error');
    });
    failed?.node.scrollIntoView({ block: 'center' });
    return () => {
      MessageLoop.sendMessage(view, Widget.Msg.BeforeDetach);
      view.node.remove();
      MessageLoop.sendMessage(view, Widget.Msg.AfterDetach);
      view.dispose();
      model.dispose();
    };
  }, [props.notebook]);
  return <div ref={box} className="jp-mlops-executed-box" />;
}
