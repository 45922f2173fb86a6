import { NotebookPanel } from '@jupyterlab/notebook';
import { FormComponent, undoIcon } from '@jupyterlab/ui-components';
import type { ReadonlyJSONObject } from '@lumino/coreutils';
import validatorAjv8 from '@rjsf/validator-ajv8';
import * as React from 'react';
import { given, moment, short } from '../format';
import { useSignal } from '../signal';
import { IMlops } from '../tokens';
import { Parameter, Values } from '../types';
import { fieldOf, fromField, isJson, schemaOf, toField } from './model';

const PREFIX = 'jp-mlops-parameters';

/** What each row of the form knows beside its field. */
interface IFormContext {
  parameters: Map<string, Parameter>;
  changed: ReadonlySet<string>;
  reset: (name: string) => void;
  trans: IMlops['trans'];
}

/** What react-jsonschema-form gives to what draws a field. */
interface IRowProps {
  id: string;
  label: string;
  children: React.ReactNode;
  rawErrors?: string[];
  formContext?: unknown;
}

/** A parameter: its name, its field, then its type and what it is for. */
function Row(props: IRowProps): JSX.Element {
  const { id, label, children, rawErrors } = props;
  const { parameters, changed, reset, trans } = props.formContext as IFormContext;
  const parameter = id === PREFIX ? undefined : parameters.get(label);
  if (!parameter) {
    return <div className="jp-mlops-form">{children}</div>;
  }
  const differs = changed.has(parameter.name);
  const told = [
    parameter.type,
    differs ? trans.__('default %1', short(parameter.default, 40)) : '',
    parameter.help
  ].filter(Boolean);
  const wrong = [...new Set(rawErrors ?? [])];
  return (
    <div className="jp-mlops-parameter" data-changed={differs} data-wrong={wrong.length > 0}>
      <label htmlFor={id} title={parameter.name}>
        {differs ? (
          <span className="jp-mlops-changed" title={trans.__('changed')}>
            ●<span className="jp-mlops-hidden">{trans.__('changed')}</span>
          </span>
        ) : null}
        {parameter.name}
      </label>
      <div className="jp-mlops-parameter-field">{children}</div>
      <button
        type="button"
        className="jp-mlops-button"
        aria-label={trans.__('Reset %1', parameter.name)}
        title={trans.__('Reset to %1', short(parameter.default, 40))}
        disabled={!differs && !wrong.length}
        onClick={() => reset(parameter.name)}
      >
        <undoIcon.react tag="span" />
      </button>
      {wrong.length ? (
        <div className="jp-mlops-wrong" role="alert">
          {wrong.join('; ')}
        </div>
      ) : null}
      <div className="jp-mlops-parameter-told" title={told.join(' · ')}>
        {told.join(' · ')}
      </div>
    </div>
  );
}

const TEMPLATES = { FieldTemplate: Row };
const NOTHING = () => null;

