import type { NotebookPanel } from '@jupyterlab/notebook';

/** What a notebook that mends a step tells in its metadata. */
export interface IRepairs {
  run: string;
  step: string;
  cells: string[];
}

/** What a notebook repairs; undefined for any other. */
export function repairs(panel: NotebookPanel): IRepairs | undefined {
  const told = panel.content.model?.sharedModel.getMetadata('jupyter_mlops') as
    { repairs?: unknown } | undefined;
  return told?.repairs as IRepairs | undefined;
}
