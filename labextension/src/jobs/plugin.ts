import { ILayoutRestorer, JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette, Notification, WidgetTracker } from '@jupyterlab/apputils';
import { IDefaultFileBrowser } from '@jupyterlab/filebrowser';
import { ILauncher } from '@jupyterlab/launcher';
import { IMainMenu } from '@jupyterlab/mainmenu';
import { Token } from '@lumino/coreutils';
import { Commands, NO_ARGS } from '../commands';
import { jobsIcon, mlopsIcon } from '../icons';
import { withErrorDialog, IRunActions } from '../runs/actions';
import { IRuns } from '../runs/plugin';
import { IMlops, PLUGIN } from '../tokens';
import { IPublishActions } from '../versions/view';

export const IPublish = new Token<IPublishActions>(
  'jupyter-mlops:IPublish',
  'Publishing and scheduling notebooks.'
);

/** Jobs, publishing and schedules. */
export const jobs: JupyterFrontEndPlugin<IPublishActions> = {
  id: `${PLUGIN}:jobs`,
  description: 'Jobs, publishing and schedules.',
  autoStart: true,
  provides: IPublish,
  requires: [IMlops, IRuns],
  optional: [ICommandPalette, IMainMenu, ILauncher, ILayoutRestorer, IDefaultFileBrowser],
  activate: (
    app: JupyterFrontEnd,
    mlops: IMlops,
    actions: IRunActions,
    palette: ICommandPalette | null,
    menus: IMainMenu | null,
    launcher: ILauncher | null,
    restorer: ILayoutRestorer | null,
    files: IDefaultFileBrowser | null
  ) => {
    const { trans } = mlops;
    const { commands, shell } = app;
    const category = trans.__('MLOps');
    type Page = ReturnType<(typeof import('./page'))['jobsPage']>;
    const tracker = new WidgetTracker<Page>({ namespace: 'jupyter-mlops-jobs' });
    commands.addCommand(Commands.openJobs, {
      label: args => (args.isPalette ? trans.__('Open Jobs') : trans.__('Jobs')),
      caption: trans.__('Published notebooks, their schedules and runs'),
      icon: jobsIcon,
      describedBy: {
        args: { type: 'object', properties: { job: { type: 'string' }, tab: { type: 'string' } } }
      },
      execute: async args => {
        const { jobsPage } = await import('./page');
        let page = tracker.find(() => true);
        if (!page) {
          page = jobsPage(
            mlops,
            actions,
            (first, second) => void commands.execute(Commands.compareRuns, { first, second })
          );
          shell.add(page, 'main');
          void tracker.add(page);
          page.content.viewChanged.connect(({ parent }) => parent && void tracker.save(parent as Page));
        }
        if (typeof args.job === 'string') {
          page.content.view = { job: args.job, tab: String(args.tab ?? '') };
        }
        shell.activateById(page.id);
      }
    });
    if (restorer) {
      void restorer.restore(tracker, {
        command: Commands.openJobs,
        args: page => ({ ...page.content.view }),
        name: () => 'jobs'
      });
    }
    commands.addCommand(Commands.openDemo, {
      label: trans.__('MLOps Demo'),
      caption: trans.__('A sample notebook with steps, parameters and metrics'),
      icon: mlopsIcon,
      describedBy: { args: { type: 'object', properties: { cwd: { type: 'string' } } } },
      execute: async args => {
        const folder = String(args.cwd ?? files?.model.path ?? '');
        await withErrorDialog(trans.__('The demo could not be copied'), async () => {
          const { path } = await mlops.jobs.copyDemo(folder);
          await commands.execute('docmanager:open', { path });
          await commands.execute(Commands.showPanel);
        });
      }
    });
    const publishActions: IPublishActions = {
      publish: async panel => {
        const { showPublishDialog } = await import('../versions/publish');
        const versionName = await showPublishDialog(mlops, panel);
        if (versionName) {
          Notification.success(trans.__('%1 is published', versionName), {
            autoClose: 5000,
            actions: [
              {
                label: trans.__('Open job'),
                callback: () => publishActions.openJob(versionName.slice(0, versionName.lastIndexOf(' ')))
              }
            ]
          });
        }
      },
      schedule: async job => {
        const { showScheduleDialog } = await import('./schedule');
        await showScheduleDialog(mlops, job);
      },
      openJob: job => void commands.execute(Commands.openJobs, { job })
    };
    commands.addCommand(Commands.publish, {
      label: trans.__('Publish Notebook…'),
      describedBy: NO_ARGS,
      isEnabled: () => mlops.current !== null,
      execute: () =>
        mlops.current &&
        withErrorDialog(trans.__('The notebook could not be published'), () =>
          publishActions.publish(mlops.current!)
        )
    });
    palette?.addItem({ command: Commands.openJobs, category, args: { isPalette: true } });
    palette?.addItem({ command: Commands.publish, category });
    palette?.addItem({ command: Commands.openDemo, category });
    launcher?.add({ command: Commands.openJobs, category, rank: 1 });
    launcher?.add({ command: Commands.openDemo, category, rank: 2 });
    menus?.fileMenu.addGroup([{ command: Commands.publish }, { command: Commands.openJobs }], 40);
    return publishActions;
  }
};
