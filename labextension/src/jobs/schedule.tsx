import { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import { Form, IField, choiceOf, formErrorOf, sectionOf, textOf } from '../form';
import { FormModel, showFormDialog, useAcceptButton } from '../formDialog';
import { formatTimeInZone } from '../format';
import { ParametersForm } from '../parameters/view';
import { useDebounced, useRequest } from '../hooks';
import { Problem } from '../notices';
import { IMlops } from '../tokens';
import { CronDescription, Parameter, Schedule, Values } from '../types';
import { cronOf, IPreset, Frequency, presetOf, WEEKDAYS } from './presets';

interface IScheduleForm {
  cron: string;
  zone: string;
  version: string;
  missed: string;
  overlap: string;
  parameters: Values;
}

const DEBOUNCE_MS = 250; // ms without a keystroke until the server is asked what a cron expression says

/** What happens to a slot that was missed, in words. */
export function missedLabels(trans: TranslationBundle): Record<string, string> {
  return {
    latest: trans.__('run once for the latest missed time'),
    all: trans.__('run for each missed time, one after the other'),
    skip: trans.__('skip missed runs and list them as missed')
  };
}

/** What happens while the run before still goes on, in words. */
export function overlapLabels(trans: TranslationBundle): Record<string, string> {
  return {
    queue: trans.__('wait until the previous run ends'),
    skip: trans.__('skip this run'),
    allow: trans.__('run at the same time'),
    replace: trans.__('stop the previous run')
  };
}

/** The names of the days, by the language of who looks. */
function dayNames(): Record<string, string> {
  const monday = Date.UTC(2024, 0, 1);
  return Object.fromEntries(
    WEEKDAYS.map((name, index) => [
      name,
      new Date(monday + index * 86400000).toLocaleDateString(undefined, { weekday: 'long', timeZone: 'UTC' })
    ])
  );
}

/** The fields of a preset, beside those that all have: what they say is put into the cron expression. */
interface IWhen extends Omit<IPreset, 'hour'> {
  /** `HH:MM` */
  time: string;
  cron: string;
  zone: string;
}

const pad = (number: number) => String(number).padStart(2, '0');
const clamp = (number: number, least: number, most: number) => Math.min(most, Math.max(least, number));

/** What the fields of a schedule's time show. */
export function whenOf(preset: IPreset, cron: string, zone: string): IWhen {
  return { ...preset, time: `${pad(preset.hour)}:${pad(preset.minute)}`, cron, zone };
}

/** The preset that fields say; half a time, or a number out of range, is taken for what is nearest. */
export function presetFrom(when: IWhen, previous: IPreset): IPreset {
  const [hour, minute] = (when.time ?? '').split(':').map(Number);
  const hasTime = when.frequency !== 'hourly' && !Number.isNaN(minute) && minute !== undefined;
  return {
    frequency: when.frequency,
    weekday: when.weekday,
    day: clamp(Number(when.day) || 1, 1, 31),
    hour: hasTime ? hour : previous.hour,
    minute: hasTime ? minute : clamp(Number(when.minute) || 0, 0, 59)
  };
}

/** The fields of a preset, of a cron expression, and the time zone. */
function whenForm(frequency: Frequency, zones: string[], trans: TranslationBundle): IField {
  const frequencies: Record<Frequency, string> = {
    hourly: trans.__('Hourly'),
    daily: trans.__('Daily'),
    weekdays: trans.__('Weekdays'),
    weekly: trans.__('Weekly'),
    monthly: trans.__('Monthly'),
    custom: trans.__('Custom')
  };
  const range = (title: string, minimum: number, maximum: number): IField => ({
    schema: { type: 'integer', title, minimum, maximum }
  });
  const wide = { 'ui:classNames': 'jp-mod-wide' };
  return sectionOf('', {
    frequency: choiceOf(trans.__('How often'), frequencies, {
      ...wide,
      'ui:widget': 'buttons',
      'ui:options': { label: false }
    }),
    ...(frequency === 'weekly' ? { weekday: choiceOf(trans.__('Day of the week'), dayNames()) } : {}),
    ...(frequency === 'monthly' ? { day: range(trans.__('Day of the month'), 1, 31) } : {}),
    ...(frequency === 'hourly' ? { minute: range(trans.__('Minute of the hour'), 0, 59) } : {}),
    ...(frequency === 'hourly' || frequency === 'custom'
      ? {}
      : { time: textOf(trans.__('Time of day'), { 'ui:options': { inputType: 'time' } }) }),
    ...(frequency === 'custom'
      ? {
          cron: textOf(trans.__('Cron expression: minute, hour, day, month, weekday'), {
            'ui:classNames': 'jp-mod-wide jp-mlops-code'
          })
        }
      : {}),
    zone: textOf(trans.__('Time zone'), wide, zones)
  });
}

/** When: a preset with its time, or a cron expression; and the next times. */
function WhenFields(props: { mlops: IMlops; model: FormModel<IScheduleForm> }): JSX.Element {
  const { mlops, model } = props;
  const { trans } = mlops;
  const { cron, zone } = model.values;
  const [preset, setPreset] = React.useState<IPreset>(() => presetOf(cron));
  const debouncedCron = useDebounced(cron, DEBOUNCE_MS);
  const debouncedZone = useDebounced(zone, DEBOUNCE_MS);
  const { value, problem } = useRequest<CronDescription>(
    () => mlops.jobs.describeCron(debouncedCron, debouncedZone),
    [debouncedCron, debouncedZone]
  );
  const zones = React.useMemo(() => ['UTC', ...Intl.supportedValuesOf('timeZone')], []);
  const form = React.useMemo(
    () => whenForm(preset.frequency, zones, trans),
    [preset.frequency, zones, trans]
  );
  useAcceptButton(model, model.acceptLabel, !problem && cron.trim() !== '');
  const error = problem ? formErrorOf(problem) : null;
  const cronField = preset.frequency === 'custom' ? 'cron' : 'frequency';
  const change = (when: IWhen) => {
    const newPreset = presetFrom(when, preset);
    setPreset(newPreset);
    model.change({ cron: newPreset.frequency === 'custom' ? when.cron : cronOf(newPreset), zone: when.zone });
  };
  return (
    <>
      <Form
        id="jp-mlops-when"
        form={form}
        values={whenOf(preset, cron, zone)}
        errors={error ? { [error.field === 'tz' ? 'zone' : cronField]: error.message } : {}}
        onChange={change}
        translator={mlops.translator}
      />
      <div role="status" className="jp-mlops-preview">
        {!problem && value ? <NextTimes trans={trans} description={value} /> : null}
      </div>
    </>
  );
}

/** A cron expression in words, and its next times. */
function NextTimes(props: { trans: TranslationBundle; description: CronDescription }): JSX.Element {
  const { trans, description } = props;
  return (
    <>
      <p>{description.words}</p>
      <ol className="jp-mlops-secondary" aria-label={trans.__('Next five times')}>
        {description.upcoming.map(firing => (
          <li key={firing.time} title={firing.local}>
            {formatTimeInZone(firing.time, description.zone)}
            {firing.clocks_change ? (
              <em className="jp-mlops-state" data-state="missed">
                {' '}
                · {trans.__('clocks change that day')}
              </em>
            ) : null}
          </li>
        ))}
      </ol>
    </>
  );
}

/** When a job runs, which version of it, and with which parameters. */
function ScheduleFields(props: {
  mlops: IMlops;
  model: FormModel<IScheduleForm>;
  parameters: Parameter[];
  versions: string[];
}): JSX.Element {
  const { mlops, model, parameters, versions } = props;
  const { trans } = mlops;
  const { values, error } = model;
  const field = /^parameters\.(.+)$/.exec(error?.field ?? '')?.[1];
  const parametersOpen = React.useRef(Object.keys(values.parameters).length > 0);
  parametersOpen.current ||= field !== undefined; // and they stay open while they are corrected
  const form = sectionOf('', {
    version: choiceOf(
      trans.__('Version'),
      Object.fromEntries(
        versions.map(name => [name, name === 'latest' ? trans.__('Latest at the time of the run') : name])
      ),
      { 'ui:classNames': 'jp-mod-wide' }
    ),
    missed: choiceOf(trans.__('If a run was missed because no worker was running'), missedLabels(trans), {
      'ui:classNames': 'jp-mod-wide'
    }),
    overlap: choiceOf(trans.__('If the previous run is still running'), overlapLabels(trans), {
      'ui:classNames': 'jp-mod-wide'
    })
  });
  return (
    <>
      <Problem>{error && !field ? error.message : null}</Problem>
      <WhenFields mlops={mlops} model={model} />
      <Form
        id="jp-mlops-schedule"
        form={form}
        values={values}
        onChange={changed =>
          model.change({ version: changed.version, missed: changed.missed, overlap: changed.overlap })
        }
        translator={mlops.translator}
      />
      {parameters.length ? (
        <details open={parametersOpen.current || undefined}>
          <summary>{trans.__('Parameters')}</summary>
          <ParametersForm
            mlops={mlops}
            parameters={parameters}
            values={{ ...defaultsOf(parameters), ...values.parameters }}
            errors={field ? { [field]: error!.message } : {}}
            onChange={changed => model.change({ parameters: overridesOf(parameters, changed) })}
          />
        </details>
      ) : null}
    </>
  );
}

function defaultsOf(parameters: readonly Parameter[]): Values {
  return Object.fromEntries(parameters.map(parameter => [parameter.name, parameter.default]));
}

/** The values that are not the defaults. */
function overridesOf(parameters: readonly Parameter[], values: Values): Values {
  return Object.fromEntries(
    parameters
      .filter(({ name, default: value }) => JSON.stringify(values[name]) !== JSON.stringify(value))
      .map(({ name }) => [name, values[name]])
  );
}

/** Ask when a job is to run, and schedule it, or change a schedule that is there. True if that was done. */
export async function showScheduleDialog(mlops: IMlops, job: string, existing?: Schedule): Promise<boolean> {
  const { trans } = mlops;
  const [details, versions] = await Promise.all([mlops.jobs.get(job), mlops.jobs.versions(job)]);
  const values: IScheduleForm = {
    cron: existing?.cron ?? cronOf(presetOf('0 6 * * *')),
    zone: existing?.zone ?? (Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC'),
    version: existing?.version ?? 'latest',
    missed: existing?.missed ?? 'latest',
    overlap: existing?.overlap ?? 'queue',
    parameters: { ...existing?.parameters }
  };
  const names = new Set([
    'latest',
    ...Object.keys(details.aliases).map(name => `@${name}`),
    ...versions.map(version => version.version),
    values.version
  ]);
  const parameters = parametersOf(details.parameters ?? {});
  const response = await showFormDialog({
    title: existing ? trans.__('Change the schedule of %1', job) : trans.__('Schedule %1', job),
    values,
    acceptLabel: existing ? trans.__('Change schedule') : trans.__('Schedule'),
    renderForm: model => (
      <ScheduleFields mlops={mlops} model={model} parameters={parameters} versions={[...names]} />
    ),
    submit: form =>
      existing ? mlops.jobs.updateSchedule(existing.id, form) : mlops.jobs.createSchedule({ job, ...form }),
    trans
  });
  return response !== undefined;
}

/** Parameters as a version's JSON schema tells them. */
export function parametersOf(schema: Values): Parameter[] {
  const properties = (schema.properties ?? {}) as Record<string, Record<string, unknown>>;
  return Object.entries(properties).map(([name, property]) => ({
    name,
    type: String(property['x-type'] ?? property.type ?? ''),
    default: property.default ?? null,
    help: String(property.description ?? ''),
    choices: (property.enum as unknown[]) ?? [],
    required: ((schema.required ?? []) as string[]).includes(name),
    cell: -1
  }));
}
