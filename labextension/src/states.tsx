import { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import { duration } from './format';
import { stateSvg } from './icons';
import { State, StepRun } from './types';

/** The word of each state. */
export function stateWord(state: State, trans: TranslationBundle): string {
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
export function StateMark(props: {
  state: State;
  trans: TranslationBundle;
  bare?: boolean;
  children?: React.ReactNode;
}): JSX.Element {
  const word = stateWord(props.state, props.trans);
  return (
    <span className="jp-mlops-state" data-state={props.state} title={props.bare ? word : undefined}>
      <span className="jp-mlops-state-icon" dangerouslySetInnerHTML={{ __html: stateSvg(props.state) }} />
      {props.bare ? <span className="jp-mlops-hidden">{word}</span> : <span>{props.children ?? word}</span>}
    </span>
  );
}

/** The steps of a run as a row of small marks. */
export function StepMarks(props: { steps: readonly StepRun[]; trans: TranslationBundle }): JSX.Element {
  const told = props.steps.map(step => `${step.name}: ${stateWord(step.state, props.trans)}`).join(', ');
  return (
    <span className="jp-mlops-marks" role="img" aria-label={told || props.trans.__('no steps yet')}>
      {props.steps.map(step => (
        <span
          key={step.name}
          className="jp-mlops-mark"
          data-state={step.state}
          title={`${step.name}: ${stateWord(step.state, props.trans)} ${duration(step.seconds)}`}
          dangerouslySetInnerHTML={{ __html: stateSvg(step.state) }}
        />
      ))}
    </span>
  );
}
