import { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import { errorMessage } from './request';

/** What went wrong, where it went wrong. */
export function Problem(props: { children: React.ReactNode }): JSX.Element | null {
  return props.children ? (
    <div className="jp-mlops-callout" data-state="failed" role="alert">
      {props.children}
    </div>
  ) : null;
}

/** What stands where nothing is to be shown: the children, why there is nothing, or that it is being loaded. */
export function Placeholder(props: {
  trans: TranslationBundle;
  problem?: unknown;
  children?: React.ReactNode;
}): JSX.Element {
  const { problem, children, trans } = props;
  return (
    <div className="jp-mlops-placeholder" role={problem ? 'alert' : 'status'}>
      {problem ? errorMessage(problem) : (children ?? trans.__('Loading…'))}
    </div>
  );
}
