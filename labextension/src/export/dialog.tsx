import * as React from 'react';
import { Form, IField, IFormError, choiceOf, formErrorOf, sectionOf, textOf } from '../form';
import { FormModel, showFormDialog, useAcceptButton } from '../formDialog';
import { useDebounced, useRequest } from '../hooks';
import { Problem } from '../notices';
import { IMlops } from '../tokens';
import { ExportAnswer, Exporter, Version } from '../types';
import { ExportSource } from './api';
import { FilesView } from './files';
import { countsOf, defaultFolder, folderFor } from './model';

const DEBOUNCE_MS = 300; // ms without a keystroke until the folder is compared
const DRAFT = 'draft'; // the choice of the notebook as it was saved
const FIELDS = ['target', 'version', 'folder'];

/** What can be exported: a job with its versions, a notebook, or both. */
export interface IExportSubject {
  job: string;
  /** Newest first; empty if the job is not published. */
  versions: readonly Version[];
  /** '' for none. */
  notebook: string;
}

interface IExportForm {
  target: string;
  version: string;
  folder: string;
  replaceEdited: boolean;
}

interface IExportDialog {
  exporters: readonly Exporter[];
  subject: IExportSubject;
  /** Publish the notebook instead; undefined where there is none. */
  publish?: () => void;
}

/** What of the subject is exported. */
export function sourceOf(subject: IExportSubject, version: string): ExportSource {
  return version === DRAFT ? { notebook: subject.notebook } : { job: subject.job, version };
}

/** The fields above the files. */
function exportForm(mlops: IMlops, options: IExportDialog, target: string): IField {
  const { trans } = mlops;
  const { exporters, subject } = options;
  const versions = Object.fromEntries(
    subject.versions.map(({ version, aliases }) => [version, [version, ...(aliases ?? [])].join(' · ')])
  );
  const drafts: Record<string, string> = subject.notebook
    ? { [DRAFT]: trans.__('the notebook as it is, not published') }
    : {};
  const summary = exporters.find(exporter => exporter.name === target)?.summary;
  return sectionOf('', {
    target: choiceOf(
      trans.__('Engine'),
      Object.fromEntries(exporters.map(exporter => [exporter.name, exporter.label])),
      summary ? { 'ui:help': trans.__('Writes %1.', summary) } : {}
    ),
    version: choiceOf(trans.__('Version'), { ...versions, ...drafts }),
    folder: textOf(trans.__('Folder'), { 'ui:classNames': 'jp-mlops-code jp-mod-wide' })
  });
}

/** What would be written where. */
export function ExportFields(props: {
  mlops: IMlops;
  model: FormModel<IExportForm>;
  options: IExportDialog;
}): JSX.Element {
  const { mlops, model, options } = props;
  const { trans } = mlops;
  const { values } = model;
  const { target, version } = values;
  const { job } = options.subject;
  const folder = useDebounced(values.folder, DEBOUNCE_MS);
  const key = [target, version, folder, model.error];
  const { value, problem } = useRequest(
    async signal => ({
      key: JSON.stringify(key),
      answer: await mlops.exports.export(sourceOf(options.subject, version), { target, folder }, signal)
    }),
    key
  );
  const isCurrent = folder === values.folder && value?.key === JSON.stringify(key);
  const answer = problem ? undefined : value?.answer;
  const error = model.error ?? (problem ? formErrorOf(problem) : null);
  const editedCount = answer?.files.filter(file => file.edited).length ?? 0;
  const canExport = isCurrent && !problem && (!editedCount || values.replaceEdited);
  useAcceptButton(model, trans.__('Export'), canExport);
  const form = React.useMemo(() => exportForm(mlops, options, target), [mlops, options, target]);
  const isField = error !== null && FIELDS.includes(error.field);
  return (
    <div className="jp-mlops-export">
      <Form
        id="jp-mlops-export"
        form={form}
        values={values}
        errors={error && isField ? { [error.field]: error.message } : {}}
        onChange={({ ...changed }) =>
          model.change({ ...changed, folder: folderFor(changed.folder ?? '', job, target, changed.target) })
        }
        translator={mlops.translator}
      />
      {version === DRAFT ? <DraftNotice mlops={mlops} model={model} publish={options.publish} /> : null}
      <Problem>{error && !isField ? error.message : null}</Problem>
      <Comparison mlops={mlops} answer={answer} error={error} isCurrent={isCurrent} />
      {editedCount ? <ReplaceEdited mlops={mlops} model={model} count={editedCount} /> : null}
      {answer?.omissions.length ? <Omissions mlops={mlops} answer={answer} /> : null}
    </div>
  );
}

