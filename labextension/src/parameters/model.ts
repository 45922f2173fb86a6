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

  /** All values, for a form. */
  values(parameters: readonly Parameter[]): Values {
    return Object.fromEntries(
      parameters.map(({ name, default: value }) => [name, this._given[name] ?? value])
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
    this.errors = {};
    this._changed.emit();
  }

  /** Take what a run was given, as far as there are such parameters. */
  takeFrom(run: Run, parameters: readonly Parameter[]): void {
    this.set(
      parameters,
      Object.fromEntries(parameters.map(p => [p.name, run.parameters[p.name] ?? p.default]))
    );
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

  private _changed = new Signal<ParametersModel, void>(this);
  private _given: Values = {};
}

function same(one: unknown, two: unknown): boolean {
  return JSONExt.deepEqual(one as ReadonlyPartialJSONValue, two as ReadonlyPartialJSONValue);
}

/** The JSON schema of a form for these parameters. Lists, dicts and what has no plain type are edited as JSON. */
export function schemaOf(parameters: readonly Parameter[]): Record<string, unknown> {
  const properties = Object.fromEntries(parameters.map(one => [one.name, propertyOf(one)]));
  return { type: 'object', properties };
}

function propertyOf(parameter: Parameter): Record<string, unknown> {
  const told = { title: parameter.name, description: described(parameter) };
  if (parameter.choices.length) {
    return { ...told, enum: parameter.choices };
  }
  switch (parameter.type) {
    case 'int':
      return { ...told, type: 'integer' };
    case 'float':
      return { ...told, type: 'number' };
    case 'bool':
      return { ...told, type: 'boolean' };
    case 'date':
      return { ...told, type: 'string', format: 'date' };
    default:
      return { ...told, type: 'string' };
  }
}

function described(parameter: Parameter): string {
  return [parameter.type, parameter.help].filter(Boolean).join(' — ');
}

const TEXTS = ['str', '', 'date', 'datetime', 'Path'];

/** Whether a parameter is edited as JSON. */
export function isJson(parameter: Parameter): boolean {
  return !parameter.choices.length && !['int', 'float', 'bool', ...TEXTS].includes(parameter.type);
}

/** A value as its field shows it. */
export function toField(parameter: Parameter, value: unknown): unknown {
  return isJson(parameter) ? JSON.stringify(value) : (value ?? undefined);
}

/** What a field's text is as a value. Throws SyntaxError where it should be JSON and is not. */
export function fromField(parameter: Parameter, value: unknown): unknown {
  return isJson(parameter) && typeof value === 'string' ? JSON.parse(value) : value;
}
