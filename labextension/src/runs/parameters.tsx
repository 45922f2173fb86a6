import * as React from 'react';
import { short } from '../format';
import { useAnswer } from '../signal';
import { IMlops } from '../tokens';
import { Analysis, Run } from '../types';

/** What a run was given, beside the defaults of the notebook it ran. */
export function RunParameters(props: { mlops: IMlops; run: Run }): JSX.Element {
  const { mlops, run } = props;
  const { trans } = mlops;
  const told = useAnswer<Analysis>(() => mlops.runs.pipeline(run.id), [run.id, run.attempt]);
  const declared = told.value?.pipeline?.parameters ?? [];
  const names = new Set([...declared.map(one => one.name), ...Object.keys(run.parameters)]);
  if (!names.size) {
    return (
      <div className="jp-mlops-empty">
        {told.value || told.problem ? trans.__('The notebook has no parameters.') : trans.__('Loading…')}
      </div>
    );
  }
  return (
    <table className="jp-mlops-table">
      <thead>
        <tr>
          <th>{trans.__('Parameter')}</th>
          <th>{trans.__('Value')}</th>
          <th>{trans.__('Default')}</th>
          <th>{trans.__('Type')}</th>
          <th>{trans.__('Help')}</th>
        </tr>
      </thead>
      <tbody>
        {Array.from(names, name => {
          const one = declared.find(each => each.name === name);
          const changed = name in run.parameters;
          return (
            <tr key={name} data-differs={changed}>
              <td>{name}</td>
              <td className="jp-mlops-value">
                {short(changed ? run.parameters[name] : one?.default, 400)}
                {changed ? (
                  <span className="jp-mlops-changed">
                    {' ● '}
                    {trans.__('given')}
                  </span>
                ) : null}
              </td>
              <td className="jp-mlops-value jp-mlops-quiet">{one ? short(one.default, 400) : ''}</td>
              <td className="jp-mlops-quiet">{one?.type}</td>
              <td className="jp-mlops-quiet">{one?.help}</td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}
