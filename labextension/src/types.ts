import type { components } from './wire';

type Schemas = components['schemas'];

export type Analysis = Schemas['Analysis'];
export type Pipeline = Schemas['PipelineRead'];
export type Step = Schemas['StepRead'];
export type Edge = Schemas['EdgeRead'];
export type Parameter = Schemas['ParameterRead'];
export type Check = Schemas['Check'];
export type LogRecord = Schemas['LogRecord'];
export type CellOwner = Schemas['CellOwner'];
export type Suggestion = Schemas['Suggestion'];
export type Run = Schemas['RunRead'];
export type RunPage = Schemas['RunPage'];
export type StepRun = Schemas['StepRun'];
export type RunLog = Schemas['RunLog'];
export type Comparison = Schemas['Comparison'];
export type Job = Schemas['JobRead'];
export type Version = Schemas['VersionRead'];
export type Calendar = Schemas['Calendar'];
export type BatchCreated = Schemas['BatchCreated'];
export type Batch = Schemas['BatchRead'];
export type Worker = Schemas['WorkerStatus'];
export type Schedule = Schemas['ScheduleRead'];
export type CronDescription = Schemas['CronDescription'];
export type Changes = Schemas['ChangesRead'];
export type Reproduction = Schemas['Reproduction'];
export type Suspects = Schemas['Suspects'];
export type Verdict = Schemas['Verdict'];
export type Outcome = Schemas['Outcome'];
export type Exporter = Schemas['ExporterRead'];
export type ExportFile = Schemas['ExportFile'];
export type ExportAnswer = Schemas['ExportRead'];
export type RepairNotebook = Schemas['RepairNotebook'];

/** States of runs, steps and slots: one set everywhere. */
export type State =
  | 'queued'
  | 'running'
  | 'completed'
  | 'cached'
  | 'failed'
  | 'skipped'
  | 'stopped'
  | 'missed'
  | 'waiting'
  | 'reproduced'
  | 'differs';
export type Values = Record<string, unknown>;
