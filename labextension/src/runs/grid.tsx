import * as React from 'react';
import { formatDuration, formatParameters, formatTime } from '../format';
import { StateBadge, stateLabel } from '../stateBadge';
import { Placeholder } from '../notices';
import { IMlops } from '../tokens';
import { State } from '../types';
import { IRunActions } from './actions';
import { RunList, stepsOf } from './model';

const MAX_RUNS = 60; // runs side by side, at most

/** Runs side by side, the newest on the right; a row a step. */
export function RunsGrid(props: {
  mlops: IMlops;
  runs: RunList;
  actions: IRunActions;
  compare: (first: string, second: string) => void;
}): JSX.Element {
  const { mlops, runs, actions } = props;
  const { trans } = mlops;
  const [selectedId, setSelectedId] = React.useState('');
  const container = React.useRef<HTMLDivElement>(null);
  const latestId = runs.runs[0]?.id;
  React.useEffect(() => {
    container.current?.scrollTo({ left: container.current.scrollWidth });
  }, [latestId]);
  const visibleRuns = runs.runs.slice(0, MAX_RUNS).reverse();
  const names = [
    ...new Set(visibleRuns.flatMap(run => stepsOf(run, runs.feed.live(run.id)).map(step => step.name)))
  ];
  if (!visibleRuns.length) {
    return (
      <Placeholder trans={trans}>{runs.ready ? trans.__('Not run yet.') : trans.__('Loading…')}</Placeholder>
    );
  }
  const select = (event: React.MouseEvent, id: string) => {
    if (event.shiftKey && selectedId && selectedId !== id) {
      props.compare(selectedId, id);
      setSelectedId('');
    } else if (event.shiftKey) {
      setSelectedId(id);
    } else {
      actions.open(id);
    }
  };
  return (
    <div
      className="jp-mlops-grid-scroll"
      ref={container}
      tabIndex={0}
      role="region"
      aria-label={trans.__('Runs and their steps')}
    >
      <table className="jp-mlops-runs-grid" aria-label={trans.__('Runs and their steps')}>
        <thead>
          <tr>
            <th>
              <span className="jp-mlops-secondary" role="status">
                {selectedId
                  ? trans.__('Shift-click another run to compare')
                  : trans.__('Shift-click two runs to compare')}
              </span>
            </th>
            {visibleRuns.map(run => (
              <th key={run.id} data-picked={selectedId === run.id}>
                <button
                  className="jp-mlops-link jp-mlops-cell"
                  title={[
                    stateLabel(run.state, trans),
                    formatTime(run.started ?? run.created),
                    formatDuration(run.seconds),
                    formatParameters(run.parameters)
                  ]
                    .filter(Boolean)
                    .join(' · ')}
                  aria-label={trans.__(
                    'Run of %1, %2',
                    formatTime(run.started ?? run.created),
                    stateLabel(run.state, trans)
                  )}
                  aria-pressed={selectedId === run.id}
                  onClick={event => select(event, run.id)}
                >
                  <StateBadge state={run.state} trans={trans} iconOnly />
                </button>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {names.map(name => (
            <tr key={name}>
              <th scope="row" className="jp-mlops-truncate" title={name}>
                {name}
              </th>
              {visibleRuns.map(run => {
                const step = stepsOf(run, runs.feed.live(run.id)).find(stepRun => stepRun.name === name);
                return (
                  <td
                    key={run.id}
                    title={
                      step
                        ? `${name}: ${stateLabel(step.state as State, trans)} ${formatDuration(step.seconds)}`
                        : ''
                    }
                  >
                    {step ? <StateBadge state={step.state as State} trans={trans} iconOnly /> : null}
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
