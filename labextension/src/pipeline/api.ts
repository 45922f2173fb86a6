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

const OF_CELLS = ['tags', 'jupyter_mlops'];
const OF_NOTEBOOKS = ['kernelspec', 'language_info', 'jupyter_mlops'];

/** Take what the server has to know from a notebook in the editor.
 *
 * @param known What was taken from cells before and still holds; it is added to.
 */
export function sourceOf(
  model: INotebookModel,
  path: string,
  known: WeakMap<ICellModel, ICellSource> = new WeakMap()
): INotebookSource {
  const cells = Array.from(model.cells, cell => {
    const found = known.get(cell) ?? {
      id: cell.id,
      cell_type: cell.type,
      source: cell.sharedModel.getSource(),
      metadata: chosen(name => cell.sharedModel.getMetadata(name), OF_CELLS)
    };
    known.set(cell, found);
    return found;
  });
  return { path, metadata: chosen(name => model.sharedModel.getMetadata(name), OF_NOTEBOOKS), cells };
}

function chosen(get: (name: string) => unknown, names: string[]): Record<string, unknown> {
  const found = names.map(name => [name, get(name)] as const);
  return Object.fromEntries(found.filter(([, value]) => value !== undefined && value !== null));
}

export class PipelineApi {
  constructor(private readonly requests: Requests) {}

  analyse(source: INotebookSource, checks: boolean, signal?: AbortSignal): Promise<Analysis> {
    return this.requests.ask('POST', 'pipelines', { body: { ...source, checks }, signal });
  }

  suggest(source: INotebookSource): Promise<Suggestion> {
    return this.requests.ask('POST', 'suggestions', { body: source });
  }
}
