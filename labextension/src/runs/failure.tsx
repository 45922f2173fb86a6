import * as React from 'react';
import { short } from '../format';
import { RequestError, wordsOf } from '../request';
import { useAnswer } from '../signal';
import { IMlops } from '../tokens';
import { Run, Suspects } from '../types';
import { Diff, sectionWords } from '../versions/diff';
import { plain } from './sections';

const MOST = 20; // suspects that are shown at first

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
    .map(plain)
    .filter(line => line.includes('Cell') || line.includes('-->'));
  return (
    <section className="jp-mlops-failure" aria-label={trans.__('What went wrong')}>
      <div className="jp-mlops-failure-head">
        <strong>
          {error.step ? trans.__('Step %1, cell %2', error.step, (error.cell ?? 0) + 1) : trans.__('The run')}
        </strong>
        {error.step ? (
          <button className="jp-mlops-link" onClick={props.onShow}>
            {trans.__('Show cell')}
          </button>
        ) : null}
      </div>
      <div className="jp-mlops-failure-words" role="alert">
        <code>
          {error.ename}: {error.evalue}
        </code>
      </div>
      {frames.length ? <pre tabIndex={0}>{frames.slice(-3).join('\n')}</pre> : null}
      {run.state === 'failed' ? <Blame mlops={mlops} run={run} compare={props.compare} /> : null}
    </section>
  );
}

/** What changed since the last good run, the likeliest first. */
function Blame(props: { mlops: IMlops; run: Run; compare: (good: string) => void }): JSX.Element {
  const { mlops, run } = props;
  const { trans } = mlops;
  const [all, setAll] = React.useState(false);
  const [open, setOpen] = React.useState(false);
  const told = useAnswer<Suspects>(() => mlops.runs.suspects(run.id), [run.id, run.attempt]);
  if (told.problem) {
    const none = told.problem instanceof RequestError && told.problem.status === 422;
    return (
      <p className="jp-mlops-quiet">
        {none ? trans.__('No run of it completed before this one.') : wordsOf(told.problem)}
      </p>
    );
  }
  if (!told.value) {
    return <p className="jp-mlops-quiet">{trans.__('Comparing with the last good run…')}</p>;
  }
  const { good, suspects } = told.value;
  const words = sectionWords(trans);
  const shown = all ? suspects : suspects.slice(0, MOST);
  return (
    <details className="jp-mlops-blame" open={open} onToggle={event => setOpen(event.currentTarget.open)}>
      <summary>
        {trans.__('What changed since the last good run?')}{' '}
        <span className="jp-mlops-quiet">
          {suspects.length
            ? trans._n('%1 difference', '%1 differences', suspects.length)
            : trans.__('nothing that is known of')}
        </span>
      </summary>
      <ol>
        {shown.map((one, at) => (
          <li key={at}>
            <span className="jp-mlops-tag">{words[one.section] ?? one.section}</span> {one.what}
            {typeof one.cell === 'number' ? ` · ${trans.__('cell %1', one.cell + 1)}` : ''}
            {one.before !== null || one.after !== null ? (
              <code>{` ${short(one.before ?? '—')} → ${short(one.after ?? '—')}`}</code>
            ) : null}
            {one.diff ? <Diff lines={one.diff} /> : null}
          </li>
        ))}
      </ol>
      {shown.length < suspects.length ? (
        <button className="jp-mlops-link" onClick={() => setAll(true)}>
          {trans.__('Show all %1', suspects.length)}
        </button>
      ) : null}
      <button className="jp-mlops-link" onClick={() => props.compare(good)}>
        {trans.__('Compare the two runs')}
      </button>
    </details>
  );
}
