import {
  formatAge,
  formatDuration,
  formatParameters,
  formatTimeInZone,
  formatTime,
  formatValue
} from '../format';

describe('format', () => {
  it.each<[number | null, string]>([
    [null, ''],
    [0, '0 ms'],
    [0.0004, '1 ms'],
    [0.099, '99 ms'],
    [0.1, '0.1 s'],
    [9.94, '9.9 s'],
    [9.96, '10 s'],
    [59.6, '1 min 00 s'],
    [185, '3 min 05 s'],
    [3725, '1 h 02 min']
  ])('duration %p', (seconds, text) => {
    expect(formatDuration(seconds)).toBe(text);
  });

  it('tells moments of today by the clock, others with their day', () => {
    const now = new Date(2026, 0, 31, 12, 0, 0);
    expect(formatTime(now.getTime() / 1000 - 60, now)).toMatch(/11.59.00/);
    expect(formatTime(now.getTime() / 1000 - 86400, now)).toMatch(/30/);
    expect(formatTime(null, now)).toBe('');
  });

  it('tells the year of times of another one', () => {
    const now = new Date(2026, 10, 24, 12, 0, 0);
    const at = (...when: [number, number, number]) => new Date(...when).getTime() / 1000;
    expect(formatTimeInZone(at(2026, 11, 24), '', now)).not.toMatch(/2026/);
    expect(formatTimeInZone(at(2027, 2, 28), '', now)).toMatch(/2027/);
    expect(formatTimeInZone(at(2027, 2, 28), 'Mars/Base', now)).toMatch(/2027/);
    expect(formatTime(at(2026, 9, 1), now)).not.toMatch(/2026/);
    expect(formatTime(at(2025, 9, 1), now)).toMatch(/2025/);
  });

  it('tells how long ago', () => {
    expect([10, 130, 7300, 200000].map(s => formatAge(1000000 - s, 1000000))).toEqual([
      'just now',
      '2 min ago',
      '2 h ago',
      '2 d ago'
    ]);
  });

  it('shortens values', () => {
    expect([0.1 + 0.2, [1, 2], 'a'.repeat(99), null].map(v => formatValue(v, 10))).toEqual([
      '0.3',
      '[1,2]',
      'aaaaaaaaa…',
      'null'
    ]);
    expect(formatParameters({ a: 1, b: 'x', c: 2, d: 3 })).toBe('a=1, b=x, c=2, …');
  });
});
