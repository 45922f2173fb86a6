import { mlops } from './plugin';
import { exportMenu, exports } from './export/plugin';
import { jobs } from './jobs/plugin';
import { panel } from './panel/plugin';
import { runs } from './runs/plugin';
import { steps } from './steps/plugin';

export default [mlops, steps, runs, exports, exportMenu, jobs, panel];
