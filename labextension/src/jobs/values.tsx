import * as React from 'react';
import { duration, moment, short } from '../format';
import { MoreRuns } from '../runs/list';
import { IRunDoor } from '../runs/actions';
import { RunList } from '../runs/model';
import { StateMark } from '../states';
import { IMlops } from '../tokens';

/** What runs were given and what came out, a row a run; what differs from the run before is marked. */
export function ValuesPart(props: { mlops: IMlops; runs: RunList; door: IRunDoor }): JSX.Element {
  const { mlops, runs, door } = props;
  const { trans } = mlops;
  const shown = runs.runs;
  const parameters = [...new Set(shown.flatMap(run => Object.keys(run.parameters)))];
  const metrics = [...new Set(shown.flatMap(run => Object.keys(run.metrics)))];
  if (!shown.length) {
    return (
      <div className="jp-mlops-empty">
        {runs.ready ? trans.__('It has not run yet.') : trans.__('Loading…')}
      </div>
    );
  }
  const text = (value: unknown) => (value === undefined ? '' : short(value));
  return (
    <div
      className="jp-mlops-grid-scroll"
      tabIndex={0}
      role="region"
      aria-label={trans.__('Values over runs')}
    >
      {parameters.length || metrics.length ? null : (
        <p className="jp-mlops-quiet">{trans.__('Its runs had the defaults, and no metrics.')}</p>
      )}
      <table className="jp-mlops-table jp-mod-wide jp-mod-close">
        <thead>
          <tr>
            <th>{trans.__('Run')}</th>
            <th>{trans.__('Version')}</th>
            {[...parameters, ...metrics].map((name, at) => (
              <th key={at} className="jp-mlops-number" title={name}>
                {name}
              </th>
            ))}
            <th className="jp-mlops-number">{trans.__('Time')}</th>
          </tr>
        </thead>
        <tbody>
          {shown.map((run, at) => {
            const before = shown[at + 1];
            return (
              <tr key={run.id}>
                <td>
                  <button className="jp-mlops-link" onClick={() => door.open(run.id)}>
                    <StateMark state={run.state} trans={trans} bare /> {moment(run.started ?? run.created)}
                  </button>
                </td>
                <td data-changed={before !== undefined && before.version !== run.version}>{run.version}</td>
                {parameters.map(name => {
                  const now = text(run.parameters[name]);
                  const changed = before !== undefined && text(before.parameters[name]) !== now;
                  return (
                    <td key={name} className="jp-mlops-number" data-changed={changed}>
                      {now || <span className="jp-mlops-quiet">{trans.__('default')}</span>}
                      {changed ? <span className="jp-mlops-hidden">{trans.__('not as before')}</span> : null}
                    </td>
                  );
                })}
                {metrics.map(name => (
                  <td key={name} className="jp-mlops-number">
                    {text(run.metrics[name])}
                  </td>
                ))}
                <td className="jp-mlops-number">{duration(run.seconds)}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
      <MoreRuns mlops={mlops} runs={runs} />
    </div>
  );
}
