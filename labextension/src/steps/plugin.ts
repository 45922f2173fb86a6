import { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette, Notification } from '@jupyterlab/apputils';
import { Cell } from '@jupyterlab/cells';
import { IMainMenu } from '@jupyterlab/mainmenu';
import { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import { Menu } from '@lumino/widgets';
import { Commands, NO_ARGS } from '../commands';
import { roleIcons } from '../icons';
import { IMlops, PLUGIN } from '../tokens';
import { setRole, setStep, tagsOf } from './edit';
import { StepEditor } from './editor';
import { CellHeader, roleLabel } from './header';
import { readTags, Role, ROLES } from './tags';
import { HeaderTracker } from './tracker';

/** The code cells that are selected, or the active one. */
function selectedCells(panel: NotebookPanel): Cell[] {
  const { content } = panel;
  const cells = content.widgets.filter(
    cell => content.isSelectedOrActive(cell) && cell.model.type === 'code'
  );
  const { activeCell } = content;
  return activeCell && cells.includes(activeCell)
    ? [activeCell, ...cells.filter(cell => cell !== activeCell)]
    : cells;
}

type CurrentPanel = () => NotebookPanel | null;

/** Add the command that opens the step editor. */
function addEditCommand(
  mlops: IMlops,
  currentPanel: CurrentPanel,
  headerOf: (panel: NotebookPanel, cell: Cell) => CellHeader | undefined
): void {
  const { trans, commands } = mlops;
  commands.addCommand(Commands.editStep, {
    label: trans.__('Edit Step…'),
    caption: trans.__('Assign a step, a role and settings to the selected cells'),
    describedBy: NO_ARGS,
    isEnabled: () => currentPanel() !== null,
    execute: () => {
      const panel = currentPanel();
      if (panel) {
        const cells = selectedCells(panel);
        const header = headerOf(panel, cells[0]);
        StepEditor.open(mlops, panel, cells, header?.isVisible ? header.chip : cells[0].node);
      }
    }
  });
}

/** Add the command that gives cells a role or a step. */
function addRoleCommand(mlops: IMlops, currentPanel: CurrentPanel): void {
  const { trans, commands } = mlops;
  commands.addCommand(Commands.setRole, {
    label: args => (args.role ? roleLabel(String(args.role), mlops) : trans.__('no role')),
    icon: args => roleIcons[String(args.role)],
    describedBy: {
      args: {
        type: 'object',
        properties: { role: { type: 'string', enum: ['', ...ROLES] }, step: { type: 'string' } }
      }
    },
    isEnabled: () => currentPanel() !== null,
    isToggleable: true,
    isToggled: args => {
      const panel = currentPanel();
      return panel !== null && readTags(tagsOf(selectedCells(panel)[0].model)).role === (args.role ?? '');
    },
    execute: args => {
      const panel = currentPanel();
      if (panel?.content.model) {
        const models = selectedCells(panel).map(cell => cell.model);
        if (typeof args.step === 'string') {
          setStep(panel.content.model, models, args.step);
        } else {
          setRole(panel.content.model, models, String(args.role ?? '') as Role | '');
        }
      }
    }
  });
}

/** Add the commands about suggested steps. */
function addSuggestionCommands(mlops: IMlops, tracker: INotebookTracker): void {
  const { trans, commands } = mlops;
  const suggestFor = async () => {
    const panel = tracker.currentWidget;
    if (panel) {
      const message = await mlops.stateFor(panel).pipeline.suggest();
      if (message) {
        Notification.info(message, { autoClose: 6000 });
      }
    }
  };
  commands.addCommand(Commands.suggestSteps, {
    label: trans.__('Suggest Steps'),
    describedBy: NO_ARGS,
    isEnabled: () => tracker.currentWidget !== null,
    execute: suggestFor
  });
  const currentSuggestion = () => {
    const panel = tracker.currentWidget;
    return panel && mlops.stateFor(panel).pipeline.suggestion ? mlops.stateFor(panel).pipeline : null;
  };
  commands.addCommand(Commands.acceptSuggestion, {
    label: trans.__('Accept Suggested Steps'),
    describedBy: NO_ARGS,
    isEnabled: () => currentSuggestion() !== null,
    execute: () => currentSuggestion()?.acceptSuggestion()
  });
  commands.addCommand(Commands.dismissSuggestion, {
    label: trans.__('Dismiss Suggested Steps'),
    describedBy: NO_ARGS,
    isEnabled: () => currentSuggestion() !== null,
    execute: () => currentSuggestion()?.dismissSuggestion()
  });
}

/** Show the commands in the palette and the menus. */
function addMenus(
  app: JupyterFrontEnd,
  mlops: IMlops,
  palette: ICommandPalette | null,
  menus: IMainMenu | null
): void {
  const { trans, commands } = mlops;
  const roles = new Menu({ commands });
  roles.title.label = trans.__('Role of the Cell');
  for (const role of [...ROLES, '']) {
    roles.addItem({ command: Commands.setRole, args: { role } });
  }
  const category = trans.__('MLOps');
  for (const command of [
    Commands.editStep,
    Commands.suggestSteps,
    Commands.acceptSuggestion,
    Commands.dismissSuggestion
  ]) {
    palette?.addItem({ command, category });
  }
  for (const role of ROLES) {
    palette?.addItem({ command: Commands.setRole, args: { role }, category });
  }
  menus?.editMenu.addGroup(
    [{ command: Commands.editStep }, { type: 'submenu', submenu: roles }, { command: Commands.suggestSteps }],
    30
  );
  app.contextMenu.addItem({ command: Commands.editStep, selector: '.jp-Notebook .jp-CodeCell', rank: 8.5 });
  app.contextMenu.addItem({
    type: 'submenu',
    submenu: roles,
    selector: '.jp-Notebook .jp-CodeCell',
    rank: 8.6
  });
}

/** Steps and roles of cells: headers, the editor, and the commands that lead there. */
export const steps: JupyterFrontEndPlugin<void> = {
  id: `${PLUGIN}:steps`,
  description: 'Headers of cells, and the step editor.',
  autoStart: true,
  requires: [IMlops, INotebookTracker],
  optional: [ICommandPalette, IMainMenu],
  activate: (
    app: JupyterFrontEnd,
    mlops: IMlops,
    tracker: INotebookTracker,
    palette: ICommandPalette | null,
    menus: IMainMenu | null
  ): void => {
    const trackers = new WeakMap<NotebookPanel, HeaderTracker>();
    const openEditor = (panel: NotebookPanel, header: CellHeader) => {
      const { content } = panel;
      const index = content.widgets.indexOf(header.cell);
      const selected = selectedCells(panel);
      const cells = selected.includes(header.cell)
        ? [header.cell, ...selected.filter(cell => cell !== header.cell)]
        : [header.cell];
      if (cells.length === 1) {
        content.deselectAll();
        content.activeCellIndex = index;
      }
      StepEditor.open(mlops, panel, cells, header.chip);
    };
    const add = (panel: NotebookPanel) => trackers.set(panel, new HeaderTracker(panel, mlops, openEditor));
    tracker.widgetAdded.connect((_, panel) => void add(panel));
    tracker.forEach(add);

    const currentPanel = () => {
      const panel = tracker.currentWidget;
      return panel && panel === app.shell.currentWidget && selectedCells(panel).length ? panel : null;
    };
    addEditCommand(mlops, currentPanel, (panel, cell) => trackers.get(panel)?.header(cell));
    addRoleCommand(mlops, currentPanel);
    addSuggestionCommands(mlops, tracker);
    addMenus(app, mlops, palette, menus);
  }
};
