import { JupyterFrontEnd } from '@jupyterlab/application';
import { Notification } from '@jupyterlab/apputils';
import { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import { transact } from '../steps/edit';
import { repairs } from '../steps/repairs';
import { IMlops } from '../tokens';
import { Run } from '../types';
import { withErrorDialog, IRunActions, showFailedCell } from './actions';

/** Resume the run that a notebook repairs, with its cells as they are now. */
export async function resume(
  mlops: IMlops,
  notebooks: INotebookTracker,
  panel: NotebookPanel,
  actions: IRunActions
): Promise<void> {
  const metadata = repairs(panel);
  if (!metadata) {
    return;
  }
  const sources: Record<string, string> = {};
  for (const cell of panel.content.model?.cells ?? []) {
    if (metadata.cells.includes(cell.id)) {
      sources[cell.id] = cell.sharedModel.getSource();
    }
  }
  await withErrorDialog(mlops.trans.__('The run could not be resumed'), async () => {
    const run = await mlops.runs.repair(metadata.run, sources);
    writeSources(notebooks, run, sources);
    Notification.dismiss(notificationIds.get(run.id));
    actions.open(run.id);
  });
}

/** Take a run up again: a failed one by a notebook of its failed step, in a kernel that holds the step's inputs; a
 * stopped one at once. */
export async function openRepair(
  app: JupyterFrontEnd,
  mlops: IMlops,
  notebooks: INotebookTracker,
  run: Run,
  actions: IRunActions
): Promise<void> {
  const { trans, runs } = mlops;
  if (run.state !== 'failed' || !run.error?.step) {
    await runs.repair(run.id);
    actions.open(run.id);
    return;
  }
  const notificationId = Notification.emit(
    trans.__('Restoring the inputs of step %1…', run.error.step),
    'in-progress',
    {
      autoClose: false
    }
  );
  let repairNotebook;
  try {
    repairNotebook = await runs.repairNotebook(run.id);
  } finally {
    Notification.dismiss(notificationId);
  }
  const { path, kernel } = repairNotebook;
  const panel = (await app.commands.execute('docmanager:open', {
    path,
    factory: 'Notebook',
    kernel: { id: kernel },
    options: { mode: 'split-right' }
  })) as NotebookPanel;
  await panel.context.ready;
  notificationIds.set(
    run.id,
    Notification.info(
      trans.__(
        'Repair step %1 here: the kernel holds the inputs with which it failed. Then resume the run.',
        repairNotebook.step
      ),
      {
        autoClose: false,
        actions: [
          {
            label: trans.__('Resume'),
            displayType: 'accent',
            callback: () => void resume(mlops, notebooks, panel, actions)
          },
          {
            label: trans.__('Show cell'),
            callback: () => {
              const openPanel =
                run.notebook &&
                notebooks.find(notebookPanel => notebookPanel.context.localPath === run.notebook);
              if (openPanel) {
                app.shell.activateById(openPanel.id);
                showFailedCell(openPanel, run);
              }
            }
          }
        ]
      }
    )
  );
}

/** The notice of each run that is being mended; it goes when the run goes on. */
const notificationIds = new Map<string, string>();

/** Put what was mended into the notebook that was run, where it is open. */
function writeSources(notebooks: INotebookTracker, run: Run, sources: Record<string, string>): void {
  const openPanel = run.notebook && notebooks.find(panel => panel.context.localPath === run.notebook);
  if (openPanel && openPanel.content.model) {
    const { model } = openPanel.content;
    transact(model, () => {
      for (const cell of model.cells) {
        if (cell.id in sources && cell.sharedModel.getSource() !== sources[cell.id]) {
          cell.sharedModel.setSource(sources[cell.id]);
        }
      }
    });
  }
}
