import { JSONExt, ReadonlyPartialJSONValue } from '@lumino/coreutils';
import { ISignal, Signal } from '@lumino/signaling';
import { Parameter, Run, Values } from '../types';

/** The values that the next run is to have: only those that differ from the defaults are kept. */
export class ParametersModel {
  get changed(): ISignal<ParametersModel, void> {
    return this._changed;
  }

  /** What differs from the defaults. */
  get given(): Values {
    return this._given;
  }

  /** Errors of the server, by parameter. */
  errors: Record<string, string> = {};
  /** What is in fields and can't be a value, by parameter. */
  wrong: Record<string, string> = {};
  /** Counts how often fields are to forget what was typed into them. */
  turn = 0;

  /** All values, for a form. */
  values(parameters: readonly Parameter[]): Values {
    return Object.fromEntries(
      parameters.map(({ name, default: value }) => [name, name in this._given ? this._given[name] : value])
    );
  }

  isChanged(name: string): boolean {
    return name in this._given;
  }

  /** Take the values of a form. */
  set(parameters: readonly Parameter[], values: Values): void {
    const made: Values = {};
    for (const parameter of parameters) {
      const value = values[parameter.name];
      if (value !== undefined && !same(value, parameter.default)) {
        made[parameter.name] = value;
      }
    }
    if (!same(made, this._given)) {
      this._given = made;
      this.errors = {};
      this._changed.emit();
    }
  }

  reset(name?: string): void {
    const made = { ...this._given };
    for (const one of name ? [name] : Object.keys(made)) {
      delete made[one];
    }
    this._given = made;
    this._forget();
  }

  /** Take what a run was given, as far as there are such parameters. */
  takeFrom(run: Run, parameters: readonly Parameter[]): void {
    this.set(
      parameters,
      Object.fromEntries(
        parameters.map(({ name, default: value }) => [
          name,
          name in run.parameters ? run.parameters[name] : value
        ])
      )
    );
    this._forget();
  }

  /** Show an error at its field; false if it is about none. */
  refuse(field: string, message: string): boolean {
    const name = /^parameters\.(.+)$/.exec(field)?.[1];
    if (!name) {
      return false;
    }
    this.errors = { ...this.errors, [name]: message };
    this._changed.emit();
    return true;
  }

  private _forget(): void {
    this.errors = {};
    this.wrong = {};
    this.turn += 1;
    this._changed.emit();
  }

  private _changed = new Signal<ParametersModel, void>(this);
  private _given: Values = {};
}

function same(one: unknown, two: unknown): boolean {
  return JSONExt.deepEqual(one as ReadonlyPartialJSONValue, two as ReadonlyPartialJSONValue);
}

const OPTIONAL = /^(?:Optional\[(.+)\]|(.+?)\s*\|\s*None|None\s*\|\s*(.+))$/;

/** What a field edits: the plain type under `Optional[…]`, and whether nothing is a value. */
export function kindOf(parameter: Parameter): { type: string; optional: boolean } {
  const found = OPTIONAL.exec(parameter.type.replace(/^typing\./, ''));
  const type = found ? (found[1] ?? found[2] ?? found[3]).trim() : parameter.type;
  const number = (type === 'int' || type === 'float') && typeof parameter.default === 'string';
  return { type: number ? '' : type, optional: found !== null }; // what is inf or nan is written as text
}

const TEXTS = ['str', '', 'date', 'datetime', 'Path'];
const LONG = 48; // characters of a text from which its field has several lines

/** Whether a parameter is edited as JSON. */
export function isJson(parameter: Parameter): boolean {
  const { type } = kindOf(parameter);
  return !parameter.choices.length && !['int', 'float', 'bool', ...TEXTS].includes(type);
}

/** The JSON schema of a form for these parameters. Lists, dicts and what has no plain type are edited as JSON. */
export function schemaOf(parameters: readonly Parameter[]): Record<string, unknown> {
  const properties = Object.fromEntries(parameters.map(one => [one.name, propertyOf(one)]));
  return { type: 'object', properties };
}

function propertyOf(parameter: Parameter): Record<string, unknown> {
  const told = { title: parameter.name };
  if (parameter.choices.length) {
    return { ...told, enum: parameter.choices };
  }
  switch (kindOf(parameter).type) {
    case 'int':
      return { ...told, type: 'integer' };
    case 'float':
      return { ...told, type: 'number' };
    case 'bool':
      return { ...told, type: 'boolean' };
    default:
      return { ...told, type: 'string' };
  }
}

/** How the field of a parameter is drawn, as react-jsonschema-form has it. */
export function fieldOf(parameter: Parameter): Record<string, unknown> {
  const { type, optional } = kindOf(parameter);
  const plain = parameter.choices.length === 0;
  if (plain && type === 'bool') {
    return { 'ui:options': { label: false }, ...(optional ? { 'ui:widget': 'select' } : {}) };
  }
  if (plain && type === 'date') {
    return { 'ui:options': { inputType: 'date' } };
  }
  if (plain && type === 'datetime') {
    return { 'ui:options': { inputType: 'datetime-local' } };
  }
  const text = String(toField(parameter, parameter.default) ?? '');
  const long = text.includes('\n') || text.length > LONG;
  const several = plain && long && (isJson(parameter) || type === 'str');
  return {
    ...(plain && type === 'str' && !optional ? { 'ui:emptyValue': '' } : {}),
    ...(several
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
  if (value === undefined || (value === '' && kindOf(parameter).type !== 'str' && !isJson(parameter))) {
    return kindOf(parameter).optional ? null : undefined;
  }
  return isJson(parameter) && typeof value === 'string' ? JSON.parse(value) : value;
}
