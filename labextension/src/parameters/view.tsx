import { NotebookPanel } from '@jupyterlab/notebook';
import { FormComponent } from '@jupyterlab/ui-components';
import type { ReadonlyJSONObject } from '@lumino/coreutils';
import validatorAjv8 from '@rjsf/validator-ajv8';
import * as React from 'react';
import { given, moment } from '../format';
import { useSignal } from '../signal';
import { IMlops } from '../tokens';
import { Parameter, Values } from '../types';
import { fromField, isJson, schemaOf, toField } from './model';

/** A typed form of parameters; lists and dicts are written as JSON. */
export function ParametersForm(props: {
  mlops: IMlops;
  parameters: readonly Parameter[];
  values: Values;
  errors: Record<string, string>;
  onChange: (values: Values) => void;
}): JSX.Element {
  const { parameters, mlops } = props;
  const [texts, setTexts] = React.useState<Record<string, string>>({});
  const [wrong, setWrong] = React.useState<Record<string, string>>({});
  const shape = JSON.stringify(parameters);
  const schema = React.useMemo(() => {
    const made = schemaOf(parameters) as { properties: Record<string, Record<string, unknown>> };
    for (const one of parameters) {
      made.properties[one.name].default = toField(one, one.default);
    }
    return made;
  }, [shape]);
  const data = Object.fromEntries(
    parameters.map(one => [one.name, texts[one.name] ?? toField(one, props.values[one.name])])
  );
  const errors = Object.fromEntries(
    Object.entries({ ...props.errors, ...wrong }).map(([name, text]) => [name, { __errors: [text] }])
  );

  function take(now: Values): void {
    const values: Values = {};
    const bad: Record<string, string> = {};
    const kept: Record<string, string> = {};
    for (const one of parameters) {
      try {
        values[one.name] = fromField(one, now[one.name]);
      } catch (error) {
        bad[one.name] = mlops.trans.__(
          'Not JSON: %1',
          error instanceof Error ? error.message : String(error)
        );
        kept[one.name] = String(now[one.name]);
        values[one.name] = props.values[one.name];
      }
      if (isJson(one) && !(one.name in bad) && now[one.name] !== toField(one, values[one.name])) {
        kept[one.name] = String(now[one.name]);
      }
    }
    setWrong(bad);
    setTexts(kept);
    props.onChange(values);
  }

  const box = React.useRef<HTMLDivElement>(null);
  React.useEffect(() => {
    // The form's titles are headings; a field has to have a name as well.
    for (const one of parameters) {
      box.current
        ?.querySelector(`[id="jp-mlops-parameters_${CSS.escape(one.name)}"]`)
        ?.setAttribute('aria-label', one.name);
    }
  });
  return (
    <div ref={box}>
      <FormComponent
        validator={validatorAjv8 as never}
        schema={schema as never}
        formData={data as ReadonlyJSONObject}
        extraErrors={errors as never}
        liveValidate
        idPrefix="jp-mlops-parameters"
        onChange={event => take((event.formData ?? {}) as Values)}
        translator={mlops.translator}
        uiSchema={{ 'ui:submitButtonOptions': { norender: true } } as never}
        showModifiedFromDefault
        compact
        tagName="div"
      />
    </div>
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
  const earlier = runs.runs.slice(0, 10);
  return (
    <div className="jp-mlops-parameters">
      <div className="jp-mlops-line">
        <span className="jp-mlops-quiet" role="status">
          {count ? trans._n('%1 changed', '%1 changed', count) : trans.__('defaults')}
        </span>
        <span className="jp-mlops-acts">
          <button className="jp-mlops-link" disabled={!count} onClick={() => parameters.reset()}>
            {trans.__('Reset')}
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
                {moment(run.created)} {given(run.parameters)}
              </option>
            ))}
          </select>
        </span>
      </div>
      <ParametersForm
        mlops={mlops}
        parameters={declared}
        values={parameters.values(declared)}
        errors={parameters.errors}
        onChange={values => parameters.set(declared, values)}
      />
    </div>
  );
}
