import { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import { duration } from '../format';
import { Name } from '../name';
import { stateWord } from '../states';
import { State, StepRun } from '../types';
import { ISpan } from './spans';

const ROW = 26;

/** A row a step; bars where it was at work. */
export function Timeline(props: {
  steps: readonly StepRun[];
  spans: readonly ISpan[];
  trans: TranslationBundle;
}): JSX.Element {
  const { steps, trans } = props;
  const cached = new Set(steps.filter(one => one.state === 'cached').map(one => one.name));
  const spans = props.spans.filter(one => !cached.has(one.name)); // theirs are times of an earlier run
  const begin = Math.min(...spans.map(one => one.begin));
  const end = Math.max(...spans.map(one => one.end), begin + 0.001);
  const place = (time: number) => ((time - begin) / (end - begin)) * 100;
  return (
    <div className="jp-mlops-timeline" role="table" aria-label={trans.__('Timeline')}>
      {steps.map(step => {
        const span = spans.find(one => one.name === step.name);
        const word = stateWord(step.state as State, trans);
        const told = span
          ? `${new Date(span.begin * 1000).toLocaleTimeString()} – ${new Date(span.end * 1000).toLocaleTimeString()}`
          : '';
        return (
          <div key={step.name} role="row" style={{ height: ROW }} title={`${step.name}: ${word} ${told}`}>
            <span role="rowheader">
              <Name>{step.name}</Name>
            </span>
            <span role="cell" className="jp-mlops-track">
              {span ? (
                <i
                  className="jp-mlops-span"
                  data-state={step.state}
                  style={{
                    left: `${place(span.begin)}%`,
                    width: `max(3px, ${place(span.end) - place(span.begin)}%)`
                  }}
                />
              ) : null}
            </span>
            <span role="cell" className="jp-mlops-time">
              {step.state === 'cached' || !step.seconds ? word : duration(step.seconds)}
            </span>
          </div>
        );
      })}
      {spans.length ? (
        <div className="jp-mlops-axis" aria-hidden="true">
          <span>0</span>
          <span>{duration(end - begin)}</span>
        </div>
      ) : null}
    </div>
  );
}
