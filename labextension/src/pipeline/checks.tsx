import { NotebookPanel } from '@jupyterlab/notebook';
import * as React from 'react';
import { repairs } from '../steps/repairs';
import { useSignal } from '../signal';
import { IMlops } from '../tokens';
import { Check } from '../types';
import { fixOf, IFix } from './fixes';
import { showCells } from './reveal';

const RERUN = 'notebook:restart-run-all';

/** What can be done at a click about a finding; null if nothing can. */
function fixFor(check: Check, panel: NotebookPanel, mlops: IMlops): IFix | null {
  const { pipeline } = mlops.desk(panel);
  const { commands, trans } = mlops;
  if (['hidden_state', 'execution_order'].includes(check.rule) && commands.hasCommand(RERUN)) {
    const run = () => {
      panel.activate();
      void commands.execute(RERUN); // asks before it restarts
    };
    return { label: trans.__('Restart and run all…'), act: run };
  }
  const id = check.cell === null ? undefined : pipeline.checkedId(check.cell);
  const cell = Array.from(pipeline.notebook.cells).find(one => one.id === id);
  return cell ? fixOf(check, cell, pipeline.notebook, trans) : null;
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
        const fix = fixFor(check, panel, mlops);
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
