import { NotebookModel } from '@jupyterlab/notebook';
import { nullTranslator } from '@jupyterlab/translation';
import { settingsOf, tagsOf } from '../edit';
import { ISubject, limitsOf, computeOutcome, validate, save, formValues, FormChanges } from '../form';
import { readTags } from '../tags';

const trans = nullTranslator.load('jupyter_mlops');

function notebook(...cells: [string[], object?][]): NotebookModel {
  const model = new NotebookModel();
  model.fromJSON({
    nbformat: 4,
    nbformat_minor: 5,
    metadata: {},
    cells: cells.map(([tags, settings], at) => ({
      cell_type: 'code',
      id: `c${at}`,
      source: `x = ${at}`,
      metadata: {
        ...(tags.length ? { tags } : {}),
        ...(settings ? { jupyter_mlops: settings } : {})
      } as never,
      outputs: [],
      execution_count: null
    }))
  });
  model.sharedModel.clearUndoHistory();
  return model;
}

/** Cells of a notebook; an untagged one belongs to the step above it. */
function subject(model: NotebookModel, ...places: number[]): ISubject {
  const owners = () => {
    let above = '';
    return Array.from(model.cells, cell => {
      const told = readTags(tagsOf(cell));
      above = told.step || above;
      return told.role && told.role !== 'metrics' ? '' : above;
    });
  };
  return {
    notebook: model,
    cells: places.map(at => model.cells.get(at)),
    owner: owners()[places[0]],
    members: name => Array.from(model.cells).filter((_, at) => owners()[at] === name)
  };
}

const tags = (model: NotebookModel) => Array.from(model.cells, tagsOf);
const settings = (model: NotebookModel) => Array.from(model.cells, settingsOf);

function saved(model: NotebookModel, places: number[], touched: FormChanges): string[][] {
  save(subject(model, ...places), touched);
  return tags(model);
}

describe('what becomes of a step', () => {
  it.each<[number[], FormChanges, string]>([
    [[0], {}, 'same'],
    [[0], { step: '' }, 'none'],
    [[0], { step: 'c' }, 'new'],
    [[0], { step: 'c', wholeStep: true }, 'rename'],
    [[0, 1], { step: 'c' }, 'rename'],
    [[0], { step: 'b' }, 'join'],
    [[3], { step: 'c' }, 'new']
  ])('cells %j with %j: %s', (places, touched, expected) => {
    const model = notebook([['parameters']], [['step:a']], [[]], [['step:b']], [['skip']]);
    const told = subject(model, ...places.map(at => (at === 3 ? 4 : at + 1)));
    expect(computeOutcome(told, formValues(told, touched))).toBe(expected);
  });
});

