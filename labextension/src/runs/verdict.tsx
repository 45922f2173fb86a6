import * as React from 'react';
import { useAnswer } from '../signal';
import { StateMark } from '../states';
import { IMlops } from '../tokens';
import { Reproduction, Run } from '../types';
import { attempt } from './actions';
import { ACTIVE } from './model';

/** Whether a run comes out the same when it is run again: how that stands, and a way to ask for it. */
export function useReproduction(
  mlops: IMlops,
  run: Run | undefined
): { told?: Reproduction; begin: () => void; going: boolean } {
  const { trans, feed } = mlops;
  const wanted = run?.state === 'completed';
  const answer = useAnswer<Reproduction>(
    () => (run && wanted ? mlops.runs.reproduction(run.id) : Promise.resolve({ run: null, verdict: null })),
    [run?.id, wanted]
  );
  const made = answer.value?.run;
  React.useEffect(() => {
    const hear = (_: unknown, event: { run: string; kind: string }) => {
      if (event.run === made?.id && event.kind === 'run') {
        answer.again();
      }
    };
    feed.heard.connect(hear);
    feed.returned.connect(answer.again);
    const state = made && feed.live(made.id)?.state;
    if (state && ACTIVE.includes(made.state) && !ACTIVE.includes(state)) {
      answer.again(); // it was over before anybody here knew its name
    }
    return () => {
      feed.heard.disconnect(hear);
      feed.returned.disconnect(answer.again);
    };
  }, [made?.id, made?.state]);
  const begin = () =>
    void attempt(trans.__('The run could not be reproduced'), async () => {
      await mlops.runs.reproduce(run!.id);
      answer.again();
    });
  return { told: answer.value, begin, going: made ? ACTIVE.includes(made.state) : false };
}

/** The verdict on a run, with the first cell that differs. */
export function VerdictBox(props: {
  mlops: IMlops;
  told: Reproduction;
  open: (run: string) => void;
  showCell: (cell: number) => void;
  compare: (run: string) => void;
}): JSX.Element | null {
  const { mlops, told } = props;
  const { trans } = mlops;
  const { run, verdict } = told;
  if (run && ACTIVE.includes(run.state)) {
    return (
      <section className="jp-mlops-verdict" role="status" data-state="running">
        <StateMark state={run.state} trans={trans}>
          {run.state === 'queued'
            ? trans.__('It is run again to be compared: waiting for its turn')
            : trans.__('It is run again to be compared, without kept results')}
        </StateMark>
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
    <section className="jp-mlops-verdict" role="status" data-state={verdict.state}>
      <div className="jp-mlops-failure-head">
        <StateMark state={verdict.state} trans={trans}>
          <strong>{verdict.words.replace(/^[≡≠] /, '')}</strong>
        </StateMark>
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
          <figure>
            <figcaption className="jp-mlops-quiet">{trans.__('This run')}</figcaption>
            <pre tabIndex={0}>{difference.before}</pre>
          </figure>
          <figure>
            <figcaption className="jp-mlops-quiet">{trans.__('Run again')}</figcaption>
            <pre tabIndex={0}>{difference.after}</pre>
          </figure>
        </div>
      ) : null}
    </section>
  );
}
