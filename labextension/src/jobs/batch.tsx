import * as React from 'react';
import { Form, IField, formErrorOf, numberOf, sectionOf, textOf } from '../form';
import { FormModel, showFormDialog, useAcceptButton } from '../formDialog';
import { formatValue } from '../format';
import { useDebounced, useRequest } from '../hooks';
import { IMlops } from '../tokens';
import { BatchCreated, Parameter } from '../types';
import { parametersOf } from './schedule';

const DEBOUNCE_MS = 250; // ms without a keystroke until it is counted
const DAY_MS = 86400000; // ms

interface IBatchDialog<V> {
  title: string;
  form: IField;
  values: V;
  /** The field of the form that a field of the request is in. */
  fieldOf: (requestField: string) => string;
  createBatch: (values: V, onlyCount: boolean) => Promise<BatchCreated>;
}

/** What runs are made of, and how many there would be. */
function BatchFields<V extends object>(props: {
  mlops: IMlops;
  model: FormModel<V>;
  options: IBatchDialog<V>;
}): JSX.Element {
  const { mlops, model, options } = props;
  const { trans } = mlops;
  const debouncedText = useDebounced(JSON.stringify(model.values), DEBOUNCE_MS);
  const { value, problem } = useRequest(
    () => options.createBatch(JSON.parse(debouncedText) as V, true),
    [debouncedText]
  );
  const error = problem ? formErrorOf(problem) : model.error;
  const field = error ? options.fieldOf(error.field) : '';
  const count = problem ? 0 : (value?.runs ?? 0);
  useAcceptButton(
    model,
    count ? trans._n('Start %1 run', 'Start %1 runs', count) : trans.__('Start runs'),
    count > 0
  );
  return (
    <>
      <Form
        id="jp-mlops-batch"
        form={options.form}
        values={model.values}
        errors={error && field ? { [field]: error.message } : {}}
        onChange={values => model.change(values)}
        translator={mlops.translator}
      />
      <p role="status" className={error && !field ? 'jp-mlops-error' : 'jp-mlops-count jp-mlops-name'}>
        {error
          ? field
            ? ''
            : error.message
          : value
            ? trans._n('%1 run of %2', '%1 runs of %2', value.runs, value.version)
            : trans.__('Counting…')}
      </p>
    </>
  );
}

/** Ask for a batch, and make it. Its number; null if there is none. */
async function showBatchDialog<V extends object>(
  mlops: IMlops,
  options: IBatchDialog<V>
): Promise<number | null> {
  const { trans } = mlops;
  const created = await showFormDialog({
    title: options.title,
    values: options.values,
    acceptLabel: trans.__('Start runs'),
    renderForm: model => <BatchFields mlops={mlops} model={model} options={options} />,
    submit: values => options.createBatch(values, false),
    trans
  });
  return created?.batch ?? null;
}

const dateInput = { 'ui:options': { inputType: 'date' } };
const BACKFILL_FIELDS: Record<string, string> = {
  begin: 'begin',
  end: 'end',
  cron: 'cron',
  tz: 'zone',
  zone: 'zone',
  at_once: 'at_once'
};

/** Ask for a span of time, and make a run for each of its slots. The batch's number; null if there is none. */
export async function backfill(mlops: IMlops, job: string): Promise<number | null> {
  const { trans } = mlops;
  const [schedule] = await mlops.jobs.schedules(job);
  const day = (daysAgo: number) => new Date(Date.now() - daysAgo * DAY_MS).toISOString().slice(0, 10);
  const parameters = schedule?.parameters ?? {};
  return showBatchDialog(mlops, {
    title: trans.__('Backfill %1', job),
    form: sectionOf('', {
      begin: textOf(trans.__('First day'), dateInput),
      end: textOf(trans.__('Last day'), dateInput),
      cron: textOf(trans.__('Cron expression of the slots')),
      zone: textOf(trans.__('Time zone')),
      at_once: numberOf(trans.__('Concurrent runs'), {}, 'integer')
    }),
    values: {
      begin: day(7),
      end: day(1),
      cron: schedule?.cron ?? '0 6 * * *',
      zone: schedule?.zone ?? (Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC'),
      at_once: 1
    },
    fieldOf: name => BACKFILL_FIELDS[name] ?? '',
    createBatch: (values, only_count) =>
      mlops.jobs.backfill(job, { ...values, at_once: atOnce(values), parameters, only_count })
  });
}

/** Ask for values of parameters, and make a run for each combination. */
export async function sweep(mlops: IMlops, job: string): Promise<number | null> {
  const { trans } = mlops;
  const details = await mlops.jobs.get(job);
  const parameters: Parameter[] = parametersOf(details.parameters ?? {});
  if (!parameters.length) {
    throw new Error(
      trans.__(
        '%1 has no parameters. Give a cell of its notebook the role “parameters”, and publish the notebook.',
        job
      )
    );
  }
  const fields = parameters.map(
    parameter => [parameter.name, axisField(parameter, trans)] as [string, IField]
  );
  return showBatchDialog(mlops, {
    title: trans.__('Sweep %1', job),
    form: sectionOf('', {
      axes: sectionOf('', Object.fromEntries(fields)),
      at_once: numberOf(trans.__('Concurrent runs'), {}, 'integer')
    }),
    values: { axes: {} as Record<string, string>, at_once: 1 },
    fieldOf: name => {
      const axis = /^(?:parameters|axes)\.(.+)$/.exec(name)?.[1] ?? name;
      return parameters.some(parameter => parameter.name === axis) ? `axes.${axis}` : '';
    },
    createBatch: async (values, only_count) => {
      const axes = Object.fromEntries(
        Object.entries(values.axes)
          .map(([name, text]) => [name, splitValues(text ?? '')] as const)
          .filter(([, items]) => items.length > 0)
      );
      if (!Object.keys(axes).length) {
        throw new Error(trans.__('Enter values for at least one parameter. Each combination is a run.'));
      }
      return mlops.jobs.sweep(job, { axes, at_once: atOnce(values), only_count });
    }
  });
}

function axisField(parameter: Parameter, trans: IMlops['trans']): IField {
  const title = parameter.type ? `${parameter.name} · ${parameter.type}` : parameter.name;
  const placeholder = trans.__('%1; separate values with commas', formatValue(parameter.default));
  return textOf(title, { 'ui:placeholder': placeholder });
}

/** How many runs may go on together: 1 at least. */
function atOnce(values: { at_once?: number }): number {
  return Math.max(1, Math.round(Number(values.at_once) || 1));
}

/** Texts between commas; commas within brackets, braces and quotes part nothing. */
export function splitValues(text: string): string[] {
  const items: string[] = [''];
  let depth = 0;
  let quote = '';
  for (const char of text) {
    if (char === ',' && !depth && !quote) {
      items.push('');
      continue;
    }
    if (quote) {
      quote = char === quote ? '' : quote;
    } else if (char === '"' || char === "'") {
      quote = char;
    } else if ('[{('.includes(char)) {
      depth += 1;
    } else if (']})'.includes(char)) {
      depth = Math.max(0, depth - 1);
    }
    items[items.length - 1] += char;
  }
  return items.map(item => item.trim()).filter(Boolean);
}
