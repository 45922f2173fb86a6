import { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

/** A wide table whose last column has what can be done with a row. */
export function ActionTable(props: {
  trans: TranslationBundle;
  columns: readonly string[];
  children: React.ReactNode;
}): JSX.Element {
  return (
    <table className="jp-mlops-table jp-mod-wide">
      <thead>
        <tr>
          {props.columns.map(column => (
            <th key={column}>{column}</th>
          ))}
          <th aria-label={props.trans.__('Actions')} />
        </tr>
      </thead>
      <tbody>{props.children}</tbody>
    </table>
  );
}
