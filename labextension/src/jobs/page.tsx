import { MainAreaWidget } from '@jupyterlab/apputils';
import { ReactWidget } from '@jupyterlab/ui-components';
import * as React from 'react';
import { duration, given, moment } from '../format';
import { jobsIcon } from '../icons';
import { wordsOf } from '../request';
import { attempt, certain, IRunDoor } from '../runs/actions';
import { RunsGrid } from '../runs/grid';
import { RunList } from '../runs/model';
import { useAnswer, useSignal } from '../signal';
import { StateMark, stateWord } from '../states';
import { IMlops } from '../tokens';
import { Job, Schedule, State, Version } from '../types';
import { Sections } from '../versions/diff';
import { backfill, BatchView, sweep } from './batch';
import { CalendarView } from './calendar';
import { schedule } from './schedule';

/** The jobs, and the page of one of them. */
export function jobsPage(
  mlops: IMlops,
  door: IRunDoor,
  compare: (one: string, two: string) => void
): MainAreaWidget<JobsWidget> {
  const content = new JobsWidget(mlops, door, compare);
  const page = new MainAreaWidget({ content });
  page.id = 'jupyter-mlops-jobs';
  page.title.label = mlops.trans.__('Jobs');
  page.title.icon = jobsIcon;
  page.title.closable = true;
  return page;
}

export class JobsWidget extends ReactWidget {
  constructor(
    private readonly mlops: IMlops,
    private readonly door: IRunDoor,
    private readonly compare: (one: string, two: string) => void
  ) {
    super();
    this.addClass('jp-mlops-page');
  }

  /** The job that is shown; '' for the list of all. */
  get job(): string {
    return this._job;
  }

  set job(name: string) {
    this._job = name;
    this.update();
  }

  render(): JSX.Element {
    const { mlops, door, compare } = this;
    return this._job ? (
      <JobPage
        key={this._job}
        mlops={mlops}
        name={this._job}
        door={door}
        compare={compare}
        back={() => (this.job = '')}
      />
    ) : (
      <JobList mlops={mlops} door={door} open={name => (this.job = name)} />
    );
  }

  private _job = '';
}

function Health(props: { states: readonly State[]; mlops: IMlops }): JSX.Element {
  const { trans } = props.mlops;
  const words = props.states.map(state => stateWord(state, trans));
  return (
    <span
      className="jp-mlops-health"
      role="img"
      aria-label={words.join(', ') || trans.__('no runs')}
      title={words.join(', ')}
    >
      {props.states.map((state, at) => (
        <i key={at} data-state={state} />
      ))}
    </span>
  );
}

