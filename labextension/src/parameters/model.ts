import { JSONExt, ReadonlyPartialJSONValue } from '@lumino/coreutils';
import { ISignal, Signal } from '@lumino/signaling';
import { Parameter, Run, Values } from '../types';

/** The values that the next run is to have: only those that differ from the defaults are kept. */
export class ParametersModel {
  get changed(): ISignal<ParametersModel, void> {
    return this._changed;
  }

  /** What differs from the defaults. */
  get overrides(): Values {
    return this._overrides;
  }

  /** Errors of the server, by parameter. */
  errors: Record<string, string> = {};
  /** What is in fields and can't be a value, by parameter. */
  invalid: Record<string, string> = {};
  /** Counts how often fields are to forget what was typed into them. */
  revision = 0;

  /** All values, for a form. */
  values(parameters: readonly Parameter[]): Values {
    return Object.fromEntries(
      parameters.map(({ name, default: value }) => [
        name,
        name in this._overrides ? this._overrides[name] : value
      ])
    );
  }

  isChanged(name: string): boolean {
    return name in this._overrides;
  }

  /** Take the values of a form. */
  set(parameters: readonly Parameter[], values: Values): void {
    const overrides: Values = {};
    for (const parameter of parameters) {
      const value = values[parameter.name];
      if (value !== undefined && !isEqual(value, parameter.default)) {
        overrides[parameter.name] = value;
      }
    }
    if (!isEqual(overrides, this._overrides)) {
      this._overrides = overrides;
      this.errors = {};
      this._changed.emit();
    }
  }

  reset(name?: string): void {
    const overrides = { ...this._overrides };
    for (const parameterName of name ? [name] : Object.keys(overrides)) {
      delete overrides[parameterName];
    }
    this._overrides = overrides;
    this._resetFields();
  }

  /** Take what a run was given, as far as there are such parameters. */
  copyFromRun(run: Run, parameters: readonly Parameter[]): void {
    this.set(
      parameters,
      Object.fromEntries(
        parameters.map(({ name, default: value }) => [
          name,
          name in run.parameters ? run.parameters[name] : value
        ])
      )
    );
    this._resetFields();
  }

  /** Show an error at its field; false if it is about none. */
  setFieldError(field: string, message: string): boolean {
    const name = /^parameters\.(.+)$/.exec(field)?.[1];
    if (!name) {
      return false;
    }
    this.errors = { ...this.errors, [name]: message };
    this._changed.emit();
    return true;
  }

  private _resetFields(): void {
    this.errors = {};
    this.invalid = {};
    this.revision += 1;
    this._changed.emit();
  }

  private _changed = new Signal<ParametersModel, void>(this);
  private _overrides: Values = {};
}

function isEqual(first: unknown, second: unknown): boolean {
  return JSONExt.deepEqual(first as ReadonlyPartialJSONValue, second as ReadonlyPartialJSONValue);
}

const OPTIONAL = /^(?:Optional\[(.+)\]|(.+?)\s*\|\s*None|None\s*\|\s*(.+))$/;

/** What a field edits: the plain type under `Optional[…]`, and whether nothing is a value. */
export function typeOf(parameter: Parameter): { type: string; optional: boolean } {
  const match = OPTIONAL.exec(parameter.type.replace(/^typing\./, ''));
  const type = match ? (match[1] ?? match[2] ?? match[3]).trim() : parameter.type;
  const number = (type === 'int' || type === 'float') && typeof parameter.default === 'string';
  return { type: number ? '' : type, optional: match !== null }; // what is inf or nan is written as text
}

const TEXT_TYPES = ['str', '', 'date', 'datetime', 'Path'];
const LONG_TEXT_LENGTH = 48; // characters of a text from which its field has several lines

/** Whether a parameter is edited as JSON. */
export function isJson(parameter: Parameter): boolean {
  const { type } = typeOf(parameter);
  return !parameter.choices.length && !['int', 'float', 'bool', ...TEXT_TYPES].includes(type);
}

/** The JSON schema of a form for these parameters. Lists, dicts and what has no plain type are edited as JSON. */
export function schemaOf(parameters: readonly Parameter[]): Record<string, unknown> {
  const properties = Object.fromEntries(parameters.map(parameter => [parameter.name, propertyOf(parameter)]));
  return { type: 'object', properties };
}

function propertyOf(parameter: Parameter): Record<string, unknown> {
  const base = { title: parameter.name };
  if (parameter.choices.length) {
    return { ...base, enum: parameter.choices };
  }
  switch (typeOf(parameter).type) {
    case 'int':
      return { ...base, type: 'integer' };
    case 'float':
      return { ...base, type: 'number' };
    case 'bool':
      return { ...base, type: 'boolean' };
    default:
      return { ...base, type: 'string' };
  }
}

/** How the field of a parameter is drawn, as react-jsonschema-form has it. */
export function fieldOf(parameter: Parameter): Record<string, unknown> {
  const { type, optional } = typeOf(parameter);
  const isFree = parameter.choices.length === 0;
  if (isFree && type === 'bool') {
    return { 'ui:options': { label: false }, ...(optional ? { 'ui:widget': 'select' } : {}) };
  }
  if (isFree && type === 'date') {
    return { 'ui:options': { inputType: 'date' } };
  }
  if (isFree && type === 'datetime') {
    return { 'ui:options': { inputType: 'datetime-local' } };
  }
  const text = String(toField(parameter, parameter.default) ?? '');
  const isLong = text.includes('\n') || text.length > LONG_TEXT_LENGTH;
  const isMultiline = isFree && isLong && (isJson(parameter) || type === 'str');
  return {
    ...(isFree && type === 'str' && !optional ? { 'ui:emptyValue': '' } : {}),
    ...(isMultiline
      ? { 'ui:widget': 'textarea', 'ui:options': { rows: Math.min(6, text.split('\n').length + 1) } }
      : {})
  };
}

/** A value as its field shows it. */
export function toField(parameter: Parameter, value: unknown): unknown {
  return isJson(parameter) ? JSON.stringify(value) : (value ?? undefined);
}

/** What is in a field as a value; undefined where a value is missing. Throws SyntaxError where it should be JSON and is
 * not. */
export function fromField(parameter: Parameter, value: unknown): unknown {
  if (value === undefined || (value === '' && typeOf(parameter).type !== 'str' && !isJson(parameter))) {
    return typeOf(parameter).optional ? null : undefined;
  }
  return isJson(parameter) && typeof value === 'string' ? JSON.parse(value) : value;
}
