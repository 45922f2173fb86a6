import { NotebookPanel } from '@jupyterlab/notebook';
import * as React from 'react';
import { Form, sectionOf, textOf } from '../form';
import { FormModel, showFormDialog, useAcceptButton } from '../formDialog';
import { Problem } from '../notices';
import { errorMessage } from '../request';
import { saveNotebook } from '../saveNotebook';
import { useDebounced, useRequest } from '../hooks';
import { IMlops } from '../tokens';
import { Check } from '../types';
import { DiffSections } from './diff';
import { jobOf } from './view';

const DEBOUNCE_MS = 300; // ms without a keystroke until it is asked what would change
const MAX_ITEMS = 6; // checks that are shown

interface IPublishForm {
  job: string;
  message: string;
}

/** What would be published, under which name, and why. */
function PublishFields(props: {
  mlops: IMlops;
  model: FormModel<IPublishForm>;
  path: string;
  checks: Check[];
}): JSX.Element {
  const { mlops, model, path, checks } = props;
  const { trans } = mlops;
  const { values, error } = model;
  const job = values.job.trim();
  const debouncedJob = useDebounced(job, DEBOUNCE_MS);
  const changesRequest = useRequest(
    () =>
      debouncedJob
        ? mlops.jobs.changes(debouncedJob, path)
        : Promise.reject(new Error(trans.__('Enter a job name.'))),
    [debouncedJob, path]
  );
  const changes = changesRequest.problem ? undefined : changesRequest.value;
  const label = changes ? trans.__('Publish %1', changes.next) : trans.__('Publish');
  useAcceptButton(model, label, job !== '' && !changesRequest.problem);
  const jobError =
    error?.field === 'job'
      ? error.message
      : changesRequest.problem
        ? errorMessage(changesRequest.problem)
        : '';
  const form = React.useMemo(
    () =>
      sectionOf('', {
        job: textOf(trans.__('Job')),
        message: textOf(trans.__('Message'), {
          'ui:placeholder': trans.__('What changed'),
          'ui:options': { spellCheck: true }
        })
      }),
    [trans]
  );
  return (
    <>
      <Problem>{error && error.field !== 'job' ? error.message : null}</Problem>
      <Form
        id="jp-mlops-publish"
        form={form}
        values={values}
        errors={jobError ? { job: jobError } : {}}
        onChange={changed => model.change(changed)}
        translator={mlops.translator}
      />
      <Checks mlops={mlops} checks={checks} />
      <PublishNotes mlops={mlops} notes={changes?.notes ?? []} />
      <p>
        <strong>
          {!changes
            ? trans.__('Comparing…')
            : !changes.version
              ? trans.__('The first version of %1', debouncedJob)
              : changes.same
                ? trans.__('No changes since %1. Publishing keeps that version.', changes.version)
                : trans.__('Changes since %1', changes.version)}
        </strong>
      </p>
      {changes?.version && !changes.same ? <DiffSections mlops={mlops} sections={changes.sections} /> : null}
    </>
  );
}

/** What the checks say, the worst first. */
function Checks(props: { mlops: IMlops; checks: Check[] }): JSX.Element | null {
  const { mlops, checks } = props;
  const { trans } = mlops;
  const findings = checks.filter(check => check.severity !== 'info');
  const errors = findings.filter(check => check.severity === 'error').length;
  const visibleFindings = errors ? findings.filter(check => check.severity === 'error') : findings;
  if (!visibleFindings.length) {
    return <p className="jp-mlops-secondary">{trans.__('No findings: the notebook will run headless.')}</p>;
  }
  return (
    <div className="jp-mlops-callout" data-state={errors ? 'failed' : 'missed'} role="status">
      {errors
        ? trans._n(
            '%1 check says that it will not run headless:',
            '%1 checks say that it will not run headless:',
            errors
          )
        : trans._n(
            '%1 check has something to say:',
            '%1 checks have something to say:',
            visibleFindings.length
          )}
      <ul>
        {visibleFindings.slice(0, MAX_ITEMS).map((check, index) => (
          <li key={index}>
            {check.cell !== null ? `${trans.__('cell %1', check.cell + 1)}: ` : ''}
            {check.message}
          </li>
        ))}
      </ul>
      {visibleFindings.length > MAX_ITEMS ? trans.__('and %1 more', visibleFindings.length - MAX_ITEMS) : ''}
    </div>
  );
}

/** What should be known before a version that can't be changed is made: its secrets. */
export function PublishNotes(props: {
  mlops: Pick<IMlops, 'trans'>;
  notes: readonly string[];
}): JSX.Element | null {
  const { notes } = props;
  const { trans } = props.mlops;
  if (!notes.length) {
    return null;
  }
  return (
    <div className="jp-mlops-callout" data-state="missed" role="status">
      {trans.__('A version can never be changed. Before you publish:')}
      <ul>
        {notes.slice(0, MAX_ITEMS).map((note, index) => (
          <li key={index}>{note}</li>
        ))}
      </ul>
      {notes.length > MAX_ITEMS ? trans.__('and %1 more', notes.length - MAX_ITEMS) : ''}
    </div>
  );
}

/** Show what would be published, and publish it. Returns the version's name, or '' if it was left. */
export async function showPublishDialog(mlops: IMlops, panel: NotebookPanel): Promise<string> {
  const { trans } = mlops;
  await saveNotebook(panel);
  const { localPath } = panel.context;
  const { checks } = mlops.stateFor(panel).pipeline;
  const version = await showFormDialog({
    title: trans.__('Publish %1', panel.title.label),
    values: { job: jobOf(panel), message: '' },
    acceptLabel: trans.__('Publish'),
    renderForm: model => <PublishFields mlops={mlops} model={model} path={localPath} checks={checks} />,
    submit: ({ job, message }) => mlops.jobs.publish(job.trim(), localPath, message),
    trans
  });
  return version ? `${version.job} ${version.version}` : '';
}
