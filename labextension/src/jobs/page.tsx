import { MainAreaWidget } from '@jupyterlab/apputils';
import { ReactWidget } from '@jupyterlab/ui-components';
import { ISignal, Signal } from '@lumino/signaling';
import * as React from 'react';
import { jobsIcon } from '../icons';
import { IRunActions } from '../runs/actions';
import { IMlops } from '../tokens';
import { JobPage } from './job';
import { JobList } from './list';

/** The jobs, and the page of one of them. */
export function jobsPage(
  mlops: IMlops,
  actions: IRunActions,
  compare: (first: string, second: string) => void
): MainAreaWidget<JobsWidget> {
  const content = new JobsWidget(mlops, actions, compare);
  const page = new MainAreaWidget({ content });
  page.toolbar.hide();
  page.id = 'jupyter-mlops-jobs';
  page.title.label = mlops.trans.__('Jobs');
  page.title.icon = jobsIcon;
  page.title.closable = true;
  return page;
}

/** What of the page is kept when JupyterLab is loaded again. */
export interface IJobsView {
  /** The job that is shown; '' for the list of all. */
  job: string;
  tab: string;
}

export class JobsWidget extends ReactWidget {
  constructor(
    private readonly _mlops: IMlops,
    private readonly _actions: IRunActions,
    private readonly _compare: (first: string, second: string) => void
  ) {
    super();
    this.addClass('jp-mlops-page');
  }

  get view(): IJobsView {
    return this._view;
  }

  set view(view: IJobsView) {
    this._view = view;
    this.update();
    this._viewChanged.emit();
  }

  get viewChanged(): ISignal<JobsWidget, void> {
    return this._viewChanged;
  }

  render(): JSX.Element {
    const { job, tab } = this._view;
    return job ? (
      <JobPage
        key={job}
        mlops={this._mlops}
        name={job}
        actions={this._actions}
        compare={this._compare}
        onBack={() => (this.view = { job: '', tab: 'all' })}
        tab={tab}
        onTabChange={name => (this.view = { job, tab: name })}
      />
    ) : (
      <JobList
        mlops={this._mlops}
        actions={this._actions}
        open={name => (this.view = { job: name, tab: 'runs' })}
        view={tab === 'calendar' ? 'calendar' : 'all'}
        onViewChange={name => (this.view = { job: '', tab: name })}
      />
    );
  }

  private _view: IJobsView = { job: '', tab: 'all' };
  private _viewChanged = new Signal<JobsWidget, void>(this);
}