/** A typed form of parameters; lists and dicts are written as JSON. */
export function ParametersForm(props: {
  mlops: IMlops;
  parameters: readonly Parameter[];
  values: Values;
  errors: Record<string, string>;
  onChange: (values: Values) => void;
  /** What is in fields and can't be a value. */
  onWrong?: (wrong: Record<string, string>) => void;
}): JSX.Element {
  const { parameters, mlops } = props;
  const { trans } = mlops;
  const [texts, setTexts] = React.useState<Values>({});
  const [wrong, setWrong] = React.useState<Record<string, string>>({});
  const shape = JSON.stringify(parameters);
  const schema = React.useMemo(() => schemaOf(parameters), [shape]);
  const ui = React.useMemo(
    () => ({
      'ui:submitButtonOptions': { norender: true },
      ...Object.fromEntries(parameters.map(one => [one.name, fieldOf(one)]))
    }),
    [shape]
  );
  const data = Object.fromEntries(
    parameters.map(one => [
      one.name,
      one.name in texts ? texts[one.name] : toField(one, props.values[one.name])
    ])
  );
  const errors = Object.fromEntries(
    Object.entries({ ...props.errors, ...wrong }).map(([name, text]) => [name, { __errors: [text] }])
  );

  function take(now: Values): void {
    const values: Values = {};
    const bad: Record<string, string> = {};
    const kept: Values = {};
    for (const one of parameters) {
      const { name } = one;
      try {
        values[name] = fromField(one, now[name]);
      } catch (error) {
        bad[name] = trans.__('Not JSON: %1', error instanceof Error ? error.message : String(error));
      }
      if (!(name in bad) && values[name] === undefined && one.default !== null) {
        bad[name] = trans.__('Give a value, or reset it');
      }
      if (name in bad) {
        kept[name] = now[name];
        values[name] = props.values[name];
      } else if (isJson(one) && now[name] !== toField(one, values[name])) {
        kept[name] = now[name];
      }
    }
    setWrong(bad);
    setTexts(kept);
    props.onWrong?.(bad);
    props.onChange(values);
  }

  const without = (all: Values, name: string) =>
    Object.fromEntries(Object.entries(all).filter(([key]) => key !== name));
  const context: IFormContext = {
    parameters: new Map(parameters.map(one => [one.name, one])),
    changed: new Set(
      parameters
        .filter(
          one => one.name in wrong || JSON.stringify(props.values[one.name]) !== JSON.stringify(one.default)
        )
        .map(one => one.name)
    ),
    reset: name => {
      const one = parameters.find(each => each.name === name)!;
      const left = without(wrong, name) as Record<string, string>;
      setWrong(left);
      setTexts(without(texts, name));
      props.onWrong?.(left);
      props.onChange({ ...props.values, [name]: one.default });
    },
    trans
  };
  return (
    <FormComponent
      validator={validatorAjv8 as never}
      schema={schema as never}
      formData={data as ReadonlyJSONObject}
      extraErrors={errors as never}
      liveValidate
      idPrefix={PREFIX}
      onChange={event => take((event.formData ?? {}) as Values)}
      onError={NOTHING}
      showErrorList={false}
      translator={mlops.translator}
      uiSchema={ui as never}
      formContext={context as never}
      templates={TEMPLATES as never}
      tagName="div"
    />
  );
}

/** The parameters of the next run of a notebook. */
export function ParametersView(props: { mlops: IMlops; panel: NotebookPanel }): JSX.Element {
  const { mlops, panel } = props;
  const { trans } = mlops;
  const { pipeline, runs, parameters } = mlops.desk(panel);
  useSignal(pipeline.changed, runs.changed, parameters.changed);
  const declared = pipeline.pipeline?.parameters ?? [];
  if (!declared.length) {
    return (
      <div className="jp-mlops-empty">
        {trans.__('None: give a cell the role “parameters”, and each of its assignments is one.')}
      </div>
    );
  }
  const count = Object.keys(parameters.given).length;
  const wrong = Object.keys(parameters.wrong).length;
  const earlier = runs.runs.filter(run => run.trigger !== 'reproduce').slice(0, 50);
  return (
    <div className="jp-mlops-parameters">
      <div className="jp-mlops-line">
        <span className="jp-mlops-quiet" role="status">
          {count ? trans._n('%1 changed', '%1 changed', count) : trans.__('defaults')}
        </span>
        <span className="jp-mlops-acts">
          <button className="jp-mlops-link" disabled={!count && !wrong} onClick={() => parameters.reset()}>
            {trans.__('Reset all')}
          </button>
          <select
            className="jp-mlops-link"
            aria-label={trans.__('Values of an earlier run')}
            value=""
            disabled={!earlier.length}
            onChange={event => {
              const run = earlier.find(one => one.id === event.target.value);
              if (run) {
                parameters.takeFrom(run, declared);
              }
            }}
          >
            <option value="">{trans.__('From run')}</option>
            {earlier.map(run => (
              <option key={run.id} value={run.id}>
                {moment(run.created)} · {given(run.parameters) || trans.__('defaults')}
              </option>
            ))}
          </select>
        </span>
      </div>
      <ParametersForm
        key={parameters.turn}
        mlops={mlops}
        parameters={declared}
        values={parameters.values(declared)}
        errors={parameters.errors}
        onChange={values => parameters.set(declared, values)}
        onWrong={found => (parameters.wrong = found)}
      />
    </div>
  );
}
