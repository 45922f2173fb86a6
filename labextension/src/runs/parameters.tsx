import * as React from 'react';
import { formatValue } from '../format';
import { useRequest } from '../hooks';
import { Placeholder } from '../notices';
import { IMlops } from '../tokens';
import { Analysis, Run } from '../types';

/** What a run was given, beside the defaults of the notebook it ran. */
export function RunParameters(props: { mlops: IMlops; run: Run }): JSX.Element {
  const { mlops, run } = props;
  const { trans } = mlops;
  const pipelineRequest = useRequest<Analysis>(() => mlops.runs.pipeline(run.id), [run.id, run.attempt]);
  const declared = pipelineRequest.value?.pipeline?.parameters ?? [];
  const names = new Set([...declared.map(parameter => parameter.name), ...Object.keys(run.parameters)]);
  if (!names.size) {
    return (
      <Placeholder trans={trans}>
        {pipelineRequest.value || pipelineRequest.problem
          ? trans.__('The notebook has no parameters.')
          : trans.__('Loading…')}
      </Placeholder>
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
          const parameter = declared.find(declaredParameter => declaredParameter.name === name);
          const changed = name in run.parameters;
          return (
            <tr key={name} data-differs={changed}>
              <td>{name}</td>
              <td className="jp-mlops-code">
                {formatValue(changed ? run.parameters[name] : parameter?.default, 400)}
                {changed ? (
                  <span className="jp-mlops-changed">
                    {' ● '}
                    {trans.__('set')}
                  </span>
                ) : null}
              </td>
              <td className="jp-mlops-code jp-mlops-secondary">
                {parameter ? formatValue(parameter.default, 400) : ''}
              </td>
              <td className="jp-mlops-secondary">{parameter?.type}</td>
              <td className="jp-mlops-secondary">{parameter?.help}</td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}
