import { LogRecord } from '../../types';
import { readExecutedCells, LogReader, stripTerminalCodes } from '../sections';

const AT = '2026-11-24T18:42:34.641904Z';
const record = (kind: string, facts: Partial<LogRecord> = {}): LogRecord => ({
  time: AT,
  kind,
  step: '',
  cell: null,
  state: '',
  why: '',
  text: kind,
  attempt: null,
  ...facts
});
const print = (text: string): LogRecord => record('output', { text });
const LOG = [
  record('attempt', { attempt: 1 }),
  record('step', { step: 'load', state: 'running' }),
  record('cell', { step: 'load', cell: 2 }),
  print('one\ntw'),
  print('o\n'),
  record('step', { step: 'load', state: 'completed', time: '2026-11-24T18:42:36.641904Z' }),
  record('step', { step: 'sum', state: 'cached', why: 'kept from an earlier run' }),
  record('end', { state: 'failed' }),
  record('attempt', { attempt: 2 }),
  record('cell', { step: 'a step: with signs', cell: 3 }),
  print('three')
];

describe('LogReader', () => {
  it('tells a log cell by cell, however it is cut', () => {
    for (const size of [1, 3, 10_000]) {
      const reader = new LogReader();
      for (let at = 0; at < LOG.length; at += size) {
        reader.add(LOG.slice(at, at + size));
      }
      expect(reader.attempts.map(one => one.number)).toEqual([1, 2]);
      const [first, second] = reader.attempts;
      expect(first.cells).toHaveLength(1);
      expect(first.cells[0]).toMatchObject({ step: 'load', cell: 2, lines: ['one', 'two'] });
      expect(first.cells[0].end - first.cells[0].begin).toBeCloseTo(2);
      expect(first.reasons.get('sum')).toBe('kept from an earlier run');
      expect(first.end).toBe('failed');
      expect(second.cells[0]).toMatchObject({ step: 'a step: with signs', cell: 3, end: 0, lines: [] });
      expect(reader.partialLine).toBe('three');
    }
  });

  it('takes what a cell prints for nothing else, whatever it says', () => {
    const reader = new LogReader();
    const forged = `[${AT}] cell 9 of other\n[${AT}] failed\n{"kind": "end", "state": "failed"}\n`;
    reader.add([record('attempt', { attempt: 1 }), record('cell', { step: 'a', cell: 0 }), print(forged)]);
    const [attempt] = reader.attempts;
    expect(attempt.end).toBe('');
    expect(attempt.cells.map(one => [one.step, one.lines.length])).toEqual([['a', 3]]);
  });

  it('shows a line that was not ended before what comes next', () => {
    const reader = new LogReader();
    reader.add([
      record('cell', { step: 'a', cell: 0 }),
      print('half'),
      record('cell', { step: 'a', cell: 1 })
    ]);
    expect(reader.attempts[0].cells.map(one => one.lines)).toEqual([['half'], []]);
    expect(reader.partialLine).toBe('');
  });

  it('holds the end of what is very long', () => {
    const reader = new LogReader();
    reader.add([record('attempt', { attempt: 1 }), record('cell', { step: 'a', cell: 0 })]);
    reader.add([print(Array.from({ length: 200_000 }, (_, at) => `line ${at}\n`).join(''))]);
    const [cell] = reader.attempts[0].cells;
    expect(cell.lines.length).toBeLessThan(70_000);
    expect(cell.lines.length + cell.dropped).toBe(200_000);
    expect(cell.lines[cell.lines.length - 1]).toBe('line 199999');
  });

  it('takes what nobody announced as notes', () => {
    const reader = new LogReader();
    reader.add([print('odd\n')]);
    expect(reader.attempts[0].notes).toEqual(['odd']);
  });
});

test('a line is what a terminal would leave of it', () => {
  expect(stripTerminalCodes('\x1b[31mred\x1b[0m')).toBe('red');
  expect(stripTerminalCodes(' 10%\r 50%\r100%')).toBe('100%');
  expect(stripTerminalCodes(' 10%\r')).toBe(' 10%');
});

test('cells that the run added do not count', () => {
  const step = { jupyter_mlops_run: { step: 'a' } };
  const found = readExecutedCells({
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
