import { NotebookPanel } from '@jupyterlab/notebook';
import * as React from 'react';
import { acceptButton, ask, IRefusal } from '../ask';
import { wordsOf } from '../request';
import { saveSeen } from '../save';
import { useAnswer } from '../signal';
import { IMlops } from '../tokens';
import { Check } from '../types';
import { Sections } from './diff';
import { jobOf } from './view';

const SOON = 300; // ms without a keystroke until it is asked what would change
const MOST = 6; // checks that are shown

interface IPublishForm {
  job: string;
  message: string;
}

/** What would be published, under which name, and why. */
function PublishFields(props: {
  mlops: IMlops;
  form: IPublishForm;
  path: string;
  checks: Check[];
  refusal: IRefusal | null;
}): JSX.Element {
  const { mlops, form, path, checks, refusal } = props;
  const { trans } = mlops;
  const [job, setJob] = React.useState(form.job);
  const [asked, setAsked] = React.useState(form.job);
  const box = React.useRef<HTMLDivElement>(null);
  React.useEffect(() => {
    const timer = window.setTimeout(() => setAsked(job), SOON);
    return () => window.clearTimeout(timer);
  }, [job]);
  const told = useAnswer(
    () => (asked ? mlops.jobs.changes(asked, path) : Promise.reject(new Error(trans.__('Name a job.')))),
    [asked]
  );
  const changes = told.problem ? undefined : told.value;
  React.useEffect(() =>
    acceptButton(
      box.current,
      changes ? trans.__('Publish %1', changes.next) : trans.__('Publish'),
      job !== '' && !told.problem
    )
  );
  const wrong = refusal?.field === 'job' ? refusal.words : told.problem ? wordsOf(told.problem) : '';
  return (
    <div ref={box}>
      {refusal && refusal.field !== 'job' ? (
        <div className="jp-mlops-problem" role="alert">
          {refusal.words}
        </div>
      ) : null}
      <label className="jp-mlops-field">
        <span>{trans.__('Job')}</span>
        <input
          className="jp-mod-styled"
          defaultValue={form.job}
          aria-invalid={wrong !== ''}
          aria-describedby={wrong ? 'jp-mlops-job-wrong' : undefined}
          onChange={event => {
            form.job = event.target.value.trim();
            setJob(form.job);
          }}
        />
        {wrong ? (
          <em id="jp-mlops-job-wrong" className="jp-mlops-wrong" role="alert">
            {wrong}
          </em>
        ) : null}
      </label>
      <label className="jp-mlops-field">
        <span>{trans.__('Message')}</span>
        <input
          className="jp-mod-styled"
          defaultValue={form.message}
          placeholder={trans.__('What is new')}
          onChange={event => (form.message = event.target.value)}
        />
      </label>
      <Checks mlops={mlops} checks={checks} />
      <h3>
        {!changes
          ? trans.__('Comparing…')
          : !changes.version
            ? trans.__('The first version of %1', asked)
            : changes.same
              ? trans.__('Nothing changed since %1: it stays that version', changes.version)
              : trans.__('Changed since %1', changes.version)}
      </h3>
      {changes?.version && !changes.same ? <Sections mlops={mlops} sections={changes.sections} /> : null}
    </div>
  );
}

/** What the checks say, the worst first. */
function Checks(props: { mlops: IMlops; checks: Check[] }): JSX.Element | null {
  const { mlops, checks } = props;
  const { trans } = mlops;
  const found = checks.filter(check => check.severity !== 'info');
  const errors = found.filter(check => check.severity === 'error').length;
  const told = errors ? found.filter(check => check.severity === 'error') : found;
  if (!told.length) {
    return <p className="jp-mlops-quiet">{trans.__('The checks found nothing: it will run headless.')}</p>;
  }
  return (
    <div className={errors ? 'jp-mlops-problem' : 'jp-mlops-caution'} role="status">
      {errors
        ? trans._n(
            '%1 check says that it will not run headless:',
            '%1 checks say that it will not run headless:',
            errors
          )
        : trans._n('%1 check has something to say:', '%1 checks have something to say:', told.length)}
      <ul>
        {told.slice(0, MOST).map((check, at) => (
          <li key={at}>
            {check.cell !== null ? `${trans.__('cell %1', check.cell + 1)}: ` : ''}
            {check.message}
          </li>
        ))}
      </ul>
      {told.length > MOST ? trans.__('and %1 more', told.length - MOST) : ''}
    </div>
  );
}

/** Show what would be published, and publish it. Returns the version's name, or '' if it was left. */
export async function publish(mlops: IMlops, panel: NotebookPanel): Promise<string> {
  const { trans } = mlops;
  await saveSeen(panel);
  const { localPath } = panel.context;
  const form = { job: jobOf(panel), message: '' };
  const { checks } = mlops.desk(panel).pipeline;
  const made = await ask({
    title: trans.__('Publish %1', panel.title.label),
    act: trans.__('Publish'),
    form: refusal => (
      <PublishFields mlops={mlops} form={form} path={localPath} checks={checks} refusal={refusal} />
    ),
    work: () => mlops.jobs.publish(form.job, localPath, form.message),
    trans
  });
  return made ? `${made.job} ${made.version}` : '';
}
