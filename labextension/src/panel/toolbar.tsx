import { NotebookPanel } from '@jupyterlab/notebook';
import {
  ToolbarButtonComponent,
  caretDownIcon,
  refreshIcon,
  runIcon,
  stopIcon
} from '@jupyterlab/ui-components';
import { Menu } from '@lumino/widgets';
import * as React from 'react';
import { withErrorDialog, IRunActions, startRun } from '../runs/actions';
import { ACTIVE, stepsOf } from '../runs/model';
import { repairs } from '../steps/repairs';
import { useSignal } from '../hooks';
import { stateLabel } from '../stateBadge';
import { Placeholder } from '../notices';
import { IMlops } from '../tokens';
import { State, Worker } from '../types';

/** The row above the sections: the notebook, and running it. */
export function RunBar(props: {
  mlops: IMlops;
  panel: NotebookPanel | null;
  menu: Menu;
  actions: IRunActions;
}): JSX.Element {
  const { mlops, panel, menu } = props;
  const { trans } = mlops;
  const state = panel ? mlops.stateFor(panel) : null;
  const menuAnchor = React.useRef<HTMLSpanElement>(null);
  const openMenu = () => {
    const { left, bottom } = menuAnchor.current!.getBoundingClientRect();
    menu.open(left, bottom, { horizontalAlignment: 'left' });
  };
  useSignal(state?.runs.changed);
  useSignal(state?.pipeline.changed);
  if (!panel || !state) {
    return <Placeholder trans={trans}>{trans.__('Open a notebook to see its pipeline.')}</Placeholder>;
  }
  const { runs } = state;
  const run = runs.active;
  const live = run && runs.feed.live(run.id);
  const steps = run ? stepsOf(run, live) : [];
  const finishedCount = steps.filter(step => !ACTIVE.includes(step.state as State)).length;
  const cell = live && live.cell >= 0 ? trans.__('cell %1', live.cell + 1) : '';
  const status = run
    ? [stateLabel(run.state, trans), live?.step ?? '', cell].filter(Boolean).join(' · ')
    : '';
  return (
    <div className="jp-mlops-row jp-mlops-bar">
      <div className="jp-mlops-bar-name jp-mlops-name jp-mlops-grow" title={panel.context.localPath}>
        {panel.title.label}
      </div>
      <div className="jp-mlops-bar-acts">
        {repairs(panel) ? (
          <ToolbarButtonComponent
            icon={runIcon}
            label={trans.__('Resume run')}
            onClick={() => void props.actions.resume(panel)}
          />
        ) : run ? (
          <ToolbarButtonComponent
            icon={stopIcon}
            label={trans.__('Stop')}
            onClick={() =>
              void withErrorDialog(trans.__('The run could not be stopped'), () => runs.stop(run))
            }
          />
        ) : (
          <ToolbarButtonComponent
            icon={runIcon}
            label={trans.__('Run')}
            onClick={() => void startRun(mlops, panel)}
          />
        )}
        <span ref={menuAnchor}>
          <ToolbarButtonComponent
            icon={caretDownIcon}
            tooltip={trans.__('More actions')}
            aria-haspopup="menu"
            onClick={openMenu}
          />
        </span>
        <ToolbarButtonComponent
          icon={refreshIcon}
          tooltip={trans.__('Refresh')}
          onClick={() => {
            state.pipeline.refresh();
            void runs.refresh();
          }}
        />
      </div>
      {run ? (
        <div className="jp-mlops-row jp-mlops-small jp-mlops-grow" role="status">
          <progress
            className="jp-mlops-progress"
            aria-label={trans.__('Finished steps')}
            max={Math.max(1, steps.length)}
            value={run.state === 'queued' ? 0 : finishedCount}
          />
          <span>{status}</span>
        </div>
      ) : null}
      {run?.state === 'queued' ? <QueueNotice key={run.id} mlops={mlops} /> : null}
    </div>
  );
}

const WAIT_NOTICE_DELAY_MS = 4000; // ms that a run may wait before it is said why

/** Why a run has not begun, and a way to start a worker where there is none. */
function QueueNotice(props: { mlops: IMlops }): JSX.Element | null {
  const { mlops } = props;
  const { trans } = mlops;
  const [retryCount, retry] = React.useReducer((count: number) => count + 1, 0);
  const [worker, setWorker] = React.useState<Worker | null>(null);
  const [starting, setStarting] = React.useState(false);
  React.useEffect(() => {
    const timer = window.setTimeout(
      () =>
        void mlops.runs.worker().then(setWorker, () => {
          // the server is not there: the next event tells
        }),
      WAIT_NOTICE_DELAY_MS
    );
    return () => window.clearTimeout(timer);
  }, [mlops.runs, retryCount]);
  if (!worker) {
    return null;
  }
  const start = async () => {
    setStarting(true);
    await withErrorDialog(trans.__('The worker could not be started'), async () =>
      setWorker(await mlops.runs.startWorker())
    );
    setStarting(false);
    retry();
  };
  return (
    <div className={worker.running ? 'jp-mlops-small' : 'jp-mlops-callout'} data-state="failed" role="status">
      {worker.running
        ? worker.problem || trans.__('The worker is busy with other runs; this run is queued.')
        : worker.problem || trans.__('No worker is running to execute this run.')}
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
