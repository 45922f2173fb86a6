import * as React from 'react';
import { Commands } from '../commands';
import { withErrorDialog, confirm, IRunActions } from '../runs/actions';
import { RunsGrid } from '../runs/grid';
import { RunItems } from '../runs/list';
import { RunList } from '../runs/model';
import { useRequest, useSignal } from '../hooks';
import { Placeholder, Problem } from '../notices';
import { TabPanel, Tabs } from '../tabs';
import { IMlops } from '../tokens';
import { Job, Schedule, Version } from '../types';
import { VersionsTab } from '../versions/list';
import { backfill, sweep } from './batch';
import { BatchView } from './batchView';
import { Durations } from './durations';
import { NextRun, VersionName } from './list';
import { LogTab } from './log';
import { showScheduleDialog } from './schedule';
import { SchedulesTab } from './schedules';
import { SettingsTab } from './settings';
import { ValuesTab } from './values';

const TABS = ['runs', 'timeline', 'values', 'log', 'versions', 'schedules', 'settings'] as const;
export type JobTab = (typeof TABS)[number];

interface IJobDetails {
  job: Job;
  versions: Version[];
  schedules: Schedule[];
}

interface IJobPageProps {
  mlops: IMlops;
  name: string;
  actions: IRunActions;
  compare: (first: string, second: string) => void;
  onBack: () => void;
  tab: string;
  onTabChange: (tab: JobTab) => void;
}

/** The page of one job. */
export function JobPage(props: IJobPageProps): JSX.Element {
  const { mlops, name, actions } = props;
  const { trans } = mlops;
  const jobRequest = useRequest<IJobDetails>(async () => {
    const [job, versions, schedules] = await Promise.all([
      mlops.jobs.get(name),
      mlops.jobs.versions(name),
      mlops.jobs.schedules(name)
    ]);
    return { job, versions, schedules };
  }, [name]);
  const [batch, setBatch] = React.useState<number | null>(null);
  const runs = React.useMemo(() => new RunList(mlops.runs, mlops.feed, { job: name }), [mlops, name]);
  React.useEffect(() => {
    void runs.refresh();
    return () => runs.dispose();
  }, [runs]);
  useSignal(runs.changed);
  if (!jobRequest.value) {
    return (
      <>
        <BackButton trans={trans} onBack={props.onBack} />
        <Placeholder trans={trans} problem={jobRequest.problem} />
      </>
    );
  }
  const runAction = async (request: () => Promise<unknown>) => {
    await withErrorDialog(trans.__('The action failed'), request);
    jobRequest.refetch();
  };
  return (
    <div className="jp-mlops-view jp-mlops-job">
      <JobHeader
        mlops={mlops}
        job={jobRequest.value.job}
        onBack={props.onBack}
        runAction={runAction}
        start={async () => runs.upsert(await mlops.runs.start({ job: name }))}
        showBatch={batchId => {
          if (batchId !== null) {
            setBatch(batchId);
            props.onTabChange('runs');
            void runs.refresh();
          }
        }}
      />
      <JobTabs
        {...props}
        details={jobRequest.value}
        runs={runs}
        runAction={runAction}
        onChange={jobRequest.refetch}
        runsTab={
          <>
            {batch !== null ? <BatchView mlops={mlops} batch={batch} actions={actions} /> : null}
            <RunsGrid mlops={mlops} runs={runs} actions={actions} compare={props.compare} />
            <RunItems mlops={mlops} runs={runs} actions={actions} columns />
          </>
        }
      />
    </div>
  );
}

function BackButton(props: { trans: IMlops['trans']; onBack: () => void }): JSX.Element {
  return (
    <button className="jp-mlops-link jp-mlops-back" onClick={props.onBack}>
      ‹ {props.trans.__('All jobs')}
    </button>
  );
}

type Action = (request: () => Promise<unknown>) => Promise<void>;

