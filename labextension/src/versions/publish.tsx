import { Dialog, ReactWidget, showDialog } from '@jupyterlab/apputils';
import { NotebookPanel } from '@jupyterlab/notebook';
import * as React from 'react';
import { IMlops } from '../tokens';
import { Changes, Check } from '../types';
import { Sections } from './diff';
import { jobOf } from './view';

interface IPublishForm {
  job: string;
  message: string;
}

class PublishBody extends ReactWidget implements Dialog.IBodyWidget<IPublishForm> {
  constructor(
    private readonly mlops: IMlops,
    private readonly form: IPublishForm,
    private readonly changes: Changes,
    private readonly checks: Check[]
  ) {
    super();
    this.addClass('jp-mlops-dialog');
  }

  getValue(): IPublishForm {
    return this.form;
  }

  render(): JSX.Element {
    const { trans } = this.mlops;
    const { form, changes, checks } = this;
    const errors = checks.filter(check => check.severity === 'error').length;
    return (
      <div>
        <label className="jp-mlops-field">
          <span>{trans.__('Job')}</span>
          <input
            className="jp-mod-styled"
            defaultValue={form.job}
            onChange={event => (form.job = event.target.value.trim())}
          />
        </label>
        <label className="jp-mlops-field">
          <span>{trans.__('Message')}</span>
          <input
            className="jp-mod-styled"
            defaultValue=""
            placeholder={trans.__('What is new')}
            onChange={event => (form.message = event.target.value)}
          />
        </label>
        {checks.length ? (
          <p className={errors ? 'jp-mlops-problem' : 'jp-mlops-quiet'}>
            {errors
              ? trans._n(
                  '%1 check says that it will not run headless.',
                  '%1 checks say that it will not run headless.',
                  errors
                )
              : trans._n('%1 check has something to say.', '%1 checks have something to say.', checks.length)}
          </p>
        ) : null}
        <h3>
          {changes.version ? trans.__('Changed since %1', changes.version) : trans.__('The first version')}
        </h3>
        {changes.version ? <Sections mlops={this.mlops} sections={changes.sections} /> : null}
      </div>
    );
  }
}

/** Show what would be published, and publish it. Returns the version's name, or '' if it was left. */
export async function publish(mlops: IMlops, panel: NotebookPanel): Promise<string> {
  const { trans } = mlops;
  await panel.context.save();
  const { localPath } = panel.context;
  const form = { job: jobOf(panel), message: '' };
  const changes = await mlops.jobs.changes(form.job, localPath);
  const { checks } = mlops.desk(panel).pipeline;
  const answer = await showDialog({
    title: trans.__('Publish %1', panel.title.label),
    body: new PublishBody(mlops, form, changes, checks),
    buttons: [
      Dialog.cancelButton({ label: trans.__('Cancel') }),
      Dialog.okButton({ label: trans.__('Publish %1', changes.next) })
    ]
  });
  if (!answer.button.accept) {
    return '';
  }
  const made = await mlops.jobs.publish(form.job, localPath, form.message);
  return `${made.job} ${made.version}`;
}
