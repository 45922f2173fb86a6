import { mlops } from './plugin';
import { jobs } from './jobs/plugin';
import { panel } from './panel/plugin';
import { runs } from './runs/plugin';
import { steps } from './steps/plugin';

export default [mlops, steps, runs, jobs, panel];
