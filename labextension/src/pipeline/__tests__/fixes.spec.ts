import { NotebookModel } from '@jupyterlab/notebook';
import { nullTranslator } from '@jupyterlab/translation';
import { tagsOf } from '../../steps/edit';
import { fixOf } from '../fixes';

const trans = nullTranslator.load('jupyter_mlops');

function notebook(...cells: [string, string[]][]): NotebookModel {
  const model = new NotebookModel();
  model.fromJSON({
    nbformat: 4,
    nbformat_minor: 5,
    metadata: {},
    cells: cells.map(([source, tags], at) => ({
      cell_type: 'code',
      id: `c${at}`,
      source,
      metadata: tags.length ? { tags } : {},
      outputs: [],
      execution_count: null
    }))
  });
  model.sharedModel.clearUndoHistory();
  return model;
}

const fix = (model: NotebookModel, at: number, rule: string, data: { [key: string]: unknown } = {}) =>
  fixOf({ rule, data }, model.cells.get(at), model, trans);

describe('tags', () => {
  it.each<[string[], { [key: string]: unknown }, string, string[]]>([
    [['step:a b', 'mine'], {}, 'Use step:a_b', ['step:a_b', 'mine']],
    [['mine', 'block:<b>'], {}, 'Use block:b', ['mine', 'block:b']],
    [['step:a', 'prev:x y'], {}, 'Use prev:x_y', ['step:a', 'prev:x_y']],
    [['step:a', 'mine', 'step:b'], {}, 'Keep step:a only', ['step:a', 'mine']],
    [['step:a', 'prev:x'], { tag: 'prev:x' }, 'Remove prev:x', ['step:a']],
    [['step:a', 'prev:b'], { tag: 'prev:b' }, 'Remove prev:b', ['step:a']],
    [['cache:often', 'mine'], { tag: 'cache:often' }, 'Remove cache:often', ['mine']]
  ])('%j', (tags, data, label, expected) => {
    const model = notebook(['a = 1', tags]);
    const found = fix(model, 0, 'tags', data);
    expect(found?.label).toBe(label);
    found?.apply();
    expect(tagsOf(model.cells.get(0))).toEqual(expected);
    model.sharedModel.undo();
    expect(tagsOf(model.cells.get(0))).toEqual(tags);
  });

  it('are left alone where it is not clear which one is wrong', () => {
    expect(fix(notebook(['a = 1', ['step:a', 'prev:b']]), 0, 'tags')).toBeNull();
  });
});

describe('cells that should not run', () => {
  it('are skipped, and their step keeps what they said for it', () => {
    const model = notebook(['input()', ['step:a', 'prev:z', 'mine']], ['b = 1', ['step:a']]);
    fix(model, 0, 'interactive')?.apply();
    expect(Array.from(model.cells, tagsOf)).toEqual([
      ['mine', 'skip'],
      ['step:a', 'prev:z']
    ]);
    expect(fix(model, 0, 'interactive')).toBeNull();
  });
});

describe('paths', () => {
  const data = (path: string) => ({ path });

  it('become parameters', () => {
    const model = notebook(['n = 1\n', ['parameters']], ['df = read("/home/me/Data 1.csv")', []]);
    const found = fix(model, 1, 'absolute_paths', data('/home/me/Data 1.csv'));
    expect(found?.label).toBe('Use the parameter data_1_path');
    found?.apply();
    expect(Array.from(model.cells, cell => cell.sharedModel.getSource())).toEqual([
      'n = 1\ndata_1_path = "/home/me/Data 1.csv"',
      'df = read(data_1_path)'
    ]);
    model.sharedModel.undo();
    expect(Array.from(model.cells, cell => cell.sharedModel.getSource())).toEqual([
      'n = 1\n',
      'df = read("/home/me/Data 1.csv")'
    ]);
  });

  it.each([
    `x = "open('/home/me/a.csv')"`,
    `x = f'/home/me/a.csv'`,
    `x = r'/home/me/a.csv'`,
    `x = '/home/me/a.csv' '/b'`,
    `x = 1  # '/home/me/a.csv'`,
    `"""'/home/me/a.csv'"""`,
    `!cat '/home/me/a.csv'`,
    `x = ['/home/me/a.csv', '/home/me/a.csv']`
  ])('stay where they may be part of something else: %s', source => {
    const model = notebook(['n = 1', ['parameters']], [source, []]);
    expect(fix(model, 1, 'absolute_paths', data('/home/me/a.csv'))).toBeNull();
  });

  it('stay where there are no parameters, or only further down, and take no name that is taken', () => {
    const source = "x = '/data/a.csv'";
    expect(fix(notebook([source, []]), 0, 'absolute_paths', data('/data/a.csv'))).toBeNull();
    const below = notebook([source, []], ['n = 1', ['parameters']]);
    expect(fix(below, 0, 'absolute_paths', data('/data/a.csv'))).toBeNull();
    const taken = notebook(['a_path = 1', ['parameters']], [source, []]);
    expect(fix(taken, 1, 'absolute_paths', data('/data/a.csv'))?.label).toContain('a_path_2');
  });
});

it('there is no fix for what is not understood', () => {
  expect(fix(notebook(['a = b', []]), 0, 'undefined_names')).toBeNull();
});
