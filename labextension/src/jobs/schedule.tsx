import { Dialog, ReactWidget, showDialog } from '@jupyterlab/apputils';
import * as React from 'react';
import { ParametersForm } from '../parameters/view';
import { wordsOf } from '../request';
import { useAnswer } from '../signal';
import { IMlops } from '../tokens';
import { CronTold, Parameter, Values } from '../types';

interface IScheduleForm {
  cron: string;
  zone: string;
  version: string;
  missed: string;
  overlap: string;
  parameters: Values;
}

const PRESETS: [string, string][] = [
  ['hourly', '0 * * * *'],
  ['daily', '0 6 * * *'],
  ['weekdays', '0 6 * * MON-FRI'],
  ['weekly', '0 6 * * MON'],
  ['monthly', '0 6 1 * *']
];

class ScheduleBody extends ReactWidget implements Dialog.IBodyWidget<IScheduleForm> {
  constructor(
    private readonly mlops: IMlops,
    private readonly form: IScheduleForm,
    private readonly parameters: Parameter[],
    private readonly versions: string[]
  ) {
    super();
    this.addClass('jp-mlops-dialog');
  }

  getValue(): IScheduleForm {
    return this.form;
  }

  render(): JSX.Element {
    return (
      <ScheduleFields
        mlops={this.mlops}
        form={this.form}
        parameters={this.parameters}
        versions={this.versions}
      />
    );
  }
}

function ScheduleFields(props: {
  mlops: IMlops;
  form: IScheduleForm;
  parameters: Parameter[];
  versions: string[];
}): JSX.Element {
  const { mlops, parameters, versions } = props;
  const { trans } = mlops;
  const [form, setForm] = React.useState(props.form);
  const put = (part: Partial<IScheduleForm>) => {
    Object.assign(props.form, part);
    setForm({ ...props.form });
  };
  const preset = PRESETS.find(([, cron]) => cron === form.cron)?.[0] ?? 'custom';
  const [custom, setCustom] = React.useState(preset === 'custom');
  const told = useAnswer<CronTold>(() => mlops.jobs.cron(form.cron, form.zone), [form.cron, form.zone]);
  const words: Record<string, string> = {
    hourly: trans.__('Hourly'),
    daily: trans.__('Daily'),
    weekdays: trans.__('Weekdays'),
    weekly: trans.__('Weekly'),
    monthly: trans.__('Monthly')
  };
  const zones = React.useMemo(() => {
    const of = (Intl as unknown as { supportedValuesOf?: (key: string) => string[] }).supportedValuesOf;
    return ['UTC', ...(of ? of.call(Intl, 'timeZone') : [])];
  }, []);
  const wrong = told.problem ? wordsOf(told.problem) : '';
  return (
    <div>
      <div className="jp-mlops-presets" role="group" aria-label={trans.__('How often')}>
        {PRESETS.map(([name, cron]) => (
          <button
            key={name}
            type="button"
            className="jp-mlops-preset"
            aria-pressed={!custom && preset === name}
            onClick={() => {
              setCustom(false);
              put({ cron });
            }}
          >
            {words[name]}
          </button>
        ))}
        <button
          type="button"
          className="jp-mlops-preset"
          aria-pressed={custom}
          onClick={() => setCustom(true)}
        >
          {trans.__('Custom')}
        </button>
      </div>
      {custom ? (
        <label className="jp-mlops-field">
          <span>{trans.__('Cron expression')}</span>
          <input
            className="jp-mod-styled jp-mlops-code"
            value={form.cron}
            spellCheck={false}
            aria-invalid={wrong !== ''}
            onChange={event => put({ cron: event.target.value })}
          />
        </label>
      ) : null}
      <label className="jp-mlops-field">
        <span>{trans.__('Time zone')}</span>
        <input
          className="jp-mod-styled"
          list="jp-mlops-zones"
          value={form.zone}
          onChange={event => put({ zone: event.target.value })}
        />
        <datalist id="jp-mlops-zones">
          {zones.map(zone => (
            <option key={zone} value={zone} />
          ))}
        </datalist>
      </label>
      <div role="status" className="jp-mlops-told">
        {wrong && told.problem ? <em className="jp-mlops-wrong">{wrong}</em> : null}
        {!wrong && told.value ? (
          <>
            <p>{told.value.words}</p>
            <ol>
              {told.value.upcoming.map(one => (
                <li key={one.time}>
                  {one.local.slice(0, 16).replace('T', ' ')} {form.zone}
                  {one.clocks_change ? <em> · {trans.__('clocks change that day')}</em> : null}
                </li>
              ))}
            </ol>
          </>
        ) : null}
      </div>
      <label className="jp-mlops-field">
        <span>{trans.__('Version')}</span>
        <span className="jp-select-wrapper jp-mlops-select">
          <select
            className="jp-mod-styled"
            value={form.version}
            onChange={event => put({ version: event.target.value })}
          >
            {versions.map(name => (
              <option key={name} value={name}>
                {name === 'latest' ? trans.__('the latest at the time') : name}
              </option>
            ))}
          </select>
        </span>
      </label>
      <label className="jp-mlops-field">
        <span>{trans.__('When it was missed (nothing was running)')}</span>
        <span className="jp-select-wrapper jp-mlops-select">
          <select
            className="jp-mod-styled"
            value={form.missed}
            onChange={event => put({ missed: event.target.value })}
          >
            <option value="latest">{trans.__('make up for the latest one')}</option>
            <option value="all">{trans.__('make up for all, one after the other')}</option>
            <option value="skip">{trans.__('leave them out, and say so')}</option>
          </select>
        </span>
      </label>
      <label className="jp-mlops-field">
        <span>{trans.__('While the one before still runs')}</span>
        <span className="jp-select-wrapper jp-mlops-select">
          <select
            className="jp-mod-styled"
            value={form.overlap}
            onChange={event => put({ overlap: event.target.value })}
          >
            <option value="queue">{trans.__('wait for it')}</option>
            <option value="skip">{trans.__('leave this one out')}</option>
            <option value="allow">{trans.__('run beside it')}</option>
            <option value="replace">{trans.__('stop it, and run this one')}</option>
          </select>
        </span>
      </label>
      {parameters.length ? (
        <details className="jp-mlops-diff">
          <summary>{trans.__('Parameters')}</summary>
          <ParametersForm
            mlops={mlops}
            parameters={parameters}
            values={{
              ...Object.fromEntries(parameters.map(one => [one.name, one.default])),
              ...form.parameters
            }}
            errors={{}}
            onChange={values =>
              put({
                parameters: Object.fromEntries(
                  parameters
                    .filter(one => JSON.stringify(values[one.name]) !== JSON.stringify(one.default))
                    .map(one => [one.name, values[one.name]])
                )
              })
            }
          />
        </details>
      ) : null}
    </div>
  );
}

