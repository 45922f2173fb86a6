import { NotebookModel } from '@jupyterlab/notebook';
import { transact, setRole, setSettings, setStep, settingsOf, tagsOf } from '../edit';

function notebook(...tags: string[][]): NotebookModel {
  const model = new NotebookModel();
  model.fromJSON({
    nbformat: 4,
    nbformat_minor: 5,
    metadata: {},
    cells: tags.map((some, at) => ({
      cell_type: 'code',
      id: `c${at}`,
      source: `x = ${at}`,
      metadata: some.length ? { tags: some } : {},
      outputs: [],
      execution_count: null
    }))
  });
  model.sharedModel.clearUndoHistory();
  return model;
}

const all = (model: NotebookModel) => Array.from(model.cells, tagsOf);

describe('tagging', () => {
  it('tags many cells at once, and one undo takes all of it back', () => {
    const model = notebook(['mine'], [], ['step:b', 'yours']);
    const before = all(model);
    setStep(model, Array.from(model.cells), 'a');
    expect(all(model)).toEqual([['mine', 'step:a'], ['step:a'], ['step:a', 'yours']]);
    model.sharedModel.undo();
    expect(all(model)).toEqual(before);
    model.sharedModel.redo();
    expect(all(model)).toEqual([['mine', 'step:a'], ['step:a'], ['step:a', 'yours']]);
  });

  it('undoes one change after the other', () => {
    const model = notebook([], []);
    setStep(model, [model.cells.get(0)], 'a');
    setStep(model, [model.cells.get(0)], 'b');
    model.sharedModel.undo();
    expect(all(model)).toEqual([['step:a'], []]);
    model.sharedModel.undo();
    expect(all(model)).toEqual([[], []]);
  });

  it('leaves no empty list of tags', () => {
    const model = notebook(['step:a']);
    setStep(model, [model.cells.get(0)], '');
    expect(model.cells.get(0).sharedModel.getMetadata()).toEqual({});
  });

  it('gives roles', () => {
    const model = notebook(['step:a', 'mine'], ['step:a']);
    setRole(model, [model.cells.get(0)], 'imports');
    setRole(model, [model.cells.get(1)], 'metrics');
    expect(all(model)).toEqual([
      ['mine', 'imports'],
      ['step:a', 'metrics']
    ]);
  });

  it('writes settings and keeps what it does not know', () => {
    const model = notebook(['step:a']);
    const cell = model.cells.get(0);
    cell.sharedModel.setMetadata('jupyter_mlops', { image: 'x', retries: 1 });
    transact(model, () => setSettings(cell, { retries: 3, timeout: 10, limits: {} }));
    expect(settingsOf(cell)).toEqual({ image: 'x', retries: 3, timeout: 10 });
    transact(model, () => setSettings(cell, { retries: undefined, timeout: undefined }));
    expect(settingsOf(cell)).toEqual({ image: 'x' });
  });
});
