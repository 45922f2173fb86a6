import { NotebookPanel } from '@jupyterlab/notebook';
import * as React from 'react';
import { formatDuration, formatParameters, formatTime } from '../format';
import { useSignal } from '../hooks';
import { StateBadge, StepBadges } from '../stateBadge';
import { Placeholder, Problem } from '../notices';
import { IMlops } from '../tokens';
import { Run, State } from '../types';
import { withErrorDialog, IRunActions } from './actions';
import { ACTIVE, RunList, stepsOf } from './model';

/** One run of a list. */
function RunLine(props: { mlops: IMlops; run: Run; runs: RunList; actions: IRunActions }): JSX.Element {
  const { mlops, run, runs, actions } = props;
  const { trans } = mlops;
  const steps = stepsOf(run, runs.feed.live(run.id));
  const active = ACTIVE.includes(run.state);
  return (
    <>
      <button
        className="jp-mlops-row jp-mlops-grow jp-mlops-run-open"
        onClick={() => actions.open(run.id)}
        title={trans.__('Open run %1', run.id)}
      >
        <StateBadge state={run.state} trans={trans} iconOnly />
        <span className="jp-mlops-time">{formatTime(run.started ?? run.created)}</span>
        <span className="jp-mlops-given jp-mlops-secondary jp-mlops-truncate jp-mlops-grow">
          {run.engine ? `${trans.__('on %1', run.engine)} · ` : ''}
          {run.trigger === 'reproduce' ? `${trans.__('run again to compare')} · ` : ''}
          {formatParameters(run.parameters) || trans.__('defaults')}
        </span>
        {run.verdict ? <StateBadge state={run.verdict.state as State} trans={trans} iconOnly /> : null}
        <span className="jp-mlops-time">{active ? '' : formatDuration(run.seconds)}</span>
        <StepBadges steps={steps} trans={trans} />
      </button>
      {run.engine ? null : active ? (
        <button
          className="jp-mlops-link"
          onClick={() => void withErrorDialog(trans.__('The run could not be stopped'), () => runs.stop(run))}
        >
          {trans.__('Stop')}
        </button>
      ) : run.state === 'failed' || run.state === 'stopped' ? (
        <button className="jp-mlops-link" onClick={() => void actions.repair(run)}>
          {run.state === 'failed' ? trans.__('Repair') : trans.__('Resume')}
        </button>
      ) : null}
    </>
  );
}

/** What shows older runs. */
export function LoadMoreButton(props: { mlops: IMlops; runs: RunList }): JSX.Element | null {
  const { mlops, runs } = props;
  return runs.hasMore ? (
    <button className="jp-mlops-link" onClick={() => void runs.loadMore()}>
      {mlops.trans.__('More')}
    </button>
  ) : null;
}

/** Runs below each other, and more of them when asked for. */
export function RunItems(props: {
  mlops: IMlops;
  runs: RunList;
  actions: IRunActions;
  visibleRuns?: readonly Run[];
  columns?: boolean;
}): JSX.Element {
  const { mlops, runs, actions } = props;
  const { trans } = mlops;
  return (
    <>
      <ul
        className={`jp-mlops-list ${props.columns ? 'jp-mlops-runs-list' : ''}`}
        aria-label={trans.__('Runs')}
      >
        {(props.visibleRuns ?? runs.runs).map(run => (
          <li key={run.id} className="jp-mlops-row jp-mlops-run" data-state={run.state}>
            <RunLine mlops={mlops} run={run} runs={runs} actions={actions} />
          </li>
        ))}
      </ul>
      <LoadMoreButton mlops={mlops} runs={runs} />
    </>
  );
}

/** The last runs of a notebook. */
export function RunsView(props: { mlops: IMlops; panel: NotebookPanel; actions: IRunActions }): JSX.Element {
  const { mlops, panel, actions } = props;
  const { trans } = mlops;
  const { runs } = mlops.stateFor(panel);
  const [filter, setFilter] = React.useState('');
  useSignal(runs.changed);
  if (runs.problem) {
    return <Problem>{runs.problem}</Problem>;
  }
  if (!runs.runs.length) {
    return (
      <Placeholder trans={trans}>{runs.ready ? trans.__('Not run yet.') : trans.__('Loading…')}</Placeholder>
    );
  }
  const visibleRuns = runs.runs.filter(run => !filter || run.state === filter);
  return (
    <div>
      <div className="jp-mlops-line">
        <select
          className="jp-mlops-choice"
          aria-label={trans.__('Which runs')}
          value={filter}
          onChange={event => setFilter(event.target.value)}
        >
          <option value="">{trans.__('all runs')}</option>
          <option value="completed">{trans.__('completed')}</option>
          <option value="failed">{trans.__('failed')}</option>
          <option value="stopped">{trans.__('stopped')}</option>
          <option value="running">{trans.__('running')}</option>
        </select>
        <button className="jp-mlops-link" onClick={() => actions.history(panel.context.localPath)}>
          {trans.__('Open history')}
        </button>
      </div>
      <RunItems mlops={mlops} runs={runs} actions={actions} visibleRuns={visibleRuns} />
    </div>
  );
}
