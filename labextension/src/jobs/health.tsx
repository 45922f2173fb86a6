import * as React from 'react';
import { formatDuration, formatTime } from '../format';
import { stateSvg } from '../icons';
import { stateLabel } from '../stateBadge';
import { IMlops } from '../tokens';
import { Outcome, State } from '../types';

/** How the last runs went: an icon each, and how many of them were good. */
export function Health(props: { outcomes: readonly Outcome[]; mlops: IMlops }): JSX.Element {
  const { outcomes } = props;
  const { trans } = props.mlops;
  if (!outcomes.length) {
    return <span className="jp-mlops-secondary">{trans.__('no runs yet')}</span>;
  }
  const counts = new Map<State, number>();
  for (const { state } of outcomes) {
    counts.set(state, (counts.get(state) ?? 0) + 1);
  }
  const summary = Array.from(counts, ([state, count]) => `${count} ${stateLabel(state, trans)}`).join(', ');
  const finishedRuns = outcomes.filter(
    outcome => outcome.state === 'completed' || outcome.state === 'failed'
  );
  const completedCount = finishedRuns.filter(outcome => outcome.state === 'completed').length;
  return (
    <span className="jp-mlops-row jp-mlops-time jp-mlops-health">
      <span role="img" aria-label={trans.__('Last runs: %1', summary)}>
        {outcomes.map(outcome => (
          <i
            key={outcome.id}
            className="jp-mlops-state"
            data-state={outcome.state}
            title={[
              stateLabel(outcome.state, trans),
              formatTime(outcome.time),
              formatDuration(outcome.seconds)
            ]
              .filter(Boolean)
              .join(' · ')}
            dangerouslySetInnerHTML={{ __html: stateSvg(outcome.state) }}
          />
        ))}
      </span>
      {finishedRuns.length ? (
        <span className="jp-mlops-secondary" title={summary}>
          {trans.__('%1 of %2 good', completedCount, finishedRuns.length)}
        </span>
      ) : null}
    </span>
  );
}
