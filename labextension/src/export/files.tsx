import { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import { ExportFile } from '../types';
import { Diff } from '../versions/diff';
import { COLORS, FileMark, SIGNS, firstFile, formatSize, markOf } from './model';

function markLabel(mark: FileMark, trans: TranslationBundle): string {
  switch (mark) {
    case 'new':
      return trans.__('New');
    case 'changed':
      return trans.__('Changed');
    case 'same':
      return trans.__('Same');
    case 'edited':
      return trans.__('Edited');
    case 'removed':
      return trans.__('Removed');
  }
}

/** The files of an export, and how the chosen one would change. */
export function FilesView(props: { trans: TranslationBundle; files: readonly ExportFile[] }): JSX.Element {
  const { trans, files } = props;
  const [chosen, choose] = React.useState('');
  const path = files.some(file => file.path === chosen) ? chosen : firstFile(files);
  const file = files.find(item => item.path === path);
  return (
    <div className="jp-mlops-sides jp-mlops-files">
      <ul className="jp-mlops-list" aria-label={trans.__('Files')}>
        {files.map(item => (
          <FileRow
            key={item.path}
            trans={trans}
            file={item}
            isChosen={item.path === path}
            onClick={() => choose(item.path)}
          />
        ))}
      </ul>
      {file ? <FileDiff key={file.path} trans={trans} file={file} /> : null}
    </div>
  );
}

function FileRow(props: {
  trans: TranslationBundle;
  file: ExportFile;
  isChosen: boolean;
  onClick: () => void;
}): JSX.Element {
  const { trans, file } = props;
  const mark = markOf(file);
  return (
    <li>
      <button
        type="button"
        className="jp-mlops-link jp-mlops-file"
        aria-pressed={props.isChosen}
        onClick={props.onClick}
      >
        <span className="jp-mlops-state" data-state={COLORS[mark]}>
          <span className="jp-mlops-code" aria-hidden="true">
            {SIGNS[mark]}
          </span>
          {markLabel(mark, trans)}
        </span>
        <span className="jp-mlops-code" title={file.path}>
          {file.path}
        </span>
        <span className="jp-mlops-small jp-mlops-number">
          {file.state === 'removed' ? '' : formatSize(file.size)}
        </span>
      </button>
    </li>
  );
}

/** How a file would change, or why that is not shown. */
function FileDiff(props: { trans: TranslationBundle; file: ExportFile }): JSX.Element {
  const { trans, file } = props;
  const note =
    file.state === 'same'
      ? trans.__('The folder has this file already.')
      : file.diff
        ? ''
        : trans.__('This is not a text: no difference can be shown.');
  return (
    <section aria-label={trans.__('Difference of %1', file.path)}>
      {note ? <p className="jp-mlops-secondary">{note}</p> : <Diff lines={file.diff.trimEnd()} hunks />}
    </section>
  );
}
