import { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette, Notification } from '@jupyterlab/apputils';
import { Cell } from '@jupyterlab/cells';
import { IMainMenu } from '@jupyterlab/mainmenu';
import { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import { Menu } from '@lumino/widgets';
import { Commands, NOTHING } from '../commands';
import { roleIcons } from '../icons';
import { IMlops, PLUGIN } from '../tokens';
import { setRole, setStep, tagsOf } from './edit';
import { StepEditor } from './editor';
import { CellHeader, roleWord } from './header';
import { readTags, Role, ROLES } from './tags';
import { HeaderTracker } from './tracker';

/** The code cells that are selected, or the active one. */
function chosen(panel: NotebookPanel): Cell[] {
  const { content } = panel;
  const found = content.widgets.filter(
    cell => content.isSelectedOrActive(cell) && cell.model.type === 'code'
  );
  const { activeCell } = content;
  return activeCell && found.includes(activeCell)
    ? [activeCell, ...found.filter(one => one !== activeCell)]
    : found;
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
    const { trans } = mlops;
    const { commands } = app;
    const trackers = new WeakMap<NotebookPanel, HeaderTracker>();

    const openFrom = (panel: NotebookPanel, header: CellHeader) => {
      const { content } = panel;
      const at = content.widgets.indexOf(header.cell);
      const selected = chosen(panel);
      const cells = selected.includes(header.cell)
        ? [header.cell, ...selected.filter(cell => cell !== header.cell)]
        : [header.cell];
      if (cells.length === 1) {
        content.deselectAll();
        content.activeCellIndex = at;
      }
      StepEditor.open(mlops, panel, cells, header.chip);
    };
    const add = (panel: NotebookPanel) => trackers.set(panel, new HeaderTracker(panel, mlops, openFrom));
    tracker.widgetAdded.connect((_, panel) => void add(panel));
    tracker.forEach(add);

    const here = () => {
      const panel = tracker.currentWidget;
      return panel && panel === app.shell.currentWidget && chosen(panel).length ? panel : null;
    };
    commands.addCommand(Commands.editStep, {
      label: trans.__('Edit Step…'),
      caption: trans.__('Give the selected cells a step, a role, and settings'),
      describedBy: NOTHING,
      isEnabled: () => here() !== null,
      execute: () => {
        const panel = here();
        if (panel) {
          const cells = chosen(panel);
          const header = trackers.get(panel)?.header(cells[0]);
          StepEditor.open(mlops, panel, cells, header?.isVisible ? header.chip : cells[0].node);
        }
      }
    });
    commands.addCommand(Commands.setRole, {
      label: args => (args.role ? roleWord(String(args.role), mlops) : trans.__('no role')),
      icon: args => roleIcons[String(args.role)],
      describedBy: {
        args: {
          type: 'object',
          properties: { role: { type: 'string', enum: ['', ...ROLES] }, step: { type: 'string' } }
        }
      },
      isEnabled: () => here() !== null,
      isToggleable: true,
      isToggled: args => {
        const panel = here();
        return panel !== null && readTags(tagsOf(chosen(panel)[0].model)).role === (args.role ?? '');
      },
      execute: args => {
        const panel = here();
        if (panel?.content.model) {
          const models = chosen(panel).map(cell => cell.model);
          if (typeof args.step === 'string') {
            setStep(panel.content.model, models, args.step);
          } else {
            setRole(panel.content.model, models, String(args.role ?? '') as Role | '');
          }
        }
      }
    });
    const suggestFor = async () => {
      const panel = tracker.currentWidget;
      if (panel) {
        const message = await mlops.desk(panel).pipeline.suggest();
        if (message) {
          Notification.info(message, { autoClose: 6000 });
        }
      }
    };
    commands.addCommand(Commands.suggestSteps, {
      label: trans.__('Suggest Steps'),
      describedBy: NOTHING,
      isEnabled: () => tracker.currentWidget !== null,
      execute: suggestFor
    });
    const suggested = () => {
      const panel = tracker.currentWidget;
      return panel && mlops.desk(panel).pipeline.suggestion ? mlops.desk(panel).pipeline : null;
    };
    commands.addCommand(Commands.acceptSuggestion, {
      label: trans.__('Accept Suggested Steps'),
      describedBy: NOTHING,
      isEnabled: () => suggested() !== null,
      execute: () => suggested()?.acceptSuggestion()
    });
    commands.addCommand(Commands.dismissSuggestion, {
      label: trans.__('Dismiss Suggested Steps'),
      describedBy: NOTHING,
      isEnabled: () => suggested() !== null,
      execute: () => suggested()?.dismissSuggestion()
    });

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
      [
        { command: Commands.editStep },
        { type: 'submenu', submenu: roles },
        { command: Commands.suggestSteps }
      ],
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
};
