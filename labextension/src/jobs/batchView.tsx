import * as React from 'react';
import { formatDuration, formatTime, formatValue } from '../format';
import { useRequest, useSlot } from '../hooks';
import { Placeholder } from '../notices';
import { withErrorDialog, IRunActions } from '../runs/actions';
import { StateBadge, stateLabel } from '../stateBadge';
import { IMlops } from '../tokens';
import { Batch, Run, State } from '../types';

/** A batch with one of its runs as it is now. */
export function withRun(batch: Batch, run: Run): Batch {
  const runs = batch.runs.map(row =>
    row.id === run.id ? { ...row, state: run.state, metrics: run.metrics, seconds: run.seconds } : row
  );
  const states: Record<string, number> = {};
  for (const { state } of runs) {
    states[state] = (states[state] ?? 0) + 1;
  }
  return { ...batch, runs, states };
}

/** A backfill or a sweep as a table: a row a run. */
export function BatchView(props: { mlops: IMlops; batch: number; actions: IRunActions }): JSX.Element {
  const { mlops, batch, actions } = props;
  const { trans, feed } = mlops;
  const batchRequest = useRequest(() => mlops.jobs.batch(batch), [batch]);
  const { value, update, refetch } = batchRequest;
  useSlot(feed.reconnected, refetch);
  useSlot(
    feed.eventReceived,
    React.useCallback(
      event => {
        if (event.kind === 'run' && value?.runs.some(run => run.id === event.run)) {
          void mlops.runs.get(event.run).then(run => update(current => withRun(current, run)), refetch);
        }
      },
      [mlops, value, update, refetch]
    )
  );
  if (!value) {
    return <Placeholder trans={trans} problem={batchRequest.problem} />;
  }
  const { runs, states } = value;
  const parameters = [...new Set(runs.flatMap(run => Object.keys(run.parameters)))];
  const metrics = [...new Set(runs.flatMap(run => Object.keys(run.metrics)))];
  const slots = runs.some(run => run.slot !== null);
  const activeCount = (states.queued ?? 0) + (states.running ?? 0);
  return (
    <section aria-label={trans.__('Batch %1', batch)}>
      <div className="jp-mlops-line">
        <h3>
          {value.kind === 'sweep' ? trans.__('Sweep %1', batch) : trans.__('Backfill %1', batch)}
          {' · '}
          {Object.entries(states)
            .map(([state, count]) => `${count} ${stateLabel(state as State, trans)}`)
            .join(', ')}
        </h3>
        {activeCount ? (
          <button
            className="jp-mod-styled"
            onClick={() =>
              void withErrorDialog(trans.__('The batch could not be stopped'), () =>
                mlops.jobs.stopBatch(batch)
              )
            }
          >
            {trans.__('Stop all')}
          </button>
        ) : null}
      </div>
      <table className="jp-mlops-table jp-mod-wide">
        <thead>
          <tr>
            <th>{trans.__('Run')}</th>
            {slots ? <th>{trans.__('Slot')}</th> : null}
            {[...parameters, ...metrics].map((name, index) => (
              <th key={index} className="jp-mlops-number">
                {name}
              </th>
            ))}
            <th className="jp-mlops-number">{trans.__('Time')}</th>
          </tr>
        </thead>
        <tbody>
          {runs.map(run => (
            <tr key={run.id}>
              <td>
                <button className="jp-mlops-link" onClick={() => actions.open(run.id)}>
                  <StateBadge state={run.state} trans={trans} />
                </button>
              </td>
              {slots ? <td className="jp-mlops-time">{formatTime(run.slot)}</td> : null}
              {parameters.map(name => (
                <td key={name} className="jp-mlops-number">
                  {formatValue(run.parameters[name])}
                </td>
              ))}
              {metrics.map(name => (
                <td key={name} className="jp-mlops-number">
                  {formatValue(run.metrics[name] ?? '')}
                </td>
              ))}
              <td className="jp-mlops-number">{formatDuration(run.seconds)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
