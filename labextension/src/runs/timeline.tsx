import { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import { formatDuration } from '../format';
import { TruncatedName } from '../truncatedName';
import { stateLabel } from '../stateBadge';
import { State, StepRun } from '../types';
import { ISpan } from './spans';

/** A row a step; bars where it was at work. */
export function Timeline(props: {
  steps: readonly StepRun[];
  spans: readonly ISpan[];
  trans: TranslationBundle;
}): JSX.Element {
  const { steps, trans } = props;
  const cached = new Set(steps.filter(step => step.state === 'cached').map(step => step.name));
  const spans = props.spans.filter(span => !cached.has(span.name)); // theirs are times of an earlier run
  const begin = Math.min(...spans.map(span => span.begin));
  const end = Math.max(...spans.map(span => span.end), begin + 0.001);
  const percent = (time: number) => ((time - begin) / (end - begin)) * 100;
  return (
    <table className="jp-mlops-table jp-mod-wide jp-mlops-timeline" aria-label={trans.__('Timeline')}>
      <tbody>
        {steps.map(step => {
          const span = spans.find(span => span.name === step.name);
          const label = stateLabel(step.state as State, trans);
          const timeRange = span
            ? `${new Date(span.begin * 1000).toLocaleTimeString()} – ${new Date(span.end * 1000).toLocaleTimeString()}`
            : '';
          return (
            <tr key={step.name} title={`${step.name}: ${label} ${timeRange}`}>
              <th scope="row">
                <TruncatedName>{step.name}</TruncatedName>
              </th>
              <td className="jp-mlops-track">
                {span ? (
                  <i
                    className="jp-mlops-span"
                    data-state={step.state}
                    style={{
                      left: `${percent(span.begin)}%`,
                      width: `max(3px, ${percent(span.end) - percent(span.begin)}%)`
                    }}
                  />
                ) : null}
              </td>
              <td className="jp-mlops-time">
                {step.state === 'cached' || !step.seconds ? label : formatDuration(step.seconds)}
              </td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}
