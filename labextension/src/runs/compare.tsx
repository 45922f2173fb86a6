import * as React from 'react';
import { formatTime, formatValue } from '../format';
import { errorMessage } from '../request';
import { useRequest } from '../hooks';
import { StateBadge } from '../stateBadge';
import { Placeholder, Problem } from '../notices';
import { IMlops } from '../tokens';
import { Comparison } from '../types';
import { Diff } from '../versions/diff';

type Pairs = Comparison['parameters'];

function PairTable(props: { pairs: Pairs; titles: [string, string, string]; label: string }): JSX.Element {
  return (
    <table className="jp-mlops-table">
      <caption>{props.label}</caption>
      <thead>
        <tr>
          {props.titles.map((title, index) => (
            <th key={index}>{title}</th>
          ))}
        </tr>
      </thead>
      <tbody>
        {props.pairs.map(pair => (
          <tr key={pair.name} data-differs={pair.differs}>
            <td>{pair.name}</td>
            <td className="jp-mlops-number">{formatValue(pair.first)}</td>
            <td className="jp-mlops-number">
              {formatValue(pair.second)} {pair.differs ? '≠' : ''}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** Two runs side by side: parameters, metrics, and the cells that differ. */
export function ComparisonView(props: { mlops: IMlops; first: string; second: string }): JSX.Element {
  const { mlops } = props;
  const { trans } = mlops;
  const comparisonRequest = useRequest(
    () => mlops.runs.compare(props.first, props.second),
    [props.first, props.second]
  );
  if (comparisonRequest.problem) {
    return <Problem>{errorMessage(comparisonRequest.problem)}</Problem>;
  }
  if (!comparisonRequest.value) {
    return <Placeholder trans={trans}>{trans.__('Comparing…')}</Placeholder>;
  }
  const { first, second, parameters, metrics, cells } = comparisonRequest.value;
  const names: [string, string, string] = ['', formatTime(first.started), formatTime(second.started)];
  return (
    <div className="jp-mlops-compare">
      <div className="jp-mlops-line">
        <span>
          <StateBadge state={first.state} trans={trans}>
            {formatTime(first.started)} {first.id}
          </StateBadge>
        </span>
        <span>
          <StateBadge state={second.state} trans={trans}>
            {formatTime(second.started)} {second.id}
          </StateBadge>
        </span>
      </div>
      {parameters.length ? (
        <PairTable pairs={parameters} titles={names} label={trans.__('Parameters')} />
      ) : null}
      {metrics.length ? <PairTable pairs={metrics} titles={names} label={trans.__('Metrics')} /> : null}
      <h3>{trans.__('Cells that differ')}</h3>
      {cells.length ? null : (
        <p className="jp-mlops-secondary">{trans.__('No differences: sources and outputs are the same.')}</p>
      )}
      {cells.map((cell, index) => (
        <details key={index} open={index < 5}>
          <summary>
            {trans.__('cell %1', (cell.first ?? cell.second ?? 0) + 1)} {cell.step}
          </summary>
          {cell.source ? <Diff lines={cell.source} /> : null}
          {cell.outputs ? (
            <div className="jp-mlops-sides">
              {(cell.outputs as string[]).map((text, side) => (
                <pre key={side} tabIndex={0}>
                  {text || trans.__('(no output)')}
                </pre>
              ))}
            </div>
          ) : null}
        </details>
      ))}
    </div>
  );
}
