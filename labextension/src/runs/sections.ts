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
  why: Map<string, string>;
  /** How it ended; '' while it goes on. */
  end: '' | 'completed' | 'failed' | 'stopped';
}

const MOST_LINES = 50_000; // of a cell that are held
const NOTE = /^\[(\d{4}-\d\d-\d\dT[\d:.]+Z)\] (.*)$/;
const ATTEMPT = /^\w+ run \S+ of .*, attempt (\d+)$/;
const CELL = /^cell (\d+) of (.+)$/;
const STEP = /^step (.+): \w+(?: \((.*)\))?$/;
const ANSI = /\x1b\[[0-9;?]*[A-Za-z]/g;

/** A line as a terminal would leave it: without colours, and without what was written over. */
export function plain(line: string): string {
  const text = line.replace(ANSI, '');
  return text.includes('\r') ? (text.split('\r').filter(Boolean).pop() ?? '') : text;
}

/** Takes a run's log piece by piece, and tells it cell by cell. */
export class LogReader {
  /** In order; there is one at least once anything was read. */
  attempts: IAttemptLog[] = [];

  /** Take in what comes next. */
  take(text: string): void {
    const lines = (this._rest + text).split('\n');
    this._rest = lines.pop()!;
    for (const line of lines) {
      this._line(line);
    }
  }

  /** A line that has no end yet, as of a bar of progress. */
  get rest(): string {
    return NOTE.test(this._rest) ? '' : plain(this._rest);
  }

  private _line(line: string): void {
    const note = NOTE.exec(line);
    if (note) {
      this._note(Date.parse(note[1]) / 1000, note[2], line);
      return;
    }
    const { cells, notes } = this._attempt();
    const cell = cells[cells.length - 1];
    if (!cell || cell.end) {
      notes.push(plain(line));
      return;
    }
    cell.lines.push(plain(line));
    if (cell.lines.length > 1.2 * MOST_LINES) {
      cell.dropped += cell.lines.length - MOST_LINES;
      cell.lines = cell.lines.slice(-MOST_LINES);
    }
  }

  private _note(time: number, text: string, line: string): void {
    const attempt = ATTEMPT.exec(text);
    if (attempt) {
      this.attempts.push(begun(Number(attempt[1]), [line]));
      return;
    }
    const now = this._attempt();
    const last = now.cells[now.cells.length - 1];
    if (last && !last.end) {
      last.end = time;
    }
    const cell = CELL.exec(text);
    if (cell) {
      now.cells.push({
        step: cell[2],
        cell: Number(cell[1]) - 1,
        begin: time,
        end: 0,
        lines: [],
        dropped: 0
      });
      return;
    }
    const step = STEP.exec(text);
    if (step?.[2]) {
      now.why.set(step[1], step[2]);
    }
    if (text === 'completed' || text === 'failed' || text === 'stopped') {
      now.end = text;
    }
    now.notes.push(line);
  }

  private _attempt(): IAttemptLog {
    if (!this.attempts.length) {
      this.attempts.push(begun(1, []));
    }
    return this.attempts[this.attempts.length - 1];
  }

  private _rest = '';
}

function begun(number: number, notes: string[]): IAttemptLog {
  return { number, notes, cells: [], why: new Map(), end: '' };
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
export interface IDoneCell {
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

const ADDED = ['injected-parameters', 'papermill-error-cell-tag'];

/** The code cells of an executed notebook that belong to steps; what the run added itself does not count. */
export function doneCells(notebook: Record<string, unknown> | undefined): IDoneCell[] {
  const cells = ((notebook?.cells ?? []) as Cell[]).filter(
    cell => !cell.metadata?.tags?.some(tag => ADDED.includes(tag))
  );
  return cells.flatMap((cell, at) => {
    const step = cell.metadata?.jupyter_mlops_run?.step;
    if (cell.cell_type !== 'code' || !step) {
      return [];
    }
    const text = (cell.outputs ?? []).map(said).join('');
    const times = cell.metadata?.papermill;
    return [
      {
        cell: at,
        step,
        source: joined(cell.source),
        begin: Date.parse(times?.start_time ?? '') / 1000 || 0,
        seconds: times?.duration ?? null,
        lines: text ? linesOf(text) : []
      }
    ];
  });
}

function linesOf(text: string): string[] {
  return text.replace(/\n$/, '').split('\n').map(plain);
}

function said(output: Output): string {
  if (output.output_type === 'stream') {
    return joined(output.text);
  }
  if (output.output_type === 'error') {
    return `${output.ename}: ${output.evalue}\n`;
  }
  const text = joined(output.data?.['text/plain'] as string | string[] | undefined);
  return text ? `${text}\n` : '';
}

function joined(text: string | string[] | undefined): string {
  return Array.isArray(text) ? text.join('') : (text ?? '');
}
