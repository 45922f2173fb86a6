import * as React from 'react';
import { given, moment } from '../format';
import { Log } from '../runs/log';
import { RunList, stepsOf } from '../runs/model';
import { useAnswer } from '../signal';
import { IMlops } from '../tokens';
import { Run } from '../types';
import { stateWord } from '../states';

/** The log of a job's latest run, or of one that is chosen. */
export function LogPart(props: { mlops: IMlops; runs: RunList }): JSX.Element {
  const { mlops, runs } = props;
  const { trans } = mlops;
  const [chosen, setChosen] = React.useState('');
  const run = runs.runs.find(one => one.id === chosen) ?? runs.runs[0];
  if (!run) {
    return (
      <div className="jp-mlops-empty">
        {runs.ready ? trans.__('It has not run yet.') : trans.__('Loading…')}
      </div>
    );
  }
  return (
    <div className="jp-mlops-log-of-job">
      <select
        className="jp-mlops-choice"
        aria-label={trans.__('Log of which run')}
        value={chosen}
        onChange={event => setChosen(event.target.value)}
      >
        <option value="">{trans.__('the latest run')}</option>
        {runs.runs.map(one => (
          <option key={one.id} value={one.id}>
            {[moment(one.started ?? one.created), stateWord(one.state, trans), given(one.parameters)]
              .filter(Boolean)
              .join(' · ')}
          </option>
        ))}
      </select>
      <LogOf key={run.id} mlops={mlops} run={run} runs={runs} />
    </div>
  );
}

function LogOf(props: { mlops: IMlops; run: Run; runs: RunList }): JSX.Element {
  const { mlops, run, runs } = props;
  const told = useAnswer<Record<string, unknown>>(
    () => (run.state === 'queued' ? Promise.resolve({}) : mlops.runs.notebook(run.id)),
    [run.id, run.state]
  );
  return <Log mlops={mlops} run={run} steps={stepsOf(run, runs.feed.live(run.id))} notebook={told.value} />;
}
