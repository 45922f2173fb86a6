import { ITranslator, TranslationBundle } from '@jupyterlab/translation';
import type { NotebookPanel } from '@jupyterlab/notebook';
import { CommandRegistry } from '@lumino/commands';
import { Token } from '@lumino/coreutils';
import { ISignal } from '@lumino/signaling';
import { RunFeed } from './events';
import { ExportsApi } from './export/api';
import { JobsApi } from './jobs/api';
import { ParametersModel } from './parameters/model';
import { PipelineModel } from './pipeline/model';
import { Requests } from './request';
import { RunsApi } from './runs/api';
import { RunList } from './runs/model';

/** All that is known of one notebook; its views share it. */
export interface INotebookState {
  pipeline: PipelineModel;
  runs: RunList;
  parameters: ParametersModel;
}

/** What all parts of this extension stand on. */
export interface IMlops {
  readonly requests: Requests;
  readonly runs: RunsApi;
  readonly jobs: JobsApi;
  readonly exports: ExportsApi;
  readonly feed: RunFeed;
  readonly commands: CommandRegistry;
  readonly translator: ITranslator;
  readonly trans: TranslationBundle;
  /** What is known of a panel's notebook. */
  stateFor(panel: NotebookPanel): INotebookState;
  /** The notebook that was worked on last, if it is still open. */
  readonly current: NotebookPanel | null;
  readonly currentChanged: ISignal<unknown, void>;
  /** Whether headers are shown on cells of untagged notebooks. */
  headers: 'tagged' | 'always' | 'never';
  showTime: boolean;
  readonly settingsChanged: ISignal<unknown, void>;
}

export const IMlops = new Token<IMlops>('jupyter-mlops:IMlops', 'Pipelines and runs of open notebooks.');

export const PLUGIN = 'jupyter-mlops';