function JobList(props: { mlops: IMlops; door: IRunDoor; open: (name: string) => void }): JSX.Element {
  const { mlops, door } = props;
  const { trans, feed } = mlops;
  const [filter, setFilter] = React.useState('');
  const [coming, setComing] = React.useState(false);
  const told = useAnswer(() => mlops.jobs.list(), []);
  React.useEffect(() => {
    const hear = (_: unknown, event: { kind: string }) => event.kind === 'run' && told.again();
    feed.heard.connect(hear);
    return () => {
      feed.heard.disconnect(hear);
    };
  }, []);
  const jobs = (told.value ?? []).filter(job => job.name.toLowerCase().includes(filter.toLowerCase()));
  const act = async (work: () => Promise<unknown>) => {
    await attempt(trans.__('That did not work'), work);
    told.again();
  };
  return (
    <div className="jp-mlops-jobs">
      <header className="jp-mlops-line">
        <h2>{trans.__('Jobs')}</h2>
        <input
          className="jp-mod-styled"
          type="search"
          aria-label={trans.__('Filter jobs')}
          placeholder={trans.__('Filter')}
          value={filter}
          onChange={event => setFilter(event.target.value)}
        />
      </header>
      {told.problem ? (
        <div className="jp-mlops-problem" role="alert">
          {wordsOf(told.problem)}
        </div>
      ) : null}
      <div className="jp-mlops-tabs" role="tablist" aria-label={trans.__('Views of jobs')}>
        <button role="tab" aria-selected={!coming} onClick={() => setComing(false)}>
          {trans.__('All')}
        </button>
        <button role="tab" aria-selected={coming} onClick={() => setComing(true)}>
          {trans.__('Calendar')}
        </button>
      </div>
      {coming ? <CalendarView mlops={mlops} open={props.open} /> : null}
      {!coming && told.value && !told.value.length ? (
        <div className="jp-mlops-empty">
          {trans.__('No job yet. Publish a notebook from its MLOps panel, and it is one.')}
        </div>
      ) : null}
      {!coming && jobs.length ? (
        <table className="jp-mlops-table jp-mod-wide">
          <thead>
            <tr>
              <th>{trans.__('Name')}</th>
              <th>{trans.__('Last 20 runs')}</th>
              <th>{trans.__('Version')}</th>
              <th>{trans.__('Next')}</th>
              <th>{trans.__('Last')}</th>
              <th>{trans.__('Owner')}</th>
              <th>
                <span className="jp-mlops-hidden">{trans.__('Actions')}</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {jobs.map(job => (
              <tr key={job.name}>
                <td>
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
                  <Health states={job.health} mlops={mlops} />
                </td>
                <td>
                  {job.version}
                  {Object.entries(job.aliases)
                    .map(([alias, number]) => ` ${alias}=v${number}`)
                    .join('')}
                </td>
                <td>{job.paused ? trans.__('rests') : moment(job.next)}</td>
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
                    aria-label={
                      job.paused ? trans.__('Let %1 go on', job.name) : trans.__('Pause %1', job.name)
                    }
                    onClick={() => void act(() => mlops.jobs.change(job.name, { paused: !job.paused }))}
                  >
                    {job.paused ? trans.__('Go on') : trans.__('Pause')}
                  </button>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      ) : null}
    </div>
  );
}

const TABS = ['runs', 'versions', 'schedules', 'settings'] as const;

function JobPage(props: {
  mlops: IMlops;
  name: string;
  door: IRunDoor;
  compare: (one: string, two: string) => void;
  back: () => void;
}): JSX.Element {
  const { mlops, name, door } = props;
  const { trans } = mlops;
  const [tab, setTab] = React.useState<(typeof TABS)[number]>('runs');
  const told = useAnswer<{ job: Job; versions: Version[]; schedules: Schedule[] }>(async () => {
    const [job, versions, schedules] = await Promise.all([
      mlops.jobs.get(name),
      mlops.jobs.versions(name),
      mlops.jobs.schedules(name)
    ]);
    return { job, versions, schedules };
  }, [name]);
  const [batch, setBatch] = React.useState<number | null>(null);
  const showBatch = (made: number | null) => {
    if (made !== null) {
      setBatch(made);
      setTab('runs');
      void runs.refresh();
    }
  };
  const runs = React.useMemo(() => new RunList(mlops.runs, mlops.feed, () => ({ job: name })), [name]);
  React.useEffect(() => {
    void runs.refresh();
    return () => runs.dispose();
  }, [runs]);
  useSignal(runs.changed);
  const act = async (work: () => Promise<unknown>) => {
    await attempt(trans.__('That did not work'), work);
    told.again();
  };
  const words = {
    runs: trans.__('Runs'),
    versions: trans.__('Versions'),
    schedules: trans.__('Schedules'),
    settings: trans.__('Settings')
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
  return (
    <div className="jp-mlops-job">
      <header>
        <button className="jp-mlops-link" onClick={props.back}>
          {trans.__('All jobs')}
        </button>
        <h2>{name}</h2>
        <div className="jp-mlops-buttons">
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
      <div className="jp-mlops-tabs" role="tablist" aria-label={trans.__('Parts of the job')}>
        {TABS.map(one => (
          <button key={one} role="tab" aria-selected={tab === one} onClick={() => setTab(one)}>
            {words[one]}
          </button>
        ))}
      </div>
      <div className="jp-mlops-part" role="tabpanel" aria-label={words[tab]} tabIndex={0}>
        {tab === 'runs' && batch !== null ? <BatchView mlops={mlops} batch={batch} door={door} /> : null}
        {tab === 'runs' ? <RunsGrid mlops={mlops} runs={runs} door={door} compare={props.compare} /> : null}
        {tab === 'versions' ? <VersionsPart mlops={mlops} job={name} versions={versions} act={act} /> : null}
        {tab === 'schedules' ? <SchedulesPart mlops={mlops} schedules={schedules} act={act} /> : null}
        {tab === 'settings' ? (
          <SettingsPart
            mlops={mlops}
            job={job}
            act={act}
            remove={async () => {
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
            }}
          />
        ) : null}
      </div>
    </div>
  );
}

type Act = (work: () => Promise<unknown>) => Promise<void>;

function VersionsPart(props: { mlops: IMlops; job: string; versions: Version[]; act: Act }): JSX.Element {
  const { mlops, job, versions, act } = props;
  const { trans } = mlops;
  const [pair, setPair] = React.useState<[string, string] | null>(null);
  const diff = useAnswer(
    () => (pair ? mlops.jobs.diff(job, ...pair) : Promise.resolve(null)),
    [pair?.join()]
  );
  return (
    <>
      <table className="jp-mlops-table jp-mod-wide">
        <thead>
          <tr>
            <th>{trans.__('Version')}</th>
            <th>{trans.__('Published')}</th>
            <th>{trans.__('By')}</th>
            <th>{trans.__('Message')}</th>
            <th>{trans.__('Aliases')}</th>
            <th>
              <span className="jp-mlops-hidden">{trans.__('Actions')}</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {versions.map((one, at) => (
            <tr key={one.version}>
              <td title={one.digest}>{one.version}</td>
              <td>{moment(one.created)}</td>
              <td>{one.author}</td>
              <td>{one.message}</td>
              <td>{(one.aliases ?? []).join(', ')}</td>
              <td className="jp-mlops-acts">
                {at + 1 < versions.length ? (
                  <button
                    className="jp-mlops-link"
                    onClick={() => setPair([versions[at + 1].version, one.version])}
                  >
                    {trans.__('Changes')}
                  </button>
                ) : null}
                {['staging', 'production'].map(alias =>
                  (one.aliases ?? []).includes(alias) ? null : (
                    <button
                      key={alias}
                      className="jp-mlops-link"
                      onClick={() => void act(() => mlops.jobs.setAlias(job, alias, one.version))}
                    >
                      {trans.__('Make it %1', alias)}
                    </button>
                  )
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {diff.value ? (
        <section>
          <h3>
            {diff.value.old} → {diff.value.new}
          </h3>
          <Sections mlops={mlops} sections={diff.value.sections} />
        </section>
      ) : null}
    </>
  );
}

function SchedulesPart(props: { mlops: IMlops; schedules: Schedule[]; act: Act }): JSX.Element {
  const { mlops, schedules, act } = props;
  const { trans } = mlops;
  if (!schedules.length) {
    return <div className="jp-mlops-empty">{trans.__('It has no schedule.')}</div>;
  }
  return (
    <table className="jp-mlops-table jp-mod-wide">
      <thead>
        <tr>
          <th>{trans.__('When')}</th>
          <th>{trans.__('Next')}</th>
          <th>{trans.__('Version')}</th>
          <th>{trans.__('Parameters')}</th>
          <th>
            <span className="jp-mlops-hidden">{trans.__('Actions')}</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {schedules.map(one => (
          <tr key={one.id}>
            <td>
              {one.words || one.cron}
              {one.problem ? <div className="jp-mlops-wrong">{one.problem}</div> : null}
            </td>
            <td>{one.paused ? trans.__('rests') : moment(one.next)}</td>
            <td>{one.version}</td>
            <td>{given(one.parameters)}</td>
            <td className="jp-mlops-acts">
              <button
                className="jp-mlops-link"
                onClick={() => void act(() => mlops.jobs.pauseSchedule(one.id, !one.paused))}
              >
                {one.paused ? trans.__('Go on') : trans.__('Pause')}
              </button>
              <button
                className="jp-mlops-link"
                onClick={() =>
                  void act(async () => {
                    const sure = await certain(
                      trans.__('Delete the schedule'),
                      trans.__(
                        '%1 will not run on its own “%2” any more. Its runs stay.',
                        one.job,
                        one.words || one.cron
                      ),
                      trans.__('Delete schedule'),
                      trans
                    );
                    return sure ? mlops.jobs.unschedule(one.id) : undefined;
                  })
                }
              >
                {trans.__('Delete…')}
              </button>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

const NUMBERS = [
  'retries',
  'backoff',
  'cell_timeout',
  'run_timeout',
  'concurrency',
  'priority',
  'keep_runs',
  'keep_days'
];

function SettingsPart(props: {
  mlops: IMlops;
  job: Job;
  act: Act;
  remove: () => Promise<void>;
}): JSX.Element {
  const { mlops, job, act } = props;
  const { trans } = mlops;
  const policies = job.policies ?? {};
  const words: Record<string, string> = {
    retries: trans.__('Retries of a run that failed'),
    backoff: trans.__('Seconds before the first retry'),
    cell_timeout: trans.__('Seconds a cell may take'),
    run_timeout: trans.__('Seconds a run may take'),
    concurrency: trans.__('Runs at once'),
    priority: trans.__('Priority'),
    keep_runs: trans.__('Runs that are kept'),
    keep_days: trans.__('Days that runs are kept')
  };
  return (
    <form
      className="jp-mlops-settings"
      onSubmit={event => {
        event.preventDefault();
        const data = new FormData(event.currentTarget);
        const changed = NUMBERS.flatMap(name => {
          const text = String(data.get(name) ?? '');
          const value = text === '' ? null : Number(text);
          return value === (policies[name] ?? null) ? [] : [[name, value] as const];
        });
        const environment = data.get('environment');
        const all = Object.fromEntries(changed) as Record<string, unknown>;
        if (environment !== policies.environment) {
          all.environment = environment;
        }
        void act(() => mlops.jobs.change(job.name, { policies: all }));
      }}
    >
      {NUMBERS.map(name => (
        <label key={name} className="jp-mlops-field">
          <span>{words[name]}</span>
          <input
            className="jp-mod-styled"
            type="number"
            step="any"
            name={name}
            placeholder={trans.__('no limit')}
            defaultValue={
              policies[name] === null || policies[name] === undefined ? '' : String(policies[name])
            }
          />
        </label>
      ))}
      <label className="jp-mlops-field">
        <span>{trans.__('Environment')}</span>
        <span className="jp-select-wrapper jp-mlops-select">
          <select className="jp-mod-styled" name="environment" defaultValue={String(policies.environment)}>
            <option value="locked">{trans.__('as the version’s lock says')}</option>
            <option value="live">{trans.__('as it is now')}</option>
          </select>
        </span>
      </label>
      <div className="jp-mlops-buttons">
        <button type="button" className="jp-mod-styled jp-mod-warn" onClick={() => void props.remove()}>
          {trans.__('Delete job…')}
        </button>
        <button type="submit" className="jp-mod-styled jp-mod-accept">
          {trans.__('Save')}
        </button>
      </div>
    </form>
  );
}
