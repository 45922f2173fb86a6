import type { YNotebook } from '@jupyter/ydoc';
import type { ICellModel } from '@jupyterlab/cells';
import type { INotebookModel } from '@jupyterlab/notebook';
import { JSONExt, PartialJSONObject, PartialJSONValue } from '@lumino/coreutils';
import { ICellTags, readTags, withTags } from './tags';

const KEY = 'jupyter_mlops';

/** Settings of a step that tags don't say, as its first cell has them in `metadata.jupyter_mlops`. */
export interface IStepSettings {
  retries?: number;
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

/** Write settings; what is not one of ours stays. */
export function setSettings(cell: ICellModel, wanted: IStepSettings): void {
  const before = settingsOf(cell) as PartialJSONObject;
  const made: PartialJSONObject = { ...before };
  for (const name of ['retries', 'timeout', 'cache', 'limits'] as const) {
    const value = wanted[name];
    const empty =
      value === undefined || value === 0 || (typeof value === 'object' && !Object.keys(value).length);
    if (empty) {
      delete made[name];
    } else {
      made[name] = value as PartialJSONValue;
    }
  }
  if (JSONExt.deepEqual(made as never, before as never)) {
    return;
  }
  if (Object.keys(made).length) {
    cell.sharedModel.setMetadata(KEY, made as never);
  } else {
    cell.sharedModel.deleteMetadata(KEY);
  }
}

/** Give all these cells to a step, or to none. */
export function setStep(model: INotebookModel, cells: readonly ICellModel[], step: string): void {
  change(model, () => {
    for (const cell of cells) {
      const now = readTags(tagsOf(cell));
      const role = now.role === 'metrics' ? now.role : '';
      setTags(cell, { ...now, step, role, after: step ? now.after : [] });
    }
  });
}

/** Give all these cells a role. */
export function setRole(model: INotebookModel, cells: readonly ICellModel[], role: ICellTags['role']): void {
  change(model, () => {
    for (const cell of cells) {
      const now = readTags(tagsOf(cell));
      const alone = role !== '' && role !== 'metrics';
      setTags(cell, alone ? { role, step: '', after: [], gate: false } : { ...now, role });
    }
  });
}
