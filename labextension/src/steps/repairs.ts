import type { NotebookPanel } from '@jupyterlab/notebook';

/** What a notebook that mends a step tells in its metadata. */
export interface IRepairMetadata {
  run: string;
  step: string;
  cells: string[];
}

/** What a notebook repairs; undefined for any other. */
export function repairs(panel: NotebookPanel): IRepairMetadata | undefined {
  const metadata = panel.content.model?.sharedModel.getMetadata('jupyter_mlops') as
    { repairs?: unknown } | undefined;
  return metadata?.repairs as IRepairMetadata | undefined;
}
