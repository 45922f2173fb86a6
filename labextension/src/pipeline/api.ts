import type { INotebookModel } from '@jupyterlab/notebook';
import { Requests } from '../request';
import { Analysis, Suggestion } from '../types';

/** A notebook without its outputs, as the server takes it. */
export interface INotebookSource {
  path: string;
  metadata: Record<string, unknown>;
  cells: { id: string; cell_type: string; source: string; metadata: Record<string, unknown> }[];
}

const OF_CELLS = ['tags', 'jupyter_mlops'];
const OF_NOTEBOOKS = ['kernelspec', 'language_info', 'jupyter_mlops'];

/** Take what the server has to know from a notebook in the editor. */
export function sourceOf(model: INotebookModel, path: string): INotebookSource {
  const cells = Array.from(model.cells, cell => ({
    id: cell.id,
    cell_type: cell.type,
    source: cell.sharedModel.getSource(),
    metadata: chosen(cell.sharedModel.getMetadata() as Record<string, unknown>, OF_CELLS)
  }));
  const metadata = chosen(model.sharedModel.getMetadata() as Record<string, unknown>, OF_NOTEBOOKS);
  return { path, metadata, cells };
}

function chosen(metadata: Record<string, unknown>, names: string[]): Record<string, unknown> {
  return Object.fromEntries(names.filter(name => name in metadata).map(name => [name, metadata[name]]));
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
