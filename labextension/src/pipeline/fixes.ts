import type { ICellModel } from '@jupyterlab/cells';
import type { INotebookModel } from '@jupyterlab/notebook';
import type { TranslationBundle } from '@jupyterlab/translation';
import { change, giveRole, tagsOf, writeTags } from '../steps/edit';
import { asName, readTags } from '../steps/tags';
import { Check } from '../types';

/** What can be done about a finding at a click: what the button says, and what it does. All of it can be undone. */
export interface IFix {
  label: string;
  act: () => void;
}

const NAMED = /^(step|block|prev):(.*)$/u;
const BLAMED = /`((?:prev|cache|limit):[^`]*)`/u;
const PATH = /names the path '([^'"\\]+)'/u;

/** The fix of a finding about a cell; null if nothing is sure to make it better. */
export function fixOf(
  check: Pick<Check, 'rule' | 'message'>,
  cell: ICellModel,
  notebook: INotebookModel,
  trans: TranslationBundle
): IFix | null {
  switch (check.rule) {
    case 'tags':
      return ofTags(check.message, cell, notebook, trans);
    case 'interactive':
    case 'pip_install':
      return readTags(tagsOf(cell)).role === 'skip'
        ? null
        : {
            label: trans.__('Skip the cell'),
            act: () => change(notebook, () => giveRole(notebook, [cell], 'skip'))
          };
    case 'absolute_paths':
      return ofPath(check.message, cell, notebook, trans);
    default:
      return null;
  }
}

function ofTags(
  message: string,
  cell: ICellModel,
  notebook: INotebookModel,
  trans: TranslationBundle
): IFix | null {
  const tags = tagsOf(cell);
  const write = (label: string, wanted: string[]): IFix => ({
    label,
    act: () => change(notebook, () => writeTags(cell, wanted))
  });
  const bad = tags.find(tag => NAMED.test(tag) && tag !== mended(tag));
  if (bad !== undefined) {
    return write(
      trans.__('Use %1', mended(bad)),
      tags.map(tag => (tag === bad ? mended(tag) : tag))
    );
  }
  const steps = tags.filter(tag => /^(step|block):/.test(tag));
  if (new Set(steps.map(tag => tag.replace(/^block:/, 'step:'))).size > 1) {
    return write(
      trans.__('Keep %1 only', steps[0]),
      tags.filter(tag => tag === steps[0] || !steps.includes(tag))
    );
  }
  const blamed = BLAMED.exec(message)?.[1];
  return blamed !== undefined && tags.includes(blamed)
    ? write(
        trans.__('Remove %1', blamed),
        tags.filter(tag => tag !== blamed)
      )
    : null;
}

function mended(tag: string): string {
  const [, kind, name] = NAMED.exec(tag)!;
  return `${kind}:${asName(name) || 'step'}`;
}

/** A path becomes the default of a new parameter, where its literal stands alone and there is a cell of parameters. */
function ofPath(
  message: string,
  cell: ICellModel,
  notebook: INotebookModel,
  trans: TranslationBundle
): IFix | null {
  const path = PATH.exec(message)?.[1];
  const cells = Array.from(notebook.cells);
  const parameters = cells.find(one => readTags(tagsOf(one)).role === 'parameters');
  if (!path || !parameters || cells.indexOf(parameters) >= cells.indexOf(cell)) {
    return null;
  }
  const sources = cells.map(one => one.sharedModel.getSource()).join('\n');
  const name = freeName(path, sources);
  const source = cell.sharedModel.getSource();
  const replaced = withName(source, path, name);
  if (replaced === null) {
    return null;
  }
  return {
    label: trans.__('Make it the parameter %1', name),
    act: () =>
      change(notebook, () => {
        const known = parameters.sharedModel.getSource().replace(/\s+$/, '');
        parameters.sharedModel.setSource(`${known}${known ? '\n' : ''}${name} = "${path}"`);
        cell.sharedModel.setSource(replaced);
      })
  };
}

/** A name for a path that no cell uses. */
function freeName(path: string, sources: string): string {
  const last = path.split('/').filter(Boolean).pop() ?? 'path';
  const stem = last
    .replace(/\.\w+$/, '')
    .replace(/\W+/g, '_')
    .replace(/^(\d|_*$)/, 'path_$1')
    .toLowerCase();
  const wanted = `${stem.replace(/_+$/, '')}_path`;
  for (let turn = 1; ; turn++) {
    const name = turn === 1 ? wanted : `${wanted}_${turn}`;
    if (!new RegExp(`\\b${name}\\b`).test(sources)) {
      return name;
    }
  }
}

/** The source with a name for each literal of the path; null if one of them may be part of something else. */
function withName(source: string, path: string, name: string): string | null {
  if (/'''|"""|^\s*[%!]/m.test(source)) {
    return null;
  }
  let found = 0;
  const lines = source.split('\n').map(line => {
    for (const quote of ["'", '"']) {
      const literal = `${quote}${path}${quote}`;
      const at = line.indexOf(literal);
      if (at >= 0 && standsAlone(line.slice(0, at), line.slice(at + literal.length))) {
        found += 1;
        return line.slice(0, at) + name + line.slice(at + literal.length);
      }
    }
    return line;
  });
  const made = lines.join('\n');
  return found && !made.includes(path) ? made : null;
}

/** Whether what stands between these is an expression of its own: in no string, no comment, and joined to none. */
function standsAlone(before: string, after: string): boolean {
  const even = (text: string, sign: string) => text.split(sign).length % 2 === 1;
  return (
    even(before, "'") &&
    even(before, '"') &&
    !before.includes('#') &&
    /(^|[(=,[{:+/]|\breturn|\bin)\s*$/.test(before) &&
    /^\s*($|[)\],}:+/#.])/.test(after)
  );
}
