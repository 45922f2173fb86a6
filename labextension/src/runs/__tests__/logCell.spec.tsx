import { nullTranslator } from '@jupyterlab/translation';
import * as React from 'react';
import { button, click, mount } from '../../__tests__/mount';
import { searchRows } from '../log';
import { CellSection } from '../logCell';
import { ILogRow } from '../logRows';

const trans = nullTranslator.load('');

function row(lines: string[], step = 'load'): ILogRow {
  return {
    key: step,
    step,
    cell: 2,
    source: '\nprint(1)',
    state: 'completed',
    begin: 0,
    seconds: 1,
    lines,
    dropped: 0
  };
}

function section(lines: string[], query = ''): JSX.Element {
  return (
    <CellSection
      row={row(lines)}
      lines={lines}
      reason=""
      query={query}
      open
      onToggle={() => undefined}
      trans={trans}
    />
  );
}

describe('searchRows', () => {
  it('keeps the lines that have a text, and steps of that name', () => {
    const rows = [row(['one', 'Needle'], 'a'), row(['two'], 'needles'), row(['three'], 'c')];
    expect(searchRows(rows, 'needle').map(({ row, lines }) => [row.step, lines])).toEqual([
      ['a', ['Needle']],
      ['needles', []]
    ]);
    expect(searchRows(rows, '')).toHaveLength(3);
  });
});

describe('CellSection', () => {
  it('draws the last lines at first, and all of them when asked', async () => {
    const lines = Array.from({ length: 400 }, (_, index) => `row ${index}`);
    const { node, unmount } = await mount(section(lines));
    expect(node.querySelector('summary')!.textContent).toContain('print(1)');
    expect(node.querySelector('pre')!.textContent).not.toContain('row 5\n');
    await click(button(node, 'Show all 400 lines'));
    expect(node.querySelector('pre')!.textContent).toContain('row 5\n');
    unmount();
  });

  it('marks what is searched for, and shows HTML as text', async () => {
    const { node, unmount } = await mount(section(['a <b>needle</b>'], 'needle'));
    expect(node.querySelector('mark')!.textContent).toBe('needle');
    expect(node.querySelector('b')).toBeNull();
    unmount();
  });

  it('can not be opened where nothing was written', async () => {
    const { node, unmount } = await mount(section([]));
    expect(node.querySelector('details')).toBeNull();
    unmount();
  });
});
