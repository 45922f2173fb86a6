import * as React from 'react';
import { moment } from '../format';
import { wordsOf } from '../request';
import { useAnswer } from '../signal';
import { ActionTable } from '../table';
import { IMlops } from '../tokens';
import { Version } from '../types';
import { Sections } from './diff';

const STAGES = ['staging', 'production'];

/** The versions of a job, and what differs between two of them. */
export function VersionsPart(props: {
  mlops: IMlops;
  job: string;
  versions: Version[];
  act: (work: () => Promise<unknown>) => Promise<void>;
}): JSX.Element {
  const { mlops, job, versions, act } = props;
  const { trans } = mlops;
  const [pair, setPair] = React.useState<[string, string] | null>(null);
  if (!versions.length) {
    return <div className="jp-mlops-empty">{trans.__('Nothing was published.')}</div>;
  }
  return (
    <>
      {versions.length > 1 ? (
        <Pair mlops={mlops} job={job} versions={versions} pair={pair} onChange={setPair} />
      ) : null}
      <ActionTable
        trans={trans}
        columns={[
          trans.__('Version'),
          trans.__('Published'),
          trans.__('By'),
          trans.__('Message'),
          trans.__('Commit')
        ]}
      >
        {versions.map((one, at) => (
          <tr key={one.version}>
            <td title={one.digest}>
              {one.version}
              {(one.aliases ?? []).map(alias => (
                <span key={alias} className="jp-mlops-tag">
                  {alias}
                </span>
              ))}
            </td>
            <td className="jp-mlops-time">{moment(one.created)}</td>
            <td>{one.author}</td>
            <td className="jp-mlops-words">{one.message}</td>
            <td title={one.commit}>
              {one.commit ? `${one.branch} ${one.commit.slice(0, 8)}` : ''}
              {one.dirty ? <span className="jp-mlops-quiet"> {trans.__('with changes')}</span> : null}
            </td>
            <td className="jp-mlops-acts">
              {at + 1 < versions.length ? (
                <button
                  className="jp-mlops-link"
                  aria-label={trans.__('Changes of %1', one.version)}
                  onClick={() => setPair([versions[at + 1].version, one.version])}
                >
                  {trans.__('Changes')}
                </button>
              ) : null}
              {STAGES.filter(alias => !(one.aliases ?? []).includes(alias)).map(alias => (
                <button
                  key={alias}
                  className="jp-mlops-link"
                  aria-label={trans.__('Make %1 %2', one.version, alias)}
                  onClick={() => void act(() => mlops.jobs.setAlias(job, alias, one.version))}
                >
                  {trans.__('Make it %1', alias)}
                </button>
              ))}
            </td>
          </tr>
        ))}
      </ActionTable>
    </>
  );
}

/** What differs between two versions that are chosen. */
function Pair(props: {
  mlops: IMlops;
  job: string;
  versions: Version[];
  pair: [string, string] | null;
  onChange: (pair: [string, string] | null) => void;
}): JSX.Element {
  const { mlops, job, versions, pair, onChange } = props;
  const { trans } = mlops;
  const diff = useAnswer(
    () => (pair ? mlops.jobs.diff(job, ...pair) : Promise.resolve(null)),
    [pair?.join()]
  );
  const choice = (label: string, value: string, take: (name: string) => [string, string]) => (
    <select
      className="jp-mlops-choice"
      aria-label={label}
      value={value}
      onChange={event => onChange(take(event.target.value))}
    >
      {versions.map(one => (
        <option key={one.version} value={one.version}>
          {one.version}
        </option>
      ))}
    </select>
  );
  const [old, now] = pair ?? [versions[1].version, versions[0].version];
  return (
    <section className="jp-mlops-pair" aria-label={trans.__('What differs')}>
      <div className="jp-mlops-pair-head">
        {trans.__('What differs from')}
        {choice(trans.__('Earlier version'), old, name => [name, now])}
        {trans.__('to')}
        {choice(trans.__('Later version'), now, name => [old, name])}
        {pair ? (
          <button className="jp-mlops-link" onClick={() => onChange(null)}>
            {trans.__('Close')}
          </button>
        ) : (
          <button className="jp-mlops-link" onClick={() => onChange([old, now])}>
            {trans.__('Show')}
          </button>
        )}
      </div>
      {diff.problem ? (
        <div className="jp-mlops-problem" role="alert">
          {wordsOf(diff.problem)}
        </div>
      ) : null}
      {pair && diff.value ? <Sections mlops={mlops} sections={diff.value.sections} /> : null}
    </section>
  );
}
