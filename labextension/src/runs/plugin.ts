import { ILayoutRestorer, JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette, MainAreaWidget, WidgetTracker } from '@jupyterlab/apputils';
import { IEditorServices } from '@jupyterlab/codeeditor';
import { IMainMenu } from '@jupyterlab/mainmenu';
import { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { ReactWidget } from '@jupyterlab/ui-components';
import { Token } from '@lumino/coreutils';
import { Commands, NO_ARGS } from '../commands';
import { IMlops, PLUGIN } from '../tokens';
import { withErrorDialog, IRunActions, runWithEarlierParameters, startRun, notifyEnd } from './actions';
import { repairs } from '../steps/repairs';
import type { IRunPageServices, IRunView, RunTab, RunWidget } from './page';
import { openRepair, resume } from './repair';

export const IRuns = new Token<IRunActions>('jupyter-mlops:IRuns', 'Opening and repairing runs.');

type RunPage = MainAreaWidget<RunWidget>;

/** Add the commands that open pages of runs, and open those again that were open before. */
function addPages(
  app: JupyterFrontEnd,
  mlops: IMlops,
  services: IRunPageServices,
  restorer: ILayoutRestorer | null
): void {
  const { trans } = mlops;
  const { commands, shell } = app;
  const pages = new WidgetTracker<RunPage>({ namespace: 'jupyter-mlops-runs' });
  const showRun = async (run: string, view: Partial<IRunView>): Promise<void> => {
    const { runPage } = await import('./page');
    const openPage = pages.find(page => page.content.run === run);
    const page = openPage ?? runPage(mlops, run, services);
    page.content.setView(view);
    if (!openPage) {
      shell.add(page, 'main');
      void pages.add(page);
      page.content.viewChanged.connect(() => void pages.save(page));
    }
    shell.activateById(page.id);
  };
  commands.addCommand(Commands.openRun, {
    label: trans.__('Open Run'),
    describedBy: {
      args: {
        type: 'object',
        properties: { run: { type: 'string' }, tab: { type: 'string' }, other: { type: 'string' } },
        required: ['run']
      }
    },
    execute: args =>
      showRun(String(args.run), {
        ...(typeof args.tab === 'string' ? { tab: args.tab as RunTab } : {}),
        ...(typeof args.other === 'string' ? { other: args.other } : {})
      })
  });
  commands.addCommand(Commands.compareRuns, {
    label: trans.__('Compare Runs'),
    describedBy: {
      args: {
        type: 'object',
        properties: { first: { type: 'string' }, second: { type: 'string' } },
        required: ['first', 'second']
      }
    },
    execute: args => showRun(String(args.second), { tab: 'compare', other: String(args.first) })
  });
  void restorer?.restore(pages, {
    command: Commands.openRun,
    args: page => ({ run: page.content.run, ...page.content.view }),
    name: page => page.id
  });
}

/** Add the command that opens the history of a notebook. */
function addHistory(
  app: JupyterFrontEnd,
  mlops: IMlops,
  actions: IRunActions,
  restorer: ILayoutRestorer | null
): void {
  const { trans } = mlops;
  const { commands, shell } = app;
  const histories = new WidgetTracker<MainAreaWidget<ReactWidget>>({ namespace: 'jupyter-mlops-histories' });
  const compare = (first: string, second: string) =>
    void commands.execute(Commands.compareRuns, { first, second });
  commands.addCommand(Commands.openHistory, {
    label: trans.__('Open Run History'),
    describedBy: { args: { type: 'object', properties: { notebook: { type: 'string' } } } },
    isEnabled: args => typeof args.notebook === 'string' || mlops.current !== null,
    execute: async args => {
      const { historyPage } = await import('./history');
      const notebook = typeof args.notebook === 'string' ? args.notebook : mlops.current!.context.localPath;
      const openPage = histories.find(page => page.id === `jupyter-mlops-history-${notebook}`);
      const page = openPage ?? historyPage(mlops, notebook, actions, compare);
      if (!openPage) {
        shell.add(page, 'main');
        void histories.add(page);
      }
      shell.activateById(page.id);
    }
  });
  void restorer?.restore(histories, {
    command: Commands.openHistory,
    args: page => ({ notebook: page.id.replace('jupyter-mlops-history-', '') }),
    name: page => page.id
  });
}

/** Add the commands that run the current notebook, or stop its run. */
function addRunCommands(mlops: IMlops, actions: IRunActions): void {
  const { trans, commands } = mlops;
  const currentStep = (): string => {
    const panel = mlops.current;
    const cell = panel?.content.activeCell;
    return (panel && cell && mlops.stateFor(panel).pipeline.owner(cell.model.id)?.step) || '';
  };
  const activeRun = () => (mlops.current ? mlops.stateFor(mlops.current).runs.active : undefined);
  const add = (
    command: string,
    label: string,
    execute: (panel: NotebookPanel) => unknown,
    isEnabled: (panel: NotebookPanel) => boolean = () => true
  ) =>
    commands.addCommand(command, {
      label,
      describedBy: NO_ARGS,
      isEnabled: () => mlops.current !== null && isEnabled(mlops.current),
      execute: () => mlops.current && execute(mlops.current)
    });
  const hasStep = () => currentStep() !== '';
  add(Commands.run, trans.__('Run as Pipeline'), panel => startRun(mlops, panel));
  add(
    Commands.runFrom,
    trans.__('Run from This Step'),
    panel => startRun(mlops, panel, { from_step: currentStep() }),
    hasStep
  );
  add(
    Commands.runOnly,
    trans.__('Run Only This Step'),
    panel => startRun(mlops, panel, { only_step: currentStep() }),
    hasStep
  );
  add(Commands.runFresh, trans.__('Run without Cache'), panel =>
    startRun(mlops, panel, { use_cache: false })
  );
  add(
    Commands.runPast,
    trans.__('Run with Parameters of a Past Run…'),
    panel => runWithEarlierParameters(mlops, panel),
    panel => mlops.stateFor(panel).runs.runs.length > 0
  );
  add(
    Commands.stop,
    trans.__('Stop Run'),
    panel => {
      const { runs } = mlops.stateFor(panel);
      const run = runs.active;
      return run && withErrorDialog(trans.__('The run could not be stopped'), () => runs.stop(run));
    },
    () => activeRun() !== undefined
  );
  add(
    Commands.resume,
    trans.__('Resume Repaired Run'),
    panel => actions.resume(panel),
    panel => repairs(panel) !== undefined
  );
}

const NOTEBOOK_COMMANDS = [
  Commands.run,
  Commands.runFrom,
  Commands.runOnly,
  Commands.runFresh,
  Commands.runPast,
  Commands.stop
];

/** Tell how runs of open notebooks ended. */
function notifyEnds(mlops: IMlops, notebooks: INotebookTracker, actions: IRunActions): void {
  const watchedLists = new WeakSet<object>();
  const watch = (panel: NotebookPanel) => {
    const { runs } = mlops.stateFor(panel);
    if (!watchedLists.has(runs)) {
      watchedLists.add(runs);
      runs.ended.connect((_, run) => {
        const view = notebooks.find(otherPanel => otherPanel.context === panel.context) ?? panel;
        if (!view.isDisposed) {
          notifyEnd(mlops, view, run, actions);
        }
      });
    }
  };
  notebooks.widgetAdded.connect((_, panel) => watch(panel));
  notebooks.forEach(watch);
}

/** Running notebooks, and the pages of runs. */
export const runs: JupyterFrontEndPlugin<IRunActions> = {
  id: `${PLUGIN}:runs`,
  description: 'Running notebooks, and the pages of runs.',
  autoStart: true,
  provides: IRuns,
  requires: [IMlops, INotebookTracker, IRenderMimeRegistry, IEditorServices, NotebookPanel.IContentFactory],
  optional: [ICommandPalette, IMainMenu, ILayoutRestorer],
  activate: (
    app: JupyterFrontEnd,
    mlops: IMlops,
    notebooks: INotebookTracker,
    rendermime: IRenderMimeRegistry,
    editors: IEditorServices,
    contentFactory: NotebookPanel.IContentFactory,
    palette: ICommandPalette | null,
    menus: IMainMenu | null,
    restorer: ILayoutRestorer | null
  ) => {
    const { trans } = mlops;
    const { commands } = app;
    const actions: IRunActions = {
      open: run => void commands.execute(Commands.openRun, { run }),
      history: notebook => void commands.execute(Commands.openHistory, { notebook }),
      repair: run =>
        withErrorDialog(trans.__('The run could not be repaired'), () =>
          openRepair(app, mlops, notebooks, run, actions)
        ),
      resume: panel => resume(mlops, notebooks, panel, actions)
    };
    const openNotebook = (path: string) => void commands.execute('docmanager:open', { path });
    addHistory(app, mlops, actions, restorer);
    addPages(app, mlops, { rendermime, editors, contentFactory, actions, openNotebook }, restorer);
    addRunCommands(mlops, actions);
    for (const command of [...NOTEBOOK_COMMANDS, Commands.resume, Commands.openHistory]) {
      palette?.addItem({ command, category: trans.__('MLOps') });
    }
    const selector = '.jp-Notebook .jp-CodeCell';
    app.contextMenu.addItem({ command: Commands.runFrom, selector, rank: 8.7 });
    app.contextMenu.addItem({ command: Commands.runOnly, selector, rank: 8.8 });
    menus?.runMenu.addGroup(
      NOTEBOOK_COMMANDS.map(command => ({ command })),
      40
    );
    notifyEnds(mlops, notebooks, actions);
    return actions;
  }
};
