import * as React from 'react';
import { moment, short } from '../format';
import { wordsOf } from '../request';
import { useAnswer } from '../signal';
import { StateMark } from '../states';
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
          {props.titles.map((title, at) => (
            <th key={at}>{title}</th>
          ))}
        </tr>
      </thead>
      <tbody>
        {props.pairs.map(pair => (
          <tr key={pair.name} data-differs={pair.differs}>
            <td>{pair.name}</td>
            <td className="jp-mlops-number">{short(pair.first)}</td>
            <td className="jp-mlops-number">
              {short(pair.second)} {pair.differs ? '≠' : ''}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** Two runs side by side: parameters, metrics, and the cells that differ. */
export function Compare(props: { mlops: IMlops; first: string; second: string }): JSX.Element {
  const { mlops } = props;
  const { trans } = mlops;
  const told = useAnswer(() => mlops.runs.compare(props.first, props.second), [props.first, props.second]);
  if (told.problem) {
    return (
      <div className="jp-mlops-problem" role="alert">
        {wordsOf(told.problem)}
      </div>
    );
  }
  if (!told.value) {
    return <div className="jp-mlops-empty">{trans.__('Comparing…')}</div>;
  }
  const { first, second, parameters, metrics, cells } = told.value;
  const names: [string, string, string] = ['', moment(first.started), moment(second.started)];
  return (
    <div className="jp-mlops-compare">
      <div className="jp-mlops-line">
        <span>
          <StateMark state={first.state} trans={trans}>
            {moment(first.started)} {first.id}
          </StateMark>
        </span>
        <span>
          <StateMark state={second.state} trans={trans}>
            {moment(second.started)} {second.id}
          </StateMark>
        </span>
      </div>
      {parameters.length ? (
        <PairTable pairs={parameters} titles={names} label={trans.__('Parameters')} />
      ) : null}
      {metrics.length ? <PairTable pairs={metrics} titles={names} label={trans.__('Metrics')} /> : null}
      <h3>{trans.__('Cells that differ')}</h3>
      {cells.length ? null : (
        <p className="jp-mlops-quiet">{trans.__('None: sources and outputs are the same.')}</p>
      )}
      {cells.map((cell, at) => (
        <details key={at} open={at < 5} className="jp-mlops-diff">
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