/** What the job is, and what can be done with it. */
function JobHeader(props: {
  mlops: IMlops;
  job: Job;
  onBack: () => void;
  runAction: Action;
  start: () => Promise<void>;
  showBatch: (batch: number | null) => void;
}): JSX.Element {
  const { mlops, job, runAction, showBatch } = props;
  const { trans } = mlops;
  const button = (label: string, action: () => Promise<unknown>, className = '') => (
    <button className={`jp-mod-styled ${className}`} onClick={() => void runAction(action)}>
      {label}
    </button>
  );
  return (
    <header className="jp-mlops-row jp-mlops-head">
      <div className="jp-mlops-grow">
        <BackButton trans={trans} onBack={props.onBack} />
        <h2>{job.name}</h2>
        <div className="jp-mlops-row">
          <VersionName job={job} />
          <NextRun job={job} mlops={mlops} />
          <span className="jp-mlops-secondary">{trans.__('owned by %1', job.owner || '?')}</span>
        </div>
        {job.problems.map(problem => (
          <div key={problem} className="jp-mlops-error">
            {problem}
          </div>
        ))}
      </div>
      <div className="jp-mlops-row">
        {button(trans.__('Run'), props.start, 'jp-mod-accept')}
        {button(trans.__('New schedule…'), () => showScheduleDialog(mlops, job.name))}
        {button(trans.__('Backfill…'), async () => showBatch(await backfill(mlops, job.name)))}
        {button(trans.__('Sweep…'), async () => showBatch(await sweep(mlops, job.name)))}
        {button(trans.__('Export…'), () =>
          mlops.commands.execute(Commands.exportPipeline, { job: job.name })
        )}
        {button(job.paused ? trans.__('Resume') : trans.__('Pause'), () =>
          mlops.jobs.update(job.name, { paused: !job.paused })
        )}
      </div>
    </header>
  );
}

function JobTabs(
  props: IJobPageProps & {
    details: IJobDetails;
    runs: RunList;
    runAction: Action;
    onChange: () => void;
    runsTab: JSX.Element;
  }
): JSX.Element {
  const { mlops, name, actions, details, runs, runAction } = props;
  const { trans } = mlops;
  const tab = TABS.find(tabName => tabName === props.tab) ?? 'runs';
  const remove = async () => {
    const confirmed = await confirm(
      trans.__('Delete job %1?', name),
      trans.__('This also deletes its versions, schedules and runs. Notebooks stay.'),
      trans.__('Delete %1', name),
      trans
    );
    if (confirmed) {
      await withErrorDialog(trans.__('The job could not be deleted'), () => mlops.jobs.delete(name));
      props.onBack();
    }
  };
  const content: Record<JobTab, () => JSX.Element> = {
    runs: () => props.runsTab,
    timeline: () => <Durations mlops={mlops} runs={runs} actions={actions} />,
    values: () => <ValuesTab mlops={mlops} runs={runs} actions={actions} />,
    log: () => <LogTab mlops={mlops} runs={runs} />,
    versions: () => (
      <VersionsTab mlops={mlops} job={name} versions={details.versions} runAction={runAction} />
    ),
    schedules: () => (
      <SchedulesTab mlops={mlops} job={name} schedules={details.schedules} runAction={runAction} />
    ),
    settings: () => <SettingsTab mlops={mlops} job={details.job} onChange={props.onChange} remove={remove} />
  };
  return (
    <>
      <Tabs
        id="jp-mlops-job"
        label={trans.__('Parts of the job')}
        names={TABS}
        labels={{
          runs: trans.__('Runs'),
          timeline: trans.__('Timeline'),
          values: trans.__('Parameters'),
          log: trans.__('Log'),
          versions: trans.__('Versions'),
          schedules: trans.__('Schedules'),
          settings: trans.__('Settings')
        }}
        value={tab}
        onChange={props.onTabChange}
      />
      <TabPanel id="jp-mlops-job" name={tab}>
        <Problem>{runs.problem}</Problem>
        {content[tab]()}
      </TabPanel>
    </>
  );
}
