import { NotebookPanel } from '@jupyterlab/notebook';
import { ToolbarButtonComponent, undoIcon } from '@jupyterlab/ui-components';
import * as React from 'react';
import { Form } from '../form';
import { formatParameters, formatTime, formatValue } from '../format';
import { useSignal, useStable } from '../hooks';
import { Placeholder } from '../notices';
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
function ParameterRow(props: IRowProps): JSX.Element {
  const { id, label, children, rawErrors } = props;
  const { parameters, changed, reset, trans } = props.formContext as IFormContext;
  const parameter = id === PREFIX ? undefined : parameters.get(label);
  if (!parameter) {
    return <div className="jp-mlops-form jp-FormGroup-content">{children}</div>;
  }
  const differs = changed.has(parameter.name);
  const details = [
    parameter.type,
    differs ? trans.__('default %1', formatValue(parameter.default, 40)) : '',
    parameter.help
  ].filter(Boolean);
  const errors = [...new Set(rawErrors ?? [])];
  return (
    <div className="jp-mlops-field jp-mod-wide jp-mlops-parameter" data-wrong={errors.length > 0}>
      <label className="jp-mlops-small jp-mlops-truncate" htmlFor={id} title={details.join(' · ')}>
        <span className={differs ? 'jp-mlops-state jp-mlops-name' : ''} data-state="running">
          {parameter.name}
        </span>
        {[differs ? trans.__('changed') : '', ...details]
          .filter(Boolean)
          .map(detail => ` · ${detail}`)
          .join('')}
      </label>
      <div className="jp-mlops-row">
        <div className="jp-inputFieldWrapper jp-mlops-grow">{children}</div>
        <ToolbarButtonComponent
          icon={undoIcon}
          tooltip={trans.__('Reset %1', parameter.name)}
          enabled={differs || errors.length > 0}
          onClick={() => reset(parameter.name)}
        />
      </div>
      {errors.length ? (
        <div className="jp-mlops-error" id={`${id}__error`} role="alert">
          {errors.join('; ')}
        </div>
      ) : null}
    </div>
  );
}

/** A typed form of parameters; lists and dicts are written as JSON. */
export function ParametersForm(props: {
  mlops: IMlops;
  parameters: readonly Parameter[];
  values: Values;
  errors: Record<string, string>;
  onChange: (values: Values) => void;
  /** What is in fields and can't be a value. */
  onInvalid?: (invalid: Record<string, string>) => void;
}): JSX.Element {
  const { mlops } = props;
  const { trans } = mlops;
  const parameters = useStable(props.parameters);
  const [texts, setTexts] = React.useState<Values>({});
  const [invalid, setInvalid] = React.useState<Record<string, string>>({});
  const form = React.useMemo(
    () => ({
      schema: schemaOf(parameters),
      ui: Object.fromEntries(parameters.map(parameter => [parameter.name, fieldOf(parameter)]))
    }),
    [parameters]
  );
  const data = Object.fromEntries(
    parameters.map(parameter => [
      parameter.name,
      parameter.name in texts ? texts[parameter.name] : toField(parameter, props.values[parameter.name])
    ])
  );
  function applyFormData(formData: Values): void {
    const values: Values = {};
    const errors: Record<string, string> = {};
    const unparsedTexts: Values = {};
    for (const parameter of parameters) {
      const { name } = parameter;
      try {
        values[name] = fromField(parameter, formData[name]);
      } catch (error) {
        errors[name] = trans.__('Not JSON: %1', error instanceof Error ? error.message : String(error));
      }
      if (!(name in errors) && values[name] === undefined && parameter.default !== null) {
        errors[name] = trans.__('Enter a value, or reset it');
      }
      if (name in errors) {
        unparsedTexts[name] = formData[name];
        values[name] = props.values[name];
      } else if (isJson(parameter) && formData[name] !== toField(parameter, values[name])) {
        unparsedTexts[name] = formData[name];
      }
    }
    setInvalid(errors);
    setTexts(unparsedTexts);
    props.onInvalid?.(errors);
    props.onChange(values);
  }

  const omit = (values: Values, name: string) =>
    Object.fromEntries(Object.entries(values).filter(([key]) => key !== name));
  const context: IFormContext = {
    parameters: new Map(parameters.map(parameter => [parameter.name, parameter])),
    changed: new Set(
      parameters
        .filter(
          parameter =>
            parameter.name in invalid ||
            JSON.stringify(props.values[parameter.name]) !== JSON.stringify(parameter.default)
        )
        .map(parameter => parameter.name)
    ),
    reset: name => {
      const parameter = parameters.find(parameter => parameter.name === name)!;
      const remaining = omit(invalid, name) as Record<string, string>;
      setInvalid(remaining);
      setTexts(omit(texts, name));
      props.onInvalid?.(remaining);
      props.onChange({ ...props.values, [name]: parameter.default });
    },
    trans
  };
  return (
    <Form
      id={PREFIX}
      form={form}
      values={data}
      errors={{ ...props.errors, ...invalid }}
      onChange={applyFormData}
      translator={mlops.translator}
      row={ParameterRow}
      context={context}
      validate
    />
  );
}

/** The parameters of the next run of a notebook. */
export function ParametersView(props: { mlops: IMlops; panel: NotebookPanel }): JSX.Element {
  const { mlops, panel } = props;
  const { trans } = mlops;
  const { pipeline, runs, parameters } = mlops.stateFor(panel);
  useSignal(pipeline.changed);
  useSignal(runs.changed);
  useSignal(parameters.changed);
  const declared = pipeline.pipeline?.parameters ?? [];
  if (!declared.length) {
    return (
      <Placeholder trans={trans}>
        {trans.__(
          'No parameters. Assign the role “parameters” to a cell; each of its assignments becomes a parameter.'
        )}
      </Placeholder>
    );
  }
  const count = Object.keys(parameters.overrides).length;
  const invalidCount = Object.keys(parameters.invalid).length;
  const earlierRuns = runs.runs
    .filter(run => !['reproduce', 'why', 'backtest'].includes(run.trigger))
    .slice(0, 50);
  return (
    <div className="jp-mlops-parameters">
      <div className="jp-mlops-line">
        <span className="jp-mlops-secondary" role="status">
          {count ? trans._n('%1 changed', '%1 changed', count) : trans.__('defaults')}
        </span>
        <span className="jp-mlops-acts">
          <button
            className="jp-mlops-link"
            disabled={!count && !invalidCount}
            onClick={() => parameters.reset()}
          >
            {trans.__('Reset all')}
          </button>
          <select
            className="jp-mlops-choice"
            aria-label={trans.__('Values of an earlier run')}
            value=""
            disabled={!earlierRuns.length}
            onChange={event => {
              const run = earlierRuns.find(run => run.id === event.target.value);
              if (run) {
                parameters.copyFromRun(run, declared);
              }
            }}
          >
            <option value="">{trans.__('From run')}</option>
            {earlierRuns.map(run => (
              <option key={run.id} value={run.id}>
                {formatTime(run.created)} · {formatParameters(run.parameters) || trans.__('defaults')}
              </option>
            ))}
          </select>
        </span>
      </div>
      <ParametersForm
        key={parameters.revision}
        mlops={mlops}
        parameters={declared}
        values={parameters.values(declared)}
        errors={parameters.errors}
        onChange={values => parameters.set(declared, values)}
        onInvalid={invalid => (parameters.invalid = invalid)}
      />
    </div>
  );
}
