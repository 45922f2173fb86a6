import * as React from 'react';
import { formatValue } from '../format';
import { RequestError, errorMessage } from '../request';
import { useRequest } from '../hooks';
import { IMlops } from '../tokens';
import { Run, Suspects } from '../types';
import { Diff, sectionLabels } from '../versions/diff';
import { stripTerminalCodes } from './sections';

const MAX_SUSPECTS = 20; // suspects that are shown at first

/** What went wrong in a run, and what may be to blame. */
export function FailureBox(props: {
  mlops: IMlops;
  run: Run;
  onShow: () => void;
  compare: (good: string) => void;
}): JSX.Element {
  const { mlops, run } = props;
  const { trans } = mlops;
  const error = run.error!;
  const frames = (error.traceback ?? [])
    .flatMap(text => text.split('\n'))
    .map(stripTerminalCodes)
    .filter(line => line.includes('Cell') || line.includes('-->'));
  return (
    <section
      className="jp-mlops-callout jp-mlops-failure"
      data-state="failed"
      aria-label={trans.__('What went wrong')}
    >
      <div className="jp-mlops-row">
        <strong>
          {error.step ? trans.__('Step %1, cell %2', error.step, (error.cell ?? 0) + 1) : trans.__('The run')}
        </strong>
        {error.step ? (
          <button className="jp-mlops-link" onClick={props.onShow}>
            {trans.__('Show cell')}
          </button>
        ) : null}
      </div>
      <div className="jp-mlops-error-text" role="alert">
        <code>
          {error.ename}: {error.evalue}
        </code>
      </div>
      {frames.length ? <pre tabIndex={0}>{frames.slice(-3).join('\n')}</pre> : null}
      {run.state === 'failed' ? <SuspectList mlops={mlops} run={run} compare={props.compare} /> : null}
    </section>
  );
}

/** What changed since the last good run, the likeliest first. */
function SuspectList(props: { mlops: IMlops; run: Run; compare: (good: string) => void }): JSX.Element {
  const { mlops, run } = props;
  const { trans } = mlops;
  const [showAll, setShowAll] = React.useState(false);
  const [open, setOpen] = React.useState(false);
  const suspectsRequest = useRequest<Suspects>(() => mlops.runs.suspects(run.id), [run.id, run.attempt]);
  if (suspectsRequest.problem) {
    const noGoodRun =
      suspectsRequest.problem instanceof RequestError && suspectsRequest.problem.status === 422;
    return (
      <p className="jp-mlops-secondary">
        {noGoodRun
          ? trans.__('No earlier run of this job completed.')
          : errorMessage(suspectsRequest.problem)}
      </p>
    );
  }
  if (!suspectsRequest.value) {
    return <p className="jp-mlops-secondary">{trans.__('Comparing with the last good run…')}</p>;
  }
  const { good, suspects } = suspectsRequest.value;
  const labels = sectionLabels(trans);
  const visibleSuspects = showAll ? suspects : suspects.slice(0, MAX_SUSPECTS);
  return (
    <details className="jp-mlops-blame" open={open} onToggle={event => setOpen(event.currentTarget.open)}>
      <summary>
        {trans.__('What changed since the last good run?')}{' '}
        <span className="jp-mlops-secondary">
          {suspects.length
            ? trans._n('%1 difference', '%1 differences', suspects.length)
            : trans.__('no recorded change')}
        </span>
      </summary>
      <ol>
        {visibleSuspects.map((suspect, index) => (
          <li key={index}>
            <strong>{labels[suspect.section] ?? suspect.section}</strong> {suspect.what}
            {typeof suspect.cell === 'number' ? ` · ${trans.__('cell %1', suspect.cell + 1)}` : ''}
            {suspect.before !== null || suspect.after !== null ? (
              <code>{` ${formatValue(suspect.before ?? '—')} → ${formatValue(suspect.after ?? '—')}`}</code>
            ) : null}
            {suspect.diff ? <Diff lines={suspect.diff} /> : null}
          </li>
        ))}
      </ol>
      {visibleSuspects.length < suspects.length ? (
        <button className="jp-mlops-link" onClick={() => setShowAll(true)}>
          {trans.__('Show all %1', suspects.length)}
        </button>
      ) : null}
      <button className="jp-mlops-link" onClick={() => props.compare(good)}>
        {trans.__('Compare the two runs')}
      </button>
    </details>
  );
}
