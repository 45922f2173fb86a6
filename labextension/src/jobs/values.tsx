import * as React from 'react';
import { formatDuration, formatTime, formatValue } from '../format';
import { LoadMoreButton } from '../runs/list';
import { IRunActions } from '../runs/actions';
import { RunList } from '../runs/model';
import { StateBadge } from '../stateBadge';
import { Placeholder } from '../notices';
import { IMlops } from '../tokens';

/** What runs were given and what came out, a row a run; what differs from the run before is marked. */
export function ValuesTab(props: { mlops: IMlops; runs: RunList; actions: IRunActions }): JSX.Element {
  const { mlops, runs, actions } = props;
  const { trans } = mlops;
  const loadedRuns = runs.runs;
  const parameters = [...new Set(loadedRuns.flatMap(run => Object.keys(run.parameters)))];
  const metrics = [...new Set(loadedRuns.flatMap(run => Object.keys(run.metrics)))];
  if (!loadedRuns.length) {
    return (
      <Placeholder trans={trans}>{runs.ready ? trans.__('Not run yet.') : trans.__('Loading…')}</Placeholder>
    );
  }
  const text = (value: unknown) => (value === undefined ? '' : formatValue(value));
  return (
    <div
      className="jp-mlops-grid-scroll"
      tabIndex={0}
      role="region"
      aria-label={trans.__('Values over runs')}
    >
      {parameters.length || metrics.length ? null : (
        <p className="jp-mlops-secondary">{trans.__('Its runs used the defaults and have no metrics.')}</p>
      )}
      <table className="jp-mlops-table jp-mod-wide jp-mod-close">
        <thead>
          <tr>
            <th>{trans.__('Run')}</th>
            <th>{trans.__('Version')}</th>
            {[...parameters, ...metrics].map((name, index) => (
              <th key={index} className="jp-mlops-number" title={name}>
                {name}
              </th>
            ))}
            <th className="jp-mlops-number">{trans.__('Time')}</th>
          </tr>
        </thead>
        <tbody>
          {loadedRuns.map((run, index) => {
            const previous = loadedRuns[index + 1];
            return (
              <tr key={run.id}>
                <td>
                  <button className="jp-mlops-link" onClick={() => actions.open(run.id)}>
                    <StateBadge state={run.state} trans={trans} iconOnly />{' '}
                    {formatTime(run.started ?? run.created)}
                  </button>
                </td>
                <td data-changed={previous !== undefined && previous.version !== run.version}>
                  {run.version}
                </td>
                {parameters.map(name => {
                  const value = text(run.parameters[name]);
                  const changed = previous !== undefined && text(previous.parameters[name]) !== value;
                  return (
                    <td
                      key={name}
                      className="jp-mlops-number"
                      data-changed={changed}
                      title={changed ? trans.__('different from the previous run') : undefined}
                    >
                      {value || <span className="jp-mlops-secondary">{trans.__('default')}</span>}
                    </td>
                  );
                })}
                {metrics.map(name => (
                  <td key={name} className="jp-mlops-number">
                    {text(run.metrics[name])}
                  </td>
                ))}
                <td className="jp-mlops-number">{formatDuration(run.seconds)}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
      <LoadMoreButton mlops={mlops} runs={runs} />
    </div>
  );
}
