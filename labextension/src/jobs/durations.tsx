import * as React from 'react';
import { duration, given, moment } from '../format';
import { huesOf } from '../hues';
import { MoreRuns } from '../runs/list';
import { IRunDoor } from '../runs/actions';
import { ACTIVE, RunList, stepsOf } from '../runs/model';
import { spansOf } from '../runs/spans';
import { Timeline } from '../runs/timeline';
import { useAnswer } from '../signal';
import { StateMark, stateWord } from '../states';
import { IMlops } from '../tokens';
import { Run } from '../types';

/** How long runs took, a row each with its steps one after the other; one can be opened as it was in time. */
export function Durations(props: { mlops: IMlops; runs: RunList; door: IRunDoor }): JSX.Element {
  const { mlops, runs, door } = props;
  const { trans } = mlops;
  const [open, setOpen] = React.useState('');
  const shown = runs.runs.filter(run => run.started);
  const [now, setNow] = React.useState(Date.now() / 1000);
  const going = shown.some(run => ACTIVE.includes(run.state));
  React.useEffect(() => {
    if (going) {
      const timer = window.setInterval(() => setNow(Date.now() / 1000), 1000);
      return () => window.clearInterval(timer);
    }
    return undefined;
  }, [going]);
  if (!shown.length) {
    return (
      <div className="jp-mlops-empty">
        {runs.ready ? trans.__('It has not run yet.') : trans.__('Loading…')}
      </div>
    );
  }
  const took = (run: Run) => run.seconds ?? Math.max(0, now - run.started!);
  const longest = Math.max(0.001, ...shown.map(took));
  const names = [...new Set(shown.flatMap(run => run.steps.map(step => step.name)))];
  const hues = huesOf(names);
  return (
    <div className="jp-mlops-durations">
      <p className="jp-mlops-quiet">
        {trans.__('Newest first. A bar is as long as the run took; its parts are as long as its steps took.')}
      </p>
      <ul className="jp-mlops-list" aria-label={trans.__('How long runs took')}>
        {shown.map(run => (
          <li key={run.id} data-state={run.state}>
            <div className="jp-mlops-duration">
              <button
                className="jp-mlops-link"
                title={given(run.parameters)}
                onClick={() => door.open(run.id)}
              >
                <StateMark state={run.state} trans={trans} bare />
                <span className="jp-mlops-time">{moment(run.started)}</span>
              </button>
              <button
                className="jp-mlops-bars"
                aria-expanded={open === run.id}
                aria-label={trans.__('Run of %1 as it was in time', moment(run.started))}
                onClick={() => setOpen(open === run.id ? '' : run.id)}
              >
                <Bars run={run} runs={runs} width={(100 * took(run)) / longest} hues={hues} mlops={mlops} />
              </button>
              <span className="jp-mlops-time">{duration(took(run))}</span>
            </div>
            {open === run.id ? <InTime mlops={mlops} run={run} runs={runs} /> : null}
          </li>
        ))}
      </ul>
      <MoreRuns mlops={mlops} runs={runs} />
    </div>
  );
}

function Bars(props: {
  run: Run;
  runs: RunList;
  width: number;
  hues: Map<string, string>;
  mlops: IMlops;
}): JSX.Element {
  const { run, hues } = props;
  const { trans } = props.mlops;
  const steps = stepsOf(run, props.runs.feed.live(run.id));
  const sum = steps.reduce((all, step) => all + (step.seconds || 0), 0);
  return (
    <span className="jp-mlops-bar-of-run" style={{ width: `max(4px, ${props.width}%)` }}>
      {sum
        ? steps
            .filter(step => step.seconds)
            .map(step => (
              <i
                key={step.name}
                data-state={step.state}
                title={`${step.name}: ${stateWord(step.state, trans)} ${duration(step.seconds)}`}
                style={{ flexGrow: step.seconds, background: hues.get(step.name) }}
              />
            ))
        : null}
    </span>
  );
}

/** A run's steps where they were in time. */
function InTime(props: { mlops: IMlops; run: Run; runs: RunList }): JSX.Element {
  const { mlops, run, runs } = props;
  const { trans } = mlops;
  const told = useAnswer(() => mlops.runs.notebook(run.id), [run.id, run.state]);
  const live = runs.feed.live(run.id);
  if (!told.value && !told.problem) {
    return <div className="jp-mlops-empty">{trans.__('Loading…')}</div>;
  }
  return (
    <div className="jp-mlops-in-time">
      <Timeline steps={stepsOf(run, live)} spans={spansOf(told.value, live)} trans={trans} />
    </div>
  );
}
