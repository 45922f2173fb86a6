import { NotebookPanel } from '@jupyterlab/notebook';
import * as React from 'react';
import { repairs } from '../steps/repairs';
import { useSignal } from '../hooks';
import { Placeholder } from '../notices';
import { IMlops } from '../tokens';
import { Check } from '../types';
import { fixOf, IFix } from './fixes';
import { showCells } from './showCells';

const RESTART_RUN_ALL = 'notebook:restart-run-all';

/** What can be done at a click about a finding; null if nothing can. */
function fixFor(check: Check, panel: NotebookPanel, mlops: IMlops): IFix | null {
  const { pipeline } = mlops.stateFor(panel);
  const { commands, trans } = mlops;
  if (['hidden_state', 'execution_order'].includes(check.rule) && commands.hasCommand(RESTART_RUN_ALL)) {
    const run = () => {
      panel.activate();
      void commands.execute(RESTART_RUN_ALL); // asks before it restarts
    };
    return { label: trans.__('Restart and run all…'), apply: run };
  }
  const id = check.cell === null ? undefined : pipeline.checkCellId(check.cell);
  const cell = Array.from(pipeline.notebook.cells).find(model => model.id === id);
  return cell ? fixOf(check, cell, pipeline.notebook, trans) : null;
}

/** What stands between the notebook and a headless run, the worst first. */
export function ChecksView(props: { mlops: IMlops; panel: NotebookPanel }): JSX.Element {
  const { mlops, panel } = props;
  const { trans } = mlops;
  const { pipeline } = mlops.stateFor(panel);
  useSignal(pipeline.changed);
  if (repairs(panel)) {
    return (
      <Placeholder trans={trans}>
        {trans.__('This notebook repairs one step: its inputs are in the kernel.')}
      </Placeholder>
    );
  }
  if (!pipeline.checked) {
    return <Placeholder trans={trans}>{trans.__('Checking…')}</Placeholder>;
  }
  if (!pipeline.checks.length) {
    return (
      <Placeholder trans={trans}>{trans.__('No findings: the notebook will run headless.')}</Placeholder>
    );
  }
  const labels = { error: trans.__('error'), warning: trans.__('warning'), info: trans.__('note') };
  return (
    <ul className="jp-mlops-list">
      {pipeline.checks.map((check, key) => {
        const fix = fixFor(check, panel, mlops);
        const showCell = () => {
          const id = check.cell === null ? undefined : pipeline.checkCellId(check.cell);
          const index = panel.content.widgets.findIndex(cell => cell.model.id === id);
          showCells(panel, index < 0 ? (check.cell === null ? [] : [check.cell]) : [index]);
        };
        return (
          <li key={key} className="jp-mlops-row jp-mlops-check" data-severity={check.severity}>
            <span className="jp-mlops-state">{labels[check.severity]}</span>
            <div className="jp-mlops-grow">
              <div>
                {check.cell === null ? null : <strong>{trans.__('cell %1', check.cell + 1)} </strong>}
                {check.message}
              </div>
              <div className="jp-mlops-secondary">{check.fix}</div>
            </div>
            <span className="jp-mlops-acts">
              {check.cell === null ? null : (
                <button className="jp-mlops-link" onClick={showCell}>
                  {trans.__('Go')}
                </button>
              )}
              {fix ? (
                <button className="jp-mlops-link" onClick={fix.apply}>
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
