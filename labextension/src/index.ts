import { desk } from './desk';
import { jobs } from './jobs/plugin';
import { panel } from './panel/plugin';
import { runs } from './runs/plugin';
import { steps } from './steps/plugin';

export default [desk, steps, runs, jobs, panel];
