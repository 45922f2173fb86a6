import * as React from 'react';
import { acceptButton, ask, IRefusal } from '../ask';
import { duration, moment, short } from '../format';
import { RequestError, wordsOf } from '../request';
import { attempt, IRunDoor } from '../runs/actions';
import { useAnswer } from '../signal';
import { StateMark, stateWord } from '../states';
import { IMlops } from '../tokens';
import { BatchMade, Parameter, State } from '../types';
import { parametersOf } from './schedule';

const SOON = 250; // ms without a keystroke until it is counted
const DAY = 86400000; // ms
const OPTIONS: Record<string, string> = { tz: 'zone', '--to': 'end' }; // fields that go by their option's name

interface IField {
  /** As the request has it. */
  name: string;
  label: string;
  type?: string;
  placeholder?: string;
  help?: string;
}

/** Fields of plain texts, and how many runs they ask for. */
function Fields(props: {
  mlops: IMlops;
  fields: readonly IField[];
  values: Record<string, string>;
  count: () => Promise<BatchMade>;
  refusal: IRefusal | null;
}): JSX.Element {
  const { mlops, fields, refusal } = props;
  const { trans } = mlops;
  const [values, setValues] = React.useState(props.values);
  const [asked, setAsked] = React.useState('');
  const box = React.useRef<HTMLDivElement>(null);
  const text = JSON.stringify(values);
  React.useEffect(() => {
    const timer = window.setTimeout(() => setAsked(text), SOON);
    return () => window.clearTimeout(timer);
  }, [text]);
  const told = useAnswer<BatchMade | null>(() => (asked ? props.count() : Promise.resolve(null)), [asked]);
  const problem = told.problem
    ? { field: told.problem instanceof RequestError ? told.problem.field : '', words: wordsOf(told.problem) }
    : refusal;
  const place = problem ? (OPTIONS[problem.field] ?? problem.field) : '';
  const at = fields.find(field => [field.name, `parameters.${field.name}`].includes(place));
  const count = told.problem ? 0 : (told.value?.runs ?? 0);
  React.useEffect(() =>
    acceptButton(
      box.current,
      count ? trans._n('Start %1 run', 'Start %1 runs', count) : trans.__('Start runs'),
      count > 0
    )
  );
  return (
    <div ref={box}>
      {fields.map(one => (
        <label key={one.name} className="jp-mlops-field">
          <span>
            {one.label} {one.help ? <span className="jp-mlops-quiet">{one.help}</span> : null}
          </span>
          <input
            className="jp-mod-styled"
            type={one.type ?? 'text'}
            name={one.name}
            placeholder={one.placeholder}
            value={values[one.name] ?? ''}
            aria-invalid={at === one}
            aria-describedby={at === one ? 'jp-mlops-field-wrong' : undefined}
            onChange={event => {
              props.values[one.name] = event.target.value;
              setValues({ ...props.values });
            }}
          />
          {at === one ? (
            <em id="jp-mlops-field-wrong" className="jp-mlops-wrong" role="alert">
              {problem!.words}
            </em>
          ) : null}
        </label>
      ))}
      <p role="status" className={problem && !at ? 'jp-mlops-wrong' : 'jp-mlops-count'}>
        {problem
          ? at
            ? ''
            : problem.words
          : told.value
            ? trans._n('%1 run of %2', '%1 runs of %2', told.value.runs, told.value.version)
            : '…'}
      </p>
    </div>
  );
}

async function askFor(
  mlops: IMlops,
  title: string,
  fields: readonly IField[],
  values: Record<string, string>,
  send: (only_count: boolean) => Promise<BatchMade>
): Promise<number | null> {
  const { trans } = mlops;
  const made = await ask({
    title,
    act: trans.__('Start runs'),
    form: refusal => (
      <Fields mlops={mlops} fields={fields} values={values} count={() => send(true)} refusal={refusal} />
    ),
    work: () => send(false),
    trans
  });
  return made?.batch ?? null;
}

