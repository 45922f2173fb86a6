import { Batch, Run } from '../../types';
import { withRun } from '../batchView';

describe('withRun', () => {
  it('replaces one run and counts the states again', () => {
    const rows = ['a', 'b'].map(id => ({ id, state: 'running', metrics: {}, seconds: null }));
    const batch = { runs: rows, states: { running: 2 } } as unknown as Batch;
    const run = { id: 'b', state: 'completed', metrics: { auc: 1 }, seconds: 2 } as unknown as Run;
    const changed = withRun(batch, run);
    expect(changed.states).toEqual({ running: 1, completed: 1 });
    expect(changed.runs[1]).toMatchObject({ id: 'b', state: 'completed', metrics: { auc: 1 }, seconds: 2 });
    expect(changed.runs[0]).toBe(rows[0]);
  });
});
