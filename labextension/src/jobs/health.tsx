import * as React from 'react';
import { duration, moment } from '../format';
import { stateSvg } from '../icons';
import { stateWord } from '../states';
import { IMlops } from '../tokens';
import { Outcome, State } from '../types';

/** How the last runs went: an icon each, and how many of them were good. */
export function Health(props: { outcomes: readonly Outcome[]; mlops: IMlops }): JSX.Element {
  const { outcomes } = props;
  const { trans } = props.mlops;
  if (!outcomes.length) {
    return <span className="jp-mlops-quiet">{trans.__('no runs yet')}</span>;
  }
  const counts = new Map<State, number>();
  for (const { state } of outcomes) {
    counts.set(state, (counts.get(state) ?? 0) + 1);
  }
  const words = Array.from(counts, ([state, count]) => `${count} ${stateWord(state, trans)}`).join(', ');
  const over = outcomes.filter(one => one.state === 'completed' || one.state === 'failed');
  const good = over.filter(one => one.state === 'completed').length;
  return (
    <span className="jp-mlops-health">
      <span role="img" aria-label={trans.__('Last runs: %1', words)}>
        {outcomes.map(one => (
          <i
            key={one.id}
            data-state={one.state}
            title={[stateWord(one.state, trans), moment(one.time), duration(one.seconds)]
              .filter(Boolean)
              .join(' · ')}
            dangerouslySetInnerHTML={{ __html: stateSvg(one.state) }}
          />
        ))}
      </span>
      {over.length ? (
        <span className="jp-mlops-quiet" title={words}>
          {trans.__('%1 of %2 good', good, over.length)}
        </span>
      ) : null}
    </span>
  );
}
