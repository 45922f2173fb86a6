import type { ICellModel } from '@jupyterlab/cells';
import type { INotebookModel } from '@jupyterlab/notebook';
import { Requests } from '../request';
import { Analysis, Suggestion } from '../types';

/** A notebook without its outputs, as the server takes it. */
export interface INotebookSource {
  path: string;
  metadata: Record<string, unknown>;
  cells: ICellSource[];
}

export interface ICellSource {
  id: string;
  cell_type: string;
  source: string;
  metadata: Record<string, unknown>;
}

const CELL_METADATA_KEYS = ['tags', 'jupyter_mlops'];
const NOTEBOOK_METADATA_KEYS = ['kernelspec', 'language_info', 'jupyter_mlops'];

/** Take what the server has to know from a notebook in the editor.
 *
 * @param cache What was taken from cells before and still holds; it is added to.
 */
export function sourceOf(
  model: INotebookModel,
  path: string,
  cache: WeakMap<ICellModel, ICellSource> = new WeakMap()
): INotebookSource {
  const cells = Array.from(model.cells, cell => {
    const source = cache.get(cell) ?? {
      id: cell.id,
      cell_type: cell.type,
      source: cell.sharedModel.getSource(),
      metadata: pickMetadata(name => cell.sharedModel.getMetadata(name), CELL_METADATA_KEYS)
    };
    cache.set(cell, source);
    return source;
  });
  return {
    path,
    metadata: pickMetadata(name => model.sharedModel.getMetadata(name), NOTEBOOK_METADATA_KEYS),
    cells
  };
}

function pickMetadata(getValue: (name: string) => unknown, names: string[]): Record<string, unknown> {
  const entries = names.map(name => [name, getValue(name)] as const);
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined && value !== null));
}

export class PipelineApi {
  constructor(private readonly requests: Requests) {}

  analyse(source: INotebookSource, checks: boolean, signal?: AbortSignal): Promise<Analysis> {
    return this.requests.send('POST', 'pipelines', { body: { ...source, checks }, signal });
  }

  suggest(source: INotebookSource): Promise<Suggestion> {
    return this.requests.send('POST', 'suggestions', { body: source });
  }
}
