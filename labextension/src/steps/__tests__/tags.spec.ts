import { toStepName, ICellTags, isTagged, readTags, nameError, updateTags } from '../tags';

const NONE: ICellTags = { step: '', role: '', after: [], gate: false };

describe('readTags', () => {
  it.each<[string[], Partial<ICellTags>]>([
    [[], {}],
    [['step:load'], { step: 'load' }],
    [['block:load', 'prev:a', 'prev:b'], { step: 'load', after: ['a', 'b'] }],
    [['parameters', 'step:load'], { role: 'parameters' }],
    [['pipeline-metrics', 'step:load'], { role: 'metrics', step: 'load' }],
    [['gate', 'skip'], { role: 'skip', gate: true }],
    [['imports', 'step:load', 'skip-execution'], { role: 'skip' }],
    [['mine', 'step:é_1.x'], { step: 'é_1.x' }]
  ])('%j', (tags, told) => {
    expect(readTags(tags)).toEqual({ ...NONE, ...told });
  });

  it('knows whether any of them is ours', () => {
    expect([['a'], ['step:a'], ['imports'], ['prev:x']].map(isTagged)).toEqual([false, true, true, false]);
  });
});

describe('withTags', () => {
  it.each<[string[], Partial<ICellTags>, string[]]>([
    [[], { step: 'a' }, ['step:a']],
    [['mine'], { step: 'a' }, ['mine', 'step:a']],
    [['step:a', 'mine'], { step: 'b' }, ['step:b', 'mine']],
    [['block:a', 'mine'], { step: 'a' }, ['block:a', 'mine']],
    [['step:a', 'mine', 'prev:x'], {}, ['mine']],
    [['step:a', 'prev:x', 'prev:y'], { step: 'a', after: ['y', 'z'] }, ['step:a', 'prev:y', 'prev:z']],
    [['pipeline-parameters'], { role: 'parameters' }, ['pipeline-parameters']],
    [['imports', 'mine'], { role: 'functions' }, ['functions', 'mine']],
    [['cache:enabled', 'step:a'], { step: 'a', gate: true }, ['cache:enabled', 'step:a', 'gate']],
    [['limit:cpu:2', 'skip'], {}, ['limit:cpu:2']]
  ])('%j as %j', (tags, wanted, made) => {
    const all = { ...NONE, ...wanted };
    expect(updateTags(tags, all)).toEqual(made);
    expect(updateTags(made, all)).toEqual(made);
    expect(readTags(made)).toEqual(all);
  });
});

describe('names', () => {
  it.each([
    ['load data', 'load_data'],
    [' é!! ', 'é'],
    ['a/b:c', 'a_b_c'],
    ['__', '']
  ])('%s', (text, name) => {
    expect(toStepName(text)).toBe(name);
  });

  it('are letters, digits, and little else', () => {
    expect(['', 'a', 'a b', 'a<b', '1.x-y'].map(nameError)).toEqual([
      'empty',
      '',
      'characters',
      'characters',
      ''
    ]);
  });
});
