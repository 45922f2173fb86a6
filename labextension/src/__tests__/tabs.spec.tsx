import * as React from 'react';
import { act } from 'react';
import { Tabs } from '../tabs';
import { mount } from './mount';

const LABELS = { runs: 'Runs', log: 'Log' };

function tabs(value: 'runs' | 'log', onChange: (name: string) => void): JSX.Element {
  return (
    <Tabs
      id="t"
      label="Parts"
      names={['runs', 'log'] as const}
      labels={LABELS}
      value={value}
      onChange={onChange}
    />
  );
}

const settle = () => act(async () => void (await new Promise(resolve => setTimeout(resolve, 40))));

describe('Tabs', () => {
  it('shows the chosen tab, and says when another is chosen by keyboard', async () => {
    const heard: string[] = [];
    const { node, rerender, unmount } = await mount(tabs('runs', name => heard.push(name)));
    await settle();
    const found = () => Array.from(node.querySelectorAll<HTMLElement>('[role="tab"]'));
    expect(found().map(tab => [tab.textContent, tab.getAttribute('aria-selected')])).toEqual([
      ['Runs', 'true'],
      ['Log', 'false']
    ]);
    expect(node.querySelector('[role="tablist"]')!.getAttribute('aria-label')).toBe('Parts');
    expect(found()[0].getAttribute('aria-controls')).toBe('t-part');
    expect(heard).toEqual([]);
    found()[1].focus();
    found()[1].dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', bubbles: true }));
    expect(heard).toEqual(['log']);
    await rerender(tabs('log', name => heard.push(name)));
    await settle();
    expect(found()[1].getAttribute('aria-selected')).toBe('true');
    expect(heard).toEqual(['log']);
    unmount();
  });
});
