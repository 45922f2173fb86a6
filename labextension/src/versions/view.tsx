import { NotebookPanel } from '@jupyterlab/notebook';
import * as React from 'react';
import { Commands } from '../commands';
import { formatAge } from '../format';
import { withErrorDialog } from '../runs/actions';
import { useRequest, useSignal } from '../hooks';
import { IMlops } from '../tokens';
import { Changes, Schedule, Version } from '../types';

/** Where publishing and scheduling lead. */
export interface IPublishActions {
  publish(panel: NotebookPanel): Promise<void>;
  schedule(job: string, panel: NotebookPanel | null): Promise<void>;
  openJob(job: string): void;
}

/** The job that a notebook is published as. */
export function jobOf(panel: NotebookPanel): string {
  const metadata = panel.content.model?.sharedModel.getMetadata('jupyter_mlops') as
    { job?: unknown } | undefined;
  const name = panel.context.localPath
    .split('/')
    .pop()!
    .replace(/\.ipynb$/, '');
  return typeof metadata?.job === 'string' ? metadata.job : name;
}

/** How many cells differ from the latest version. */
export function changedCells(changes: Changes): number {
  return new Set((changes.sections.code ?? []).map(change => JSON.stringify([change.what, change.cell])))
    .size;
}

/** What was published of a notebook, and when it runs. */
export function PublishView(props: {
  mlops: IMlops;
  panel: NotebookPanel;
  actions: IPublishActions;
}): JSX.Element {
  const { mlops, panel, actions } = props;
  const { trans } = mlops;
  const job = jobOf(panel);
  useSignal(panel.context.saveState);
  const lastModified = panel.context.contentsModel?.last_modified;
  const publishRequest = useRequest<{
    version?: Version;
    schedules: Schedule[];
    changes?: Changes;
  }>(async () => {
    const jobs = await mlops.jobs.list();
    if (!jobs.some(item => item.name === job)) {
      return { schedules: [] };
    }
    const [versions, schedules, changes] = await Promise.all([
      mlops.jobs.versions(job),
      mlops.jobs.schedules(job),
      mlops.jobs.changes(job, panel.context.localPath)
    ]);
    return { version: versions[0], schedules, changes };
  }, [job, lastModified]);
  const runAction = async (request: () => Promise<unknown>) => {
    await withErrorDialog(trans.__('The action failed'), request);
    publishRequest.refetch();
  };
  const { version, schedules, changes } = publishRequest.value ?? { schedules: [] };
  const cells = changes ? changedCells(changes) : 0;
  return (
    <div className="jp-mlops-publish">
      <div className="jp-mlops-line">
        <span>
          {version ? (
            <>
              <button className="jp-mlops-link" onClick={() => actions.openJob(job)}>
                {job} {version.version}
              </button>{' '}
              <span className="jp-mlops-secondary">
                {trans.__('published %1 by %2', formatAge(version.created), version.author || '?')}
                {' · '}
                {changes?.same
                  ? trans.__('no changes since')
                  : cells
                    ? trans._n('%1 cell changed since', '%1 cells changed since', cells)
                    : trans.__('changed since')}
              </span>
            </>
          ) : (
            <span className="jp-mlops-secondary">{trans.__('Not published yet.')}</span>
          )}
        </span>
        <span className="jp-mlops-row">
          <button
            className="jp-mod-styled"
            onClick={() => void mlops.commands.execute(Commands.exportPipeline)}
          >
            {trans.__('Export…')}
          </button>
          <button className="jp-mod-styled" onClick={() => void runAction(() => actions.publish(panel))}>
            {changes && !changes.same ? trans.__('Publish %1…', changes.next) : trans.__('Publish…')}
          </button>
        </span>
      </div>
      {schedules.map(item => (
        <div key={item.id} className="jp-mlops-line">
          <span>
            {item.words}
            <span className="jp-mlops-secondary">
              {' · '}
              {item.problem
                ? item.problem
                : item.paused
                  ? trans.__('paused')
                  : trans.__(
                      'next %1',
                      (item.upcoming[0] as { local?: string } | undefined)?.local
                        ?.slice(0, 16)
                        .replace('T', ' ') ?? '—'
                    )}
            </span>
          </span>
          <button
            className="jp-mlops-link"
            onClick={() => void runAction(() => mlops.jobs.updateSchedule(item.id, { paused: !item.paused }))}
          >
            {item.paused ? trans.__('Resume') : trans.__('Pause')}
          </button>
        </div>
      ))}
      {version ? (
        <button className="jp-mlops-link" onClick={() => void runAction(() => actions.schedule(job, panel))}>
          {trans.__('New schedule…')}
        </button>
      ) : null}
    </div>
  );
}
