import { NotebookPanel } from '@jupyterlab/notebook';
import * as React from 'react';
import { ago } from '../format';
import { attempt } from '../runs/actions';
import { useAnswer, useSignal } from '../signal';
import { IMlops } from '../tokens';
import { Changes, Schedule, Version } from '../types';

/** Where publishing and scheduling lead. */
export interface IPublishDoor {
  publish(panel: NotebookPanel): Promise<void>;
  schedule(job: string, panel: NotebookPanel | null): Promise<void>;
  openJob(job: string): void;
}

/** The job that a notebook is published as. */
export function jobOf(panel: NotebookPanel): string {
  const told = panel.content.model?.sharedModel.getMetadata('jupyter_mlops') as { job?: unknown } | undefined;
  const name = panel.context.localPath
    .split('/')
    .pop()!
    .replace(/\.ipynb$/, '');
  return typeof told?.job === 'string' ? told.job : name;
}

/** How many cells differ from the latest version. */
export function changedCells(changes: Changes): number {
  return new Set((changes.sections.code ?? []).map(change => JSON.stringify([change.what, change.cell])))
    .size;
}

/** What was published of a notebook, and when it runs. */
export function PublishView(props: { mlops: IMlops; panel: NotebookPanel; door: IPublishDoor }): JSX.Element {
  const { mlops, panel, door } = props;
  const { trans } = mlops;
  const job = jobOf(panel);
  useSignal(panel.context.saveState);
  const saved = panel.context.contentsModel?.last_modified;
  const told = useAnswer<{ version?: Version; schedules: Schedule[]; changes?: Changes }>(async () => {
    const jobs = await mlops.jobs.list();
    if (!jobs.some(one => one.name === job)) {
      return { schedules: [] };
    }
    const [versions, schedules, changes] = await Promise.all([
      mlops.jobs.versions(job),
      mlops.jobs.schedules(job),
      mlops.jobs.changes(job, panel.context.localPath)
    ]);
    return { version: versions[0], schedules, changes };
  }, [job, saved]);
  const act = async (work: () => Promise<unknown>) => {
    await attempt(trans.__('That did not work'), work);
    told.again();
  };
  const { version, schedules, changes } = told.value ?? { schedules: [] };
  const cells = changes ? changedCells(changes) : 0;
  return (
    <div className="jp-mlops-publish">
      <div className="jp-mlops-line">
        <span>
          {version ? (
            <>
              <button className="jp-mlops-link" onClick={() => door.openJob(job)}>
                {job} {version.version}
              </button>{' '}
              <span className="jp-mlops-quiet">
                {trans.__('published %1 by %2', ago(version.created), version.author || '?')}
                {' · '}
                {changes?.same
                  ? trans.__('nothing changed since')
                  : cells
                    ? trans._n('%1 cell changed since', '%1 cells changed since', cells)
                    : trans.__('changed since')}
              </span>
            </>
          ) : (
            <span className="jp-mlops-quiet">{trans.__('Not published yet.')}</span>
          )}
        </span>
        <button className="jp-mod-styled" onClick={() => void act(() => door.publish(panel))}>
          {changes && !changes.same ? trans.__('Publish %1…', changes.next) : trans.__('Publish…')}
        </button>
      </div>
      {schedules.map(one => (
        <div key={one.id} className="jp-mlops-line">
          <span>
            {one.words}
            <span className="jp-mlops-quiet">
              {' · '}
              {one.problem
                ? one.problem
                : one.paused
                  ? trans.__('rests')
                  : trans.__(
                      'next %1',
                      (one.upcoming[0] as { local?: string } | undefined)?.local
                        ?.slice(0, 16)
                        .replace('T', ' ') ?? '—'
                    )}
            </span>
          </span>
          <button
            className="jp-mlops-link"
            onClick={() => void act(() => mlops.jobs.changeSchedule(one.id, { paused: !one.paused }))}
          >
            {one.paused ? trans.__('Go on') : trans.__('Pause')}
          </button>
        </div>
      ))}
      {version ? (
        <button className="jp-mlops-link" onClick={() => void act(() => door.schedule(job, panel))}>
          {trans.__('New schedule…')}
        </button>
      ) : null}
    </div>
  );
}