/** Ask when a job is to run, and schedule it. True if it was scheduled. */
export async function schedule(mlops: IMlops, job: string): Promise<boolean> {
  const { trans } = mlops;
  const [known, versions] = await Promise.all([mlops.jobs.get(job), mlops.jobs.versions(job)]);
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC';
  const form: IScheduleForm = {
    cron: PRESETS[1][1],
    zone,
    version: 'latest',
    missed: 'latest',
    overlap: 'queue',
    parameters: {}
  };
  const names = [
    'latest',
    ...Object.keys(known.aliases).map(name => `@${name}`),
    ...versions.map(one => one.version)
  ];
  const answer = await showDialog({
    title: trans.__('Schedule %1', job),
    body: new ScheduleBody(mlops, form, parametersOf(known.parameters ?? {}), names),
    buttons: [
      Dialog.cancelButton({ label: trans.__('Cancel') }),
      Dialog.okButton({ label: trans.__('Schedule') })
    ]
  });
  if (!answer.button.accept) {
    return false;
  }
  await mlops.jobs.schedule({ job, ...form });
  return true;
}

/** Parameters as a version's JSON schema tells them. */
export function parametersOf(schema: Values): Parameter[] {
  const properties = (schema.properties ?? {}) as Record<string, Record<string, unknown>>;
  return Object.entries(properties).map(([name, told]) => ({
    name,
    type: String(told['x-type'] ?? told.type ?? ''),
    default: told.default ?? null,
    help: String(told.description ?? ''),
    choices: (told.enum as unknown[]) ?? [],
    required: false,
    cell: -1
  }));
}
