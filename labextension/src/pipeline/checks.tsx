import { NotebookPanel } from '@jupyterlab/notebook';
import * as React from 'react';
import { change, setTags, tagsOf, writeTags } from '../steps/edit';
import { asName, readTags } from '../steps/tags';
import { repairs } from '../steps/repairs';
import { useSignal } from '../signal';
import { IMlops } from '../tokens';
import { Check } from '../types';
import { PipelineModel } from './model';
import { showCells } from './reveal';

/** What can be mended at a click, by rule: what the button says, and what it does. */
function fixOf(
  check: Check,
  pipeline: PipelineModel,
  mlops: IMlops
): { label: string; act: () => void } | null {
  const { trans } = mlops;
  if (check.cell === null) {
    return null;
  }
  const id = pipeline.checkedId(check.cell);
  const at = Array.from(pipeline.notebook.cells).findIndex(cell => cell.id === id);
  const cell = at < 0 ? undefined : pipeline.notebook.cells.get(at);
  if (!cell) {
    return null;
  }
  const skip = {
    label: trans.__('Skip the cell'),
    act: () =>
      change(pipeline.notebook, () => setTags(cell, { role: 'skip', step: '', after: [], gate: false }))
  };
  switch (check.rule) {
    case 'tags': {
      const bad = tagsOf(cell).find(tag => /^(step|block):/.test(tag) && tag !== mended(tag));
      return bad === undefined
        ? null
        : {
            label: trans.__('Use %1', mended(bad)),
            act: () =>
              change(pipeline.notebook, () =>
                writeTags(
                  cell,
                  tagsOf(cell).map(tag => (tag === bad ? mended(tag) : tag))
                )
              )
          };
    }
    case 'interactive':
    case 'pip_install':
      return readTags(tagsOf(cell)).role === 'skip' ? null : skip;
    default:
      return null;
  }
}

function mended(tag: string): string {
  const [kind, ...rest] = tag.split(':');
  return `${kind}:${asName(rest.join(':')) || 'step'}`;
}

/** What stands between the notebook and a headless run, the worst first. */
export function ChecksView(props: { mlops: IMlops; panel: NotebookPanel }): JSX.Element {
  const { mlops, panel } = props;
  const { trans } = mlops;
  const { pipeline } = mlops.desk(panel);
  useSignal(pipeline.changed);
  if (repairs(panel)) {
    return (
      <div className="jp-mlops-empty">
        {trans.__('This notebook mends one step: its inputs are in the kernel.')}
      </div>
    );
  }
  if (!pipeline.checked) {
    return <div className="jp-mlops-empty">{trans.__('Checking…')}</div>;
  }
  if (!pipeline.checks.length) {
    return <div className="jp-mlops-empty">{trans.__('Nothing found: it will run headless.')}</div>;
  }
  const words = { error: trans.__('error'), warning: trans.__('warning'), info: trans.__('note') };
  return (
    <ul className="jp-mlops-list">
      {pipeline.checks.map((check, key) => {
        const fix = fixOf(check, pipeline, mlops);
        const go = () => {
          const id = check.cell === null ? undefined : pipeline.checkedId(check.cell);
          const at = panel.content.widgets.findIndex(cell => cell.model.id === id);
          showCells(panel, at < 0 ? (check.cell === null ? [] : [check.cell]) : [at]);
        };
        return (
          <li key={key} className="jp-mlops-check" data-severity={check.severity}>
            <span className="jp-mlops-severity">{words[check.severity]}</span>
            <div>
              <div>
                {check.cell === null ? null : <strong>{trans.__('cell %1', check.cell + 1)} </strong>}
                {check.message}
              </div>
              <div className="jp-mlops-quiet">{check.fix}</div>
            </div>
            <span className="jp-mlops-acts">
              {check.cell === null ? null : (
                <button className="jp-mlops-link" onClick={go}>
                  {trans.__('Go')}
                </button>
              )}
              {fix ? (
                <button className="jp-mlops-link" onClick={fix.act}>
                  {fix.label}
                </button>
              ) : null}
            </span>
          </li>
        );
      })}
    </ul>
  );
}
