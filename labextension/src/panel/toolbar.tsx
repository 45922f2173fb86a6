import { NotebookPanel } from '@jupyterlab/notebook';
import { caretDownIcon, refreshIcon, runIcon, stopIcon } from '@jupyterlab/ui-components';
import { Menu } from '@lumino/widgets';
import * as React from 'react';
import { attempt, IRunDoor, startRun } from '../runs/actions';
import { ACTIVE, stepsOf } from '../runs/model';
import { repairs } from '../steps/repairs';
import { useSignal } from '../signal';
import { stateWord } from '../states';
import { IMlops } from '../tokens';
import { State, Worker } from '../types';

/** The row above the sections: the notebook, and running it. */
export function RunBar(props: {
  mlops: IMlops;
  panel: NotebookPanel | null;
  menu: Menu;
  door: IRunDoor;
}): JSX.Element {
  const { mlops, panel, menu } = props;
  const { trans } = mlops;
  const desk = panel ? mlops.desk(panel) : null;
  useSignal(desk?.runs.changed, desk?.pipeline.changed);
  if (!panel || !desk) {
    return <div className="jp-mlops-empty">{trans.__('Open a notebook to see its pipeline.')}</div>;
  }
  const { runs } = desk;
  const run = runs.active;
  const live = run && runs.feed.live(run.id);
  const steps = run ? stepsOf(run, live) : [];
  const over = steps.filter(step => !ACTIVE.includes(step.state as State)).length;
  const cell = live && live.cell >= 0 ? trans.__('cell %1', live.cell + 1) : '';
  const now = run ? [stateWord(run.state, trans), live?.step ?? '', cell].filter(Boolean).join(' · ') : '';
  return (
    <div className="jp-mlops-bar">
      <div className="jp-mlops-bar-name" title={panel.context.localPath}>
        {panel.title.label}
      </div>
      <div className="jp-mlops-bar-acts">
        {repairs(panel) ? (
          <button className="jp-mlops-button jp-mod-primary" onClick={() => void props.door.resume(panel)}>
            <runIcon.react tag="span" />
            {trans.__('Resume run')}
          </button>
        ) : run ? (
          <button
            className="jp-mlops-button"
            onClick={() => void attempt(trans.__('The run could not be stopped'), () => runs.stop(run))}
          >
            <stopIcon.react tag="span" />
            {trans.__('Stop')}
          </button>
        ) : (
          <button className="jp-mlops-button jp-mod-primary" onClick={() => void startRun(mlops, panel)}>
            <runIcon.react tag="span" />
            {trans.__('Run')}
          </button>
        )}
        <button
          className="jp-mlops-button"
          aria-label={trans.__('More ways to run')}
          aria-haspopup="menu"
          onClick={event => {
            const at = event.currentTarget.getBoundingClientRect();
            menu.open(at.left, at.bottom, { horizontalAlignment: 'left' });
          }}
        >
          <caretDownIcon.react tag="span" />
        </button>
        <button
          className="jp-mlops-button"
          aria-label={trans.__('Refresh')}
          title={trans.__('Refresh')}
          onClick={() => {
            desk.pipeline.refresh();
            void runs.refresh();
          }}
        >
          <refreshIcon.react tag="span" />
        </button>
      </div>
      {run ? (
        <div className="jp-mlops-progress" role="status">
          <progress
            aria-label={trans.__('Steps that are over')}
            max={Math.max(1, steps.length)}
            value={run.state === 'queued' ? 0 : over}
          />
          <span>{now}</span>
        </div>
      ) : null}
      {run?.state === 'queued' ? <Waits key={run.id} mlops={mlops} /> : null}
    </div>
  );
}

const PATIENCE = 4000; // ms that a run may wait before it is said why

/** Why a run has not begun, and a way to start a worker where there is none. */
function Waits(props: { mlops: IMlops }): JSX.Element | null {
  const { mlops } = props;
  const { trans } = mlops;
  const [turn, again] = React.useReducer((now: number) => now + 1, 0);
  const [worker, setWorker] = React.useState<Worker | null>(null);
  const [starting, setStarting] = React.useState(false);
  React.useEffect(() => {
    const timer = window.setTimeout(
      () =>
        void mlops.runs.worker().then(setWorker, () => {
          // the server is not there: the next event tells
        }),
      PATIENCE
    );
    return () => window.clearTimeout(timer);
  }, [turn]);
  if (!worker) {
    return null;
  }
  const start = async () => {
    setStarting(true);
    await attempt(trans.__('The worker could not be started'), async () =>
      setWorker(await mlops.runs.startWorker())
    );
    setStarting(false);
    again();
  };
  return (
    <div className={worker.running ? 'jp-mlops-waits' : 'jp-mlops-problem'} role="status">
      {worker.running
        ? worker.problem || trans.__('The worker is busy with other runs; this one is next in turn.')
        : worker.problem || trans.__('No worker is running, so nothing takes this run.')}
      {worker.running ? null : (
        <>
          {' '}
          <button className="jp-mlops-link" disabled={starting} onClick={() => void start()}>
            {starting ? trans.__('Starting…') : trans.__('Start worker')}
          </button>
        </>
      )}
    </div>
  );
}
