import * as React from 'react';
import { Commands } from '../commands';
import { formatTime } from '../format';
import { errorMessage } from '../request';
import { useRequest } from '../hooks';
import { ActionTable } from '../table';
import { Placeholder, Problem } from '../notices';
import { IMlops } from '../tokens';
import { Version } from '../types';
import { DiffSections } from './diff';

const STAGES = ['staging', 'production'];

/** The versions of a job, and what differs between two of them. */
export function VersionsTab(props: {
  mlops: IMlops;
  job: string;
  versions: Version[];
  runAction: (request: () => Promise<unknown>) => Promise<void>;
}): JSX.Element {
  const { mlops, job, versions, runAction } = props;
  const { trans } = mlops;
  const [pair, setPair] = React.useState<[string, string] | null>(null);
  if (!versions.length) {
    return <Placeholder trans={trans}>{trans.__('Nothing was published.')}</Placeholder>;
  }
  return (
    <>
      {versions.length > 1 ? (
        <VersionDiff mlops={mlops} job={job} versions={versions} pair={pair} onChange={setPair} />
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
        {versions.map((version, index) => (
          <tr key={version.version}>
            <td title={version.digest}>
              {version.version}
              {(version.aliases ?? []).map(alias => (
                <span key={alias} className="jp-mlops-secondary">
                  {' · '}
                  {alias}
                </span>
              ))}
            </td>
            <td className="jp-mlops-time">{formatTime(version.created)}</td>
            <td>{version.author}</td>
            <td className="jp-mlops-words">{version.message}</td>
            <td title={version.commit}>
              {version.commit ? `${version.branch} ${version.commit.slice(0, 8)}` : ''}
              {version.dirty ? <span className="jp-mlops-secondary"> {trans.__('with changes')}</span> : null}
            </td>
            <td className="jp-mlops-acts">
              <button
                className="jp-mlops-link"
                aria-label={trans.__('Export %1', version.version)}
                onClick={() =>
                  void mlops.commands.execute(Commands.exportPipeline, { job, version: version.version })
                }
              >
                {trans.__('Export…')}
              </button>
              {index + 1 < versions.length ? (
                <button
                  className="jp-mlops-link"
                  aria-label={trans.__('Changes of %1', version.version)}
                  onClick={() => setPair([versions[index + 1].version, version.version])}
                >
                  {trans.__('Changes')}
                </button>
              ) : null}
              {STAGES.filter(alias => !(version.aliases ?? []).includes(alias)).map(alias => (
                <button
                  key={alias}
                  className="jp-mlops-link"
                  aria-label={trans.__('Make %1 %2', version.version, alias)}
                  onClick={() => void runAction(() => mlops.jobs.setAlias(job, alias, version.version))}
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
function VersionDiff(props: {
  mlops: IMlops;
  job: string;
  versions: Version[];
  pair: [string, string] | null;
  onChange: (pair: [string, string] | null) => void;
}): JSX.Element {
  const { mlops, job, versions, pair, onChange } = props;
  const { trans } = mlops;
  const diff = useRequest(
    () => (pair ? mlops.jobs.diff(job, ...pair) : Promise.resolve(null)),
    [pair?.join()]
  );
  const renderSelect = (label: string, value: string, makePair: (name: string) => [string, string]) => (
    <select
      className="jp-mlops-choice"
      aria-label={label}
      value={value}
      onChange={event => onChange(makePair(event.target.value))}
    >
      {versions.map(version => (
        <option key={version.version} value={version.version}>
          {version.version}
        </option>
      ))}
    </select>
  );
  const [oldVersion, newVersion] = pair ?? [versions[1].version, versions[0].version];
  return (
    <section className="jp-mlops-pair" aria-label={trans.__('What differs')}>
      <div className="jp-mlops-row">
        {trans.__('What differs from')}
        {renderSelect(trans.__('Earlier version'), oldVersion, name => [name, newVersion])}
        {trans.__('to')}
        {renderSelect(trans.__('Later version'), newVersion, name => [oldVersion, name])}
        {pair ? (
          <button className="jp-mlops-link" onClick={() => onChange(null)}>
            {trans.__('Close')}
          </button>
        ) : (
          <button className="jp-mlops-link" onClick={() => onChange([oldVersion, newVersion])}>
            {trans.__('Show')}
          </button>
        )}
      </div>
      {diff.problem ? <Problem>{errorMessage(diff.problem)}</Problem> : null}
      {pair && diff.value ? <DiffSections mlops={mlops} sections={diff.value.sections} /> : null}
    </section>
  );
}
