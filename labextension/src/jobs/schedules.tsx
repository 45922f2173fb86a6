import * as React from 'react';
import { formatParameters, formatTimeInZone } from '../format';
import { confirm } from '../runs/actions';
import { StateBadge } from '../stateBadge';
import { ActionTable } from '../table';
import { Placeholder } from '../notices';
import { IMlops } from '../tokens';
import { Schedule } from '../types';
import { missedLabels, overlapLabels, showScheduleDialog } from './schedule';

/** The schedules of a job. */
export function SchedulesTab(props: {
  mlops: IMlops;
  job: string;
  schedules: Schedule[];
  runAction: (request: () => Promise<unknown>) => Promise<void>;
}): JSX.Element {
  const { mlops, job, schedules, runAction } = props;
  const { trans } = mlops;
  if (!schedules.length) {
    return (
      <Placeholder trans={trans}>
        <p>{trans.__('No schedules. The job runs when you start it.')}</p>
        <button
          className="jp-mod-styled"
          onClick={() => void runAction(() => showScheduleDialog(mlops, job))}
        >
          {trans.__('New schedule…')}
        </button>
      </Placeholder>
    );
  }
  const remove = async (jobSchedule: Schedule) => {
    const confirmed = await confirm(
      trans.__('Delete the schedule'),
      trans.__(
        '%1 will not run on its own “%2” any more. Its runs stay.',
        jobSchedule.job,
        jobSchedule.words || jobSchedule.cron
      ),
      trans.__('Delete schedule'),
      trans
    );
    return confirmed ? mlops.jobs.deleteSchedule(jobSchedule.id) : undefined;
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
      {schedules.map(jobSchedule => (
        <tr key={jobSchedule.id}>
          <td className="jp-mlops-words" title={`${jobSchedule.cron} ${jobSchedule.zone}`}>
            {jobSchedule.words || jobSchedule.cron}
            {jobSchedule.problem ? <div className="jp-mlops-error">{jobSchedule.problem}</div> : null}
          </td>
          <td className="jp-mlops-time">
            {jobSchedule.paused ? (
              <StateBadge state="stopped" trans={trans}>
                {trans.__('paused')}
              </StateBadge>
            ) : (
              <>
                {formatTimeInZone(jobSchedule.next, jobSchedule.zone)}{' '}
                <span className="jp-mlops-secondary">{jobSchedule.zone}</span>
              </>
            )}
          </td>
          <td>{jobSchedule.version === 'latest' ? trans.__('the latest') : jobSchedule.version}</td>
          <td className="jp-mlops-words">
            {formatParameters(jobSchedule.parameters) || trans.__('defaults')}
          </td>
          <td className="jp-mlops-words">
            {missedLabels(trans)[jobSchedule.missed]}; {overlapLabels(trans)[jobSchedule.overlap]}
          </td>
          <td className="jp-mlops-acts">
            <button
              className="jp-mlops-link"
              aria-label={trans.__('Change the schedule “%1”', jobSchedule.words || jobSchedule.cron)}
              onClick={() => void runAction(() => showScheduleDialog(mlops, job, jobSchedule))}
            >
              {trans.__('Change…')}
            </button>
            <button
              className="jp-mlops-link"
              onClick={() =>
                void runAction(() =>
                  mlops.jobs.updateSchedule(jobSchedule.id, { paused: !jobSchedule.paused })
                )
              }
            >
              {jobSchedule.paused ? trans.__('Resume') : trans.__('Pause')}
            </button>
            <button className="jp-mlops-link" onClick={() => void runAction(() => remove(jobSchedule))}>
              {trans.__('Delete…')}
            </button>
          </td>
        </tr>
      ))}
    </ActionTable>
  );
}
