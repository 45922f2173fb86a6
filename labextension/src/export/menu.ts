import { JupyterFrontEnd } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { IMainMenu } from '@jupyterlab/mainmenu';
import { INotebookTracker } from '@jupyterlab/notebook';
import { Commands } from '../commands';
import { IMlops } from '../tokens';
import { Exporter } from '../types';

const PREFIX = 'mlops-'; // of our exporters in nbconvert
const SUBMENU = 'jp-mainmenu-file-notebookexport';
const EXPORT_COMMAND = 'notebook:export-to-format';

/** Formats that are not ours. */
export function foreignFormats<T>(formats: Record<string, T>): Record<string, T> {
  return Object.fromEntries(Object.entries(formats).filter(([name]) => !name.startsWith(PREFIX)));
}

/** Our formats with their labels, as `notebook:export-to-format` takes them. */
export function ownFormats(
  formats: object,
  exporters: readonly Exporter[]
): { format: string; label: string }[] {
  return exporters
    .filter(({ name }) => `${PREFIX}${name}` in formats)
    .map(({ name, label }) => ({ format: `${PREFIX}${name}`, label: `${label} (jupyter_mlops)` }));
}

/** List our formats by the names of their engines in the menu Save and Export Notebook As and in the palette.
 *
 * JupyterLab has labels for nbconvert's own formats only, and shows others by their bare names (“Mlops-airflow”), once,
 * when the first notebook is opened. It asks for the formats at that moment; ours are kept from it and added here.
 */
export function addExportFormats(
  app: JupyterFrontEnd,
  mlops: IMlops,
  tracker: INotebookTracker,
  palette: ICommandPalette | null,
  menus: IMainMenu | null
): void {
  const { trans } = mlops;
  const { nbconvert } = app.serviceManager;
  const getExportFormats = nbconvert.getExportFormats.bind(nbconvert);
  nbconvert.getExportFormats = async force => foreignFormats(await getExportFormats(force));
  const submenu = menus?.fileMenu.items.find(
    ({ type, submenu }) => type === 'submenu' && submenu?.id === SUBMENU
  )?.submenu;
  const addItems = async () => {
    tracker.widgetAdded.disconnect(onNotebook);
    const [formats, exporters] = await Promise.all([getExportFormats(false), mlops.exports.exporters()]);
    await new Promise(resolve => window.setTimeout(resolve)); // JupyterLab adds its own items first
    const items = ownFormats(formats, exporters);
    submenu?.addItem({ type: 'separator' });
    for (const item of items) {
      submenu?.addItem({ command: EXPORT_COMMAND, args: { ...item, isPalette: false } });
      palette?.addItem({
        command: EXPORT_COMMAND,
        category: trans.__('MLOps'),
        args: { ...item, isPalette: true }
      });
    }
    submenu?.addItem({ command: Commands.exportPipeline });
  };
  const onNotebook = () =>
    void addItems().catch(reason => console.error('jupyter-mlops: no formats in the export menu', reason));
  tracker.widgetAdded.connect(onNotebook);
}
