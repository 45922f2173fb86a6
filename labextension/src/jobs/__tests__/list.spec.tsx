import * as React from 'react';
import { act } from 'react';
import { fakeMlops, mount } from '../../__tests__/mount';
import { Job } from '../../types';
import { JobList, replaceJob } from '../list';

function job(name: string, version = 'v1'): Job {
  return {
    name,
    version,
    aliases: {},
    recent: [],
    problems: [],
    paused: false,
    owner: 'ann',
    next: null,
    last: null
  } as unknown as Job;
}

describe('replaceJob', () => {
  it('replaces a job in its place, and puts a new one last', () => {
    const jobs = [job('a'), job('b')];
    expect(replaceJob(jobs, job('a', 'v2')).map(each => each.version)).toEqual(['v2', 'v1']);
    expect(replaceJob(jobs, job('c')).map(each => each.name)).toEqual(['a', 'b', 'c']);
  });
});

describe('JobList', () => {
  it('asks only for the job that an event names', async () => {
    const asked: string[] = [];
    const mlops = fakeMlops({
      jobs: {
        list: () => {
          asked.push('all');
          return Promise.resolve([job('a'), job('b')]);
        },
        get: (name: string) => {
          asked.push(name);
          return Promise.resolve(job(name, 'v9'));
        }
      }
    });
    const { node, unmount } = await mount(
      <JobList
        mlops={mlops}
        actions={{} as never}
        open={() => undefined}
        view="all"
        onViewChange={() => undefined}
      />
    );
    await act(async () => mlops.feed.handle({ run: '1', kind: 'step', time: '', job: 'a', step: 's' }));
    await act(async () => mlops.feed.handle({ run: '1', kind: 'run', time: '', job: 'b', state: 'running' }));
    expect(asked).toEqual(['all', 'b']);
    expect(node.textContent).toContain('v9');
    await act(async () => mlops.feed.notifyReconnected());
    expect(asked).toEqual(['all', 'b', 'all']);
    unmount();
  });
});
