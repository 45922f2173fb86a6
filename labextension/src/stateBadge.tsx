import { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import { formatDuration } from './format';
import { stateSvg } from './icons';
import { State, StepRun } from './types';

/** The word of each state. */
export function stateLabel(state: State, trans: TranslationBundle): string {
  switch (state) {
    case 'queued':
      return trans.__('queued');
    case 'running':
      return trans.__('running');
    case 'completed':
      return trans.__('completed');
    case 'cached':
      return trans.__('cached');
    case 'failed':
      return trans.__('failed');
    case 'skipped':
      return trans.__('skipped');
    case 'stopped':
      return trans.__('stopped');
    case 'missed':
      return trans.__('missed');
    case 'waiting':
      return trans.__('waiting for approval');
    case 'reproduced':
      return trans.__('reproduced');
    case 'differs':
      return trans.__('differs');
  }
}

/** A state as icon and word; the word is left to readers of screens where there is no room. */
export function StateBadge(props: {
  state: State;
  trans: TranslationBundle;
  iconOnly?: boolean;
  children?: React.ReactNode;
}): JSX.Element {
  const label = stateLabel(props.state, props.trans);
  return (
    <span className="jp-mlops-state" data-state={props.state}>
      <span
        {...(props.iconOnly ? { role: 'img', 'aria-label': label, title: label } : {})}
        dangerouslySetInnerHTML={{ __html: stateSvg(props.state) }}
      />
      {props.iconOnly ? null : <span>{props.children ?? label}</span>}
    </span>
  );
}

/** The steps of a run as a row of small marks. */
export function StepBadges(props: { steps: readonly StepRun[]; trans: TranslationBundle }): JSX.Element {
  const summary = props.steps.map(step => `${step.name}: ${stateLabel(step.state, props.trans)}`).join(', ');
  return (
    <span className="jp-mlops-marks" role="img" aria-label={summary || props.trans.__('no steps yet')}>
      {props.steps.map(step => (
        <span
          key={step.name}
          className="jp-mlops-state"
          data-state={step.state}
          title={`${step.name}: ${stateLabel(step.state, props.trans)} ${formatDuration(step.seconds)}`}
          dangerouslySetInnerHTML={{ __html: stateSvg(step.state) }}
        />
      ))}
    </span>
  );
}
