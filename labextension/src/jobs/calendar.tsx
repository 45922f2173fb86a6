import * as React from 'react';
import { inZone } from '../format';
import { wordsOf } from '../request';
import { useAnswer } from '../signal';
import { IMlops } from '../tokens';
import { Calendar } from '../types';

const DAYS = 7;
const DAY = 86400000; // ms

/** What one job does on one day. */
interface IEntry {
  job: string;
  times: { time: number; local: string; zone: string }[];
}

/** Firings day by day, by the clock of who looks; each day has its jobs in order of their first time. */
export function daysOf(firings: Calendar['firings'], now: number, days = DAYS): [Date, IEntry[]][] {
  const begin = new Date(now);
  begin.setHours(0, 0, 0, 0);
  const made: [Date, IEntry[]][] = Array.from({ length: days }, (_, at) => {
    const day = new Date(begin);
    day.setDate(day.getDate() + at);
    return [day, []];
  });
  for (const one of firings) {
    const then = new Date(one.time * 1000);
    then.setHours(0, 0, 0, 0);
    const at = Math.round((then.getTime() - begin.getTime()) / DAY);
    if (at in made) {
      const entries = made[at][1];
      const known = entries.find(entry => entry.job === one.job);
      known ? known.times.push(one) : entries.push({ job: one.job, times: [one] });
    }
  }
  return made;
}

const SHOWN = 4; // times of a job that are told on one day

/** When schedules fire in the days to come, by the clock of who looks. */
export function CalendarView(props: {
  mlops: IMlops;
  open: (job: string) => void;
  filter: string;
}): JSX.Element {
  const { mlops } = props;
  const { trans } = mlops;
  const told = useAnswer(() => mlops.jobs.calendar(DAYS), []);
  if (told.problem) {
    return (
      <div className="jp-mlops-problem" role="alert">
        {wordsOf(told.problem)}
      </div>
    );
  }
  if (!told.value) {
    return <div className="jp-mlops-empty">{trans.__('Loading…')}</div>;
  }
  const wanted = (one: { job: string }) => one.job.toLowerCase().includes(props.filter.toLowerCase());
  const firings = told.value.firings.filter(wanted);
  const frequent = told.value.frequent.filter(wanted);
  if (!firings.length && !frequent.length) {
    return <div className="jp-mlops-empty">{trans.__('Nothing is scheduled for the next seven days.')}</div>;
  }
  const clock = (time: number) =>
    new Date(time * 1000).toLocaleTimeString(undefined, {
      hour: '2-digit',
      minute: '2-digit',
      hourCycle: 'h23'
    });
  return (
    <div className="jp-mlops-calendar">
      {frequent.length ? (
        <section className="jp-mlops-frequent" aria-label={trans.__('Again and again')}>
          <h3>{trans.__('Again and again')}</h3>
          <ul className="jp-mlops-list">
            {frequent.map(one => (
              <li key={one.schedule}>
                <button className="jp-mlops-link" onClick={() => props.open(one.job)}>
                  {one.job}
                </button>{' '}
                {one.words}{' '}
                <span className="jp-mlops-quiet">{trans.__('next %1', inZone(one.time, one.zone))}</span>
              </li>
            ))}
          </ul>
        </section>
      ) : null}
      <div className="jp-mlops-week">
        {daysOf(firings, Date.now()).map(([day, entries]) => {
          const name = day.toLocaleDateString(undefined, {
            weekday: 'long',
            month: 'short',
            day: 'numeric'
          });
          return (
            <section key={name} aria-label={name} data-empty={!entries.length}>
              <h3>{name}</h3>
              <ul className="jp-mlops-list">
                {entries.map(({ job, times }) => (
                  <li key={job}>
                    <button className="jp-mlops-link" title={job} onClick={() => props.open(job)}>
                      {job}
                    </button>
                    <span
                      className="jp-mlops-time"
                      title={times
                        .map(one => `${one.local.slice(0, 16).replace('T', ' ')} ${one.zone}`)
                        .join('\n')}
                    >
                      {times
                        .slice(0, SHOWN)
                        .map(one => clock(one.time))
                        .join(', ')}
                      {times.length > SHOWN ? (
                        <span className="jp-mlops-quiet">
                          {' '}
                          {trans._n('and %1 more', 'and %1 more', times.length - SHOWN)}
                        </span>
                      ) : null}
                    </span>
                  </li>
                ))}
              </ul>
              {entries.length ? null : <span className="jp-mlops-quiet">{trans.__('nothing')}</span>}
            </section>
          );
        })}
      </div>
      <p className="jp-mlops-quiet">
        {trans.__('By the clock of this browser.')}{' '}
        {told.value.more ? trans.__('There is more than is shown.') : ''}
      </p>
    </div>
  );
}
