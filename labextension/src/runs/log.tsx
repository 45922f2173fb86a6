import * as React from 'react';
import { Placeholder, Problem } from '../notices';
import { IMlops } from '../tokens';
import { Run, StepRun } from '../types';
import { withErrorDialog } from './actions';
import { CellSection } from './logCell';
import { ILogRow, rowsOf, saveLog, useLog } from './logRows';
import { ACTIVE } from './model';
import { readExecutedCells, IAttemptLog } from './sections';

const AUTO_OPEN_LINES = 40; // lines up to which a cell is open by itself

interface IVisibleRow {
  row: ILogRow;
  lines: readonly string[];
}

/** The rows that have a text in their lines or their step, with those lines. */
export function searchRows(rows: readonly ILogRow[], query: string): IVisibleRow[] {
  if (!query) {
    return rows.map(row => ({ row, lines: row.lines }));
  }
  return rows
    .map(row => ({ row, lines: row.lines.filter(line => line.toLowerCase().includes(query)) }))
    .filter(({ row, lines }) => lines.length > 0 || row.step.toLowerCase().includes(query));
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
  const [openRows, setOpenRows] = React.useState<Record<string, boolean>>({});
  const [selectedAttempt, setSelectedAttempt] = React.useState(-1);
  const executedCells = React.useMemo(() => readExecutedCells(props.notebook), [props.notebook]);
  const container = React.useRef<HTMLDivElement>(null);
  const { attempts } = reader;
  const latest = attempts.length - 1;
  const attemptIndex = selectedAttempt >= 0 && selectedAttempt <= latest ? selectedAttempt : latest;
  const attempt = attempts[attemptIndex];
  const rows = rowsOf(run, props.steps, attempt, executedCells, attemptIndex === latest, reader.partialLine);
  const query = search.toLowerCase();
  const visibleRows = searchRows(rows, query);
  React.useEffect(() => {
    if (follow && container.current) {
      container.current.scrollTop = container.current.scrollHeight;
    }
  });
  const isOpen = (row: ILogRow) =>
    query !== '' ||
    (openRows[row.key] ??
      (row.state === 'running' || row.state === 'failed' || row.lines.length <= AUTO_OPEN_LINES));
  return (
    <div className="jp-mlops-log">
      <LogBar
        mlops={mlops}
        run={run}
        search={search}
        onSearch={setSearch}
        lineCount={visibleRows.reduce((sum, { lines }) => sum + lines.length, 0)}
        attempts={attempts}
        attemptIndex={attemptIndex}
        onAttempt={setSelectedAttempt}
        openAll={open => setOpenRows(Object.fromEntries(rows.map(row => [row.key, open])))}
        follow={follow}
        onFollow={setFollow}
      />
      <Problem>{problem}</Problem>
      <div
        className="jp-mlops-log-cells"
        ref={container}
        tabIndex={0}
        role="region"
        aria-label={trans.__('Log, cell by cell')}
        onWheel={event => event.deltaY < 0 && setFollow(false)}
      >
        {!rows.length && !attempt ? <EmptyLog mlops={mlops} run={run} /> : null}
        {query && !visibleRows.length ? (
          <Placeholder trans={trans}>{trans.__('No line contains “%1”.', search)}</Placeholder>
        ) : null}
        {visibleRows.map(({ row, lines }) => (
          <CellSection
            key={row.key}
            row={row}
            lines={lines}
            reason={attempt?.reasons.get(row.step) ?? ''}
            query={query}
            open={isOpen(row)}
            onToggle={open => setOpenRows(previous => ({ ...previous, [row.key]: open }))}
            trans={trans}
          />
        ))}
        {attempt?.notes.length && !query ? (
          <details className="jp-mlops-log-notes jp-mlops-secondary">
            <summary>{trans.__('Messages of the worker')}</summary>
            <pre tabIndex={0}>{attempt.notes.join('\n')}</pre>
          </details>
        ) : null}
      </div>
    </div>
  );
}

/** What can be done with a log. */
function LogBar(props: {
  mlops: IMlops;
  run: Run;
  search: string;
  onSearch: (text: string) => void;
  lineCount: number;
  attempts: readonly IAttemptLog[];
  attemptIndex: number;
  onAttempt: (index: number) => void;
  openAll: (open: boolean) => void;
  follow: boolean;
  onFollow: (follow: boolean) => void;
}): JSX.Element {
  const { mlops, run, attempts, openAll } = props;
  const { trans } = mlops;
  return (
    <div className="jp-mlops-row jp-mlops-log-bar">
      <input
        className="jp-mod-styled"
        type="search"
        placeholder={trans.__('Search the log')}
        aria-label={trans.__('Search the log')}
        value={props.search}
        onChange={event => props.onSearch(event.target.value)}
      />
      <span className="jp-mlops-secondary jp-mlops-grow" role="status">
        {props.search ? trans._n('%1 line', '%1 lines', props.lineCount) : ''}
      </span>
      {attempts.length > 1 ? (
        <select
          className="jp-mlops-choice"
          aria-label={trans.__('Attempt')}
          value={props.attemptIndex}
          onChange={event => props.onAttempt(Number(event.target.value))}
        >
          {attempts.map((attempt, position) => (
            <option key={position} value={position}>
              {trans.__('attempt %1', attempt.number)}
            </option>
          ))}
        </select>
      ) : null}
      <button
        className="jp-mlops-link"
        onClick={() =>
          void withErrorDialog(trans.__('The log could not be saved'), () => saveLog(mlops, run.id))
        }
      >
        {trans.__('Save…')}
      </button>
      <button className="jp-mlops-link" onClick={() => openAll(true)}>
        {trans.__('Open all')}
      </button>
      <button className="jp-mlops-link" onClick={() => openAll(false)}>
        {trans.__('Close all')}
      </button>
      <label>
        <input
          type="checkbox"
          checked={props.follow}
          onChange={event => props.onFollow(event.target.checked)}
        />{' '}
        {trans.__('Follow')}
      </label>
    </div>
  );
}

function EmptyLog(props: { mlops: IMlops; run: Run }): JSX.Element {
  const { trans } = props.mlops;
  const { state } = props.run;
  return (
    <Placeholder trans={trans}>
      {state === 'queued'
        ? trans.__('The run is queued. Its log begins when the run starts.')
        : state === 'running'
          ? trans.__('No output yet. If the run is on another machine, its log arrives when the run ends.')
          : trans.__('The run has no output.')}
    </Placeholder>
  );
}
