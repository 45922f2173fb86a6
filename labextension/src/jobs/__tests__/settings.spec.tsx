import * as React from 'react';
import { button, click, fakeMlops, mount, type } from '../../__tests__/mount';
import { RequestError } from '../../request';
import { Job, Values } from '../../types';
import { changedPolicies, formValuesOf, SettingsTab } from '../settings';

const POLICIES: Values = {
  retries: 1,
  backoff: 30,
  cell_timeout: null,
  run_timeout: null,
  concurrency: 1,
  priority: 0,
  keep_runs: null,
  keep_days: null,
  keep_failures: null,
  environment: 'locked',
  secrets: ['TOKEN'],
  notify: [],
  notify_on: ['failure'],
  long_running: null
};

describe('changedPolicies', () => {
  it('tells nothing of a form that was not touched', () => {
    expect(changedPolicies(formValuesOf(POLICIES), POLICIES)).toEqual({});
  });

  it('takes lines as lists, and an empty number as its default', () => {
    const form = formValuesOf(POLICIES);
    form.runs = { ...form.runs, retries: undefined, cell_timeout: 60 };
    form.environment = { ...form.environment, secrets: ' TOKEN \n\nKEY' };
    expect(changedPolicies(form, POLICIES)).toEqual({
      retries: 0,
      cell_timeout: 60,
      secrets: ['TOKEN', 'KEY']
    });
  });
});

describe('SettingsTab', () => {
  const job = { name: 'churn', policies: POLICIES } as unknown as Job;

  it('saves what was changed, and shows a refusal at its field until it is corrected', async () => {
    const asked: unknown[] = [];
    const update = (_: string, change: { policies: Values }) => {
      asked.push(change.policies);
      return asked.length === 1
        ? Promise.reject(new RequestError('0 or more', 422, '', 'policies.retries'))
        : Promise.resolve({ policies: { ...POLICIES, ...change.policies } });
    };
    const mlops = fakeMlops({ jobs: { update } });
    let saved = 0;
    const { node, unmount } = await mount(
      <SettingsTab mlops={mlops} job={job} onChange={() => (saved += 1)} remove={() => Promise.resolve()} />
    );
    const retries = () => node.querySelector('#jp-mlops-settings_runs_retries');
    await type(retries(), '-1');
    await click(button(node, 'Save'));
    expect(asked).toEqual([{ retries: -1 }]);
    expect(node.querySelector('#jp-mlops-settings_runs_retries__error')!.textContent).toBe('0 or more');
    await type(retries(), '2');
    expect(node.querySelector('#jp-mlops-settings_runs_retries__error')).toBeNull();
    await click(button(node, 'Save'));
    expect(asked[1]).toEqual({ retries: 2 });
    expect(node.querySelector('[role="status"]')!.textContent).toBe('Saved.');
    expect(saved).toBe(1);
    unmount();
  });
});
