import { ILiveRun } from '../events';

/** When a step was at work, in seconds since 1970. */
export interface ISpan {
  name: string;
  begin: number;
  end: number;
}

type Metadata = {
  papermill?: { start_time?: string; end_time?: string };
  jupyter_mlops_run?: { step?: string };
};

/** When each step was at work, by its events and by the times that papermill wrote beside the cells. */
export function spansOf(notebook: Record<string, unknown> | undefined, live?: ILiveRun): ISpan[] {
  const spans = new Map<string, ISpan>();
  for (const [name, { begin, end }] of live?.steps ?? []) {
    if (begin) {
      spans.set(name, { name, begin: begin / 1000, end: (end || Date.now()) / 1000 });
    }
  }
  for (const cell of (notebook?.cells ?? []) as { metadata?: Metadata }[]) {
    const step = cell.metadata?.jupyter_mlops_run?.step;
    const times = cell.metadata?.papermill;
    const begin = Date.parse(times?.start_time ?? '') / 1000;
    const end = Date.parse(times?.end_time ?? '') / 1000;
    if (step && begin && end) {
      const span = spans.get(step);
      spans.set(step, {
        name: step,
        begin: Math.min(begin, span?.begin ?? begin),
        end: Math.max(end, span?.end ?? end)
      });
    }
  }
  return [...spans.values()];
}
