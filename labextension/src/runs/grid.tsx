import * as React from 'react';
import { duration, given, moment } from '../format';
import { StateMark, stateWord } from '../states';
import { IMlops } from '../tokens';
import { State } from '../types';
import { IRunDoor } from './actions';
import { RunList, stepsOf } from './model';

const GRID = 60; // runs side by side, at most

/** Runs side by side, the newest on the right; a row a step. */
export function RunsGrid(props: {
  mlops: IMlops;
  runs: RunList;
  door: IRunDoor;
  compare: (one: string, two: string) => void;
}): JSX.Element {
  const { mlops, runs, door } = props;
  const { trans } = mlops;
  const [picked, setPicked] = React.useState('');
  const box = React.useRef<HTMLDivElement>(null);
  const newest = runs.runs[0]?.id;
  React.useEffect(() => {
    box.current?.scrollTo({ left: box.current.scrollWidth });
  }, [newest]);
  const shown = runs.runs.slice(0, GRID).reverse();
  const names = [
    ...new Set(shown.flatMap(run => stepsOf(run, runs.feed.live(run.id)).map(step => step.name)))
  ];
  if (!shown.length) {
    return (
      <div className="jp-mlops-empty">
        {runs.ready ? trans.__('It has not run yet.') : trans.__('Loading…')}
      </div>
    );
  }
  const pick = (event: React.MouseEvent, id: string) => {
    if (event.shiftKey && picked && picked !== id) {
      props.compare(picked, id);
      setPicked('');
    } else if (event.shiftKey) {
      setPicked(id);
    } else {
      door.open(id);
    }
  };
  return (
    <div
      className="jp-mlops-grid-scroll"
      ref={box}
      tabIndex={0}
      role="region"
      aria-label={trans.__('Runs and their steps')}
    >
      <table className="jp-mlops-runs-grid" aria-label={trans.__('Runs and their steps')}>
        <thead>
          <tr>
            <th>
              <span className="jp-mlops-quiet" role="status">
                {picked ? trans.__('Shift-click another to compare') : trans.__('Shift-click two to compare')}
              </span>
            </th>
            {shown.map(run => (
              <th key={run.id} data-picked={picked === run.id}>
                <button
                  className="jp-mlops-cell"
                  title={[
                    stateWord(run.state, trans),
                    moment(run.started ?? run.created),
                    duration(run.seconds),
                    given(run.parameters)
                  ]
                    .filter(Boolean)
                    .join(' · ')}
                  aria-label={trans.__(
                    'Run of %1, %2',
                    moment(run.started ?? run.created),
                    stateWord(run.state, trans)
                  )}
                  aria-pressed={picked === run.id}
                  onClick={event => pick(event, run.id)}
                >
                  <StateMark state={run.state} trans={trans} bare />
                </button>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {names.map(name => (
            <tr key={name}>
              <th scope="row" title={name}>
                {name}
              </th>
              {shown.map(run => {
                const step = stepsOf(run, runs.feed.live(run.id)).find(one => one.name === name);
                return (
                  <td
                    key={run.id}
                    title={
                      step
                        ? `${name}: ${stateWord(step.state as State, trans)} ${duration(step.seconds)}`
                        : ''
                    }
                  >
                    {step ? <StateMark state={step.state as State} trans={trans} bare /> : null}
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
