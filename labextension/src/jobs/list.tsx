import * as React from 'react';
import { formatDuration, formatTimeInZone } from '../format';
import { errorMessage } from '../request';
import { withErrorDialog, IRunActions } from '../runs/actions';
import { useRequest, useSlot } from '../hooks';
import { StateBadge, stateLabel } from '../stateBadge';
import { TabPanel, Tabs } from '../tabs';
import { ActionTable } from '../table';
import { Placeholder, Problem } from '../notices';
import { IMlops } from '../tokens';
import { Job } from '../types';
import { CalendarView } from './calendar';
import { Health } from './health';
import { showScheduleDialog } from './schedule';

const VIEWS = ['all', 'calendar'] as const;
export type JobsView = (typeof VIEWS)[number];

/** All jobs, and when they run next. */
export function JobList(props: {
  mlops: IMlops;
  actions: IRunActions;
  open: (name: string) => void;
  view: JobsView;
  onViewChange: (view: JobsView) => void;
}): JSX.Element {
  const { mlops, view } = props;
  const { trans, feed } = mlops;
  const [filter, setFilter] = React.useState('');
  const jobsRequest = useRequest(() => mlops.jobs.list(), []);
  const { refetch, update } = jobsRequest;
  useSlot(feed.reconnected, refetch);
  useSlot(
    feed.eventReceived,
    React.useCallback(
      ({ kind, job }) => {
        if (kind === 'run' && job) {
          void mlops.jobs.get(job).then(changed => update(jobs => replaceJob(jobs, changed)), refetch);
        }
      },
      [mlops, refetch, update]
    )
  );
  const allJobs = jobsRequest.value ?? [];
  const jobs = allJobs.filter(job => job.name.toLowerCase().includes(filter.toLowerCase()));
  const runAction = async (request: () => Promise<unknown>) => {
    await withErrorDialog(trans.__('The action failed'), request);
    jobsRequest.refetch();
  };
  return (
    <div className="jp-mlops-view jp-mlops-jobs">
      <header className="jp-mlops-row jp-mlops-head">
        <div className="jp-mlops-grow">
          <h2>{trans.__('Jobs')}</h2>
        </div>
        <div className="jp-mlops-row">
          <input
            className="jp-mod-styled"
            type="search"
            aria-label={trans.__('Filter jobs')}
            placeholder={trans.__('Filter')}
            value={filter}
            onChange={event => setFilter(event.target.value)}
          />
        </div>
      </header>
      {jobsRequest.problem ? <Problem>{errorMessage(jobsRequest.problem)}</Problem> : null}
      <Tabs
        id="jp-mlops-jobs"
        label={trans.__('Views of jobs')}
        names={VIEWS}
        labels={{ all: trans.__('All'), calendar: trans.__('Calendar') }}
        value={view}
        onChange={props.onViewChange}
      />
      <TabPanel id="jp-mlops-jobs" name={view}>
        {view === 'calendar' ? <CalendarView mlops={mlops} open={props.open} filter={filter} /> : null}
        {view === 'all' && !jobsRequest.value && !jobsRequest.problem ? <Placeholder trans={trans} /> : null}
        {view === 'all' && jobsRequest.value && !allJobs.length ? (
          <Placeholder trans={trans}>
            {trans.__('No jobs yet. Publish a notebook from its MLOps panel to create one.')}
          </Placeholder>
        ) : null}
        {view === 'all' && allJobs.length && !jobs.length ? (
          <Placeholder trans={trans}>{trans.__('No job name contains “%1”.', filter)}</Placeholder>
        ) : null}
        {view === 'all' && jobs.length ? (
          <ActionTable
            trans={trans}
            columns={[
              trans.__('Name'),
              trans.__('Last 20 runs'),
              trans.__('Version'),
              trans.__('Next'),
              trans.__('Last'),
              trans.__('Owner')
            ]}
          >
            {jobs.map(job => (
              <JobRow key={job.name} {...props} job={job} runAction={runAction} />
            ))}
          </ActionTable>
        ) : null}
      </TabPanel>
    </div>
  );
}

/** The jobs with one of them as it is now; a new one comes last. */
export function replaceJob(jobs: readonly Job[], changed: Job): Job[] {
  return jobs.some(job => job.name === changed.name)
    ? jobs.map(job => (job.name === changed.name ? changed : job))
    : [...jobs, changed];
}

/** When a job runs next, by the clock of its schedule. */
export function NextRun(props: { job: Job; mlops: IMlops }): JSX.Element {
  const { job } = props;
  const { trans } = props.mlops;
  if (job.paused) {
    return (
      <StateBadge state="stopped" trans={trans}>
        {trans.__('paused')}
      </StateBadge>
    );
  }
  return job.next ? (
    <span className="jp-mlops-time">
      {formatTimeInZone(job.next, job.next_zone)} <span className="jp-mlops-secondary">{job.next_zone}</span>
    </span>
  ) : (
    <span className="jp-mlops-secondary">{trans.__('not scheduled')}</span>
  );
}

/** A version's name with the aliases that name it. */
export function VersionName(props: { job: Job }): JSX.Element {
  const { version, aliases } = props.job;
  return (
    <>
      {version ?? '—'}
      {Object.entries(aliases).map(([alias, number]) => (
        <span key={alias} className="jp-mlops-secondary">
          {' · '}
          {alias}
          {`v${number}` === version ? '' : ` v${number}`}
        </span>
      ))}
    </>
  );
}

function JobRow(props: {
  mlops: IMlops;
  actions: IRunActions;
  open: (name: string) => void;
  job: Job;
  runAction: (request: () => Promise<unknown>) => Promise<void>;
}): JSX.Element {
  const { mlops, actions, job, runAction } = props;
  const { trans } = mlops;
  return (
    <tr>
      <td className="jp-mlops-words">
        <button className="jp-mlops-link" onClick={() => props.open(job.name)}>
          {job.name}
        </button>
        {job.problems.map(problem => (
          <div key={problem} className="jp-mlops-error">
            {problem}
          </div>
        ))}
      </td>
      <td>
        <Health outcomes={job.recent} mlops={mlops} />
      </td>
      <td>
        <VersionName job={job} />
      </td>
      <td>
        <NextRun job={job} mlops={mlops} />
      </td>
      <td>
        {job.last ? (
          <button className="jp-mlops-link" onClick={() => actions.open(job.last!.id)}>
            <StateBadge state={job.last.state} trans={trans}>
              {formatDuration(job.last.seconds) || stateLabel(job.last.state, trans)}
            </StateBadge>
          </button>
        ) : null}
      </td>
      <td>{job.owner}</td>
      <td className="jp-mlops-acts">
        <button
          className="jp-mlops-link"
          aria-label={trans.__('Run %1', job.name)}
          onClick={() => void runAction(() => mlops.runs.start({ job: job.name }))}
        >
          {trans.__('Run')}
        </button>
        <button
          className="jp-mlops-link"
          aria-label={trans.__('Schedule %1', job.name)}
          onClick={() => void runAction(() => showScheduleDialog(mlops, job.name))}
        >
          {trans.__('Schedule…')}
        </button>
        <button
          className="jp-mlops-link"
          aria-label={job.paused ? trans.__('Resume %1', job.name) : trans.__('Pause %1', job.name)}
          onClick={() => void runAction(() => mlops.jobs.update(job.name, { paused: !job.paused }))}
        >
          {job.paused ? trans.__('Resume') : trans.__('Pause')}
        </button>
      </td>
    </tr>
  );
}
