import * as React from 'react';
import { wordsOf } from '../request';
import { attempt, certain, IRunDoor } from '../runs/actions';
import { RunsGrid } from '../runs/grid';
import { RunItems } from '../runs/list';
import { RunList } from '../runs/model';
import { useAnswer, useSignal } from '../signal';
import { TabPart, Tabs } from '../tabs';
import { IMlops } from '../tokens';
import { Job, Schedule, Version } from '../types';
import { VersionsPart } from '../versions/list';
import { backfill, BatchView, sweep } from './batch';
import { Durations } from './durations';
import { Next, VersionName } from './list';
import { LogPart } from './log';
import { schedule } from './schedule';
import { SchedulesPart } from './schedules';
import { SettingsPart } from './settings';
import { ValuesPart } from './values';

const TABS = ['runs', 'timeline', 'values', 'log', 'versions', 'schedules', 'settings'] as const;
export type JobTab = (typeof TABS)[number];

/** The page of one job. */
export function JobPage(props: {
  mlops: IMlops;
  name: string;
  door: IRunDoor;
  compare: (one: string, two: string) => void;
  back: () => void;
  tab: string;
  show: (tab: JobTab) => void;
}): JSX.Element {
  const { mlops, name, door } = props;
  const { trans } = mlops;
  const tab = TABS.find(one => one === props.tab) ?? 'runs';
  const told = useAnswer<{ job: Job; versions: Version[]; schedules: Schedule[] }>(async () => {
    const [job, versions, schedules] = await Promise.all([
      mlops.jobs.get(name),
      mlops.jobs.versions(name),
      mlops.jobs.schedules(name)
    ]);
    return { job, versions, schedules };
  }, [name]);
  const [batch, setBatch] = React.useState<number | null>(null);
  const runs = React.useMemo(() => new RunList(mlops.runs, mlops.feed, () => ({ job: name })), [name]);
  React.useEffect(() => {
    void runs.refresh();
    return () => runs.dispose();
  }, [runs]);
  useSignal(runs.changed);
  const showBatch = (made: number | null) => {
    if (made !== null) {
      setBatch(made);
      props.show('runs');
      void runs.refresh();
    }
  };
  const act = async (work: () => Promise<unknown>) => {
    await attempt(trans.__('That did not work'), work);
    told.again();
  };
  if (!told.value) {
    return (
      <div className="jp-mlops-empty" role={told.problem ? 'alert' : 'status'}>
        {told.problem ? wordsOf(told.problem) : trans.__('Loading…')}{' '}
        <button className="jp-mlops-link" onClick={props.back}>
          {trans.__('All jobs')}
        </button>
      </div>
    );
  }
  const { job, versions, schedules } = told.value;
  const remove = async () => {
    const sure = await certain(
      trans.__('Delete the job %1', name),
      trans.__('Its versions, schedules and runs go with it. Notebooks stay as they are.'),
      trans.__('Delete %1', name),
      trans
    );
    if (sure) {
      await attempt(trans.__('The job could not be deleted'), () => mlops.jobs.remove(name));
      props.back();
    }
  };
  return (
    <div className="jp-mlops-job">
      <header className="jp-mlops-head">
        <div className="jp-mlops-head-words">
          <button className="jp-mlops-link jp-mlops-back" onClick={props.back}>
            ‹ {trans.__('All jobs')}
          </button>
          <h2>{name}</h2>
          <div className="jp-mlops-facts">
            <span>
              <VersionName job={job} />
            </span>
            <Next job={job} mlops={mlops} />
            <span className="jp-mlops-quiet">{trans.__('owned by %1', job.owner || '?')}</span>
          </div>
          {job.problems.map(problem => (
            <div key={problem} className="jp-mlops-wrong">
              {problem}
            </div>
          ))}
        </div>
        <div className="jp-mlops-head-acts">
          <button
            className="jp-mod-styled jp-mod-accept"
            onClick={() => void act(async () => runs.put(await mlops.runs.start({ job: name })))}
          >
            {trans.__('Run')}
          </button>
          <button className="jp-mod-styled" onClick={() => void act(() => schedule(mlops, name))}>
            {trans.__('New schedule…')}
          </button>
          <button
            className="jp-mod-styled"
            onClick={() => void act(async () => showBatch(await backfill(mlops, name)))}
          >
            {trans.__('Backfill…')}
          </button>
          <button
            className="jp-mod-styled"
            onClick={() => void act(async () => showBatch(await sweep(mlops, name)))}
          >
            {trans.__('Sweep…')}
          </button>
          <button
            className="jp-mod-styled"
            onClick={() => void act(() => mlops.jobs.change(name, { paused: !job.paused }))}
          >
            {job.paused ? trans.__('Go on') : trans.__('Pause')}
          </button>
        </div>
      </header>
      <Tabs
        id="jp-mlops-job"
        label={trans.__('Parts of the job')}
        names={TABS}
        words={{
          runs: trans.__('Runs'),
          timeline: trans.__('Timeline'),
          values: trans.__('Parameters'),
          log: trans.__('Log'),
          versions: trans.__('Versions'),
          schedules: trans.__('Schedules'),
          settings: trans.__('Settings')
        }}
        value={tab}
        onChange={props.show}
      />
      <TabPart id="jp-mlops-job" name={tab}>
        {runs.problem ? (
          <div className="jp-mlops-problem" role="alert">
            {runs.problem}
          </div>
        ) : null}
        {tab === 'runs' ? (
          <RunsPart mlops={mlops} runs={runs} door={door} compare={props.compare} batch={batch} />
        ) : null}
        {tab === 'timeline' ? <Durations mlops={mlops} runs={runs} door={door} /> : null}
        {tab === 'values' ? <ValuesPart mlops={mlops} runs={runs} door={door} /> : null}
        {tab === 'log' ? <LogPart mlops={mlops} runs={runs} /> : null}
        {tab === 'versions' ? <VersionsPart mlops={mlops} job={name} versions={versions} act={act} /> : null}
        {tab === 'schedules' ? (
          <SchedulesPart mlops={mlops} job={name} schedules={schedules} act={act} />
        ) : null}
        {tab === 'settings' ? (
          <SettingsPart mlops={mlops} job={job} changed={told.again} remove={remove} />
        ) : null}
      </TabPart>
    </div>
  );
}

/** The runs of a job: a batch that was just made, the grid of steps, and a list. */
function RunsPart(props: {
  mlops: IMlops;
  runs: RunList;
  door: IRunDoor;
  compare: (one: string, two: string) => void;
  batch: number | null;
}): JSX.Element {
  const { mlops, runs, door, batch } = props;
  return (
    <>
      {batch !== null ? <BatchView mlops={mlops} batch={batch} door={door} /> : null}
      <RunsGrid mlops={mlops} runs={runs} door={door} compare={props.compare} />
      <RunItems mlops={mlops} runs={runs} door={door} apart />
    </>
  );
}
