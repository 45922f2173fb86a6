import { Dialog, ReactWidget, showDialog } from '@jupyterlab/apputils';
import * as React from 'react';
import { duration, moment, short } from '../format';
import { RequestError, wordsOf } from '../request';
import { attempt, IRunDoor } from '../runs/actions';
import { useAnswer } from '../signal';
import { StateMark } from '../states';
import { IMlops } from '../tokens';
import { BatchMade, Parameter, Values } from '../types';
import { parametersOf } from './schedule';

/** What a form asks for: what is counted, and then made. */
interface IAsk {
  body: Values;
  send: (body: Values) => Promise<BatchMade>;
}

class AskBody extends ReactWidget implements Dialog.IBodyWidget<IAsk> {
  constructor(
    readonly ask: IAsk,
    private readonly _form: (ask: IAsk) => JSX.Element
  ) {
    super();
    this.addClass('jp-mlops-dialog');
  }

  getValue(): IAsk {
    return this.ask;
  }

  render(): JSX.Element {
    return this._form(this.ask);
  }
}

/** How many runs there would be, told while the form is filled in. */
function Count(props: { mlops: IMlops; ask: IAsk; body: string }): JSX.Element {
  const { trans } = props.mlops;
  const told = useAnswer(() => props.ask.send({ ...props.ask.body, only_count: true }), [props.body]);
  const wrong = told.problem instanceof RequestError ? told.problem.words : '';
  return (
    <p role="status" className={wrong ? 'jp-mlops-wrong' : ''}>
      {wrong ||
        (told.value ? trans._n('%1 run of %2', '%1 runs of %2', told.value.runs, told.value.version) : '…')}
    </p>
  );
}

/** Fields of plain texts, with the count below. */
function Fields(props: {
  mlops: IMlops;
  ask: IAsk;
  fields: { name: string; label: string; type?: string; placeholder?: string; value?: string }[];
  bodyOf: (values: Record<string, string>) => Values;
}): JSX.Element {
  const [values, setValues] = React.useState<Record<string, string>>(() =>
    Object.fromEntries(props.fields.map(one => [one.name, one.value ?? '']))
  );
  props.ask.body = props.bodyOf(values);
  return (
    <div>
      {props.fields.map(one => (
        <label key={one.name} className="jp-mlops-field">
          <span>{one.label}</span>
          <input
            className="jp-mod-styled"
            type={one.type ?? 'text'}
            name={one.name}
            placeholder={one.placeholder}
            value={values[one.name]}
            onChange={event => setValues({ ...values, [one.name]: event.target.value })}
          />
        </label>
      ))}
      <Count mlops={props.mlops} ask={props.ask} body={JSON.stringify(props.ask.body)} />
    </div>
  );
}

async function asked(title: string, body: AskBody, label: string, mlops: IMlops): Promise<number | null> {
  const { trans } = mlops;
  const answer = await showDialog({
    title,
    body,
    buttons: [Dialog.cancelButton({ label: trans.__('Cancel') }), Dialog.okButton({ label })]
  });
  if (!answer.button.accept) {
    return null;
  }
  return (await body.ask.send(body.ask.body)).batch ?? null;
}

/** Ask for a span of time, and make a run for each of its slots. The batch's number; null if there is none. */
export async function backfill(mlops: IMlops, job: string): Promise<number | null> {
  const { trans } = mlops;
  const [schedule] = await mlops.jobs.schedules(job);
  const day = (back: number) => new Date(Date.now() - back * 86400000).toISOString().slice(0, 10);
  const ask: IAsk = { body: {}, send: body => mlops.jobs.backfill(job, body) };
  const body = new AskBody(ask, one => (
    <Fields
      mlops={mlops}
      ask={one}
      fields={[
        { name: 'begin', label: trans.__('From'), type: 'date', value: day(7) },
        { name: 'end', label: trans.__('To, included'), type: 'date', value: day(1) },
        {
          name: 'cron',
          label: trans.__('Slots, as a cron expression'),
          value: schedule?.cron ?? '0 6 * * *'
        },
        { name: 'zone', label: trans.__('Time zone'), value: schedule?.zone ?? 'UTC' },
        { name: 'at_once', label: trans.__('Runs at once'), type: 'number', value: '1' }
      ]}
      bodyOf={values => ({ ...values, at_once: Number(values.at_once) || 1 })}
    />
  ));
  return asked(trans.__('Backfill %1', job), body, trans.__('Start runs'), mlops);
}

/** Ask for values of parameters, and make a run for each combination. */
export async function sweep(mlops: IMlops, job: string): Promise<number | null> {
  const { trans } = mlops;
  const known = await mlops.jobs.get(job);
  const parameters: Parameter[] = parametersOf(known.parameters ?? {});
  const ask: IAsk = { body: {}, send: body => mlops.jobs.sweep(job, body) };
  const body = new AskBody(ask, one => (
    <Fields
      mlops={mlops}
      ask={one}
      fields={[
        ...parameters.map(parameter => ({
          name: parameter.name,
          label: trans.__('%1, values with commas between', parameter.name),
          placeholder: short(parameter.default)
        })),
        { name: ' at once', label: trans.__('Runs at once'), type: 'number', value: '1' }
      ]}
      bodyOf={values => ({
        axes: Object.fromEntries(
          parameters
            .filter(parameter => (values[parameter.name] ?? '').trim())
            .map(parameter => [parameter.name, values[parameter.name].split(',').map(text => text.trim())])
        ),
        at_once: Number(values[' at once']) || 1
      })}
    />
  ));
  return asked(trans.__('Sweep %1', job), body, trans.__('Start runs'), mlops);
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
  const going = (states.queued ?? 0) + (states.running ?? 0);
  return (
    <section aria-label={trans.__('Batch %1', batch)}>
      <div className="jp-mlops-line">
        <h3>
          {told.value.kind} {batch} ·{' '}
          {Object.entries(states)
            .map(([state, count]) => `${count} ${state}`)
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
            <th>{trans.__('Slot')}</th>
            {[...parameters, ...metrics].map(name => (
              <th key={name}>{name}</th>
            ))}
            <th>{trans.__('Time')}</th>
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
              <td>{moment(run.slot)}</td>
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
