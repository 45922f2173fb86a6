import { Dialog, InputDialog, Notification, showDialog, showErrorMessage } from '@jupyterlab/apputils';
import { NotebookPanel } from '@jupyterlab/notebook';
import { formatParameters, formatTime } from '../format';
import { showCells } from '../pipeline/showCells';
import { RequestError, errorMessage } from '../request';
import { saveNotebook } from '../saveNotebook';
import { stateLabel } from '../stateBadge';
import { IMlops } from '../tokens';
import { Run } from '../types';
import { IRunRequest } from './api';

const LONG_RUN_SECONDS = 10; // seconds from which a person may have turned to something else

/** What other parts do with a run. */
export interface IRunActions {
  open(run: string): void;
  history(notebook: string): void;
  repair(run: Run): Promise<void>;
  resume(panel: NotebookPanel): Promise<void>;
}

/** Save the notebook, and run it with the parameters of its form. Resolves to the run, or undefined if there is none. */
export async function startRun(
  mlops: IMlops,
  panel: NotebookPanel,
  options: Pick<IRunRequest, 'from_step' | 'only_step' | 'use_cache'> = {}
): Promise<Run | undefined> {
  const { trans } = mlops;
  const { runs, parameters } = mlops.stateFor(panel);
  const [invalid] = Object.entries(parameters.invalid);
  if (invalid) {
    Notification.error(trans.__('The run was not started: parameter %1. %2', ...invalid), {
      autoClose: 8000
    });
    return undefined;
  }
  try {
    await saveNotebook(panel);
    return await runs.start({
      notebook: panel.context.localPath,
      parameters: parameters.overrides,
      ...options
    });
  } catch (error) {
    if (!(error instanceof RequestError && parameters.setFieldError(error.field, error.fullMessage))) {
      await showErrorMessage(trans.__('The run could not be started'), errorMessage(error));
    } else {
      Notification.error(trans.__('The run could not be started: %1', errorMessage(error)), {
        autoClose: 8000
      });
    }
    return undefined;
  }
}

/** Ask for an earlier run, and run the notebook with what that was given; the form shows it. */
export async function runWithEarlierParameters(
  mlops: IMlops,
  panel: NotebookPanel
): Promise<Run | undefined> {
  const { trans } = mlops;
  const { runs, parameters, pipeline } = mlops.stateFor(panel);
  const earlierRuns = runs.runs.filter(run => !['reproduce', 'why', 'backtest'].includes(run.trigger));
  const items = earlierRuns.map(
    (run, index) =>
      `${index + 1}. ${formatTime(run.started ?? run.created)} · ${stateLabel(run.state, trans)} · ${formatParameters(run.parameters, 6) || trans.__('defaults')}`
  );
  const dialogResult = await InputDialog.getItem({
    title: trans.__('Run with the parameters of'),
    items,
    okLabel: trans.__('Run')
  });
  if (!dialogResult.button.accept || dialogResult.value === null) {
    return undefined;
  }
  parameters.copyFromRun(earlierRuns[items.indexOf(dialogResult.value)], pipeline.pipeline?.parameters ?? []);
  return startRun(mlops, panel);
}

/** Do something that is asked of the server, and show why if it can't be done. */
export async function withErrorDialog(title: string, request: () => Promise<unknown>): Promise<void> {
  try {
    await request();
  } catch (error) {
    await showErrorMessage(title, errorMessage(error));
  }
}

/** Say how a run of an open notebook ended, with what can be done about it. */
export function notifyEnd(mlops: IMlops, panel: NotebookPanel, run: Run, actions: IRunActions): void {
  const { trans } = mlops;
  if (['reproduce', 'why', 'backtest'].includes(run.trigger)) {
    return; // its verdict is told on the page of the run that it reproduces
  }
  const name = panel.title.label.replace(/\.ipynb$/, '');
  const worthNotice = (run.seconds ?? 0) > LONG_RUN_SECONDS || mlops.current !== panel || !panel.isVisible;
  if (run.state === 'completed' && worthNotice) {
    Notification.success(trans.__('%1 completed', name), {
      autoClose: 4000,
      actions: [{ label: trans.__('Open run'), callback: () => actions.open(run.id) }]
    });
  } else if (run.state === 'failed') {
    const error = run.error;
    const errorText = error ? `${error.ename}: ${firstLine(error.evalue)}` : '';
    const headline = error?.step
      ? trans.__('%1 failed in step %2', name, error.step)
      : trans.__('%1 failed', name);
    Notification.error(`${headline}. ${errorText}`.trim(), {
      autoClose: false,
      actions: [
        ...(error?.step
          ? [{ label: trans.__('Show cell'), callback: () => showFailedCell(panel, run) }]
          : []),
        {
          label: error?.step ? trans.__('Repair') : trans.__('Try again'),
          displayType: 'accent',
          callback: () => void actions.repair(run)
        },
        { label: trans.__('Open run'), displayType: 'link', callback: () => actions.open(run.id) }
      ]
    });
  }
}

export function showFailedCell(panel: NotebookPanel, run: Run): void {
  if (run.error) {
    showCells(panel, [run.error.cell]);
  }
}

function firstLine(text: string | undefined): string {
  return (text ?? '').split('\n')[0].slice(0, 200);
}

/** Ask before something that can't be undone; says what it is about and what follows. */
export async function confirm(
  title: string,
  body: string,
  acceptLabel: string,
  trans: IMlops['trans']
): Promise<boolean> {
  const dialogResult = await showDialog({
    title,
    body,
    buttons: [Dialog.cancelButton({ label: trans.__('Cancel') }), Dialog.warnButton({ label: acceptLabel })]
  });
  return dialogResult.button.accept;
}
