import { errorMessage } from '../request';
import * as React from 'react';
import { IMlops } from '../tokens';
import { Run, State, StepRun } from '../types';
import { ACTIVE } from './model';
import { IAttemptLog, ICellLog, IExecutedCell, LogReader } from './sections';

const POLL_DELAY_MS = 200; // ms between two looks at a log that grows

/** A cell of the run: what it wrote, and how it stands. */
export interface ILogRow {
  key: string;
  step: string;
  cell: number;
  source: string;
  state: State;
  begin: number;
  seconds: number | null;
  lines: readonly string[];
  dropped: number;
}

/** The log of a run as it grows; asked for when an event says that there is more. */
export function useLog(mlops: IMlops, run: Run): { reader: LogReader; problem: string } {
  const [log, setLog] = React.useState({ reader: new LogReader(), problem: '' });
  React.useEffect(() => {
    const reader = new LogReader();
    let offset = 0;
    let timer = 0;
    let busy = false;
    let hasMore = false;
    let disposed = false;
    const fetchLog = async () => {
      timer = 0;
      if (busy) {
        hasMore = true;
        return;
      }
      busy = true;
      try {
        do {
          hasMore = false;
          const chunk = await mlops.runs.log(run.id, offset);
          hasMore = hasMore || chunk.next - offset >= 1 << 20;
          offset = chunk.next;
          reader.add(chunk.records);
        } while (hasMore && !disposed);
        disposed || setLog({ reader, problem: '' });
      } catch (error) {
        disposed || setLog({ reader, problem: errorMessage(error) });
      }
      busy = false;
    };
    const onEvent = (_: unknown, event: { run: string }) => {
      if (event.run === run.id && !timer) {
        timer = window.setTimeout(() => void fetchLog(), POLL_DELAY_MS);
      }
    };
    mlops.feed.eventReceived.connect(onEvent);
    void fetchLog();
    return () => {
      disposed = true;
      window.clearTimeout(timer);
      mlops.feed.eventReceived.disconnect(onEvent);
    };
  }, [mlops, run.id, run.state, run.attempt]);
  return log;
}

/** The rows of an attempt: what was logged; of the latest one also what was taken from kept results. */
export function rowsOf(
  run: Run,
  steps: readonly StepRun[],
  attempt: IAttemptLog | undefined,
  executedCells: readonly IExecutedCell[],
  isLatest: boolean,
  partialLine: string
): ILogRow[] {
  const logsByCell = new Map<number, ICellLog>((attempt?.cells ?? []).map(first => [first.cell, first]));
  const sources = new Map(executedCells.map(executedCell => [executedCell.cell, executedCell]));
  const positions = isLatest
    ? [...new Set([...logsByCell.keys(), ...sources.keys()])]
    : [...logsByCell.keys()];
  const states = new Map(steps.map(step => [step.name, step.state as State]));
  const active = isLatest && ACTIVE.includes(run.state);
  const lastLog = attempt?.cells[attempt.cells.length - 1];
  return positions
    .sort((first, second) => first - second)
    .map(cell => {
      const log = logsByCell.get(cell);
      const source = sources.get(cell);
      const step = log?.step ?? source?.step ?? '';
      const isRunning = active && log !== undefined && !log.end;
      const finalState = log && log === lastLog && attempt!.end ? attempt!.end : 'completed';
      const stepState = states.get(step) ?? 'queued';
      const lines = log
        ? isRunning && partialLine
          ? [...log.lines, partialLine]
          : log.lines
        : (source?.lines ?? []);
      return {
        key: `${attempt?.number ?? 1}-${cell}`,
        step,
        cell,
        source: source?.source ?? '',
        state: isRunning ? 'running' : log ? finalState : stepState,
        begin: log?.begin ?? (stepState === 'completed' ? (source?.begin ?? 0) : 0),
        seconds: log?.end ? log.end - log.begin : log || stepState !== 'completed' ? null : source!.seconds,
        lines,
        dropped: log?.dropped ?? 0
      };
    });
}

/** The whole log as a file, as it is. */
export async function saveLog(mlops: IMlops, run: string): Promise<void> {
  const chunks: string[] = [];
  for (let offset = 0; ;) {
    const { text, next } = await mlops.runs.log(run, offset);
    if (next === offset) {
      break;
    }
    chunks.push(text);
    offset = next;
  }
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob(chunks, { type: 'text/plain' }));
  link.download = `run-${run}.log`;
  link.click();
  URL.revokeObjectURL(link.href);
}
