import { ILayoutRestorer, JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { IMainMenu } from '@jupyterlab/mainmenu';
import { IStateDB } from '@jupyterlab/statedb';
import { Menu } from '@lumino/widgets';
import { Commands, NO_ARGS } from '../commands';
import { mlopsIcon } from '../icons';
import { IPublish } from '../jobs/plugin';
import { IRunActions } from '../runs/actions';
import { IRuns } from '../runs/plugin';
import { IPublishActions } from '../versions/view';
import { IMlops, PLUGIN } from '../tokens';
import { MlopsPanel } from './panel';

/** The side panel. */
export const panel: JupyterFrontEndPlugin<void> = {
  id: `${PLUGIN}:panel`,
  description: 'The side panel: pipeline, checks, parameters and runs of the notebook.',
  autoStart: true,
  requires: [IMlops, IRuns, IPublish],
  optional: [ICommandPalette, IMainMenu, ILayoutRestorer, IStateDB],
  activate: (
    app: JupyterFrontEnd,
    mlops: IMlops,
    runs: IRunActions,
    publish: IPublishActions,
    palette: ICommandPalette | null,
    menus: IMainMenu | null,
    restorer: ILayoutRestorer | null,
    state: IStateDB | null
  ): void => {
    const { trans } = mlops;
    const { commands, shell } = app;
    const runMenu = new Menu({ commands });
    for (const command of [
      Commands.run,
      Commands.runFrom,
      Commands.runOnly,
      Commands.runFresh,
      Commands.runPast
    ]) {
      runMenu.addItem({ command });
    }
    runMenu.addItem({ type: 'separator' });
    runMenu.addItem({ command: Commands.publish });
    runMenu.addItem({ command: Commands.exportPipeline });
    const sidePanel = new MlopsPanel(mlops, runs, publish, runMenu, state);
    shell.add(sidePanel, 'right', { rank: 320, type: 'MLOps' });
    restorer?.add(sidePanel, 'jupyter-mlops-panel');
    commands.addCommand(Commands.showPanel, {
      label: trans.__('MLOps'),
      caption: trans.__('Show the pipeline, checks, parameters and runs of the notebook'),
      icon: mlopsIcon,
      describedBy: NO_ARGS,
      execute: () => shell.activateById(sidePanel.id)
    });
    palette?.addItem({ command: Commands.showPanel, category: trans.__('MLOps') });
    menus?.viewMenu.addGroup([{ command: Commands.showPanel }], 30);
  }
};
