import { spansOf } from '../spans';

const cell = (step: string, start: string, end: string) => ({
  metadata: { jupyter_mlops_run: { step }, papermill: { start_time: start, end_time: end } }
});

describe('spansOf', () => {
  it('joins the cells of a step', () => {
    const spans = spansOf({
      cells: [
        cell('a', '2026-01-01T00:00:01Z', '2026-01-01T00:00:02Z'),
        cell('b', '2026-01-01T00:00:02Z', '2026-01-01T00:00:05Z'),
        cell('a', '2026-01-01T00:00:05Z', '2026-01-01T00:00:06Z'),
        { metadata: {} }
      ]
    });
    expect(spans.map(({ name, begin, end }) => [name, end - begin])).toEqual([
      ['a', 5],
      ['b', 3]
    ]);
  });

  it('knows nothing of a run without times', () => {
    expect(spansOf(undefined)).toEqual([]);
  });
});
