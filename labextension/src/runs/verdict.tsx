import * as React from 'react';
import { useRequest, useSlot } from '../hooks';
import { StateBadge } from '../stateBadge';
import { IMlops } from '../tokens';
import { Reproduction, Run } from '../types';
import { withErrorDialog } from './actions';
import { ACTIVE } from './model';

/** Whether a run comes out the same when it is run again: how that stands, and a way to ask for it. */
export function useReproduction(
  mlops: IMlops,
  run: Run | undefined
): { reproduction?: Reproduction; start: () => void; isRunning: boolean } {
  const { trans, feed } = mlops;
  const isCompleted = run?.state === 'completed';
  const request = useRequest<Reproduction>(
    () =>
      run && isCompleted ? mlops.runs.reproduction(run.id) : Promise.resolve({ run: null, verdict: null }),
    [run?.id, isCompleted]
  );
  const { refetch } = request;
  const reproductionRun = request.value?.run;
  const reproductionId = reproductionRun?.id;
  useSlot(feed.reconnected, refetch);
  useSlot(
    feed.eventReceived,
    React.useCallback(
      event => event.run === reproductionId && event.kind === 'run' && refetch(),
      [reproductionId, refetch]
    )
  );
  const reproductionState = reproductionRun?.state;
  React.useEffect(() => {
    const liveState = reproductionId && feed.live(reproductionId)?.state;
    if (liveState && ACTIVE.includes(reproductionState!) && !ACTIVE.includes(liveState)) {
      refetch(); // it was over before anybody here knew its name
    }
  }, [feed, reproductionId, reproductionState, refetch]);
  const start = () =>
    void withErrorDialog(trans.__('The run could not be reproduced'), async () => {
      await mlops.runs.reproduce(run!.id);
      refetch();
    });
  return {
    reproduction: request.value,
    start,
    isRunning: reproductionRun ? ACTIVE.includes(reproductionRun.state) : false
  };
}

/** The verdict on a run, with the first cell that differs. */
export function VerdictBox(props: {
  mlops: IMlops;
  reproduction: Reproduction;
  open: (run: string) => void;
  showCell: (cell: number) => void;
  compare: (run: string) => void;
}): JSX.Element | null {
  const { mlops, reproduction } = props;
  const { trans } = mlops;
  const { run, verdict } = reproduction;
  if (run && ACTIVE.includes(run.state)) {
    return (
      <section className="jp-mlops-callout jp-mlops-verdict" role="status" data-state="running">
        <StateBadge state={run.state} trans={trans}>
          {run.state === 'queued'
            ? trans.__('Running again to compare: queued')
            : trans.__('Running again to compare, without cached results')}
        </StateBadge>
        <button className="jp-mlops-link" onClick={() => props.open(run.id)}>
          {trans.__('Open that run')}
        </button>
      </section>
    );
  }
  if (!verdict) {
    return null;
  }
  const { difference } = verdict;
  return (
    <section className="jp-mlops-callout jp-mlops-verdict" role="status" data-state={verdict.state}>
      <div className="jp-mlops-row">
        <StateBadge state={verdict.state} trans={trans}>
          <strong>{verdict.words.replace(/^[≡≠] /, '')}</strong>
        </StateBadge>
        {difference ? (
          <button className="jp-mlops-link" onClick={() => props.showCell(difference.cell)}>
            {trans.__('Show cell')}
          </button>
        ) : null}
        <button className="jp-mlops-link" onClick={() => props.open(verdict.run)}>
          {trans.__('Open that run')}
        </button>
        {verdict.state === 'differs' ? (
          <button className="jp-mlops-link" onClick={() => props.compare(verdict.run)}>
            {trans.__('Compare the two runs')}
          </button>
        ) : null}
      </div>
      {difference ? (
        <div className="jp-mlops-sides">
          <div>
            <div className="jp-mlops-secondary">{trans.__('This run')}</div>
            <pre tabIndex={0}>{difference.before}</pre>
          </div>
          <div>
            <div className="jp-mlops-secondary">{trans.__('Run again')}</div>
            <pre tabIndex={0}>{difference.after}</pre>
          </div>
        </div>
      ) : null}
    </section>
  );
}
