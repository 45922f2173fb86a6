import { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import { formatDuration, formatTime } from '../format';
import { StateBadge } from '../stateBadge';
import { ILogRow } from './logRows';

const MAX_LINES = 300; // lines of a cell that are drawn at first

/** A cell of a log, which opens where it wrote anything. */
export function CellSection(props: {
  row: ILogRow;
  lines: readonly string[];
  reason: string;
  query: string;
  open: boolean;
  onToggle: (open: boolean) => void;
  trans: TranslationBundle;
}): JSX.Element {
  const { row, lines, trans } = props;
  const [showAll, setShowAll] = React.useState(false);
  const first = row.source.split('\n').find(line => line.trim() !== '') ?? '';
  const visibleLines = showAll ? lines : lines.slice(-MAX_LINES);
  const head = (
    <span className="jp-mlops-row jp-mlops-log-head">
      <StateBadge
        state={row.state}
        trans={trans}
        iconOnly={row.state !== 'failed' && row.state !== 'running'}
      />
      <span className="jp-mlops-name">{row.step}</span>
      <span className="jp-mlops-secondary">{trans.__('cell %1', row.cell + 1)}</span>
      <code className="jp-mlops-small jp-mlops-code jp-mlops-truncate jp-mlops-grow">{first}</code>
      <span className="jp-mlops-time jp-mlops-secondary">{formatTime(row.begin)}</span>
      <span className="jp-mlops-time">
        {row.seconds !== null
          ? formatDuration(row.seconds)
          : row.state === 'cached'
            ? trans.__('cached')
            : ''}
      </span>
    </span>
  );
  if (!lines.length) {
    return (
      <div
        className="jp-mlops-log-cell jp-mod-silent"
        data-state={row.state}
        title={props.reason || undefined}
      >
        {head}
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
      <summary title={props.reason || undefined}>{head}</summary>
      {props.open ? (
        <>
          {row.dropped && showAll ? (
            <p className="jp-mlops-secondary">
              {trans._n(
                'The first line is not held any more.',
                'The first %1 lines are not held any more.',
                row.dropped
              )}
            </p>
          ) : null}
          {visibleLines.length < lines.length ? (
            <button className="jp-mlops-link" onClick={() => setShowAll(true)}>
              {trans.__('Show all %1 lines', lines.length)}
            </button>
          ) : null}
          <pre tabIndex={0} aria-label={trans.__('Output of cell %1', row.cell + 1)}>
            {props.query ? highlightMatches(visibleLines, props.query) : visibleLines.join('\n')}
          </pre>
        </>
      ) : null}
    </details>
  );
}

/** Lines with what is searched for marked. */
function highlightMatches(lines: readonly string[], query: string): React.ReactNode[] {
  return lines.map((line, index) => {
    const position = line.toLowerCase().indexOf(query);
    return position < 0 ? (
      `${line}\n`
    ) : (
      <React.Fragment key={index}>
        {line.slice(0, position)}
        <mark>{line.slice(position, position + query.length)}</mark>
        {line.slice(position + query.length)}
        {'\n'}
      </React.Fragment>
    );
  });
}
