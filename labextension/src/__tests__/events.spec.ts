import { Signal } from '@lumino/signaling';
import { IRunEvent, RunFeed, SCHEMA_ID } from '../events';

function feed(): {
  feed: RunFeed;
  say: (event: Partial<IRunEvent>, schema?: string) => void;
  heard: string[];
} {
  const stream = new Signal<object, object>({});
  const made = new RunFeed(stream as never);
  const heard: string[] = [];
  made.eventReceived.connect((_, event) => void heard.push(event.kind));
  const say = (event: Partial<IRunEvent>, schema = SCHEMA_ID) =>
    stream.emit({ schema_id: schema, run: 'r1', time: '2026-01-01T00:00:00Z', ...event });
  return { feed: made, say, heard };
}

describe('RunFeed', () => {
  it('hears only its own events', () => {
    const { feed: made, say, heard } = feed();
    say({ kind: 'run', state: 'running' }, 'https://events.jupyter.org/other');
    expect(heard).toEqual([]);
    expect(made.live('r1')).toBeUndefined();
  });

  it('knows how a run stands', () => {
    const { feed: made, say } = feed();
    say({ kind: 'run', state: 'running' });
    say({ kind: 'steps', steps: ['a', 'b'] });
    say({ kind: 'step', step: 'a', state: 'running', time: '2026-01-01T00:00:01Z' });
    say({ kind: 'cell', step: 'a', cell: 4 });
    say({ kind: 'output', text: 'one ' });
    say({ kind: 'output', text: 'two' });
    say({ kind: 'step', step: 'a', state: 'completed', seconds: 2, time: '2026-01-01T00:00:03Z' });
    const live = made.live('r1')!;
    expect([live.state, live.step, live.cell, live.text]).toEqual(['running', 'a', 4, 'one two']);
    const a = live.steps.get('a')!;
    expect([a.state, a.seconds, a.end - a.begin]).toEqual(['completed', 2, 2000]);
    expect(live.steps.get('b')!.state).toBe('queued');
    say({ kind: 'run', state: 'completed' });
    expect(made.live('r1')!.state).toBe('completed');
  });

  it('does not grow without end', () => {
    const { feed: made, say } = feed();
    for (let n = 0; n < 500; n++) {
      say({ run: `r${n}`, kind: 'output', text: 'x'.repeat(1000) });
    }
    expect(made.live('r1')).toBeUndefined();
    for (let n = 0; n < 1000; n++) {
      say({ run: 'long', kind: 'output', text: 'y'.repeat(1000) });
    }
    expect(made.live('long')!.text.length).toBeLessThan(500_000);
  });
});
