import { JupyterFrontEnd } from '@jupyterlab/application';
import { Notification } from '@jupyterlab/apputils';
import { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import { change } from '../steps/edit';
import { IMlops } from '../tokens';
import { Run } from '../types';
import { attempt, IRunDoor, showFailed } from './actions';

/** Sources of a notebook's code cells, by id. */
function sources(panel: NotebookPanel): Record<string, string> {
  const found: Record<string, string> = {};
  for (const cell of panel.content.model?.cells ?? []) {
    if (cell.type === 'code') {
      found[cell.id] = cell.sharedModel.getSource();
    }
  }
  return found;
}

/** Take a run up again: a failed one by a notebook of its failed step, in a kernel that holds the step's inputs; a
 * stopped one at once. */
export async function openRepair(
  app: JupyterFrontEnd,
  mlops: IMlops,
  notebooks: INotebookTracker,
  run: Run,
  door: IRunDoor
): Promise<void> {
  const { trans, runs } = mlops;
  if (run.state !== 'failed' || !run.error?.step) {
    await runs.repair(run.id);
    door.open(run.id);
    return;
  }
  const wait = Notification.emit(trans.__('Restoring the inputs of step %1…', run.error.step), 'in-progress', {
    autoClose: false
  });
  let made;
  try {
    made = await runs.repairNotebook(run.id);
  } finally {
    Notification.dismiss(wait);
  }
  const { path, kernel } = made;
  const panel = (await app.commands.execute('docmanager:open', {
    path,
    factory: 'Notebook',
    kernel: { id: kernel },
    options: { mode: 'split-right' }
  })) as NotebookPanel;
  await panel.context.ready;
  const original = sources(panel);
  const resume = async () => {
    const now = sources(panel);
    const mended = Object.fromEntries(Object.entries(now).filter(([id, text]) => id in original && text !== original[id]));
    await attempt(trans.__('The run could not be resumed'), async () => {
      await runs.repair(run.id, mended);
      writeBack(notebooks, run, mended);
      door.open(run.id);
    });
  };
  Notification.info(
    trans.__('Mend step %1 here: its kernel holds the inputs it failed with. Then resume the run.', made.step),
    {
      autoClose: false,
      actions: [
        { label: trans.__('Resume'), displayType: 'accent', callback: () => void resume() },
        {
          label: trans.__('Show cell'),
          callback: () => {
            const live = run.notebook && notebooks.find(one => one.context.localPath === run.notebook);
            if (live) {
              app.shell.activateById(live.id);
              showFailed(live, run);
            }
          }
        }
      ]
    }
  );
}

/** Put what was mended into the notebook that was run, where it is open. */
function writeBack(notebooks: INotebookTracker, run: Run, mended: Record<string, string>): void {
  const live = run.notebook && notebooks.find(panel => panel.context.localPath === run.notebook);
  if (live && live.content.model) {
    const { model } = live.content;
    change(model, () => {
      for (const cell of model.cells) {
        if (cell.id in mended) {
          cell.sharedModel.setSource(mended[cell.id]);
        }
      }
    });
  }
}