/** The files, and a line that sums them up. */
function Comparison(props: {
  mlops: IMlops;
  answer?: ExportAnswer;
  error: IFormError | null;
  isCurrent: boolean;
}): JSX.Element {
  const { answer, error, isCurrent } = props;
  const { trans } = props.mlops;
  return (
    <>
      <div className="jp-mlops-row" role="status">
        {isCurrent && answer ? (
          <strong>{describe(answer, trans)}</strong>
        ) : error ? null : (
          <>
            <progress className="jp-mlops-progress" aria-label={trans.__('Comparing with the folder')} />
            {trans.__('Comparing with the folder…')}
          </>
        )}
      </div>
      {answer ? <FilesView trans={trans} files={answer.files} /> : null}
    </>
  );
}

/** What an export would do to its folder, in one line. */
export function describe(answer: ExportAnswer, trans: IMlops['trans']): string {
  if (answer.matches) {
    return trans.__('The folder already has this export.');
  }
  const { written, removed, same } = countsOf(answer);
  const parts = [
    written ? trans._n('%1 file to write', '%1 files to write', written) : '',
    removed ? trans._n('%1 to remove', '%1 to remove', removed) : '',
    same ? trans._n('%1 stays the same', '%1 stay the same', same) : ''
  ];
  return parts.filter(Boolean).join(', ');
}

function ReplaceEdited(props: { mlops: IMlops; model: FormModel<IExportForm>; count: number }): JSX.Element {
  const { model, count } = props;
  const { trans } = props.mlops;
  return (
    <div className="jp-mlops-callout" data-state="missed" role="group">
      {trans._n(
        '%1 file was edited after the last export, or is not from an export.',
        '%1 files were edited after the last export, or are not from an export.',
        count
      )}{' '}
      <label>
        <input
          type="checkbox"
          checked={model.values.replaceEdited}
          onChange={event => model.change({ replaceEdited: event.target.checked })}
        />
        {trans.__('Replace edited files')}
      </label>
    </div>
  );
}

function Omissions(props: { mlops: IMlops; answer: ExportAnswer }): JSX.Element {
  const { answer } = props;
  return (
    <div className="jp-mlops-callout" data-state="running" role="note">
      {props.mlops.trans.__('What differs on %1:', answer.label)}
      <ul>
        {answer.omissions.map(sentence => (
          <li key={sentence}>{sentence}</li>
        ))}
      </ul>
    </div>
  );
}

function DraftNotice(props: {
  mlops: IMlops;
  model: FormModel<IExportForm>;
  publish?: () => void;
}): JSX.Element {
  const { model, publish } = props;
  const { trans } = props.mlops;
  const leave = () => {
    model.leaveRequested.emit();
    publish?.();
  };
  return (
    <p className="jp-mlops-secondary">
      {trans.__(
        'An export of a notebook that is not published has no schedule, no policies and no lock of its packages.'
      )}{' '}
      {publish ? (
        <button type="button" className="jp-mlops-link" onClick={leave}>
          {trans.__('Publish first…')}
        </button>
      ) : null}
    </p>
  );
}

/** Show what an export would write, and write it. Undefined if the dialog was left. */
export async function showExportDialog(
  mlops: IMlops,
  options: IExportDialog & { target?: string; version?: string }
): Promise<ExportAnswer | undefined> {
  const { trans } = mlops;
  const { exporters, subject } = options;
  const { name: target } = exporters.find(({ name }) => name === options.target) ?? exporters[0];
  const version = options.version ?? subject.versions[0]?.version ?? DRAFT;
  return showFormDialog({
    title: trans.__('Export %1', subject.job),
    values: { target, version, folder: defaultFolder(target, subject.job), replaceEdited: false },
    acceptLabel: trans.__('Export'),
    renderForm: model => <ExportFields mlops={mlops} model={model} options={options} />,
    submit: (values, signal) =>
      mlops.exports.export(
        sourceOf(subject, values.version),
        {
          target: values.target,
          folder: values.folder,
          write: true,
          replace_edited: values.replaceEdited
        },
        signal
      ),
    cancellable: true,
    trans
  });
}
