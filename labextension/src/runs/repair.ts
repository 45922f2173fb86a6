import { JupyterFrontEnd } from '@jupyterlab/application';
import { Notification } from '@jupyterlab/apputils';
import { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import { change } from '../steps/edit';
import { repairs } from '../steps/repairs';
import { IMlops } from '../tokens';
import { Run } from '../types';
import { attempt, IRunDoor, showFailed } from './actions';

/** Go on with the run that a notebook repairs, with its cells as they are now. */
export async function resume(
  mlops: IMlops,
  notebooks: INotebookTracker,
  panel: NotebookPanel,
  door: IRunDoor
): Promise<void> {
  const told = repairs(panel);
  if (!told) {
    return;
  }
  const sources: Record<string, string> = {};
  for (const cell of panel.content.model?.cells ?? []) {
    if (told.cells.includes(cell.id)) {
      sources[cell.id] = cell.sharedModel.getSource();
    }
  }
  await attempt(mlops.trans.__('The run could not be resumed'), async () => {
    const run = await mlops.runs.repair(told.run, sources);
    writeBack(notebooks, run, sources);
    Notification.dismiss(notices.get(run.id));
    door.open(run.id);
  });
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
  const wait = Notification.emit(
    trans.__('Restoring the inputs of step %1…', run.error.step),
    'in-progress',
    {
      autoClose: false
    }
  );
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
  notices.set(
    run.id,
    Notification.info(
      trans.__(
        'Mend step %1 here: its kernel holds the inputs it failed with. Then resume the run.',
        made.step
      ),
      {
        autoClose: false,
        actions: [
          {
            label: trans.__('Resume'),
            displayType: 'accent',
            callback: () => void resume(mlops, notebooks, panel, door)
          },
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
    )
  );
}

/** The notice of each run that is being mended; it goes when the run goes on. */
const notices = new Map<string, string>();

/** Put what was mended into the notebook that was run, where it is open. */
function writeBack(notebooks: INotebookTracker, run: Run, mended: Record<string, string>): void {
  const live = run.notebook && notebooks.find(panel => panel.context.localPath === run.notebook);
  if (live && live.content.model) {
    const { model } = live.content;
    change(model, () => {
      for (const cell of model.cells) {
        if (cell.id in mended && cell.sharedModel.getSource() !== mended[cell.id]) {
          cell.sharedModel.setSource(mended[cell.id]);
        }
      }
    });
  }
}
