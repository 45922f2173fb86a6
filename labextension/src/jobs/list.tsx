import * as React from 'react';
import { duration, inZone } from '../format';
import { wordsOf } from '../request';
import { attempt, IRunDoor } from '../runs/actions';
import { useAnswer } from '../signal';
import { StateMark, stateWord } from '../states';
import { TabPart, Tabs } from '../tabs';
import { ActionTable } from '../table';
import { IMlops } from '../tokens';
import { Job } from '../types';
import { CalendarView } from './calendar';
import { Health } from './health';
import { schedule } from './schedule';

const VIEWS = ['all', 'calendar'] as const;
export type JobsView = (typeof VIEWS)[number];

/** All jobs, and when they run next. */
export function JobList(props: {
  mlops: IMlops;
  door: IRunDoor;
  open: (name: string) => void;
  view: JobsView;
  show: (view: JobsView) => void;
}): JSX.Element {
  const { mlops, view } = props;
  const { trans, feed } = mlops;
  const [filter, setFilter] = React.useState('');
  const told = useAnswer(() => mlops.jobs.list(), []);
  React.useEffect(() => {
    const hear = (_: unknown, event: { kind: string }) => event.kind === 'run' && told.again();
    feed.heard.connect(hear);
    feed.returned.connect(told.again);
    return () => {
      feed.heard.disconnect(hear);
      feed.returned.disconnect(told.again);
    };
  }, []);
  const all = told.value ?? [];
  const jobs = all.filter(job => job.name.toLowerCase().includes(filter.toLowerCase()));
  const act = async (work: () => Promise<unknown>) => {
    await attempt(trans.__('That did not work'), work);
    told.again();
  };
  return (
    <div className="jp-mlops-jobs">
      <header className="jp-mlops-head">
        <div className="jp-mlops-head-words">
          <h2>{trans.__('Jobs')}</h2>
        </div>
        <div className="jp-mlops-head-acts">
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
      {told.problem ? (
        <div className="jp-mlops-problem" role="alert">
          {wordsOf(told.problem)}
        </div>
      ) : null}
      <Tabs
        id="jp-mlops-jobs"
        label={trans.__('Views of jobs')}
        names={VIEWS}
        words={{ all: trans.__('All'), calendar: trans.__('Calendar') }}
        value={view}
        onChange={props.show}
      />
      <TabPart id="jp-mlops-jobs" name={view}>
        {view === 'calendar' ? <CalendarView mlops={mlops} open={props.open} filter={filter} /> : null}
        {view === 'all' && !told.value && !told.problem ? (
          <div className="jp-mlops-empty">{trans.__('Loading…')}</div>
        ) : null}
        {view === 'all' && told.value && !all.length ? (
          <div className="jp-mlops-empty">
            {trans.__('No job yet. Publish a notebook from its MLOps panel, and it is one.')}
          </div>
        ) : null}
        {view === 'all' && all.length && !jobs.length ? (
          <div className="jp-mlops-empty">{trans.__('No job has “%1” in its name.', filter)}</div>
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
              <JobRow key={job.name} {...props} job={job} act={act} />
            ))}
          </ActionTable>
        ) : null}
      </TabPart>
    </div>
  );
}

/** When a job runs next, by the clock of its schedule. */
export function Next(props: { job: Job; mlops: IMlops }): JSX.Element {
  const { job } = props;
  const { trans } = props.mlops;
  if (job.paused) {
    return (
      <StateMark state="stopped" trans={trans}>
        {trans.__('paused')}
      </StateMark>
    );
  }
  return job.next ? (
    <span className="jp-mlops-time">
      {inZone(job.next, job.next_zone)} <span className="jp-mlops-quiet">{job.next_zone}</span>
    </span>
  ) : (
    <span className="jp-mlops-quiet">{trans.__('not scheduled')}</span>
  );
}

/** A version's name with the aliases that name it. */
export function VersionName(props: { job: Job }): JSX.Element {
  const { version, aliases } = props.job;
  return (
    <>
      {version ?? '—'}
      {Object.entries(aliases).map(([alias, number]) => (
        <span key={alias} className="jp-mlops-tag">
          {alias}
          {`v${number}` === version ? '' : ` v${number}`}
        </span>
      ))}
    </>
  );
}

function JobRow(props: {
  mlops: IMlops;
  door: IRunDoor;
  open: (name: string) => void;
  job: Job;
  act: (work: () => Promise<unknown>) => Promise<void>;
}): JSX.Element {
  const { mlops, door, job, act } = props;
  const { trans } = mlops;
  return (
    <tr>
      <td className="jp-mlops-name">
        <button className="jp-mlops-link" onClick={() => props.open(job.name)}>
          {job.name}
        </button>
        {job.problems.map(problem => (
          <div key={problem} className="jp-mlops-wrong">
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
        <Next job={job} mlops={mlops} />
      </td>
      <td>
        {job.last ? (
          <button className="jp-mlops-link" onClick={() => door.open(job.last!.id)}>
            <StateMark state={job.last.state} trans={trans}>
              {duration(job.last.seconds) || stateWord(job.last.state, trans)}
            </StateMark>
          </button>
        ) : null}
      </td>
      <td>{job.owner}</td>
      <td className="jp-mlops-acts">
        <button
          className="jp-mlops-link"
          aria-label={trans.__('Run %1', job.name)}
          onClick={() => void act(() => mlops.runs.start({ job: job.name }))}
        >
          {trans.__('Run')}
        </button>
        <button
          className="jp-mlops-link"
          aria-label={trans.__('Schedule %1', job.name)}
          onClick={() => void act(() => schedule(mlops, job.name))}
        >
          {trans.__('Schedule…')}
        </button>
        <button
          className="jp-mlops-link"
          aria-label={job.paused ? trans.__('Let %1 go on', job.name) : trans.__('Pause %1', job.name)}
          onClick={() => void act(() => mlops.jobs.change(job.name, { paused: !job.paused }))}
        >
          {job.paused ? trans.__('Go on') : trans.__('Pause')}
        </button>
      </td>
    </tr>
  );
}
