import { ITranslator } from '@jupyterlab/translation';
import { FormComponent } from '@jupyterlab/ui-components';
import type { ReadonlyJSONObject } from '@lumino/coreutils';
import { getDefaultRegistry } from '@rjsf/core';
import validator from '@rjsf/validator-ajv8';
import * as React from 'react';
import { RequestError, errorMessage } from './request';

/** What is wrong with a form: the field of the request that it is about ('' for none), and the message. */
export interface IFormError {
  field: string;
  message: string;
}

export function formErrorOf(error: unknown): IFormError {
  return { field: error instanceof RequestError ? error.field : '', message: errorMessage(error) };
}

/** A field: its JSON schema, and how react-jsonschema-form draws it. */
export interface IField {
  schema: Record<string, unknown>;
  ui?: Record<string, unknown>;
}

/** Values with their labels. JupyterLab's react-jsonschema-form reads the names in the schema, later ones beside it. */
function optionsOf(labels: Record<string, string>): [schema: object, ui: object] {
  const enumNames = Object.values(labels);
  return [{ type: 'string', enum: Object.keys(labels), enumNames }, { 'ui:enumNames': enumNames }];
}

/** A choice of one of these, by value and label. */
export function choiceOf(title: string, labels: Record<string, string>, ui: object = {}): IField {
  const [schema, names] = optionsOf(labels);
  return {
    schema: { ...schema, title, default: Object.keys(labels)[0] },
    ui: { ...names, ...ui }
  };
}

/** Check boxes for some of these, by value and label; `ui:enumDisabled` are those that can't be changed. */
export function checksOf(title: string, labels: Record<string, string>, ui: object = {}): IField {
  const [items, names] = optionsOf(labels);
  return {
    schema: { type: 'array', title, uniqueItems: true, items },
    ui: { 'ui:widget': 'checkboxes', 'ui:options': { inline: true }, ...names, ...ui }
  };
}

/** A single check box. */
export function checkOf(title: string): IField {
  return { schema: { type: 'boolean', title } };
}

/** A field of a number; whole numbers only if it says so. */
export function numberOf(title: string, ui: object = {}, type: 'number' | 'integer' = 'number'): IField {
  return { schema: { type, title }, ui: { ...ui } };
}

/** A field of text. */
export function textOf(title: string, ui: object = {}, examples?: string[]): IField {
  return {
    schema: { type: 'string', title, ...(examples ? { examples } : {}) },
    ui: { 'ui:emptyValue': '', 'ui:autocomplete': 'off', ...ui }
  };
}

/** Fields below a heading; '' for none. */
export function sectionOf(title: string, fields: Record<string, IField>): IField {
  const names = Object.keys(fields);
  return {
    schema: {
      type: 'object',
      title,
      properties: Object.fromEntries(names.map(name => [name, fields[name].schema]))
    },
    ui: Object.fromEntries(names.map(name => [name, fields[name].ui ?? {}]))
  };
}

type Errors = { [name: string]: Errors | string[] };

/** Errors by dotted path, nested as react-jsonschema-form has them. */
export function nestedErrors(errors: Record<string, string>): Errors {
  const nested: Errors = {};
  for (const [path, message] of Object.entries(errors)) {
    let level = nested;
    for (const name of path.split('.')) {
      level = (level[name] ??= {}) as Errors;
    }
    level.__errors = [message];
  }
  return nested;
}

/** What react-jsonschema-form gives to what draws a field. */
interface IRowProps {
  id: string;
  label: string;
  children: React.ReactNode;
  displayLabel?: boolean;
  rawErrors?: string[];
  rawHelp?: string;
  schema: { type?: string };
  uiSchema?: Record<string, unknown>;
  classNames?: string;
}

