import { doneCells, LogReader, plain } from '../sections';

const AT = '[2026-11-24T18:42:34.641904Z]';
const LOG = [
  `${AT} notebook run 1 of a.ipynb, v2, attempt 1`,
  `${AT} step load: running`,
  `${AT} cell 3 of load`,
  'one',
  'two',
  `[2026-11-24T18:42:36.641904Z] step load: completed`,
  `${AT} step sum: cached (kept from an earlier run)`,
  `${AT} failed`,
  `${AT} notebook run 1 of a.ipynb, v3, attempt 2`,
  `${AT} cell 4 of a step: with signs`,
  'three'
].join('\n');

describe('LogReader', () => {
  it('tells a log cell by cell, however it is cut', () => {
    for (const size of [1, 7, 10_000]) {
      const reader = new LogReader();
      for (let at = 0; at < LOG.length; at += size) {
        reader.take(LOG.slice(at, at + size));
      }
      expect(reader.attempts.map(one => one.number)).toEqual([1, 2]);
      const [first, second] = reader.attempts;
      expect(first.cells).toHaveLength(1);
      expect(first.cells[0]).toMatchObject({ step: 'load', cell: 2, lines: ['one', 'two'] });
      expect(first.cells[0].end - first.cells[0].begin).toBeCloseTo(2);
      expect(first.why.get('sum')).toBe('kept from an earlier run');
      expect(second.cells[0]).toMatchObject({ step: 'a step: with signs', cell: 3, end: 0, lines: [] });
      expect(reader.rest).toBe('three');
    }
  });

  it('holds the end of what is very long', () => {
    const reader = new LogReader();
    reader.take(`${AT} notebook run 1 of a.ipynb, attempt 1\n${AT} cell 1 of a\n`);
    reader.take(Array.from({ length: 200_000 }, (_, at) => `line ${at}\n`).join(''));
    const [cell] = reader.attempts[0].cells;
    expect(cell.lines.length).toBeLessThan(70_000);
    expect(cell.lines.length + cell.dropped).toBe(200_000);
    expect(cell.lines[cell.lines.length - 1]).toBe('line 199999');
  });

  it('takes what nobody announced as notes', () => {
    const reader = new LogReader();
    reader.take('odd\n');
    expect(reader.attempts[0].notes).toEqual(['odd']);
  });
});

test('a line is what a terminal would leave of it', () => {
  expect(plain('\x1b[31mred\x1b[0m')).toBe('red');
  expect(plain(' 10%\r 50%\r100%')).toBe('100%');
  expect(plain(' 10%\r')).toBe(' 10%');
});

test('cells that the run added do not count', () => {
  const step = { jupyter_mlops_run: { step: 'a' } };
  const found = doneCells({
    cells: [
      { cell_type: 'markdown', source: 'text', metadata: {} },
      { cell_type: 'code', source: 'n = 3', metadata: { tags: ['injected-parameters'], ...step } },
      {
        cell_type: 'code',
        source: ['print(1)\n', '2'],
        metadata: { ...step, papermill: { start_time: '2025-11-24T18:42:34Z', duration: 0.5 } },
        outputs: [
          { output_type: 'stream', text: ['1\n'] },
          { output_type: 'execute_result', data: { 'text/plain': '2' } },
          { output_type: 'error', ename: 'ValueError', evalue: 'no' }
        ]
      },
      { cell_type: 'code', source: 'x', metadata: {}, outputs: [] }
    ]
  });
  expect(found).toEqual([
    {
      cell: 1,
      step: 'a',
      source: 'print(1)\n2',
      begin: 1764009754,
      seconds: 0.5,
      lines: ['1', '2', 'ValueError: no']
    }
  ]);
});