describe('saving', () => {
  it('gives one cell to another step, and leaves the settings and waits of the step with it', () => {
    const model = notebook(
      [['step:z']],
      [['step:a', 'prev:z', 'mine'], { retries: 3, image: 'x' }],
      [['block:a']],
      [['step:b', 'prev:a']]
    );
    expect(saved(model, [1], { step: 'new' })).toEqual([
      ['step:z'],
      ['step:new', 'mine'],
      ['block:a', 'prev:z'],
      ['step:b', 'prev:a']
    ]);
    expect(settings(model)).toEqual([{}, {}, { retries: 3, image: 'x' }, {}]);
    model.sharedModel.undo();
    expect(tags(model)[1]).toEqual(['step:a', 'prev:z', 'mine']);
    expect(settings(model)[1]).toEqual({ retries: 3, image: 'x' });
    expect(model.sharedModel.canUndo()).toBe(false);
  });

  it('renames a whole step, keeps the way it is tagged, and what waits for it follows', () => {
    const model = notebook([['block:a'], { retries: 3 }], [['step:b', 'prev:a']], [['mine', 'step:a']]);
    expect(saved(model, [2], { step: 'c', wholeStep: true })).toEqual([
      ['block:c'],
      ['step:b', 'prev:c'],
      ['mine', 'step:c']
    ]);
    expect(settings(model)[0]).toEqual({ retries: 3 });
  });

  it('renames a step all of whose cells are edited', () => {
    const model = notebook([['step:a'], { retries: 3 }], [['step:b', 'prev:a']]);
    expect(saved(model, [0], { step: 'c' })).toEqual([['step:c'], ['step:b', 'prev:c']]);
    expect(settings(model)[0]).toEqual({ retries: 3 });
  });

  it('makes no step wait for itself', () => {
    const model = notebook([['step:a']], [['step:b', 'prev:a']]);
    expect(saved(model, [0], { step: 'b' })).toEqual([['step:b'], ['step:b']]);
  });

  it('tags all cells that are edited and keeps the role of each', () => {
    const model = notebook([['step:a']], [['metrics', 'step:b']], [['gate']]);
    expect(saved(model, [0, 1, 2], {})).toEqual([['step:a'], ['metrics', 'step:a'], ['gate', 'step:a']]);
  });

  it('writes nothing that was not touched, whatever others wrote meanwhile', () => {
    const model = notebook([['step:a'], { retries: 1 }]);
    const open = subject(model, 0);
    const touched: FormChanges = { timeout: '5' };
    model.cells.get(0).sharedModel.setMetadata('tags', ['theirs', 'step:theirs', 'prev:x', 'gate']);
    model.cells.get(0).sharedModel.setMetadata('jupyter_mlops', { retries: 4 });
    save(open, touched);
    expect(tags(model)).toEqual([['theirs', 'step:theirs', 'prev:x', 'gate']]);
    expect(settings(model)).toEqual([{ retries: 4, timeout: 5 }]);
  });

  it('says the settings of a step once, at its first cell', () => {
    const model = notebook([['step:a']], [['step:a'], { retries: 3, cache: 'enabled' }]);
    expect(formValues(subject(model, 0), {}).retries).toBe('3');
    saved(model, [1], { retries: '5', limits: 'cpu=2' });
    expect(settings(model)).toEqual([{ retries: 5, limits: { cpu: '2' } }, { cache: 'enabled' }]);
    saved(model, [1], { retries: '' });
    expect(settings(model)).toEqual([{ limits: { cpu: '2' } }, { cache: 'enabled' }]);
  });

  it('shows the settings of the step that is named', () => {
    const model = notebook(
      [['step:a'], { retries: 3 }],
      [['step:a']],
      [['step:b', 'prev:a'], { timeout: 9 }]
    );
    const told = subject(model, 1);
    expect(formValues(told, { step: 'b' })).toMatchObject({ retries: '', timeout: '9', after: ['a'] });
    expect(formValues(told, { step: 'c' })).toMatchObject({ retries: '', timeout: '', after: [] });
    expect(formValues(told, { step: 'c', wholeStep: true })).toMatchObject({ retries: '3' });
  });

  it('adds and removes what the step waits for', () => {
    const model = notebook(
      [['step:a']],
      [['step:b']],
      [['step:c', 'prev:a']],
      [['step:c', 'prev:b', 'mine']]
    );
    expect(formValues(subject(model, 2), {}).after).toEqual(['a', 'b']);
    saved(model, [3], { after: ['b', 'x'] });
    expect(tags(model).slice(2)).toEqual([
      ['step:c', 'prev:x'],
      ['step:c', 'prev:b', 'mine']
    ]);
  });

  it('takes a cell out of its step for a role, and back', () => {
    const model = notebook([['step:a', 'prev:z', 'mine'], { retries: 2 }], [['step:a']]);
    expect(saved(model, [0], { role: 'parameters' })).toEqual([
      ['mine', 'parameters'],
      ['step:a', 'prev:z']
    ]);
    expect(settings(model)).toEqual([{}, { retries: 2 }]);
    expect(saved(model, [0], { role: '', step: 'a' })[0]).toEqual(['mine', 'step:a']);
  });

  it('keeps the first wait of no time, and takes one away', () => {
    const model = notebook([['step:a'], { retries: 2, backoff: 5 }]);
    expect(formValues(subject(model, 0), {}).backoff).toBe('5');
    saved(model, [0], { backoff: '0' });
    expect(settings(model)).toEqual([{ retries: 2, backoff: 0 }]);
    expect(formValues(subject(model, 0), {}).backoff).toBe('0');
    saved(model, [0], { backoff: '' });
    expect(settings(model)).toEqual([{ retries: 2 }]);
  });

  it('renames a step that no cell is tagged with', () => {
    const model = notebook([[]], [['step:a']]);
    const told = { ...subject(model, 0), owner: 'setup', members: () => [model.cells.get(0)] };
    save(told, { step: 'begin', wholeStep: true });
    expect(tags(model)).toEqual([['step:begin'], ['step:a']]);
  });
});

describe('what is wrong', () => {
  const problems = (touched: FormChanges) =>
    Object.keys(validate(formValues(subject(notebook([['step:a']]), 0), touched), touched, trans));
  it.each<[FormChanges, string[]]>([
    [{ step: 'load data' }, ['step']],
    [{ step: '<b>' }, ['step']],
    [{ step: 'Größe.1' }, []],
    [{ step: 'x'.repeat(200) }, []],
    [{ step: '__proto__' }, []],
    [{ retries: '1.5' }, ['retries']],
    [{ retries: '-1' }, ['retries']],
    [{ timeout: '0' }, ['timeout']],
    [{ timeout: 'Infinity' }, ['timeout']],
    [{ timeout: '1.5.2' }, ['timeout']],
    [{ timeout: '2.5' }, []],
    [{ backoff: '0' }, []],
    [{ backoff: '-1' }, ['backoff']],
    [{ backoff: '1e9' }, ['backoff']],
    [{ backoff: '3601' }, ['backoff']],
    [{ limits: 'cpu' }, ['limits']],
    [{ limits: 'cpu=lots' }, ['limits']],
    [{ limits: 'cpu=1, cpu=2' }, ['limits']],
    [{ limits: 'cpu=500m, memory=4Gi nvidia.com/gpu=1' }, []]
  ])('%j: %j', (touched, expected) => {
    expect(problems(touched)).toEqual(expected);
  });

  it('reads resources', () => {
    expect(limitsOf('cpu=0.5,memory=4Gi')).toEqual({ cpu: '0.5', memory: '4Gi' });
    expect(limitsOf('')).toEqual({});
  });
});
