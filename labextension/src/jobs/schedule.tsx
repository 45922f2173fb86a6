import { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import { acceptButton, ask, IRefusal } from '../ask';
import { inZone } from '../format';
import { ParametersForm } from '../parameters/view';
import { RequestError, wordsOf } from '../request';
import { useAnswer } from '../signal';
import { IMlops } from '../tokens';
import { CronTold, Parameter, Schedule, Values } from '../types';
import { cronOf, IPreset, Often, OFTEN, presetOf, WEEKDAYS } from './presets';

interface IScheduleForm {
  cron: string;
  zone: string;
  version: string;
  missed: string;
  overlap: string;
  parameters: Values;
}

const SOON = 250; // ms without a keystroke until the server is asked what a cron expression says

/** What happens to a slot that was missed, in words. */
export function missedWords(trans: TranslationBundle): Record<string, string> {
  return {
    latest: trans.__('make up for the latest one'),
    all: trans.__('make up for all, one after the other'),
    skip: trans.__('leave them out, and say so')
  };
}

/** What happens while the run before still goes on, in words. */
export function overlapWords(trans: TranslationBundle): Record<string, string> {
  return {
    queue: trans.__('wait for the one before'),
    skip: trans.__('leave this one out'),
    allow: trans.__('run beside the one before'),
    replace: trans.__('stop the one before, and run this one')
  };
}

/** The names of the days, by the language of who looks. */
function dayNames(): Record<string, string> {
  const monday = Date.UTC(2024, 0, 1);
  return Object.fromEntries(
    WEEKDAYS.map((name, at) => [
      name,
      new Date(monday + at * 86400000).toLocaleDateString(undefined, { weekday: 'long', timeZone: 'UTC' })
    ])
  );
}

function Choice(props: {
  label: string;
  value: string;
  words: Record<string, string>;
  names?: readonly string[];
  onChange: (name: string) => void;
}): JSX.Element {
  return (
    <label className="jp-mlops-field">
      <span>{props.label}</span>
      <select
        className="jp-mlops-choice"
        value={props.value}
        onChange={event => props.onChange(event.target.value)}
      >
        {(props.names ?? Object.keys(props.words)).map(name => (
          <option key={name} value={name}>
            {props.words[name] ?? name}
          </option>
        ))}
      </select>
    </label>
  );
}

/** When: a preset with its time, or a cron expression. */
function When(props: {
  mlops: IMlops;
  cron: string;
  wrong: string;
  onChange: (cron: string) => void;
}): JSX.Element {
  const { trans } = props.mlops;
  const [preset, setPreset] = React.useState<IPreset>(() => presetOf(props.cron));
  const put = (part: Partial<IPreset>) => {
    const made = { ...preset, ...part };
    setPreset(made);
    if (made.often !== 'custom') {
      props.onChange(cronOf(made));
    }
  };
  const words: Record<Often, string> = {
    hourly: trans.__('Hourly'),
    daily: trans.__('Daily'),
    weekdays: trans.__('Weekdays'),
    weekly: trans.__('Weekly'),
    monthly: trans.__('Monthly'),
    custom: trans.__('Custom')
  };
  const two = (number: number) => String(number).padStart(2, '0');
  const { often } = preset;
  return (
    <>
      <div className="jp-mlops-presets" role="group" aria-label={trans.__('How often')}>
        {OFTEN.map(name => (
          <button
            key={name}
            type="button"
            className="jp-mlops-preset"
            aria-pressed={often === name}
            onClick={() => put({ often: name })}
          >
            {words[name]}
          </button>
        ))}
      </div>
      <div className="jp-mlops-when">
        {often === 'weekly' ? (
          <Choice
            label={trans.__('On')}
            value={preset.weekday}
            words={dayNames()}
            names={WEEKDAYS}
            onChange={weekday => put({ weekday })}
          />
        ) : null}
        {often === 'monthly' ? (
          <label className="jp-mlops-field">
            <span>{trans.__('On day')}</span>
            <input
              className="jp-mod-styled"
              type="number"
              min={1}
              max={31}
              value={preset.day}
              onChange={event => put({ day: Math.min(31, Math.max(1, Number(event.target.value) || 1)) })}
            />
          </label>
        ) : null}
        {often === 'hourly' ? (
          <label className="jp-mlops-field">
            <span>{trans.__('At minute')}</span>
            <input
              className="jp-mod-styled"
              type="number"
              min={0}
              max={59}
              value={preset.minute}
              onChange={event => put({ minute: Math.min(59, Math.max(0, Number(event.target.value) || 0)) })}
            />
          </label>
        ) : null}
        {often !== 'hourly' && often !== 'custom' ? (
          <label className="jp-mlops-field">
            <span>{trans.__('At')}</span>
            <input
              className="jp-mod-styled"
              type="time"
              value={`${two(preset.hour)}:${two(preset.minute)}`}
              onChange={event => {
                const [hour, minute] = event.target.value.split(':').map(Number);
                if (!Number.isNaN(minute)) {
                  put({ hour, minute });
                }
              }}
            />
          </label>
        ) : null}
        {often === 'custom' ? (
          <label className="jp-mlops-field">
            <span>{trans.__('Cron expression: minute, hour, day, month, weekday')}</span>
            <input
              className="jp-mod-styled jp-mlops-code"
              value={props.cron}
              spellCheck={false}
              aria-invalid={props.wrong !== ''}
              aria-describedby={props.wrong ? 'jp-mlops-cron-wrong' : undefined}
              onChange={event => props.onChange(event.target.value)}
            />
          </label>
        ) : null}
      </div>
      {props.wrong ? (
        <em id="jp-mlops-cron-wrong" className="jp-mlops-wrong" role="alert">
          {props.wrong}
        </em>
      ) : null}
    </>
  );
}

function ScheduleFields(props: {
  mlops: IMlops;
  form: IScheduleForm;
  parameters: Parameter[];
  versions: string[];
  refusal: IRefusal | null;
}): JSX.Element {
  const { mlops, parameters, versions, refusal } = props;
  const { trans } = mlops;
  const [form, setForm] = React.useState(props.form);
  const [asked, setAsked] = React.useState({ cron: form.cron, zone: form.zone });
  const box = React.useRef<HTMLDivElement>(null);
  const put = (part: Partial<IScheduleForm>) => {
    Object.assign(props.form, part);
    setForm({ ...props.form });
  };
  React.useEffect(() => {
    const timer = window.setTimeout(() => setAsked({ cron: form.cron, zone: form.zone }), SOON);
    return () => window.clearTimeout(timer);
  }, [form.cron, form.zone]);
  const told = useAnswer<CronTold>(() => mlops.jobs.cron(asked.cron, asked.zone), [asked.cron, asked.zone]);
  const problem = told.problem instanceof RequestError ? told.problem : null;
  const wrongZone = problem?.field === 'tz' ? problem.words : '';
  const wrongCron = told.problem && !wrongZone ? wordsOf(told.problem) : '';
  React.useEffect(() => acceptButton(box.current, null, !told.problem && form.cron.trim() !== ''));
  const zones = React.useMemo(() => {
    const of = (Intl as unknown as { supportedValuesOf?: (key: string) => string[] }).supportedValuesOf;
    return ['UTC', ...(of ? of.call(Intl, 'timeZone') : [])];
  }, []);
  const field = /^parameters\.(.+)$/.exec(refusal?.field ?? '')?.[1];
  return (
    <div ref={box}>
      {refusal && !field ? (
        <div className="jp-mlops-problem" role="alert">
          {refusal.words}
        </div>
      ) : null}
      <When mlops={mlops} cron={form.cron} wrong={wrongCron} onChange={cron => put({ cron })} />
      <label className="jp-mlops-field">
        <span>{trans.__('Time zone')}</span>
        <input
          className="jp-mod-styled"
          list="jp-mlops-zones"
          value={form.zone}
          spellCheck={false}
          aria-invalid={wrongZone !== ''}
          aria-describedby={wrongZone ? 'jp-mlops-zone-wrong' : undefined}
          onChange={event => put({ zone: event.target.value })}
        />
        <datalist id="jp-mlops-zones">
          {zones.map(zone => (
            <option key={zone} value={zone} />
          ))}
        </datalist>
        {wrongZone ? (
          <em id="jp-mlops-zone-wrong" className="jp-mlops-wrong" role="alert">
            {wrongZone}
          </em>
        ) : null}
      </label>
      <div role="status" className="jp-mlops-told">
        {!told.problem && told.value ? (
          <>
            <p>{told.value.words}</p>
            <ol aria-label={trans.__('The next five times')}>
              {told.value.upcoming.map(one => (
                <li key={one.time} title={one.local}>
                  {inZone(one.time, told.value!.zone)}
                  {one.clocks_change ? (
                    <em className="jp-mlops-clocks"> · {trans.__('clocks change that day')}</em>
                  ) : null}
                </li>
              ))}
            </ol>
          </>
        ) : null}
      </div>
      <Choice
        label={trans.__('Version')}
        value={form.version}
        words={{ latest: trans.__('the latest at the time') }}
        names={versions}
        onChange={version => put({ version })}
      />
      <Choice
        label={trans.__('When it was missed (nothing was running)')}
        value={form.missed}
        words={missedWords(trans)}
        onChange={missed => put({ missed })}
      />
      <Choice
        label={trans.__('While the one before still runs')}
        value={form.overlap}
        words={overlapWords(trans)}
        onChange={overlap => put({ overlap })}
      />
      {parameters.length ? (
        <details
          className="jp-mlops-diff"
          open={field !== undefined || Object.keys(props.form.parameters).length > 0 || undefined}
        >
          <summary>{trans.__('Parameters')}</summary>
          <ParametersForm
            mlops={mlops}
            parameters={parameters}
            values={{
              ...Object.fromEntries(parameters.map(one => [one.name, one.default])),
              ...form.parameters
            }}
            errors={field ? { [field]: refusal!.words } : {}}
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

/** Ask when a job is to run, and schedule it, or change a schedule that is there. True if that was done. */
export async function schedule(mlops: IMlops, job: string, there?: Schedule): Promise<boolean> {
  const { trans } = mlops;
  const [known, versions] = await Promise.all([mlops.jobs.get(job), mlops.jobs.versions(job)]);
  const form: IScheduleForm = {
    cron: there?.cron ?? cronOf(presetOf('0 6 * * *')),
    zone: there?.zone ?? (Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC'),
    version: there?.version ?? 'latest',
    missed: there?.missed ?? 'latest',
    overlap: there?.overlap ?? 'queue',
    parameters: { ...there?.parameters }
  };
  const names = new Set([
    'latest',
    ...Object.keys(known.aliases).map(name => `@${name}`),
    ...versions.map(one => one.version),
    form.version
  ]);
  const parameters = parametersOf(known.parameters ?? {});
  const made = await ask({
    title: there ? trans.__('Change the schedule of %1', job) : trans.__('Schedule %1', job),
    act: there ? trans.__('Change schedule') : trans.__('Schedule'),
    form: refusal => (
      <ScheduleFields
        mlops={mlops}
        form={form}
        parameters={parameters}
        versions={[...names]}
        refusal={refusal}
      />
    ),
    work: () => (there ? mlops.jobs.changeSchedule(there.id, form) : mlops.jobs.schedule({ job, ...form })),
    trans
  });
  return made !== undefined;
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
    required: ((schema.required ?? []) as string[]).includes(name),
    cell: -1
  }));
}
