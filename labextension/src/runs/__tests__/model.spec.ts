import { fakeMlops } from '../../__tests__/mount';
import { Run } from '../../types';
import { RunList } from '../model';

const run = (id: string, state: string, created = 0) => ({ id, state, created, steps: [] }) as unknown as Run;
const settle = () => new Promise(resolve => setTimeout(resolve));

describe('RunList', () => {
  function listOf(state?: string): { list: RunList; asked: string[]; mlops: ReturnType<typeof fakeMlops> } {
    const asked: string[] = [];
    const mlops = fakeMlops({
      runs: {
        list: () => Promise.resolve({ runs: [run('old', 'failed', 1)], next: null }),
        get: (id: string) => {
          asked.push(id);
          return Promise.resolve(run(id, 'completed', 2));
        }
      }
    });
    return { list: new RunList(mlops.runs, mlops.feed, { job: 'churn', state }), asked, mlops };
  }

  it('asks only for the run that an event names', async () => {
    const { list, asked, mlops } = listOf();
    await list.refresh();
    mlops.feed.handle({ run: 'new', kind: 'run', time: '', job: 'churn', state: 'completed' });
    mlops.feed.handle({ run: 'other', kind: 'run', time: '', job: 'another', state: 'completed' });
    await settle();
    expect(asked).toEqual(['new']);
    expect(list.runs.map(each => each.id)).toEqual(['new', 'old']);
  });

  it('drops a run that is not in the listed state any more', async () => {
    const { list, asked, mlops } = listOf('failed');
    await list.refresh();
    mlops.feed.handle({ run: 'old', kind: 'run', time: '', job: 'churn', state: 'completed' });
    await settle();
    expect(asked).toEqual(['old']);
    expect(list.runs).toEqual([]);
  });
});