/** Ask for a span of time, and make a run for each of its slots. The batch's number; null if there is none. */
export async function backfill(mlops: IMlops, job: string): Promise<number | null> {
  const { trans } = mlops;
  const [schedule] = await mlops.jobs.schedules(job);
  const day = (back: number) => new Date(Date.now() - back * DAY).toISOString().slice(0, 10);
  const values: Record<string, string> = {
    begin: day(7),
    end: day(1),
    cron: schedule?.cron ?? '0 6 * * *',
    zone: schedule?.zone ?? (Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC'),
    at_once: '1'
  };
  const fields: IField[] = [
    { name: 'begin', label: trans.__('From'), type: 'date' },
    { name: 'end', label: trans.__('To, included'), type: 'date' },
    { name: 'cron', label: trans.__('Slots, as a cron expression') },
    { name: 'zone', label: trans.__('Time zone') },
    { name: 'at_once', label: trans.__('Runs at once'), type: 'number' }
  ];
  const parameters = schedule?.parameters ?? {};
  return askFor(mlops, trans.__('Backfill %1', job), fields, values, only_count =>
    mlops.jobs.backfill(job, {
      ...values,
      parameters,
      at_once: Math.max(1, Math.round(Number(values.at_once) || 1)),
      only_count
    })
  );
}

/** Ask for values of parameters, and make a run for each combination. */
export async function sweep(mlops: IMlops, job: string): Promise<number | null> {
  const { trans } = mlops;
  const known = await mlops.jobs.get(job);
  const parameters: Parameter[] = parametersOf(known.parameters ?? {});
  if (!parameters.length) {
    throw new Error(
      trans.__(
        '%1 has no parameters: give a cell of its notebook the role “parameters”, and publish it.',
        job
      )
    );
  }
  const values: Record<string, string> = { ' at once': '1' };
  const fields: IField[] = [
    ...parameters.map(parameter => ({
      name: parameter.name,
      label: parameter.name,
      help: [parameter.type, trans.__('values with commas between')].filter(Boolean).join(' · '),
      placeholder: short(parameter.default)
    })),
    { name: ' at once', label: trans.__('Runs at once'), type: 'number' }
  ];
  return askFor(mlops, trans.__('Sweep %1', job), fields, values, async only_count => {
    const axes = Object.fromEntries(
      parameters
        .map(({ name }) => [name, valuesOf(values[name] ?? '')] as const)
        .filter(([, some]) => some.length > 0)
    );
    if (!Object.keys(axes).length) {
      throw new Error(trans.__('Give values to one parameter at least: each combination is a run.'));
    }
    const at_once = Math.max(1, Math.round(Number(values[' at once']) || 1));
    return mlops.jobs.sweep(job, { axes, at_once, only_count });
  });
}

/** Texts between commas; commas within brackets, braces and quotes part nothing. */
export function valuesOf(text: string): string[] {
  const found: string[] = [''];
  let depth = 0;
  let quote = '';
  for (const sign of text) {
    if (sign === ',' && !depth && !quote) {
      found.push('');
      continue;
    }
    if (quote) {
      quote = sign === quote ? '' : quote;
    } else if (sign === '"' || sign === "'") {
      quote = sign;
    } else if ('[{('.includes(sign)) {
      depth += 1;
    } else if (']})'.includes(sign)) {
      depth = Math.max(0, depth - 1);
    }
    found[found.length - 1] += sign;
  }
  return found.map(one => one.trim()).filter(Boolean);
}

/** A backfill or a sweep as a table: a row a run. */
export function BatchView(props: { mlops: IMlops; batch: number; door: IRunDoor }): JSX.Element {
  const { mlops, batch, door } = props;
  const { trans, feed } = mlops;
  const told = useAnswer(() => mlops.jobs.batch(batch), [batch]);
  React.useEffect(() => {
    const hear = (_: unknown, event: { kind: string }) => event.kind === 'run' && told.again();
    feed.heard.connect(hear);
    return () => {
      feed.heard.disconnect(hear);
    };
  }, [batch]);
  if (!told.value) {
    return (
      <div className="jp-mlops-empty">{told.problem ? wordsOf(told.problem) : trans.__('Loading…')}</div>
    );
  }
  const { runs, states } = told.value;
  const parameters = [...new Set(runs.flatMap(run => Object.keys(run.parameters)))];
  const metrics = [...new Set(runs.flatMap(run => Object.keys(run.metrics)))];
  const slots = runs.some(run => run.slot !== null);
  const going = (states.queued ?? 0) + (states.running ?? 0);
  return (
    <section aria-label={trans.__('Batch %1', batch)}>
      <div className="jp-mlops-line">
        <h3>
          {told.value.kind === 'sweep' ? trans.__('Sweep %1', batch) : trans.__('Backfill %1', batch)}
          {' · '}
          {Object.entries(states)
            .map(([state, count]) => `${count} ${stateWord(state as State, trans)}`)
            .join(', ')}
        </h3>
        {going ? (
          <button
            className="jp-mod-styled"
            onClick={() =>
              void attempt(trans.__('It could not be stopped'), () => mlops.jobs.stopBatch(batch))
            }
          >
            {trans.__('Stop all')}
          </button>
        ) : null}
      </div>
      <table className="jp-mlops-table jp-mod-wide">
        <thead>
          <tr>
            <th>{trans.__('Run')}</th>
            {slots ? <th>{trans.__('Slot')}</th> : null}
            {[...parameters, ...metrics].map((name, at) => (
              <th key={at} className="jp-mlops-number">
                {name}
              </th>
            ))}
            <th className="jp-mlops-number">{trans.__('Time')}</th>
          </tr>
        </thead>
        <tbody>
          {runs.map(run => (
            <tr key={run.id}>
              <td>
                <button className="jp-mlops-link" onClick={() => door.open(run.id)}>
                  <StateMark state={run.state} trans={trans} />
                </button>
              </td>
              {slots ? <td className="jp-mlops-time">{moment(run.slot)}</td> : null}
              {parameters.map(name => (
                <td key={name} className="jp-mlops-number">
                  {short(run.parameters[name])}
                </td>
              ))}
              {metrics.map(name => (
                <td key={name} className="jp-mlops-number">
                  {short(run.metrics[name] ?? '')}
                </td>
              ))}
              <td className="jp-mlops-number">{duration(run.seconds)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
