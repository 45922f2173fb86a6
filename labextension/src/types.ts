import type { components } from './wire';

type Schemas = components['schemas'];

export type Analysis = Schemas['Analysis'];
export type Pipeline = Schemas['PipelineTold'];
export type Step = Schemas['StepTold'];
export type Edge = Schemas['EdgeTold'];
export type Parameter = Schemas['ParameterTold'];
export type Check = Schemas['Check'];
export type CellOwner = Schemas['CellOwner'];
export type Suggestion = Schemas['Suggestion'];
export type Run = Schemas['RunTold'];
export type RunPage = Schemas['RunPage'];
export type StepRun = Schemas['StepRun'];
export type RunLog = Schemas['RunLog'];
export type Comparison = Schemas['Comparison'];
export type Job = Schemas['JobTold'];
export type Version = Schemas['VersionTold'];
export type Calendar = Schemas['Calendar'];
export type BatchMade = Schemas['BatchMade'];
export type Batch = Schemas['BatchTold'];
export type Worker = Schemas['WorkerTold'];
export type Schedule = Schemas['ScheduleTold'];
export type CronTold = Schemas['CronTold'];
export type Changes = Schemas['ChangesTold'];
export type Reproduction = Schemas['Reproduction'];
export type Suspects = Schemas['Suspects'];
export type Verdict = Schemas['Verdict'];
export type Outcome = Schemas['Outcome'];
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
