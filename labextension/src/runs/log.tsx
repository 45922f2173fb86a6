import { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import { duration, moment } from '../format';
import { wordsOf } from '../request';
import { StateMark } from '../states';
import { IMlops } from '../tokens';
import { Run, State, StepRun } from '../types';
import { attempt as attemptTo } from './actions';
import { ACTIVE } from './model';
import { doneCells, IAttemptLog, ICellLog, IDoneCell, LogReader } from './sections';

const SHOWN = 300; // lines of a cell that are drawn at first
const SHORT = 40; // lines up to which a cell is open by itself
const SOON = 200; // ms between two looks at a log that grows

/** A cell of the run: what it wrote, and how it stands. */
interface IRow {
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
function useLog(mlops: IMlops, run: Run): { reader: LogReader; problem: string } {
  const [told, tell] = React.useState({ reader: new LogReader(), problem: '' });
  React.useEffect(() => {
    const reader = new LogReader();
    let place = 0;
    let timer = 0;
    let reading = false;
    let more = false;
    let gone = false;
    const read = async () => {
      timer = 0;
      if (reading) {
        more = true;
        return;
      }
      reading = true;
      try {
        do {
          more = false;
          const piece = await mlops.runs.log(run.id, place);
          more = more || piece.next - place >= 1 << 20;
          place = piece.next;
          reader.take(piece.text);
        } while (more && !gone);
        gone || tell({ reader, problem: '' });
      } catch (error) {
        gone || tell({ reader, problem: wordsOf(error) });
      }
      reading = false;
    };
    const hear = (_: unknown, event: { run: string }) => {
      if (event.run === run.id && !timer) {
        timer = window.setTimeout(() => void read(), SOON);
      }
    };
    mlops.feed.heard.connect(hear);
    void read();
    return () => {
      gone = true;
      window.clearTimeout(timer);
      mlops.feed.heard.disconnect(hear);
    };
  }, [run.id, run.state, run.attempt]);
  return told;
}

/** The rows of an attempt: what was logged; of the latest one also what was taken from kept results. */
export function rowsOf(
  run: Run,
  steps: readonly StepRun[],
  attempt: IAttemptLog | undefined,
  done: readonly IDoneCell[],
  latest: boolean,
  rest: string
): IRow[] {
  const known = new Map<number, ICellLog>((attempt?.cells ?? []).map(one => [one.cell, one]));
  const sources = new Map(done.map(one => [one.cell, one]));
  const places = latest ? [...new Set([...known.keys(), ...sources.keys()])] : [...known.keys()];
  const states = new Map(steps.map(step => [step.name, step.state as State]));
  const active = latest && ACTIVE.includes(run.state);
  const last = attempt?.cells[attempt.cells.length - 1];
  return places
    .sort((one, two) => one - two)
    .map(cell => {
      const log = known.get(cell);
      const source = sources.get(cell);
      const step = log?.step ?? source?.step ?? '';
      const goesOn = active && log !== undefined && !log.end;
      const ended = log && log === last && attempt!.end ? attempt!.end : 'completed';
      const stepState = states.get(step) ?? 'queued';
      const lines = log ? (goesOn && rest ? [...log.lines, rest] : log.lines) : (source?.lines ?? []);
      return {
        key: `${attempt?.number ?? 1}-${cell}`,
        step,
        cell,
        source: source?.source ?? '',
        state: goesOn ? 'running' : log ? ended : stepState,
        begin: log?.begin ?? (stepState === 'completed' ? (source?.begin ?? 0) : 0),
        seconds: log?.end ? log.end - log.begin : log || stepState !== 'completed' ? null : source!.seconds,
        lines,
        dropped: log?.dropped ?? 0
      };
    });
}

/** What a run wrote, cell by cell, as it comes. */
export function Log(props: {
  mlops: IMlops;
  run: Run;
  steps: readonly StepRun[];
  notebook?: Record<string, unknown>;
}): JSX.Element {
  const { mlops, run } = props;
  const { trans } = mlops;
  const { reader, problem } = useLog(mlops, run);
  const [search, setSearch] = React.useState('');
  const [follow, setFollow] = React.useState(ACTIVE.includes(run.state));
  const [opened, setOpened] = React.useState<Record<string, boolean>>({});
  const [chosen, setChosen] = React.useState(-1);
  const done = React.useMemo(() => doneCells(props.notebook), [props.notebook]);
  const box = React.useRef<HTMLDivElement>(null);
  const { attempts } = reader;
  const at = chosen >= 0 && chosen < attempts.length ? chosen : attempts.length - 1;
  const attempt = attempts[at];
  const latest = at === attempts.length - 1;
  const rows = rowsOf(run, props.steps, attempt, done, latest, reader.rest);
  const wanted = search.toLowerCase();
  const shown = rows
    .map(row => ({
      row,
      lines: wanted ? row.lines.filter(line => line.toLowerCase().includes(wanted)) : row.lines
    }))
    .filter(({ lines, row }) => !wanted || lines.length > 0 || row.step.toLowerCase().includes(wanted));
  const count = shown.reduce((sum, { lines }) => sum + lines.length, 0);
  React.useEffect(() => {
    if (follow && box.current) {
      box.current.scrollTop = box.current.scrollHeight;
    }
  });
  const isOpen = (row: IRow) =>
    wanted !== '' ||
    (opened[row.key] ?? (row.state === 'running' || row.state === 'failed' || row.lines.length <= SHORT));
  const openAll = (open: boolean) => setOpened(Object.fromEntries(rows.map(row => [row.key, open])));
  return (
    <div className="jp-mlops-log">
      <div className="jp-mlops-log-bar">
        <input
          className="jp-mod-styled"
          type="search"
          placeholder={trans.__('Search the log')}
          aria-label={trans.__('Search the log')}
          value={search}
          onChange={event => setSearch(event.target.value)}
        />
        <span className="jp-mlops-quiet" role="status">
          {wanted ? trans._n('%1 line', '%1 lines', count) : ''}
        </span>
        <span className="jp-mlops-grow" />
        {attempts.length > 1 ? (
          <select
            className="jp-mlops-link"
            aria-label={trans.__('Attempt')}
            value={at}
            onChange={event => setChosen(Number(event.target.value))}
          >
            {attempts.map((one, position) => (
              <option key={position} value={position}>
                {trans.__('attempt %1', one.number)}
              </option>
            ))}
          </select>
        ) : null}
        <button
          className="jp-mlops-link"
          onClick={() => void attemptTo(trans.__('The log could not be saved'), () => save(mlops, run.id))}
        >
          {trans.__('Save…')}
        </button>
        <button className="jp-mlops-link" onClick={() => openAll(true)}>
          {trans.__('Open all')}
        </button>
        <button className="jp-mlops-link" onClick={() => openAll(false)}>
          {trans.__('Close all')}
        </button>
        <label className="jp-mlops-tick">
          <input type="checkbox" checked={follow} onChange={event => setFollow(event.target.checked)} />
          {trans.__('Follow')}
        </label>
      </div>
      {problem ? (
        <div className="jp-mlops-problem" role="alert">
          {problem}
        </div>
      ) : null}
      <div
        className="jp-mlops-log-cells"
        ref={box}
        tabIndex={0}
        role="region"
        aria-label={trans.__('Log, cell by cell')}
        onWheel={event => event.deltaY < 0 && setFollow(false)}
      >
        {!rows.length && !attempt ? (
          <div className="jp-mlops-empty">
            {run.state === 'queued'
              ? trans.__('It waits for its turn: nothing is written yet.')
              : run.state === 'running'
                ? trans.__('Nothing is here yet. What it writes on another machine is here when it is over.')
                : trans.__('Nothing was written.')}
          </div>
        ) : null}
        {wanted && !shown.length ? (
          <div className="jp-mlops-empty">{trans.__('No line has “%1”.', search)}</div>
        ) : null}
        {shown.map(({ row, lines }) => (
          <CellSection
            key={row.key}
            row={row}
            lines={lines}
            why={attempt?.why.get(row.step) ?? ''}
            mark={wanted}
            open={isOpen(row)}
            onToggle={open => setOpened(before => ({ ...before, [row.key]: open }))}
            trans={trans}
          />
        ))}
        {attempt?.notes.length && !wanted ? (
          <details className="jp-mlops-log-notes">
            <summary>{trans.__('What the worker noted')}</summary>
            <pre tabIndex={0}>{attempt.notes.join('\n')}</pre>
          </details>
        ) : null}
      </div>
    </div>
  );
}

function CellSection(props: {
  row: IRow;
  lines: readonly string[];
  why: string;
  mark: string;
  open: boolean;
  onToggle: (open: boolean) => void;
  trans: TranslationBundle;
}): JSX.Element {
  const { row, lines, trans } = props;
  const [all, setAll] = React.useState(false);
  const first = row.source.split('\n').find(line => line.trim() !== '') ?? '';
  const some = all ? lines : lines.slice(-SHOWN);
  const head = (
    <>
      <StateMark state={row.state} trans={trans} bare={row.state !== 'failed' && row.state !== 'running'} />
      <span className="jp-mlops-log-name">{row.step}</span>
      <span className="jp-mlops-quiet">{trans.__('cell %1', row.cell + 1)}</span>
      <code className="jp-mlops-log-source">{first}</code>
      <span className="jp-mlops-time jp-mlops-quiet">{moment(row.begin)}</span>
      <span className="jp-mlops-time">
        {row.seconds !== null ? duration(row.seconds) : row.state === 'cached' ? trans.__('cached') : ''}
      </span>
    </>
  );
  if (!lines.length) {
    return (
      <div className="jp-mlops-log-cell jp-mod-silent" data-state={row.state} title={props.why || undefined}>
        <div className="jp-mlops-log-head">{head}</div>
      </div>
    );
  }
  return (
    <details
      className="jp-mlops-log-cell"
      data-state={row.state}
      open={props.open}
      onToggle={event => {
        const { open } = event.currentTarget;
        if (open !== props.open) {
          props.onToggle(open);
        }
      }}
    >
      <summary className="jp-mlops-log-head" title={props.why || undefined}>
        {head}
      </summary>
      {props.open ? (
        <>
          {row.dropped && all ? (
            <p className="jp-mlops-quiet">
              {trans._n(
                'The first line is not held any more.',
                'The first %1 lines are not held any more.',
                row.dropped
              )}
            </p>
          ) : null}
          {some.length < lines.length ? (
            <button className="jp-mlops-link" onClick={() => setAll(true)}>
              {trans.__('Show all %1 lines', lines.length)}
            </button>
          ) : null}
          <pre tabIndex={0} aria-label={trans.__('Output of cell %1', row.cell + 1)}>
            {props.mark ? marked(some, props.mark) : some.join('\n')}
          </pre>
        </>
      ) : null}
    </details>
  );
}

/** The whole log as a file, as it is. */
async function save(mlops: IMlops, run: string): Promise<void> {
  const pieces: string[] = [];
  for (let place = 0; ;) {
    const { text, next } = await mlops.runs.log(run, place);
    if (next === place) {
      break;
    }
    pieces.push(text);
    place = next;
  }
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob(pieces, { type: 'text/plain' }));
  link.download = `run-${run}.log`;
  link.click();
  URL.revokeObjectURL(link.href);
}

/** Lines with what is searched for marked. */
function marked(lines: readonly string[], wanted: string): React.ReactNode[] {
  return lines.map((line, at) => {
    const place = line.toLowerCase().indexOf(wanted);
    return place < 0 ? (
      `${line}\n`
    ) : (
      <React.Fragment key={at}>
        {line.slice(0, place)}
        <mark>{line.slice(place, place + wanted.length)}</mark>
        {line.slice(place + wanted.length)}
        {'\n'}
      </React.Fragment>
    );
  });
}
