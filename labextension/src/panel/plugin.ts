import { ILayoutRestorer, JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { IMainMenu } from '@jupyterlab/mainmenu';
import { IStateDB } from '@jupyterlab/statedb';
import { Menu } from '@lumino/widgets';
import { Commands, NOTHING } from '../commands';
import { mlopsIcon } from '../icons';
import { IPublish } from '../jobs/plugin';
import { IRunDoor } from '../runs/actions';
import { IRuns } from '../runs/plugin';
import { IPublishDoor } from '../versions/view';
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
    runs: IRunDoor,
    publish: IPublishDoor,
    palette: ICommandPalette | null,
    menus: IMainMenu | null,
    restorer: ILayoutRestorer | null,
    state: IStateDB | null
  ): void => {
    const { trans } = mlops;
    const { commands, shell } = app;
    const ways = new Menu({ commands });
    for (const command of [
      Commands.run,
      Commands.runFrom,
      Commands.runOnly,
      Commands.runFresh,
      Commands.runPast
    ]) {
      ways.addItem({ command });
    }
    const made = new MlopsPanel(mlops, runs, publish, ways, state);
    shell.add(made, 'right', { rank: 320, type: 'MLOps' });
    restorer?.add(made, 'jupyter-mlops-panel');
    commands.addCommand(Commands.showPanel, {
      label: trans.__('MLOps'),
      caption: trans.__('Show the pipeline, checks, parameters and runs of the notebook'),
      icon: mlopsIcon,
      describedBy: NOTHING,
      execute: () => shell.activateById(made.id)
    });
    palette?.addItem({ command: Commands.showPanel, category: trans.__('MLOps') });
    menus?.viewMenu.addGroup([{ command: Commands.showPanel }], 30);
  }
};
