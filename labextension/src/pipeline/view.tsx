import { errorMessage } from '../request';
import { NotebookPanel } from '@jupyterlab/notebook';
import * as React from 'react';
import { stepsOf } from '../runs/model';
import { useSignal, useStable } from '../hooks';
import { Placeholder, Problem } from '../notices';
import { IMlops } from '../tokens';
import { StepRun } from '../types';
import { showCells } from './showCells';

const Graph = React.lazy(() => import('./graph'));

/** Scroll to a step's first cell, and select all of its cells. */
export function showStep(mlops: IMlops, panel: NotebookPanel, name: string): void {
  const { pipeline } = mlops.stateFor(panel);
  const step = pipeline.pipeline?.steps.find(pipelineStep => pipelineStep.name === name);
  if (step) {
    const ids = new Set(step.cells.map(cellIndex => pipeline.cellId(cellIndex)));
    const indices = panel.content.widgets.flatMap((cell, cellIndex) =>
      ids.has(cell.model.id) ? [cellIndex] : []
    );
    showCells(panel, indices);
  }
}

/** The graph of a notebook, with its latest run. */
export function PipelineView(props: { mlops: IMlops; panel: NotebookPanel; run: () => void }): JSX.Element {
  const { mlops, panel } = props;
  const { trans } = mlops;
  const { pipeline, runs } = mlops.stateFor(panel);
  useSignal(pipeline.changed);
  useSignal(runs.changed);
  const run = runs.latest;
  const steps = useStable(run ? stepsOf(run, runs.feed.live(run.id)) : []);
  const runsByStep = React.useMemo(
    () => new Map<string, StepRun>(steps.map(step => [step.name, step])),
    [steps]
  );
  const [message, setMessage] = React.useState('');

  if (!pipeline.ready) {
    return <Placeholder trans={trans}>{trans.__('Reading the notebook…')}</Placeholder>;
  }
  if (pipeline.suggestion) {
    const { steps: suggestedSteps } = pipeline.suggestion;
    return (
      <div className="jp-mlops-placeholder" role="status">
        <p>{trans._n('%1 step is suggested.', '%1 steps are suggested.', suggestedSteps.length)}</p>
        <div>
          <button className="jp-mod-styled jp-mod-reject" onClick={() => pipeline.dismissSuggestion()}>
            {trans.__('Dismiss')}
          </button>{' '}
          <button className="jp-mod-styled jp-mod-accept" onClick={() => pipeline.acceptSuggestion()}>
            {trans.__('Accept')}
          </button>
        </div>
        <p className="jp-mlops-small">{suggestedSteps.map(step => step.name).join(', ')}</p>
      </div>
    );
  }
  if (!pipeline.tagged) {
    return (
      <div className="jp-mlops-placeholder">
        <p>{message || trans.__('No cell is tagged yet: the notebook runs as one step.')}</p>
        <div>
          <button
            className="jp-mod-styled jp-mod-accept"
            onClick={() => void pipeline.suggest().then(setMessage, error => setMessage(errorMessage(error)))}
          >
            {trans.__('Suggest steps')}
          </button>{' '}
          <button className="jp-mod-styled" onClick={props.run}>
            {trans.__('Run as it is')}
          </button>
        </div>
      </div>
    );
  }
  return (
    <>
      <Problem>{pipeline.problem}</Problem>
      {pipeline.pipeline && pipeline.pipeline.steps.length ? (
        <React.Suspense fallback={<Placeholder trans={trans}>{trans.__('Drawing…')}</Placeholder>}>
          <Graph
            pipeline={pipeline.pipeline}
            colors={pipeline.stepColors}
            runs={runsByStep}
            trans={trans}
            onOpen={name => showStep(mlops, panel, name)}
          />
        </React.Suspense>
      ) : null}
    </>
  );
}
