import { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import { RequestError, wordsOf } from '../request';
import { IMlops } from '../tokens';
import { Job, Values } from '../types';

const EVENTS = ['failure', 'recovery', 'long-running', 'first-success'];

/** Policies that are numbers, and what they are when nothing is given. */
const NUMBERS: Record<string, number | null> = {
  retries: 0,
  backoff: 30,
  cell_timeout: null,
  run_timeout: null,
  concurrency: 1,
  priority: 0,
  keep_runs: null,
  keep_days: null,
  keep_failures: null,
  long_running: null
};
const KEPT = ['keep_runs', 'keep_days', 'keep_failures'];

/** What a form's texts are as policies; only those that differ from what is there. */
export function changedPolicies(data: FormData, policies: Values): Values {
  const made: Values = {};
  for (const [name, empty] of Object.entries(NUMBERS)) {
    const text = String(data.get(name) ?? '').trim();
    made[name] = text === '' ? empty : Number(text);
  }
  made.environment = data.get('environment');
  made.notify = lines(data.get('notify'));
  made.secrets = lines(data.get('secrets'));
  made.notify_on = data.getAll('notify_on');
  return Object.fromEntries(
    Object.entries(made).filter(
      ([name, value]) => JSON.stringify(value) !== JSON.stringify(policies[name] ?? null)
    )
  );
}

function numberWords(trans: TranslationBundle): Record<string, string> {
  return {
    retries: trans.__('Retries of a run that failed'),
    backoff: trans.__('Seconds before the first retry'),
    cell_timeout: trans.__('Seconds a cell may take'),
    run_timeout: trans.__('Seconds a run may take'),
    concurrency: trans.__('Runs at once'),
    priority: trans.__('Priority; higher goes first'),
    keep_runs: trans.__('Runs that are kept'),
    keep_days: trans.__('Days that runs are kept'),
    keep_failures: trans.__('Failed runs kept in any case'),
    long_running: trans.__('Seconds from which a run takes long')
  };
}

function lines(text: FormDataEntryValue | null): string[] {
  return String(text ?? '')
    .split(/[\n]/)
    .map(line => line.trim())
    .filter(Boolean);
}

/** A job's policies, and its end. */
export function SettingsPart(props: {
  mlops: IMlops;
  job: Job;
  changed: () => void;
  remove: () => Promise<void>;
}): JSX.Element {
  const { mlops, job } = props;
  const { trans } = mlops;
  const policies = job.policies ?? {};
  const [wrong, setWrong] = React.useState<{ field: string; words: string } | null>(null);
  const [saved, setSaved] = React.useState(false);
  const save = async (data: FormData) => {
    setSaved(false);
    try {
      await mlops.jobs.change(job.name, { policies: changedPolicies(data, policies) });
      setWrong(null);
      setSaved(true);
      props.changed();
    } catch (error) {
      const field = error instanceof RequestError ? error.field.replace('policies.', '') : '';
      setWrong({ field, words: wordsOf(error) });
    }
  };
  const told = (name: string) =>
    wrong?.field === name ? (
      <em id={`jp-mlops-wrong-${name}`} className="jp-mlops-wrong" role="alert">
        {wrong.words}
      </em>
    ) : null;
  const bad = (name: string) =>
    wrong?.field === name ? { 'aria-invalid': true, 'aria-describedby': `jp-mlops-wrong-${name}` } : {};
  const words = numberWords(trans);
  const numberField = (name: string) => {
    const value = policies[name];
    const empty = NUMBERS[name] ?? (KEPT.includes(name) ? trans.__('all') : trans.__('no limit'));
    return (
      <label key={name} className="jp-mlops-field">
        <span>{words[name]}</span>
        <input
          className="jp-mod-styled"
          type="number"
          step="any"
          name={name}
          placeholder={String(empty)}
          defaultValue={value === null || value === undefined ? '' : String(value)}
          {...bad(name)}
        />
        {told(name)}
      </label>
    );
  };
  const fields = [...Object.keys(NUMBERS), 'environment', 'notify', 'secrets'];
  return (
    <form
      key={JSON.stringify(policies)}
      className="jp-mlops-settings"
      noValidate
      onSubmit={event => {
        event.preventDefault();
        void save(new FormData(event.currentTarget));
      }}
    >
      <fieldset>
        <legend>{trans.__('Runs')}</legend>
        {['retries', 'backoff', 'cell_timeout', 'run_timeout', 'concurrency', 'priority'].map(numberField)}
      </fieldset>
      <fieldset>
        <legend>{trans.__('What is kept')}</legend>
        {KEPT.map(numberField)}
      </fieldset>
      <fieldset>
        <legend>{trans.__('Environment and secrets')}</legend>
        <label className="jp-mlops-field">
          <span>{trans.__('Packages that it runs with')}</span>
          <select
            className="jp-mlops-choice"
            name="environment"
            defaultValue={String(policies.environment)}
            {...bad('environment')}
          >
            <option value="locked">{trans.__('as the version’s lock says')}</option>
            <option value="live">{trans.__('as they are now')}</option>
          </select>
          {told('environment')}
        </label>
        <label className="jp-mlops-field">
          <span>{trans.__('Names of secrets, one a line; values are never kept here')}</span>
          <textarea
            className="jp-mod-styled"
            name="secrets"
            rows={2}
            defaultValue={((policies.secrets as string[]) ?? []).join('\n')}
            {...bad('secrets')}
          />
          {told('secrets')}
        </label>
      </fieldset>
      <fieldset>
        <legend>{trans.__('Notifications')}</legend>
        <label className="jp-mlops-field jp-mod-broad">
          <span>{trans.__('Addresses, one a line: mailto://…, slack://…, https://…, secret:NAME')}</span>
          <textarea
            className="jp-mod-styled"
            name="notify"
            rows={2}
            defaultValue={((policies.notify as string[]) ?? []).join('\n')}
            {...bad('notify')}
          />
          {told('notify')}
        </label>
        <div className="jp-mlops-field" role="group" aria-label={trans.__('Tell of')}>
          <span>{trans.__('Tell of')}</span>
          {EVENTS.map(name => (
            <label key={name} className="jp-mlops-tick">
              <input
                type="checkbox"
                name="notify_on"
                value={name}
                defaultChecked={((policies.notify_on as string[]) ?? []).includes(name)}
              />
              {
                {
                  failure: trans.__('a failure'),
                  recovery: trans.__('a run that is good again'),
                  'long-running': trans.__('a run that takes long'),
                  'first-success': trans.__('the first success')
                }[name]
              }
            </label>
          ))}
        </div>
        {numberField('long_running')}
      </fieldset>
      {wrong && !fields.includes(wrong.field) ? (
        <div className="jp-mlops-problem" role="alert">
          {wrong.words}
        </div>
      ) : null}
      <div className="jp-mlops-buttons">
        <button type="button" className="jp-mod-styled jp-mod-warn" onClick={() => void props.remove()}>
          {trans.__('Delete job…')}
        </button>
        <span className="jp-mlops-grow" />
        <span role="status" className="jp-mlops-quiet">
          {saved ? trans.__('Saved.') : ''}
        </span>
        <button type="submit" className="jp-mod-styled jp-mod-accept">
          {trans.__('Save')}
        </button>
      </div>
    </form>
  );
}
