import { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import { formatTimeInZone } from '../format';
import { errorMessage } from '../request';
import { useRequest } from '../hooks';
import { Placeholder, Problem } from '../notices';
import { IMlops } from '../tokens';
import { Calendar } from '../types';

const DAYS = 7;
const DAY_MS = 86400000; // ms

/** What one job does on one day. */
interface IEntry {
  job: string;
  times: { time: number; local: string; zone: string }[];
}

/** Firings day by day, by the clock of who looks; each day has its jobs in order of their first time. */
export function groupByDay(firings: Calendar['firings'], now: number, days = DAYS): [Date, IEntry[]][] {
  const begin = new Date(now);
  begin.setHours(0, 0, 0, 0);
  const calendarDays: [Date, IEntry[]][] = Array.from({ length: days }, (_, index) => {
    const day = new Date(begin);
    day.setDate(day.getDate() + index);
    return [day, []];
  });
  for (const firing of firings) {
    const date = new Date(firing.time * 1000);
    date.setHours(0, 0, 0, 0);
    const index = Math.round((date.getTime() - begin.getTime()) / DAY_MS);
    if (index in calendarDays) {
      const entries = calendarDays[index][1];
      const entry = entries.find(entry => entry.job === firing.job);
      entry ? entry.times.push(firing) : entries.push({ job: firing.job, times: [firing] });
    }
  }
  return calendarDays;
}

const MAX_TIMES = 4; // times of a job that are told on one day

/** When schedules fire in the days to come, by the clock of who looks. */
export function CalendarView(props: {
  mlops: IMlops;
  open: (job: string) => void;
  filter: string;
}): JSX.Element {
  const { mlops } = props;
  const { trans } = mlops;
  const calendarRequest = useRequest(() => mlops.jobs.calendar(DAYS), []);
  if (calendarRequest.problem) {
    return <Problem>{errorMessage(calendarRequest.problem)}</Problem>;
  }
  if (!calendarRequest.value) {
    return <Placeholder trans={trans} />;
  }
  const matchesFilter = (firing: { job: string }) =>
    firing.job.toLowerCase().includes(props.filter.toLowerCase());
  const firings = calendarRequest.value.firings.filter(matchesFilter);
  const frequent = calendarRequest.value.frequent.filter(matchesFilter);
  if (!firings.length && !frequent.length) {
    return (
      <Placeholder trans={trans}>{trans.__('No runs are scheduled for the next seven days.')}</Placeholder>
    );
  }
  return (
    <div className="jp-mlops-calendar">
      {frequent.length ? (
        <section className="jp-mlops-frequent" aria-label={trans.__('Frequent schedules')}>
          <h3>{trans.__('Frequent schedules')}</h3>
          <ul className="jp-mlops-list">
            {frequent.map(firing => (
              <li key={firing.schedule}>
                <button className="jp-mlops-link" onClick={() => props.open(firing.job)}>
                  {firing.job}
                </button>{' '}
                {firing.words}{' '}
                <span className="jp-mlops-secondary">
                  {trans.__('next %1', formatTimeInZone(firing.time, firing.zone))}
                </span>
              </li>
            ))}
          </ul>
        </section>
      ) : null}
      <Week trans={trans} days={groupByDay(firings, Date.now())} open={props.open} />
      <p className="jp-mlops-secondary">
        {trans.__('Times are in the time zone of this browser.')}{' '}
        {calendarRequest.value.more ? trans.__('More runs are scheduled than shown.') : ''}
      </p>
    </div>
  );
}

function formatClock(time: number): string {
  const options = { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' } as const;
  return new Date(time * 1000).toLocaleTimeString(undefined, options);
}

/** A column a day, with the jobs and their times. */
function Week(props: {
  trans: TranslationBundle;
  days: [Date, IEntry[]][];
  open: (job: string) => void;
}): JSX.Element {
  const { trans, days } = props;
  const options = { weekday: 'long', month: 'short', day: 'numeric' } as const;
  return (
    <table className="jp-mlops-table jp-mod-wide jp-mlops-week" aria-label={trans.__('Next seven days')}>
      <thead>
        <tr>
          {days.map(([day]) => (
            <th key={day.getTime()}>{day.toLocaleDateString(undefined, options)}</th>
          ))}
        </tr>
      </thead>
      <tbody>
        <tr>
          {days.map(([day, entries]) => (
            <td key={day.getTime()} className="jp-mlops-words">
              {entries.map(({ job, times }) => (
                <DayEntry key={job} trans={trans} job={job} times={times} open={props.open} />
              ))}
            </td>
          ))}
        </tr>
      </tbody>
    </table>
  );
}

/** The times of a job on one day. */
function DayEntry(props: IEntry & { trans: TranslationBundle; open: (job: string) => void }): JSX.Element {
  const { trans, job, times } = props;
  const localTimes = times.map(({ local, zone }) => `${local.slice(0, 16).replace('T', ' ')} ${zone}`);
  return (
    <div title={localTimes.join('\n')}>
      <button className="jp-mlops-link" onClick={() => props.open(job)}>
        {job}
      </button>
      <div>
        {times
          .slice(0, MAX_TIMES)
          .map(firing => formatClock(firing.time))
          .join(', ')}
        {times.length > MAX_TIMES ? (
          <span className="jp-mlops-secondary">
            {' '}
            {trans._n('and %1 more', 'and %1 more', times.length - MAX_TIMES)}
          </span>
        ) : null}
      </div>
    </div>
  );
}
