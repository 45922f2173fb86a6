import * as React from 'react';
import { formatParameters, formatTime } from '../format';
import { Log } from '../runs/log';
import { RunList, stepsOf } from '../runs/model';
import { useRequest } from '../hooks';
import { Placeholder } from '../notices';
import { IMlops } from '../tokens';
import { Run } from '../types';
import { stateLabel } from '../stateBadge';

/** The log of a job's latest run, or of one that is chosen. */
export function LogTab(props: { mlops: IMlops; runs: RunList }): JSX.Element {
  const { mlops, runs } = props;
  const { trans } = mlops;
  const [selectedId, setSelectedId] = React.useState('');
  const run = runs.runs.find(run => run.id === selectedId) ?? runs.runs[0];
  if (!run) {
    return (
      <Placeholder trans={trans}>{runs.ready ? trans.__('Not run yet.') : trans.__('Loading…')}</Placeholder>
    );
  }
  return (
    <div className="jp-mlops-log">
      <select
        className="jp-mlops-choice"
        aria-label={trans.__('Log of which run')}
        value={selectedId}
        onChange={event => setSelectedId(event.target.value)}
      >
        <option value="">{trans.__('the latest run')}</option>
        {runs.runs.map(run => (
          <option key={run.id} value={run.id}>
            {[
              formatTime(run.started ?? run.created),
              stateLabel(run.state, trans),
              formatParameters(run.parameters)
            ]
              .filter(Boolean)
              .join(' · ')}
          </option>
        ))}
      </select>
      <RunLog key={run.id} mlops={mlops} run={run} runs={runs} />
    </div>
  );
}

function RunLog(props: { mlops: IMlops; run: Run; runs: RunList }): JSX.Element {
  const { mlops, run, runs } = props;
  const notebookRequest = useRequest<Record<string, unknown>>(
    () => (run.state === 'queued' ? Promise.resolve({}) : mlops.runs.notebook(run.id)),
    [run.id, run.state]
  );
  return (
    <Log
      mlops={mlops}
      run={run}
      steps={stepsOf(run, runs.feed.live(run.id))}
      notebook={notebookRequest.value}
    />
  );
}
