import { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import { TruncatedName } from '../truncatedName';
import { StepRun } from '../types';

/** The steps of a run with a sentence for each decision on them. */
export function Reasons(props: { steps: readonly StepRun[]; trans: TranslationBundle }): JSX.Element | null {
  const explainedSteps = props.steps.filter(step => step.why?.length);
  if (!explainedSteps.length) {
    return null;
  }
  return (
    <details>
      <summary>{props.trans.__('Why each step ran as it did')}</summary>
      <dl>
        {explainedSteps.map(({ name, why }) => (
          <React.Fragment key={name}>
            <dt>
              <TruncatedName>{name}</TruncatedName>
            </dt>
            {why!.map(sentence => (
              <dd key={sentence} className="jp-mlops-secondary">
                {sentence}
              </dd>
            ))}
          </React.Fragment>
        ))}
      </dl>
    </details>
  );
}
