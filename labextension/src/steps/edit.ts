import type { YNotebook } from '@jupyter/ydoc';
import type { ICellModel } from '@jupyterlab/cells';
import type { INotebookModel } from '@jupyterlab/notebook';
import { JSONExt, PartialJSONObject, PartialJSONValue } from '@lumino/coreutils';
import { ICellTags, readTags, updateTags } from './tags';

const METADATA_KEY = 'jupyter_mlops';

/** Settings of a step that tags don't say, as its first cell has them in `metadata.jupyter_mlops`. */
export interface IStepSettings {
  retries?: number;
  backoff?: number;
  timeout?: number;
  cache?: 'enabled' | 'disabled';
  limits?: Record<string, string>;
}

export function tagsOf(cell: ICellModel): string[] {
  const tags = cell.sharedModel.getMetadata('tags');
  return Array.isArray(tags) ? tags.map(String) : [];
}

export function settingsOf(cell: ICellModel): IStepSettings {
  const settings = cell.sharedModel.getMetadata(METADATA_KEY);
  return settings && typeof settings === 'object' && !Array.isArray(settings)
    ? (settings as IStepSettings)
    : {};
}

/** One change that the notebook's own undo takes back at once, whatever it does to how many cells. */
export function transact(model: INotebookModel, edit: () => void): void {
  const shared = model.sharedModel as unknown as YNotebook;
  shared.undoManager?.stopCapturing();
  shared.transact(edit, true);
  shared.undoManager?.stopCapturing();
}

/** Write what a cell's tags are to say. */
export function setTags(cell: ICellModel, tags: ICellTags): void {
  writeTags(cell, updateTags(tagsOf(cell), tags));
}

export function writeTags(cell: ICellModel, tags: string[]): void {
  if (JSONExt.deepEqual(tags, tagsOf(cell))) {
    return;
  }
  if (tags.length) {
    cell.sharedModel.setMetadata('tags', tags);
  } else {
    cell.sharedModel.deleteMetadata('tags');
  }
}

/** Write those settings that are given; undefined takes one away, and what is not given stays. */
export function setSettings(cell: ICellModel, changes: IStepSettings): void {
  const settings = settingsOf(cell) as PartialJSONObject;
  const newSettings: PartialJSONObject = { ...settings };
  for (const name of Object.keys(changes) as (keyof IStepSettings)[]) {
    const value = changes[name];
    if (value === undefined || (typeof value === 'object' && !Object.keys(value).length)) {
      delete newSettings[name];
    } else {
      newSettings[name] = value as PartialJSONValue;
    }
  }
  if (!JSONExt.deepEqual(newSettings as never, settings as never)) {
    writeSettings(cell, newSettings);
  }
}

function writeSettings(cell: ICellModel, settings: PartialJSONObject): void {
  if (Object.keys(settings).length) {
    cell.sharedModel.setMetadata(METADATA_KEY, settings as never);
  } else if (cell.sharedModel.getMetadata(METADATA_KEY) !== undefined) {
    cell.sharedModel.deleteMetadata(METADATA_KEY);
  }
}

/** The cells that are tagged with a step, in notebook order. */
export function cellsOf(model: INotebookModel, step: string): ICellModel[] {
  return Array.from(model.cells).filter(cell => readTags(tagsOf(cell)).step === step);
}

/** Give all these cells to a step, or to none; to be called within `change`.
 *
 * What their old step waits for and its settings stay with it while it has other cells. Where it has none left, it
 * was renamed: what waits for it follows.
 */
export function moveToStep(model: INotebookModel, cells: readonly ICellModel[], step: string): void {
  const movedCells = cells.filter(cell => readTags(tagsOf(cell)).step !== step);
  const oldSteps = new Set(movedCells.map(cell => readTags(tagsOf(cell)).step).filter(Boolean));
  transferSettings(model, movedCells);
  for (const cell of cells) {
    const tags = readTags(tagsOf(cell));
    const role = tags.role === 'metrics' ? tags.role : '';
    setTags(cell, { ...tags, step, role, after: step ? tags.after : [] });
  }
  for (const oldStep of oldSteps) {
    if (step && !cellsOf(model, oldStep).length) {
      renameDependency(model, oldStep, step);
    }
  }
}

/** Give all these cells a role; to be called within `change`. */
export function assignRole(
  model: INotebookModel,
  cells: readonly ICellModel[],
  role: ICellTags['role']
): void {
  const isExclusive = role !== '' && role !== 'metrics';
  if (isExclusive) {
    transferSettings(model, cells);
  }
  for (const cell of cells) {
    const tags = readTags(tagsOf(cell));
    setTags(cell, isExclusive ? { role, step: '', after: [], gate: false } : { ...tags, role });
  }
}

/** Name a step anew in all its cells and where others wait for it; to be called within `change`. */
export function renameStep(model: INotebookModel, oldName: string, newName: string): void {
  for (const cell of cellsOf(model, oldName)) {
    setTags(cell, { ...readTags(tagsOf(cell)), step: newName });
  }
  renameDependency(model, oldName, newName);
}

/** Give all these cells to a step, or to none. */
export function setStep(model: INotebookModel, cells: readonly ICellModel[], step: string): void {
  transact(model, () => moveToStep(model, cells, step));
}

/** Give all these cells a role. */
export function setRole(model: INotebookModel, cells: readonly ICellModel[], role: ICellTags['role']): void {
  transact(model, () => assignRole(model, cells, role));
}

/** What these cells say for their step is from now on said by another cell of it, if there is one. */
function transferSettings(model: INotebookModel, movedCells: readonly ICellModel[]): void {
  for (const cell of movedCells) {
    const tags = readTags(tagsOf(cell));
    const successor = tags.step
      ? cellsOf(model, tags.step).find(stepCell => !movedCells.includes(stepCell))
      : undefined;
    if (!successor) {
      continue;
    }
    const successorTags = readTags(tagsOf(successor));
    setTags(successor, { ...successorTags, after: [...new Set([...successorTags.after, ...tags.after])] });
    setTags(cell, { ...tags, after: [] });
    const settings = settingsOf(cell) as PartialJSONObject;
    if (Object.keys(settings).length) {
      writeSettings(successor, { ...settings, ...(settingsOf(successor) as PartialJSONObject) });
      writeSettings(cell, {});
    }
  }
}

function renameDependency(model: INotebookModel, oldName: string, newName: string): void {
  for (const cell of model.cells) {
    const tags = readTags(tagsOf(cell));
    if (tags.after.includes(oldName)) {
      const dependencies = new Set(tags.after.map(name => (name === oldName ? newName : name)));
      dependencies.delete(tags.step);
      setTags(cell, { ...tags, after: [...dependencies] });
    }
  }
}
