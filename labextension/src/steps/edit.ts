import type { YNotebook } from '@jupyter/ydoc';
import type { ICellModel } from '@jupyterlab/cells';
import type { INotebookModel } from '@jupyterlab/notebook';
import { JSONExt, PartialJSONObject, PartialJSONValue } from '@lumino/coreutils';
import { ICellTags, readTags, withTags } from './tags';

const KEY = 'jupyter_mlops';

/** Settings of a step that tags don't say, as its first cell has them in `metadata.jupyter_mlops`. */
export interface IStepSettings {
  retries?: number;
  backoff?: number;
  timeout?: number;
  cache?: 'enabled' | 'disabled';
  limits?: Record<string, string>;
}

export function tagsOf(cell: ICellModel): string[] {
  const found = cell.sharedModel.getMetadata('tags');
  return Array.isArray(found) ? found.map(String) : [];
}

export function settingsOf(cell: ICellModel): IStepSettings {
  const found = cell.sharedModel.getMetadata(KEY);
  return found && typeof found === 'object' && !Array.isArray(found) ? (found as IStepSettings) : {};
}

/** One change that the notebook's own undo takes back at once, whatever it does to how many cells. */
export function change(model: INotebookModel, act: () => void): void {
  const shared = model.sharedModel as unknown as YNotebook;
  shared.undoManager?.stopCapturing();
  shared.transact(act, true);
  shared.undoManager?.stopCapturing();
}

/** Write what a cell's tags are to say. */
export function setTags(cell: ICellModel, wanted: ICellTags): void {
  writeTags(cell, withTags(tagsOf(cell), wanted));
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
export function setSettings(cell: ICellModel, wanted: IStepSettings): void {
  const before = settingsOf(cell) as PartialJSONObject;
  const made: PartialJSONObject = { ...before };
  for (const name of Object.keys(wanted) as (keyof IStepSettings)[]) {
    const value = wanted[name];
    if (value === undefined || (typeof value === 'object' && !Object.keys(value).length)) {
      delete made[name];
    } else {
      made[name] = value as PartialJSONValue;
    }
  }
  if (!JSONExt.deepEqual(made as never, before as never)) {
    writeSettings(cell, made);
  }
}

function writeSettings(cell: ICellModel, settings: PartialJSONObject): void {
  if (Object.keys(settings).length) {
    cell.sharedModel.setMetadata(KEY, settings as never);
  } else if (cell.sharedModel.getMetadata(KEY) !== undefined) {
    cell.sharedModel.deleteMetadata(KEY);
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
export function giveStep(model: INotebookModel, cells: readonly ICellModel[], step: string): void {
  const leaving = cells.filter(cell => readTags(tagsOf(cell)).step !== step);
  const left = new Set(leaving.map(cell => readTags(tagsOf(cell)).step).filter(Boolean));
  leaveBehind(model, leaving);
  for (const cell of cells) {
    const now = readTags(tagsOf(cell));
    const role = now.role === 'metrics' ? now.role : '';
    setTags(cell, { ...now, step, role, after: step ? now.after : [] });
  }
  for (const old of left) {
    if (step && !cellsOf(model, old).length) {
      followStep(model, old, step);
    }
  }
}

/** Give all these cells a role; to be called within `change`. */
export function giveRole(model: INotebookModel, cells: readonly ICellModel[], role: ICellTags['role']): void {
  const alone = role !== '' && role !== 'metrics';
  if (alone) {
    leaveBehind(model, cells);
  }
  for (const cell of cells) {
    const now = readTags(tagsOf(cell));
    setTags(cell, alone ? { role, step: '', after: [], gate: false } : { ...now, role });
  }
}

/** Name a step anew in all its cells and where others wait for it; to be called within `change`. */
export function renameStep(model: INotebookModel, from: string, to: string): void {
  for (const cell of cellsOf(model, from)) {
    setTags(cell, { ...readTags(tagsOf(cell)), step: to });
  }
  followStep(model, from, to);
}

/** Give all these cells to a step, or to none. */
export function setStep(model: INotebookModel, cells: readonly ICellModel[], step: string): void {
  change(model, () => giveStep(model, cells, step));
}

/** Give all these cells a role. */
export function setRole(model: INotebookModel, cells: readonly ICellModel[], role: ICellTags['role']): void {
  change(model, () => giveRole(model, cells, role));
}

/** What these cells say for their step is from now on said by another cell of it, if there is one. */
function leaveBehind(model: INotebookModel, leaving: readonly ICellModel[]): void {
  for (const cell of leaving) {
    const now = readTags(tagsOf(cell));
    const heir = now.step ? cellsOf(model, now.step).find(one => !leaving.includes(one)) : undefined;
    if (!heir) {
      continue;
    }
    const known = readTags(tagsOf(heir));
    setTags(heir, { ...known, after: [...new Set([...known.after, ...now.after])] });
    setTags(cell, { ...now, after: [] });
    const settings = settingsOf(cell) as PartialJSONObject;
    if (Object.keys(settings).length) {
      writeSettings(heir, { ...settings, ...(settingsOf(heir) as PartialJSONObject) });
      writeSettings(cell, {});
    }
  }
}

function followStep(model: INotebookModel, from: string, to: string): void {
  for (const cell of model.cells) {
    const now = readTags(tagsOf(cell));
    if (now.after.includes(from)) {
      const after = new Set(now.after.map(name => (name === from ? to : name)));
      after.delete(now.step);
      setTags(cell, { ...now, after: [...after] });
    }
  }
}
