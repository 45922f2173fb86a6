import * as React from 'react';
import { wordsOf } from '../request';
import { useAnswer } from '../signal';
import { IMlops } from '../tokens';

const DAYS = 7;

/** When schedules fire in the days to come, by the clock of who looks. */
export function CalendarView(props: { mlops: IMlops; open: (job: string) => void }): JSX.Element {
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
  const firings = told.value?.firings ?? [];
  if (!firings.length) {
    return (
      <div className="jp-mlops-empty">
        {told.value ? trans.__('Nothing is scheduled for the next seven days.') : trans.__('Loading…')}
      </div>
    );
  }
  const days = new Map<string, typeof firings>();
  for (const one of firings) {
    const day = new Date(one.time * 1000).toLocaleDateString(undefined, {
      weekday: 'long',
      month: 'short',
      day: 'numeric'
    });
    days.set(day, [...(days.get(day) ?? []), one]);
  }
  return (
    <div className="jp-mlops-calendar">
      {Array.from(days, ([day, some]) => (
        <section key={day} aria-label={day}>
          <h3>{day}</h3>
          <ul className="jp-mlops-list">
            {some.map((one, at) => (
              <li key={at}>
                <time dateTime={one.local} className="jp-mlops-time" title={`${one.local} ${one.zone}`}>
                  {new Date(one.time * 1000).toLocaleTimeString(undefined, {
                    hour: '2-digit',
                    minute: '2-digit',
                    hourCycle: 'h23'
                  })}
                </time>{' '}
                <button className="jp-mlops-link" onClick={() => props.open(one.job)}>
                  {one.job}
                </button>
              </li>
            ))}
          </ul>
        </section>
      ))}
      {told.value?.more ? (
        <p className="jp-mlops-quiet">
          {trans.__('Schedules that fire often are shown with their next times only.')}
        </p>
      ) : null}
    </div>
  );
}