/** A field below its label, with help and what is wrong with it. */
function FieldRow(props: IRowProps): JSX.Element {
  const { id, label, rawHelp, schema } = props;
  const content = <div className="jp-inputFieldWrapper">{props.children}</div>;
  if (schema.type === 'object') {
    return <div className="jp-mlops-form jp-FormGroup-content">{props.children}</div>;
  }
  const errors = [...new Set(props.rawErrors ?? [])];
  const isGroup = schema.type === 'array';
  return (
    <div
      className={`jp-mlops-field ${props.classNames ?? ''}`}
      data-wrong={errors.length > 0}
      role={isGroup ? 'group' : undefined}
      aria-labelledby={isGroup ? `${id}__title` : undefined}
    >
      {!props.displayLabel ? null : isGroup ? (
        <span className="jp-mlops-small" id={`${id}__title`}>
          {label}
        </span>
      ) : (
        <label className="jp-mlops-small" htmlFor={id}>
          {label}
        </label>
      )}
      {content}
      {rawHelp && !errors.length ? (
        <span className="jp-mlops-small" id={`${id}__help`} role="status">
          {rawHelp}
        </span>
      ) : null}
      {errors.length ? (
        <em className="jp-mlops-error" id={`${id}__error`} role="alert">
          {errors.join('; ')}
        </em>
      ) : null}
    </div>
  );
}

const { BaseInputTemplate } = getDefaultRegistry().templates;

/** The input of react-jsonschema-form, which also says whether it is wrong. */
function Input(props: React.ComponentProps<typeof BaseInputTemplate>): JSX.Element {
  const attributes = {
    'aria-invalid': (props.rawErrors?.length ?? 0) > 0,
    spellCheck: Boolean(props.options.spellCheck)
  };
  return <BaseInputTemplate {...props} {...attributes} />;
}

interface IButtonsProps {
  label: string;
  value: string;
  options: { enumOptions?: { value: string; label: string }[] };
  onChange: (value: string) => void;
}

/** A choice as a row of buttons. */
function ButtonsWidget(props: IButtonsProps): JSX.Element {
  return (
    <div className="jp-mlops-row" role="group" aria-label={props.label}>
      {(props.options.enumOptions ?? []).map(({ value, label }) => (
        <button
          key={value}
          type="button"
          className={`jp-mod-styled jp-mlops-preset ${props.value === value ? 'jp-mod-accept' : ''}`}
          aria-pressed={props.value === value}
          onClick={() => props.onChange(value)}
        >
          {label}
        </button>
      ))}
    </div>
  );
}

const TEMPLATES = { FieldTemplate: FieldRow, BaseInputTemplate: Input };
const WIDGETS = { buttons: ButtonsWidget };
const ignoreErrors = () => undefined;

/** JupyterLab's form, with labels that belong to their fields and errors that the server or the caller finds. */
export function Form<V extends object>(props: {
  /** Beginning of the ids of fields: `ID_NAME`. */
  id: string;
  form: IField;
  values: V;
  /** By dotted path. */
  errors?: Record<string, string>;
  onChange: (values: V) => void;
  translator: ITranslator;
  /** How rows are drawn instead. */
  row?: (props: never) => JSX.Element;
  context?: unknown;
  /** Whether values are also checked by the schema. */
  validate?: boolean;
  onSubmit?: () => void;
  children?: React.ReactNode;
}): JSX.Element {
  const { form, row } = props;
  const templates = React.useMemo(() => (row ? { ...TEMPLATES, FieldTemplate: row } : TEMPLATES), [row]);
  return (
    <FormComponent
      validator={validator as never}
      schema={form.schema as never}
      uiSchema={{ 'ui:submitButtonOptions': { norender: true }, ...form.ui } as never}
      formData={props.values as ReadonlyJSONObject}
      formContext={props.context as never}
      extraErrors={nestedErrors(props.errors ?? {}) as never}
      onChange={event => props.onChange((event.formData ?? {}) as V)}
      onError={ignoreErrors}
      onSubmit={props.onSubmit}
      idPrefix={props.id}
      noValidate={!props.validate}
      liveValidate={props.validate}
      noHtml5Validate
      showErrorList={false}
      templates={templates as never}
      widgets={WIDGETS as never}
      tagName={props.onSubmit ? 'form' : 'div'}
      translator={props.translator}
    >
      {props.children ?? <></>}
    </FormComponent>
  );
}
