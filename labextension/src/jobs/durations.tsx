import * as React from 'react';
import { formatDuration, formatParameters, formatTime } from '../format';
import { stepColors } from '../stepColors';
import { LoadMoreButton } from '../runs/list';
import { IRunActions } from '../runs/actions';
import { ACTIVE, RunList, stepsOf } from '../runs/model';
import { spansOf } from '../runs/spans';
import { Timeline } from '../runs/timeline';
import { useRequest } from '../hooks';
import { StateBadge, stateLabel } from '../stateBadge';
import { Placeholder } from '../notices';
import { IMlops } from '../tokens';
import { Run } from '../types';

/** How long runs took, a row each with its steps one after the other; one can be opened as it was in time. */
export function Durations(props: { mlops: IMlops; runs: RunList; actions: IRunActions }): JSX.Element {
  const { mlops, runs, actions } = props;
  const { trans } = mlops;
  const [open, setOpen] = React.useState('');
  const startedRuns = runs.runs.filter(run => run.started);
  const [now, setNow] = React.useState(Date.now() / 1000);
  const hasActiveRun = startedRuns.some(run => ACTIVE.includes(run.state));
  React.useEffect(() => {
    if (hasActiveRun) {
      const timer = window.setInterval(() => setNow(Date.now() / 1000), 1000);
      return () => window.clearInterval(timer);
    }
    return undefined;
  }, [hasActiveRun]);
  if (!startedRuns.length) {
    return (
      <Placeholder trans={trans}>{runs.ready ? trans.__('Not run yet.') : trans.__('Loading…')}</Placeholder>
    );
  }
  const elapsed = (run: Run) => run.seconds ?? Math.max(0, now - run.started!);
  const longest = Math.max(0.001, ...startedRuns.map(elapsed));
  const names = [...new Set(startedRuns.flatMap(run => run.steps.map(step => step.name)))];
  const colors = stepColors(names);
  return (
    <div>
      <p className="jp-mlops-secondary">
        {trans.__('The length of a bar is the duration of the run; its parts are the steps. Newest first.')}
      </p>
      <table className="jp-mlops-table jp-mod-wide" aria-label={trans.__('Duration of runs')}>
        <tbody>
          {startedRuns.map(run => (
            <React.Fragment key={run.id}>
              <tr>
                <td className="jp-mlops-time">
                  <button
                    className="jp-mlops-link"
                    title={formatParameters(run.parameters)}
                    onClick={() => actions.open(run.id)}
                  >
                    <StateBadge state={run.state} trans={trans} iconOnly /> {formatTime(run.started)}
                  </button>
                </td>
                <td className="jp-mlops-track">
                  <button
                    className="jp-mlops-bars"
                    aria-expanded={open === run.id}
                    aria-label={trans.__('Timeline of the run of %1', formatTime(run.started))}
                    onClick={() => setOpen(open === run.id ? '' : run.id)}
                  >
                    <StepBars
                      run={run}
                      runs={runs}
                      width={(100 * elapsed(run)) / longest}
                      colors={colors}
                      mlops={mlops}
                    />
                  </button>
                </td>
                <td className="jp-mlops-time">{formatDuration(elapsed(run))}</td>
              </tr>
              {open === run.id ? (
                <tr>
                  <td colSpan={3} className="jp-mlops-in-time">
                    <RunTimeline mlops={mlops} run={run} runs={runs} />
                  </td>
                </tr>
              ) : null}
            </React.Fragment>
          ))}
        </tbody>
      </table>
      <LoadMoreButton mlops={mlops} runs={runs} />
    </div>
  );
}

function StepBars(props: {
  run: Run;
  runs: RunList;
  width: number;
  colors: Map<string, string>;
  mlops: IMlops;
}): JSX.Element {
  const { run, colors } = props;
  const { trans } = props.mlops;
  const steps = stepsOf(run, props.runs.feed.live(run.id));
  const sum = steps.reduce((total, step) => total + (step.seconds || 0), 0);
  return (
    <span className="jp-mlops-bar-of-run" style={{ width: `max(4px, ${props.width}%)` }}>
      {sum
        ? steps
            .filter(step => step.seconds)
            .map(step => (
              <i
                key={step.name}
                data-state={step.state}
                title={`${step.name}: ${stateLabel(step.state, trans)} ${formatDuration(step.seconds)}`}
                style={{
                  flexGrow: step.seconds,
                  background: step.state === 'failed' ? 'var(--jp-mlops-bad)' : colors.get(step.name)
                }}
              />
            ))
        : null}
    </span>
  );
}

/** A run's steps where they were in time. */
function RunTimeline(props: { mlops: IMlops; run: Run; runs: RunList }): JSX.Element {
  const { mlops, run, runs } = props;
  const { trans } = mlops;
  const notebookRequest = useRequest(() => mlops.runs.notebook(run.id), [run.id, run.state]);
  const live = runs.feed.live(run.id);
  if (!notebookRequest.value && !notebookRequest.problem) {
    return <Placeholder trans={trans} />;
  }
  return <Timeline steps={stepsOf(run, live)} spans={spansOf(notebookRequest.value, live)} trans={trans} />;
}
