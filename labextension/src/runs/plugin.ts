import { ILayoutRestorer, JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette, MainAreaWidget, WidgetTracker } from '@jupyterlab/apputils';
import { IEditorServices } from '@jupyterlab/codeeditor';
import { IMainMenu } from '@jupyterlab/mainmenu';
import { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { ReactWidget } from '@jupyterlab/ui-components';
import { Token } from '@lumino/coreutils';
import { Commands, NOTHING } from '../commands';
import { onRun } from '../pipeline/view';
import { IMlops, PLUGIN } from '../tokens';
import { Run } from '../types';
import { attempt, IRunDoor, runAsBefore, startRun, tellEnd } from './actions';
import { repairs } from '../steps/repairs';
import type { IRunView, RunTab, RunWidget } from './page';
import { openRepair, resume } from './repair';

export const IRuns = new Token<IRunDoor>('jupyter-mlops:IRuns', 'Opening and repairing runs.');

/** Running notebooks, and the pages of runs. */
export const runs: JupyterFrontEndPlugin<IRunDoor> = {
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
    const { commands, shell } = app;
    const pages = new WidgetTracker<MainAreaWidget<RunWidget>>({ namespace: 'jupyter-mlops-runs' });

    const door: IRunDoor = {
      open: run => void commands.execute(Commands.openRun, { run }),
      history: notebook => void commands.execute(Commands.openHistory, { notebook }),
      repair: run =>
        attempt(trans.__('The run could not be repaired'), () =>
          openRepair(app, mlops, notebooks, run, door)
        ),
      resume: panel => resume(mlops, notebooks, panel, door)
    };
    const parts = {
      rendermime,
      editors,
      contentFactory,
      door,
      openNotebook: (path: string) => void commands.execute('docmanager:open', { path })
    };

    const show = async (run: string, view: Partial<IRunView>): Promise<void> => {
      const { runPage } = await import('./page');
      const known = pages.find(page => page.content.run === run);
      const page = known ?? runPage(mlops, run, parts);
      page.content.showPart(view);
      if (!known) {
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
        show(String(args.run), {
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
      execute: args => show(String(args.second), { tab: 'compare', other: String(args.first) })
    });
    const histories = new WidgetTracker<MainAreaWidget<ReactWidget>>({
      namespace: 'jupyter-mlops-histories'
    });
    const compare = (first: string, second: string) =>
      void commands.execute(Commands.compareRuns, { first, second });
    commands.addCommand(Commands.openHistory, {
      label: trans.__('Open Run History'),
      describedBy: { args: { type: 'object', properties: { notebook: { type: 'string' } } } },
      isEnabled: args => typeof args.notebook === 'string' || here() !== null,
      execute: async args => {
        const { historyPage } = await import('./history');
        const notebook = typeof args.notebook === 'string' ? args.notebook : here()!.context.localPath;
        const known = histories.find(page => page.id === `jupyter-mlops-history-${notebook}`);
        const page = known ?? historyPage(mlops, notebook, door, compare);
        if (!known) {
          shell.add(page, 'main');
          void histories.add(page);
        }
        shell.activateById(page.id);
      }
    });
    palette?.addItem({ command: Commands.openHistory, category: trans.__('MLOps') });
    if (restorer) {
      void restorer.restore(histories, {
        command: Commands.openHistory,
        args: page => ({ notebook: page.id.replace('jupyter-mlops-history-', '') }),
        name: page => page.id
      });
      void restorer.restore(pages, {
        command: Commands.openRun,
        args: page => ({ run: page.content.run, ...page.content.view }),
        name: page => page.id
      });
    }

    const here = () => mlops.current;
    const stepHere = (): string => {
      const panel = here();
      const cell = panel?.content.activeCell;
      return (panel && cell && mlops.desk(panel).pipeline.owner(cell.model.id)?.step) || '';
    };
    const add = (
      command: string,
      label: string,
      enabled: () => boolean,
      act: (panel: NotebookPanel) => unknown
    ) => {
      commands.addCommand(command, {
        label,
        describedBy: NOTHING,
        isEnabled: () => here() !== null && enabled(),
        execute: () => here() && act(here()!)
      });
      palette?.addItem({ command, category: trans.__('MLOps') });
    };
    add(
      Commands.run,
      trans.__('Run as Pipeline'),
      () => true,
      panel => startRun(mlops, panel)
    );
    add(
      Commands.runFrom,
      trans.__('Run from This Step'),
      () => stepHere() !== '',
      panel => startRun(mlops, panel, { from_step: stepHere() })
    );
    add(
      Commands.runOnly,
      trans.__('Run Only This Step'),
      () => stepHere() !== '',
      panel => startRun(mlops, panel, { only_step: stepHere() })
    );
    add(
      Commands.runFresh,
      trans.__('Run without Cache'),
      () => true,
      panel => startRun(mlops, panel, { use_cache: false })
    );
    add(
      Commands.runPast,
      trans.__('Run with Parameters of a Past Run…'),
      () => mlops.desk(here()!).runs.runs.length > 0,
      panel => runAsBefore(mlops, panel)
    );
    const active = (): Run | undefined => {
      const panel = here();
      return panel ? mlops.desk(panel).runs.active : undefined;
    };
    add(
      Commands.stop,
      trans.__('Stop Run'),
      () => active() !== undefined,
      panel => {
        const run = active();
        return (
          run && attempt(trans.__('The run could not be stopped'), () => mlops.desk(panel).runs.stop(run))
        );
      }
    );
    commands.addCommand(Commands.resume, {
      label: trans.__('Resume Repaired Run'),
      describedBy: NOTHING,
      isEnabled: () => here() !== null && repairs(here()!) !== undefined,
      execute: () => here() && door.resume(here()!)
    });
    palette?.addItem({ command: Commands.resume, category: trans.__('MLOps') });
    const selector = '.jp-Notebook .jp-CodeCell';
    app.contextMenu.addItem({ command: Commands.runFrom, selector, rank: 8.7 });
    app.contextMenu.addItem({ command: Commands.runOnly, selector, rank: 8.8 });
    menus?.runMenu.addGroup(
      [
        Commands.run,
        Commands.runFrom,
        Commands.runOnly,
        Commands.runFresh,
        Commands.runPast,
        Commands.stop
      ].map(command => ({ command })),
      40
    );
    onRun((_, panel) => startRun(mlops, panel));

    const watched = new WeakSet<object>();
    const watch = (panel: NotebookPanel) => {
      const { runs: list } = mlops.desk(panel);
      if (!watched.has(list)) {
        watched.add(list);
        list.ended.connect((_, run) => {
          const view = notebooks.find(one => one.context === panel.context) ?? panel;
          if (!view.isDisposed) {
            tellEnd(mlops, view, run, door);
          }
        });
      }
    };
    notebooks.widgetAdded.connect((_, panel) => watch(panel));
    notebooks.forEach(watch);
    return door;
  }
};
