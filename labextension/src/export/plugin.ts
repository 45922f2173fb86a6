import { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette, Notification } from '@jupyterlab/apputils';
import { IMainMenu } from '@jupyterlab/mainmenu';
import { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import { Commands } from '../commands';
import { RequestError } from '../request';
import { withErrorDialog } from '../runs/actions';
import { saveNotebook } from '../saveNotebook';
import { IMlops, PLUGIN } from '../tokens';
import { ExportAnswer, Version } from '../types';
import { jobOf } from '../versions/view';
import { IExportSubject } from './dialog';
import { addExportFormats } from './menu';
import { countsOf, isHidden } from './model';

const ARGS = {
  args: {
    type: 'object',
    properties: {
      job: { type: 'string', description: 'A published job; the notebook in front if there is none.' },
      version: { type: 'string', description: 'Such as v3; the latest if there is none.' },
      target: { type: 'string', description: 'The engine, such as airflow.' }
    }
  }
} as const;

/** Exports of versions and notebooks. */
export const exports: JupyterFrontEndPlugin<void> = {
  id: `${PLUGIN}:export`,
  description: 'Exports of versions and notebooks as files of other engines.',
  autoStart: true,
  requires: [IMlops],
  optional: [ICommandPalette, IMainMenu],
  activate: (
    app: JupyterFrontEnd,
    mlops: IMlops,
    palette: ICommandPalette | null,
    menus: IMainMenu | null
  ): void => {
    const { trans } = mlops;
    const { commands } = app;
    commands.addCommand(Commands.exportPipeline, {
      label: trans.__('Export Pipeline…'),
      caption: trans.__('Write a version as files of Airflow, Kubernetes, GitHub Actions and others'),
      describedBy: ARGS,
      isEnabled: args => typeof args.job === 'string' || mlops.current !== null,
      execute: args =>
        withErrorDialog(trans.__('The pipeline could not be exported'), async () => {
          const text = (value: unknown) => (typeof value === 'string' ? value : undefined);
          const panel = args.job === undefined ? mlops.current : null;
          const [{ showExportDialog }, exporters, subject] = await Promise.all([
            import('./dialog'),
            mlops.exports.exporters(),
            subjectOf(mlops, text(args.job) ?? '', panel)
          ]);
          const publish = () => void commands.execute(Commands.publish);
          const answer = await showExportDialog(mlops, {
            exporters,
            subject,
            version: text(args.version),
            target: text(args.target),
            publish: panel ? publish : undefined
          });
          if (answer) {
            report(app, mlops, answer);
          }
        })
    });
    palette?.addItem({ command: Commands.exportPipeline, category: trans.__('MLOps') });
    menus?.fileMenu.addGroup([{ command: Commands.exportPipeline }], 41);
  }
};

/** Names of our formats where JupyterLab lists those of nbconvert. */
export const exportMenu: JupyterFrontEndPlugin<void> = {
  id: `${PLUGIN}:export-menu`,
  description: 'Names of engines in the menu Save and Export Notebook As.',
  autoStart: true,
  requires: [IMlops, INotebookTracker],
  optional: [ICommandPalette, IMainMenu],
  activate: (
    app: JupyterFrontEnd,
    mlops: IMlops,
    tracker: INotebookTracker,
    palette: ICommandPalette | null,
    menus: IMainMenu | null
  ): void => addExportFormats(app, mlops, tracker, palette, menus)
};

/** What a job or the notebook in front has to export; the notebook is saved. */
async function subjectOf(mlops: IMlops, job: string, panel: NotebookPanel | null): Promise<IExportSubject> {
  if (!panel) {
    return { job, versions: await mlops.jobs.versions(job), notebook: '' };
  }
  await saveNotebook(panel);
  const name = jobOf(panel);
  return { job: name, versions: await publishedVersions(mlops, name), notebook: panel.context.localPath };
}

async function publishedVersions(mlops: IMlops, job: string): Promise<Version[]> {
  try {
    return await mlops.jobs.versions(job);
  } catch (error) {
    if (error instanceof RequestError && error.status === 404) {
      return [];
    }
    throw error;
  }
}

/** Say what was written, with a way to it. */
function report(app: JupyterFrontEnd, mlops: IMlops, answer: ExportAnswer): void {
  const { trans } = mlops;
  const { written, removed } = countsOf(answer);
  const hidden = answer.files.filter(file => file.state !== 'removed' && isHidden(file.path)).length;
  const folder = answer.folder || '/';
  const sentences = [
    answer.matches
      ? trans.__('%1 already has this export for %2.', folder, answer.label)
      : trans._n('%1 file for %2 is in %3.', '%1 files for %2 are in %3.', written, answer.label, folder),
    removed
      ? trans._n(
          '%1 file of an earlier export was removed.',
          '%1 files of an earlier export were removed.',
          removed
        )
      : '',
    hidden ? trans._n('The file browser hides %1 of them.', 'The file browser hides %1 of them.', hidden) : ''
  ];
  Notification.success(sentences.filter(Boolean).join(' '), {
    autoClose: 15000,
    actions: [
      {
        label: trans.__('Open folder'),
        callback: () => void app.commands.execute('filebrowser:go-to-path', { path: `/${answer.folder}` })
      }
    ]
  });
}
