import { NotebookPanel } from '@jupyterlab/notebook';
import * as React from 'react';
import { stepsOf } from '../runs/model';
import { useSignal } from '../signal';
import { IMlops } from '../tokens';
import { StepRun } from '../types';
import { showCells } from './reveal';

const Graph = React.lazy(() => import('./graph'));

/** Scroll to a step's first cell, and select all of its cells. */
export function showStep(mlops: IMlops, panel: NotebookPanel, name: string): void {
  const { pipeline } = mlops.desk(panel);
  const step = pipeline.pipeline?.steps.find(one => one.name === name);
  if (step) {
    const ids = new Set(step.cells.map(at => pipeline.cellId(at)));
    const places = panel.content.widgets.flatMap((cell, at) => (ids.has(cell.model.id) ? [at] : []));
    showCells(panel, places);
  }
}

/** The graph of a notebook, with its latest run. */
export function PipelineView(props: { mlops: IMlops; panel: NotebookPanel }): JSX.Element {
  const { mlops, panel } = props;
  const { trans } = mlops;
  const { pipeline, runs } = mlops.desk(panel);
  useSignal(pipeline.changed, runs.changed);
  const run = runs.last;
  const steps = run ? stepsOf(run, runs.feed.live(run.id)) : [];
  const told = JSON.stringify(steps);
  const by = React.useMemo(() => new Map<string, StepRun>(steps.map(step => [step.name, step])), [told]);
  const [message, setMessage] = React.useState('');

  if (!pipeline.ready) {
    return <div className="jp-mlops-empty">{trans.__('Reading the notebook…')}</div>;
  }
  if (pipeline.suggestion) {
    const { steps: found } = pipeline.suggestion;
    return (
      <div className="jp-mlops-empty" role="status">
        <p>
          {trans._n('%1 step is suggested', '%1 steps are suggested', found.length)}:{' '}
          {found.map(one => one.name).join(', ')}.
        </p>
        <div className="jp-mlops-buttons">
          <button className="jp-mod-styled jp-mod-reject" onClick={() => pipeline.dismissSuggestion()}>
            {trans.__('Dismiss')}
          </button>
          <button className="jp-mod-styled jp-mod-accept" onClick={() => pipeline.acceptSuggestion()}>
            {trans.__('Accept')}
          </button>
        </div>
      </div>
    );
  }
  if (!pipeline.tagged) {
    return (
      <div className="jp-mlops-empty">
        <p>{message || trans.__('No cell is tagged yet: the notebook runs as one step.')}</p>
        <div className="jp-mlops-buttons">
          <button
            className="jp-mod-styled jp-mod-accept"
            onClick={() =>
              void pipeline.suggest().then(setMessage, error => setMessage(String(error.words ?? error)))
            }
          >
            {trans.__('Suggest steps')}
          </button>
          <button className="jp-mod-styled" onClick={() => void mlopsRun(mlops, panel)}>
            {trans.__('Run as it is')}
          </button>
        </div>
      </div>
    );
  }
  return (
    <>
      {pipeline.problem ? (
        <div className="jp-mlops-problem" role="alert">
          {pipeline.problem}
        </div>
      ) : null}
      {pipeline.pipeline && pipeline.pipeline.steps.length ? (
        <React.Suspense fallback={<div className="jp-mlops-empty">{trans.__('Drawing…')}</div>}>
          <Graph
            pipeline={pipeline.pipeline}
            hues={pipeline.hues}
            runs={by}
            trans={trans}
            onOpen={name => showStep(mlops, panel, name)}
          />
        </React.Suspense>
      ) : null}
    </>
  );
}

/** Set by the runs plugin: this folder must not import it. */
let mlopsRun: (mlops: IMlops, panel: NotebookPanel) => Promise<unknown> = async () => undefined;

export function onRun(run: typeof mlopsRun): void {
  mlopsRun = run;
}
