import * as React from 'react';
import { given, inZone } from '../format';
import { certain } from '../runs/actions';
import { StateMark } from '../states';
import { ActionTable } from '../table';
import { IMlops } from '../tokens';
import { Schedule } from '../types';
import { missedWords, overlapWords, schedule } from './schedule';

/** The schedules of a job. */
export function SchedulesPart(props: {
  mlops: IMlops;
  job: string;
  schedules: Schedule[];
  act: (work: () => Promise<unknown>) => Promise<void>;
}): JSX.Element {
  const { mlops, job, schedules, act } = props;
  const { trans } = mlops;
  if (!schedules.length) {
    return (
      <div className="jp-mlops-empty">
        <p>{trans.__('It has no schedule: it runs when somebody asks for it.')}</p>
        <button className="jp-mod-styled" onClick={() => void act(() => schedule(mlops, job))}>
          {trans.__('New schedule…')}
        </button>
      </div>
    );
  }
  const remove = async (one: Schedule) => {
    const sure = await certain(
      trans.__('Delete the schedule'),
      trans.__('%1 will not run on its own “%2” any more. Its runs stay.', one.job, one.words || one.cron),
      trans.__('Delete schedule'),
      trans
    );
    return sure ? mlops.jobs.unschedule(one.id) : undefined;
  };
  return (
    <ActionTable
      trans={trans}
      columns={[
        trans.__('When'),
        trans.__('Next'),
        trans.__('Version'),
        trans.__('Parameters'),
        trans.__('Missed, overlapping')
      ]}
    >
      {schedules.map(one => (
        <tr key={one.id}>
          <td className="jp-mlops-words" title={`${one.cron} ${one.zone}`}>
            {one.words || one.cron}
            {one.problem ? <div className="jp-mlops-wrong">{one.problem}</div> : null}
          </td>
          <td className="jp-mlops-time">
            {one.paused ? (
              <StateMark state="stopped" trans={trans}>
                {trans.__('paused')}
              </StateMark>
            ) : (
              <>
                {inZone(one.next, one.zone)} <span className="jp-mlops-quiet">{one.zone}</span>
              </>
            )}
          </td>
          <td>{one.version === 'latest' ? trans.__('the latest') : one.version}</td>
          <td className="jp-mlops-words">{given(one.parameters) || trans.__('defaults')}</td>
          <td className="jp-mlops-words">
            {missedWords(trans)[one.missed]}; {overlapWords(trans)[one.overlap]}
          </td>
          <td className="jp-mlops-acts">
            <button
              className="jp-mlops-link"
              aria-label={trans.__('Change the schedule “%1”', one.words || one.cron)}
              onClick={() => void act(() => schedule(mlops, job, one))}
            >
              {trans.__('Change…')}
            </button>
            <button
              className="jp-mlops-link"
              onClick={() => void act(() => mlops.jobs.changeSchedule(one.id, { paused: !one.paused }))}
            >
              {one.paused ? trans.__('Go on') : trans.__('Pause')}
            </button>
            <button className="jp-mlops-link" onClick={() => void act(() => remove(one))}>
              {trans.__('Delete…')}
            </button>
          </td>
        </tr>
      ))}
    </ActionTable>
  );
}
