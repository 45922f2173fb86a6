import { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import { short } from '../format';
import { IMlops } from '../tokens';
import { Values } from '../types';

/** The names of the five sections of a difference. */
export function sectionWords(trans: TranslationBundle): Record<string, string> {
  return {
    code: trans.__('Code'),
    pipeline: trans.__('Pipeline'),
    environment: trans.__('Environment'),
    data: trans.__('Data'),
    metrics: trans.__('Metrics')
  };
}

/** What differs, in sections; empty ones are left closed. */
export function Sections(props: { mlops: IMlops; sections: Record<string, Values[]> }): JSX.Element {
  const { trans } = props.mlops;
  const words = sectionWords(trans);
  return (
    <>
      {Object.entries(props.sections).map(([name, found]) => (
        <details key={name} open={found.length > 0} className="jp-mlops-diff">
          <summary>
            {words[name] ?? name} · {found.length || trans.__('nothing')}
          </summary>
          {found.map((change, at) => (
            <div key={at}>
              <div>
                {String(change.what)}
                {typeof change.cell === 'number' ? ` · ${trans.__('cell %1', change.cell + 1)}` : ''}
                {'before' in change ? ` · ${short(change.before)} → ${short(change.after)}` : ''}
              </div>
              {change.diff ? <Diff lines={change.diff} /> : null}
            </div>
          ))}
        </details>
      ))}
    </>
  );
}

/** A unified diff, each line marked by sign and colour. */
export function Diff(props: { lines: unknown }): JSX.Element {
  const lines = (
    Array.isArray(props.lines) ? props.lines.map(String) : String(props.lines).split('\n')
  ).filter(line => !line.startsWith('+++') && !line.startsWith('---') && !line.startsWith('@@'));
  return (
    <pre className="jp-mlops-lines" tabIndex={0}>
      {lines.map((line, at) => (
        <span key={at} data-sign={line[0]}>
          {line}
          {'\n'}
        </span>
      ))}
    </pre>
  );
}
