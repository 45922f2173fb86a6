import { NotebookPanel } from '@jupyterlab/notebook';
import * as React from 'react';
import { duration, given, moment } from '../format';
import { useSignal } from '../signal';
import { StateMark, StepMarks } from '../states';
import { IMlops } from '../tokens';
import { Run, State } from '../types';
import { attempt, IRunDoor } from './actions';
import { ACTIVE, RunList, stepsOf } from './model';

/** One run of a list. */
function RunLine(props: {
  mlops: IMlops;
  run: Run;
  runs: RunList;
  door: IRunDoor;
  picked?: boolean;
}): JSX.Element {
  const { mlops, run, runs, door } = props;
  const { trans } = mlops;
  const steps = stepsOf(run, runs.feed.live(run.id));
  const active = ACTIVE.includes(run.state);
  return (
    <>
      <button
        className="jp-mlops-run-open"
        onClick={() => door.open(run.id)}
        title={trans.__('Open run %1', run.id)}
      >
        <StateMark state={run.state} trans={trans} bare />
        <span className="jp-mlops-time">{moment(run.started ?? run.created)}</span>
        <span className="jp-mlops-given">
          {run.trigger === 'reproduce' ? `${trans.__('run again to compare')} · ` : ''}
          {given(run.parameters) || trans.__('defaults')}
        </span>
        {run.verdict ? <StateMark state={run.verdict.state as State} trans={trans} bare /> : null}
        <span className="jp-mlops-time">{active ? '' : duration(run.seconds)}</span>
        <StepMarks steps={steps} trans={trans} />
      </button>
      {active ? (
        <button
          className="jp-mlops-link"
          onClick={() => void attempt(trans.__('The run could not be stopped'), () => runs.stop(run))}
        >
          {trans.__('Stop')}
        </button>
      ) : run.state === 'failed' || run.state === 'stopped' ? (
        <button className="jp-mlops-link" onClick={() => void door.repair(run)}>
          {run.state === 'failed' ? trans.__('Repair') : trans.__('Resume')}
        </button>
      ) : null}
    </>
  );
}

/** What shows older runs. */
export function MoreRuns(props: { mlops: IMlops; runs: RunList }): JSX.Element | null {
  const { mlops, runs } = props;
  return runs.more ? (
    <button className="jp-mlops-link" onClick={() => void runs.loadMore()}>
      {mlops.trans.__('More')}
    </button>
  ) : null;
}

/** Runs below each other, and more of them when asked for. */
export function RunItems(props: {
  mlops: IMlops;
  runs: RunList;
  door: IRunDoor;
  shown?: readonly Run[];
  apart?: boolean;
}): JSX.Element {
  const { mlops, runs, door } = props;
  const { trans } = mlops;
  return (
    <>
      <ul
        className={`jp-mlops-list ${props.apart ? 'jp-mlops-runs-list' : ''}`}
        aria-label={trans.__('Runs')}
      >
        {(props.shown ?? runs.runs).map(run => (
          <li key={run.id} className="jp-mlops-run" data-state={run.state}>
            <RunLine mlops={mlops} run={run} runs={runs} door={door} />
          </li>
        ))}
      </ul>
      <MoreRuns mlops={mlops} runs={runs} />
    </>
  );
}

/** The last runs of a notebook. */
export function RunsView(props: { mlops: IMlops; panel: NotebookPanel; door: IRunDoor }): JSX.Element {
  const { mlops, panel, door } = props;
  const { trans } = mlops;
  const { runs } = mlops.desk(panel);
  const [filter, setFilter] = React.useState('');
  useSignal(runs.changed);
  if (runs.problem) {
    return (
      <div className="jp-mlops-problem" role="alert">
        {runs.problem}
      </div>
    );
  }
  if (!runs.runs.length) {
    return (
      <div className="jp-mlops-empty">
        {runs.ready ? trans.__('It has not run yet.') : trans.__('Loading…')}
      </div>
    );
  }
  const shown = runs.runs.filter(run => !filter || run.state === filter);
  return (
    <div>
      <div className="jp-mlops-line">
        <select
          className="jp-mlops-link"
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
        <button className="jp-mlops-link" onClick={() => door.history(panel.context.localPath)}>
          {trans.__('Open history')}
        </button>
      </div>
      <RunItems mlops={mlops} runs={runs} door={door} shown={shown} />
    </div>
  );
}
