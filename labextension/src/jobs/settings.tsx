import { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import {
  Form,
  IField,
  IFormError,
  checksOf,
  choiceOf,
  formErrorOf,
  numberOf,
  sectionOf,
  textOf
} from '../form';
import { Problem } from '../notices';
import { IMlops } from '../tokens';
import { Job, Values } from '../types';

/** Policies that are numbers, and what they are when nothing is given. */
const NUMBER_DEFAULTS: Record<string, number | null> = {
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

/** The policies below each heading, in order. */
const SECTIONS: Record<string, string[]> = {
  runs: ['retries', 'backoff', 'cell_timeout', 'run_timeout', 'concurrency', 'priority'],
  retention: ['keep_runs', 'keep_days', 'keep_failures'],
  environment: ['environment', 'secrets'],
  notifications: ['notify', 'notify_on', 'long_running']
};
const LIST_FIELDS = ['secrets', 'notify'];

type FormValues = Record<string, Values>;

/** What the form shows of policies. */
export function formValuesOf(policies: Values): FormValues {
  const fieldValue = (name: string) => {
    const value = policies[name];
    return LIST_FIELDS.includes(name) ? ((value as string[]) ?? []).join('\n') : (value ?? undefined);
  };
  return Object.fromEntries(
    Object.entries(SECTIONS).map(([section, names]) => [
      section,
      Object.fromEntries(names.map(name => [name, fieldValue(name)]))
    ])
  );
}

/** What a form says as policies; only those that differ from what is there. */
export function changedPolicies(form: FormValues, policies: Values): Values {
  const fields: Values = Object.assign({}, ...Object.values(form));
  const newPolicies = Object.fromEntries(
    Object.values(SECTIONS)
      .flat()
      .map(name => {
        const value = fields[name];
        return [
          name,
          LIST_FIELDS.includes(name) ? splitLines(value) : (value ?? NUMBER_DEFAULTS[name] ?? null)
        ];
      })
  );
  return Object.fromEntries(
    Object.entries(newPolicies).filter(
      ([name, value]) => JSON.stringify(value) !== JSON.stringify(policies[name] ?? null)
    )
  );
}

function splitLines(text: unknown): string[] {
  return String(text ?? '')
    .split('\n')
    .map(line => line.trim())
    .filter(Boolean);
}

/** The path of a policy in the form; '' for what is none. */
function pathOf(policy: string): string {
  const section = Object.keys(SECTIONS).find(name => SECTIONS[name].includes(policy));
  return section ? `${section}.${policy}` : '';
}

function settingsForm(trans: TranslationBundle): IField {
  const number = (name: string, title: string) =>
    numberOf(title, {
      'ui:placeholder': String(
        NUMBER_DEFAULTS[name] ?? (name.startsWith('keep_') ? trans.__('all') : trans.__('no limit'))
      )
    });
  const lines = (title: string, classNames = '') =>
    textOf(title, {
      'ui:widget': 'textarea',
      'ui:options': { rows: 2 },
      'ui:classNames': `jp-mlops-code ${classNames}`
    });
  return sectionOf('', {
    runs: sectionOf(trans.__('Runs'), {
      retries: number('retries', trans.__('Retries of a failed run')),
      backoff: number('backoff', trans.__('Wait before the first retry (s)')),
      cell_timeout: number('cell_timeout', trans.__('Cell timeout (s)')),
      run_timeout: number('run_timeout', trans.__('Run timeout (s)')),
      concurrency: number('concurrency', trans.__('Concurrent runs')),
      priority: number('priority', trans.__('Priority (higher runs first)'))
    }),
    retention: sectionOf(trans.__('Retention'), {
      keep_runs: number('keep_runs', trans.__('Runs to keep')),
      keep_days: number('keep_days', trans.__('Days to keep runs')),
      keep_failures: number('keep_failures', trans.__('Failed runs to keep regardless'))
    }),
    environment: sectionOf(trans.__('Environment and secrets'), {
      environment: choiceOf(trans.__('Packages'), {
        locked: trans.__('as locked in the version'),
        live: trans.__('as installed now')
      }),
      secrets: lines(trans.__('Names of secrets, one per line (values are not stored here)'))
    }),
    notifications: sectionOf(trans.__('Notifications'), {
      notify: lines(
        trans.__('Addresses, one per line: mailto://…, slack://…, https://…, secret:NAME'),
        'jp-mod-wide'
      ),
      notify_on: checksOf(trans.__('Notify about'), {
        failure: trans.__('a failure'),
        recovery: trans.__('a recovery after a failure'),
        'long-running': trans.__('a long run'),
        'first-success': trans.__('the first success')
      }),
      long_running: number('long_running', trans.__('Long-running after (s)'))
    })
  });
}

/** A job's policies, and its end. */
export function SettingsTab(props: {
  mlops: IMlops;
  job: Job;
  onChange: () => void;
  remove: () => Promise<void>;
}): JSX.Element {
  const { mlops, job } = props;
  const { trans } = mlops;
  const policies = job.policies ?? {};
  const [values, setValues] = React.useState(() => formValuesOf(policies));
  const [error, setError] = React.useState<IFormError | null>(null);
  const [saved, setSaved] = React.useState(false);
  const form = React.useMemo(() => settingsForm(trans), [trans]);
  const save = async () => {
    setSaved(false);
    try {
      const updated = await mlops.jobs.update(job.name, { policies: changedPolicies(values, policies) });
      setValues(formValuesOf(updated.policies ?? {}));
      setError(null);
      setSaved(true);
      props.onChange();
    } catch (problem) {
      setError(formErrorOf(problem));
    }
  };
  const path = pathOf(error?.field.replace('policies.', '') ?? '');
  return (
    <div className="jp-mlops-settings">
      <Form
        id="jp-mlops-settings"
        form={form}
        values={values}
        errors={error && path ? { [path]: error.message } : {}}
        onChange={changed => {
          setValues(changed);
          setError(null);
        }}
        onSubmit={() => void save()}
        translator={mlops.translator}
      >
        <Problem>{error && !path ? error.message : null}</Problem>
        <div className="jp-mlops-row">
          <button type="button" className="jp-mod-styled jp-mod-warn" onClick={() => void props.remove()}>
            {trans.__('Delete job…')}
          </button>
          <span className="jp-mlops-grow" />
          <span role="status" className="jp-mlops-secondary">
            {saved ? trans.__('Saved.') : ''}
          </span>
          <button type="submit" className="jp-mod-styled jp-mod-accept">
            {trans.__('Save')}
          </button>
        </div>
      </Form>
    </div>
  );
}
