import { Dialog, InputDialog, Notification, showDialog, showErrorMessage } from '@jupyterlab/apputils';
import { NotebookPanel } from '@jupyterlab/notebook';
import { given, moment } from '../format';
import { showCells } from '../pipeline/reveal';
import { RequestError, wordsOf } from '../request';
import { saveSeen } from '../save';
import { stateWord } from '../states';
import { IMlops } from '../tokens';
import { Run } from '../types';
import { IRunWanted } from './api';

const NOTICED = 10; // seconds from which a person may have turned to something else

/** What other parts do with a run. */
export interface IRunDoor {
  open(run: string): void;
  history(notebook: string): void;
  repair(run: Run): Promise<void>;
  resume(panel: NotebookPanel): Promise<void>;
}

/** Save the notebook, and run it with the parameters of its form. Resolves to the run, or undefined if there is none. */
export async function startRun(
  mlops: IMlops,
  panel: NotebookPanel,
  how: Pick<IRunWanted, 'from_step' | 'only_step' | 'use_cache'> = {}
): Promise<Run | undefined> {
  const { trans } = mlops;
  const { runs, parameters } = mlops.desk(panel);
  const [wrong] = Object.entries(parameters.wrong);
  if (wrong) {
    Notification.error(trans.__('The run was not started: parameter %1. %2', ...wrong), { autoClose: 8000 });
    return undefined;
  }
  try {
    await saveSeen(panel);
    return await runs.start({ notebook: panel.context.localPath, parameters: parameters.given, ...how });
  } catch (error) {
    if (!(error instanceof RequestError && parameters.refuse(error.field, error.words))) {
      await showErrorMessage(trans.__('The run could not be started'), wordsOf(error));
    } else {
      Notification.error(trans.__('The run could not be started: %1', wordsOf(error)), { autoClose: 8000 });
    }
    return undefined;
  }
}

/** Ask for an earlier run, and run the notebook with what that was given; the form shows it. */
export async function runAsBefore(mlops: IMlops, panel: NotebookPanel): Promise<Run | undefined> {
  const { trans } = mlops;
  const { runs, parameters, pipeline } = mlops.desk(panel);
  const earlier = runs.runs.filter(run => run.trigger !== 'reproduce');
  const items = earlier.map(
    (run, at) =>
      `${at + 1}. ${moment(run.started ?? run.created)} · ${stateWord(run.state, trans)} · ${given(run.parameters, 6) || trans.__('defaults')}`
  );
  const answer = await InputDialog.getItem({
    title: trans.__('Run with the parameters of'),
    items,
    okLabel: trans.__('Run')
  });
  if (!answer.button.accept || answer.value === null) {
    return undefined;
  }
  parameters.takeFrom(earlier[items.indexOf(answer.value)], pipeline.pipeline?.parameters ?? []);
  return startRun(mlops, panel);
}

/** Do something that is asked of the server, and show why if it can't be done. */
export async function attempt(title: string, act: () => Promise<unknown>): Promise<void> {
  try {
    await act();
  } catch (error) {
    await showErrorMessage(title, wordsOf(error));
  }
}

/** Say how a run of an open notebook ended, with what can be done about it. */
export function tellEnd(mlops: IMlops, panel: NotebookPanel, run: Run, door: IRunDoor): void {
  const { trans } = mlops;
  if (run.trigger === 'reproduce') {
    return; // its verdict is told on the page of the run that it reproduces
  }
  const name = panel.title.label.replace(/\.ipynb$/, '');
  const long = (run.seconds ?? 0) > NOTICED || mlops.current !== panel || !panel.isVisible;
  if (run.state === 'completed' && long) {
    Notification.success(trans.__('%1 completed', name), {
      autoClose: 4000,
      actions: [{ label: trans.__('Open run'), callback: () => door.open(run.id) }]
    });
  } else if (run.state === 'failed') {
    const error = run.error;
    const what = error ? `${error.ename}: ${firstLine(error.evalue)}` : '';
    const where = error?.step
      ? trans.__('%1 failed in step %2', name, error.step)
      : trans.__('%1 failed', name);
    Notification.error(`${where}. ${what}`.trim(), {
      autoClose: false,
      actions: [
        ...(error?.step ? [{ label: trans.__('Show cell'), callback: () => showFailed(panel, run) }] : []),
        {
          label: error?.step ? trans.__('Repair') : trans.__('Try again'),
          displayType: 'accent',
          callback: () => void door.repair(run)
        },
        { label: trans.__('Open run'), displayType: 'link', callback: () => door.open(run.id) }
      ]
    });
  }
}

export function showFailed(panel: NotebookPanel, run: Run): void {
  if (run.error) {
    showCells(panel, [run.error.cell]);
  }
}

function firstLine(text: string | undefined): string {
  return (text ?? '').split('\n')[0].slice(0, 200);
}

/** Ask before something that can't be undone; says what it is about and what follows. */
export async function certain(
  title: string,
  body: string,
  act: string,
  trans: IMlops['trans']
): Promise<boolean> {
  const answer = await showDialog({
    title,
    body,
    buttons: [Dialog.cancelButton({ label: trans.__('Cancel') }), Dialog.warnButton({ label: act })]
  });
  return answer.button.accept;
}
