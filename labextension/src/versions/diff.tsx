import { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import { formatValue } from '../format';
import { IMlops } from '../tokens';
import { Values } from '../types';

/** The names of the five sections of a difference. */
export function sectionLabels(trans: TranslationBundle): Record<string, string> {
  return {
    code: trans.__('Code'),
    pipeline: trans.__('Pipeline'),
    environment: trans.__('Environment'),
    data: trans.__('Data'),
    metrics: trans.__('Metrics')
  };
}

/** What differs, in sections; empty ones are left closed. */
export function DiffSections(props: { mlops: IMlops; sections: Record<string, Values[]> }): JSX.Element {
  const { trans } = props.mlops;
  const labels = sectionLabels(trans);
  return (
    <>
      {Object.entries(props.sections).map(([name, changes]) => (
        <details key={name} open={changes.length > 0}>
          <summary>
            {labels[name] ?? name} · {changes.length || trans.__('nothing')}
          </summary>
          {changes.map((change, index) => (
            <div key={index}>
              <div>
                {String(change.what)}
                {typeof change.cell === 'number' ? ` · ${trans.__('cell %1', change.cell + 1)}` : ''}
                {'before' in change ? ` · ${formatValue(change.before)} → ${formatValue(change.after)}` : ''}
              </div>
              {change.diff ? <Diff lines={change.diff} /> : null}
            </div>
          ))}
        </details>
      ))}
    </>
  );
}

const SIGN_STATES: Record<string, string> = { '+': 'completed', '-': 'failed', '@': 'skipped' };

/** A unified diff, each line marked by sign and colour; `hunks`: with the places of its parts. */
export function Diff(props: { lines: unknown; hunks?: boolean }): JSX.Element {
  const { hunks } = props;
  const lines = (
    Array.isArray(props.lines) ? props.lines.map(String) : String(props.lines).split('\n')
  ).filter(
    (line, index) =>
      !(hunks ? index < 2 : line.startsWith('+++') || line.startsWith('---')) &&
      (hunks || !line.startsWith('@@'))
  );
  return (
    <pre className="jp-mlops-lines" tabIndex={0}>
      {lines.map((line, index) => (
        <span key={index} data-sign={line[0]} data-state={SIGN_STATES[line[0]]}>
          {line}
          {'\n'}
        </span>
      ))}
    </pre>
  );
}
