import { Parameter, Run } from '../../types';
import { fieldOf, fromField, isJson, typeOf, ParametersModel, schemaOf, toField } from '../model';

function parameter(name: string, type: string, value: unknown, choices: unknown[] = []): Parameter {
  return { name, type, default: value, help: '', choices, required: false, cell: 0 };
}

const ALL = [
  parameter('n', 'int', 3),
  parameter('xs', 'list', [1, 2]),
  parameter('how', "Literal['a']", 'a', ['a', 'b'])
];

describe('ParametersModel', () => {
  it('keeps what differs from the defaults', () => {
    const model = new ParametersModel();
    let times = 0;
    model.changed.connect(() => times++);
    model.set(ALL, { n: 3, xs: [1, 2], how: 'a' });
    expect([model.overrides, times]).toEqual([{}, 0]);
    model.set(ALL, { n: 4, xs: [1, 2], how: 'b' });
    expect([model.overrides, times]).toEqual([{ n: 4, how: 'b' }, 1]);
    expect(model.values(ALL)).toEqual({ n: 4, xs: [1, 2], how: 'b' });
    model.reset('n');
    expect(model.overrides).toEqual({ how: 'b' });
  });

  it('takes the values of a run as far as there are such parameters', () => {
    const model = new ParametersModel();
    model.copyFromRun({ parameters: { n: 9, gone: 1 } } as unknown as Run, ALL);
    expect(model.overrides).toEqual({ n: 9 });
  });

  it('shows an error at its field until the value changes', () => {
    const model = new ParametersModel();
    expect(model.setFieldError('notebook', 'no')).toBe(false);
    expect(model.setFieldError('parameters.n', 'no')).toBe(true);
    expect(model.errors).toEqual({ n: 'no' });
    model.set(ALL, { n: 5, xs: [1, 2], how: 'a' });
    expect(model.errors).toEqual({});
  });
});

describe('the form', () => {
  it('has a field for each type', () => {
    const day = parameter('day', 'date', '2026-01-01');
    const { properties } = schemaOf([...ALL, day]) as never as {
      properties: Record<string, Record<string, unknown>>;
    };
    expect([properties.n.type, properties.xs.type, properties.how.enum, properties.day.type]).toEqual([
      'integer',
      'string',
      ['a', 'b'],
      'string'
    ]);
    expect(fieldOf(day)).toEqual({ 'ui:options': { inputType: 'date' } });
    expect(fieldOf(parameter('at', 'datetime', null))).toEqual({
      'ui:options': { inputType: 'datetime-local' }
    });
    expect(fieldOf(parameter('text', 'str', 'a\nb'))['ui:widget']).toBe('textarea');
  });

  it.each<[string, string, boolean]>([
    ['int | None', 'int', true],
    ['None | float', 'float', true],
    ['Optional[str]', 'str', true],
    ['typing.Optional[bool]', 'bool', true],
    ['int', 'int', false],
    ['dict[str, int | None]', 'dict[str, int | None]', false]
  ])('%p is a field for %p', (written, type, optional) => {
    expect(typeOf(parameter('x', written, null))).toEqual({ type, optional });
  });

  it('tells nothing from a missing value', () => {
    expect(fromField(parameter('x', 'int | None', 1), undefined)).toBeNull();
    expect(fromField(parameter('x', 'int', 1), undefined)).toBeUndefined();
    expect(fromField(parameter('x', 'date', '2026-01-01'), '')).toBeUndefined();
    expect(fromField(parameter('x', 'str', 'a'), '')).toBe('');
  });

  it('writes a number that JSON does not have as text', () => {
    const most = parameter('most', 'float', 'inf');
    expect([typeOf(most).type, isJson(most)]).toEqual(['', false]);
  });

  it('writes lists as JSON', () => {
    expect(ALL.map(isJson)).toEqual([false, true, false]);
    expect(toField(ALL[1], [1])).toBe('[1]');
    expect(fromField(ALL[1], '[1, 5]')).toEqual([1, 5]);
    expect(() => fromField(ALL[1], '[1,')).toThrow(SyntaxError);
    expect(fromField(ALL[0], 7)).toBe(7);
  });
});
