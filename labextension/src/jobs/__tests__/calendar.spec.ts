import { groupByDay } from '../calendar';

const firing = (job: string, time: Date) => ({
  job,
  time: time.getTime() / 1000,
  local: time.toISOString(),
  zone: 'UTC',
  schedule: 1
});

it('tells firings day by day, a line a job', () => {
  const now = new Date(2026, 10, 24, 18, 40);
  const days = groupByDay(
    [
      firing('b', new Date(2026, 10, 24, 23, 59)),
      firing('a', new Date(2026, 10, 25, 0, 0)),
      firing('b', new Date(2026, 10, 25, 6, 0)),
      firing('a', new Date(2026, 10, 25, 7, 0)),
      firing('a', new Date(2026, 11, 1, 0, 0))
    ],
    now.getTime()
  );
  expect(days).toHaveLength(7);
  expect(days.map(([, entries]) => entries.map(one => [one.job, one.times.length]))).toEqual([
    [['b', 1]],
    [
      ['a', 2],
      ['b', 1]
    ],
    [],
    [],
    [],
    [],
    []
  ]);
});
