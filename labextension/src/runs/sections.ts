import { LogRecord } from '../types';

/** What one cell wrote. */
export interface ICellLog {
  step: string;
  /** Position of the cell, from 0. */
  cell: number;
  /** Seconds since 1970; `end` is 0 while it goes on. */
  begin: number;
  end: number;
  lines: string[];
  /** Earlier lines that are not held any more. */
  dropped: number;
}

/** What one attempt of a run wrote. */
export interface IAttemptLog {
  number: number;
  /** What the run said of itself, line by line. */
  notes: string[];
  cells: ICellLog[];
  /** Why each step is in its state, where there is more to say. */
  reasons: Map<string, string>;
  /** How it ended; '' while it goes on. */
  end: '' | 'completed' | 'failed' | 'stopped';
}

const MAX_LINES = 50_000; // of a cell that are held
const ANSI = /\x1b\[[0-9;?]*[A-Za-z]/g;

/** A line as a terminal would leave it: without colours, and without what was written over. */
export function stripTerminalCodes(line: string): string {
  const text = line.replace(ANSI, '');
  return text.includes('\r') ? (text.split('\r').filter(Boolean).pop() ?? '') : text;
}

/** Takes the records of a run's log piece by piece, and sorts them by attempt and cell. */
export class LogReader {
  /** In order; there is one at least once anything was read. */
  attempts: IAttemptLog[] = [];

  /** Take in what comes next. */
  add(records: readonly LogRecord[]): void {
    for (const record of records) {
      if (record.kind === 'output') {
        this._addOutput(record.text);
      } else {
        this._addRecord(record);
      }
    }
  }

  /** A line that has no end yet, as of a bar of progress. */
  get partialLine(): string {
    return stripTerminalCodes(this._partialLine);
  }

  private _addOutput(text: string): void {
    const lines = (this._partialLine + text).split('\n');
    this._partialLine = lines.pop()!;
    lines.forEach(line => this._addLine(line));
  }

  private _addLine(line: string): void {
    const { cells, notes } = this._currentAttempt();
    const cell = cells[cells.length - 1];
    if (!cell || cell.end) {
      notes.push(stripTerminalCodes(line));
      return;
    }
    cell.lines.push(stripTerminalCodes(line));
    if (cell.lines.length > 1.2 * MAX_LINES) {
      cell.dropped += cell.lines.length - MAX_LINES;
      cell.lines = cell.lines.slice(-MAX_LINES);
    }
  }

  private _addRecord(record: LogRecord): void {
    if (this._partialLine) {
      this._addLine(this._partialLine);
      this._partialLine = '';
    }
    const line = `[${record.time}] ${record.text}`;
    if (record.kind === 'attempt') {
      this.attempts.push(newAttempt(record.attempt ?? 1, [line]));
      return;
    }
    const time = Date.parse(record.time) / 1000 || 0;
    const attempt = this._currentAttempt();
    const last = attempt.cells[attempt.cells.length - 1];
    if (last && !last.end) {
      last.end = time;
    }
    if (record.kind === 'cell') {
      const { step } = record;
      attempt.cells.push({ step, cell: record.cell ?? 0, begin: time, end: 0, lines: [], dropped: 0 });
      return;
    }
    if (record.kind === 'step' && record.why) {
      attempt.reasons.set(record.step, record.why);
    }
    if (record.kind === 'end') {
      attempt.end = record.state as IAttemptLog['end'];
    }
    attempt.notes.push(line);
  }

  private _currentAttempt(): IAttemptLog {
    if (!this.attempts.length) {
      this.attempts.push(newAttempt(1, []));
    }
    return this.attempts[this.attempts.length - 1];
  }

  private _partialLine = '';
}

function newAttempt(number: number, notes: string[]): IAttemptLog {
  return { number, notes, cells: [], reasons: new Map(), end: '' };
}

type Output = {
  output_type: string;
  text?: string | string[];
  ename?: string;
  evalue?: string;
  data?: Record<string, unknown>;
};
type Cell = {
  cell_type: string;
  source: string | string[];
  metadata?: {
    tags?: string[];
    jupyter_mlops_run?: { step?: string };
    papermill?: { start_time?: string; duration?: number };
  };
  outputs?: Output[];
};

/** A code cell of the executed notebook. */
export interface IExecutedCell {
  /** Position in the notebook that was run, from 0. */
  cell: number;
  step: string;
  source: string;
  /** Seconds since 1970; 0 if nothing tells. */
  begin: number;
  seconds: number | null;
  /** What its outputs say as text. */
  lines: string[];
}

const GENERATED_TAGS = ['injected-parameters', 'papermill-error-cell-tag'];

/** The code cells of an executed notebook that belong to steps; what the run added itself does not count. */
export function readExecutedCells(notebook: Record<string, unknown> | undefined): IExecutedCell[] {
  const cells = ((notebook?.cells ?? []) as Cell[]).filter(
    cell => !cell.metadata?.tags?.some(tag => GENERATED_TAGS.includes(tag))
  );
  return cells.flatMap((cell, index) => {
    const step = cell.metadata?.jupyter_mlops_run?.step;
    if (cell.cell_type !== 'code' || !step) {
      return [];
    }
    const text = (cell.outputs ?? []).map(outputText).join('');
    const times = cell.metadata?.papermill;
    return [
      {
        cell: index,
        step,
        source: joinText(cell.source),
        begin: Date.parse(times?.start_time ?? '') / 1000 || 0,
        seconds: times?.duration ?? null,
        lines: text ? splitLines(text) : []
      }
    ];
  });
}

function splitLines(text: string): string[] {
  return text.replace(/\n$/, '').split('\n').map(stripTerminalCodes);
}

function outputText(output: Output): string {
  if (output.output_type === 'stream') {
    return joinText(output.text);
  }
  if (output.output_type === 'error') {
    return `${output.ename}: ${output.evalue}\n`;
  }
  const text = joinText(output.data?.['text/plain'] as string | string[] | undefined);
  return text ? `${text}\n` : '';
}

function joinText(text: string | string[] | undefined): string {
  return Array.isArray(text) ? text.join('') : (text ?? '');
}
