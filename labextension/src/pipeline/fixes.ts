import type { ICellModel } from '@jupyterlab/cells';
import type { INotebookModel } from '@jupyterlab/notebook';
import type { TranslationBundle } from '@jupyterlab/translation';
import { transact, assignRole, tagsOf, writeTags } from '../steps/edit';
import { toStepName, readTags } from '../steps/tags';
import { Check } from '../types';

/** What can be done about a finding at a click: what the button says, and what it does. All of it can be undone. */
export interface IFix {
  label: string;
  apply: () => void;
}

const NAME_TAG = /^(step|block|prev):(.*)$/u;

/** The fix of a finding about a cell; null if nothing is sure to make it better. */
export function fixOf(
  check: Pick<Check, 'rule' | 'data'>,
  cell: ICellModel,
  notebook: INotebookModel,
  trans: TranslationBundle
): IFix | null {
  switch (check.rule) {
    case 'tags':
      return fixTags(check.data, cell, notebook, trans);
    case 'interactive':
    case 'pip_install':
      return readTags(tagsOf(cell)).role === 'skip'
        ? null
        : {
            label: trans.__('Skip the cell'),
            apply: () => transact(notebook, () => assignRole(notebook, [cell], 'skip'))
          };
    case 'absolute_paths':
      return fixPath(check.data, cell, notebook, trans);
    default:
      return null;
  }
}

function fixTags(
  data: Check['data'],
  cell: ICellModel,
  notebook: INotebookModel,
  trans: TranslationBundle
): IFix | null {
  const tags = tagsOf(cell);
  const replaceTags = (label: string, newTags: string[]): IFix => ({
    label,
    apply: () => transact(notebook, () => writeTags(cell, newTags))
  });
  const invalidTag = tags.find(tag => NAME_TAG.test(tag) && tag !== normalizedTag(tag));
  if (invalidTag !== undefined) {
    return replaceTags(
      trans.__('Use %1', normalizedTag(invalidTag)),
      tags.map(tag => (tag === invalidTag ? normalizedTag(tag) : tag))
    );
  }
  const steps = tags.filter(tag => /^(step|block):/.test(tag));
  if (new Set(steps.map(tag => tag.replace(/^block:/, 'step:'))).size > 1) {
    return replaceTags(
      trans.__('Keep %1 only', steps[0]),
      tags.filter(tag => tag === steps[0] || !steps.includes(tag))
    );
  }
  const reportedTag = data?.tag;
  return typeof reportedTag === 'string' && tags.includes(reportedTag)
    ? replaceTags(
        trans.__('Remove %1', reportedTag),
        tags.filter(tag => tag !== reportedTag)
      )
    : null;
}

function normalizedTag(tag: string): string {
  const [, kind, name] = NAME_TAG.exec(tag)!;
  return `${kind}:${toStepName(name) || 'step'}`;
}

/** A path becomes the default of a new parameter, where its literal stands alone and there is a cell of parameters. */
function fixPath(
  data: Check['data'],
  cell: ICellModel,
  notebook: INotebookModel,
  trans: TranslationBundle
): IFix | null {
  const path = typeof data?.path === 'string' && !/['"\\]/.test(data.path) ? data.path : '';
  const cells = Array.from(notebook.cells);
  const parameters = cells.find(model => readTags(tagsOf(model)).role === 'parameters');
  if (!path || !parameters || cells.indexOf(parameters) >= cells.indexOf(cell)) {
    return null;
  }
  const sources = cells.map(model => model.sharedModel.getSource()).join('\n');
  const name = unusedName(path, sources);
  const source = cell.sharedModel.getSource();
  const newSource = replaceLiteral(source, path, name);
  if (newSource === null) {
    return null;
  }
  return {
    label: trans.__('Use the parameter %1', name),
    apply: () =>
      transact(notebook, () => {
        const parametersSource = parameters.sharedModel.getSource().replace(/\s+$/, '');
        parameters.sharedModel.setSource(
          `${parametersSource}${parametersSource ? '\n' : ''}${name} = "${path}"`
        );
        cell.sharedModel.setSource(newSource);
      })
  };
}

/** A name for a path that no cell uses. */
function unusedName(path: string, sources: string): string {
  const fileName = path.split('/').filter(Boolean).pop() ?? 'path';
  const stem = fileName
    .replace(/\.\w+$/, '')
    .replace(/\W+/g, '_')
    .replace(/^(\d|_*$)/, 'path_$1')
    .toLowerCase();
  const base = `${stem.replace(/_+$/, '')}_path`;
  for (let suffix = 1; ; suffix++) {
    const name = suffix === 1 ? base : `${base}_${suffix}`;
    if (!new RegExp(`\\b${name}\\b`).test(sources)) {
      return name;
    }
  }
}

/** The source with a name for each literal of the path; null if one of them may be part of something else. */
function replaceLiteral(source: string, path: string, name: string): string | null {
  if (/'''|"""|^\s*[%!]/m.test(source)) {
    return null;
  }
  let count = 0;
  const lines = source.split('\n').map(line => {
    for (const quote of ["'", '"']) {
      const literal = `${quote}${path}${quote}`;
      const index = line.indexOf(literal);
      if (index >= 0 && isStandalone(line.slice(0, index), line.slice(index + literal.length))) {
        count += 1;
        return line.slice(0, index) + name + line.slice(index + literal.length);
      }
    }
    return line;
  });
  const result = lines.join('\n');
  return count && !result.includes(path) ? result : null;
}

/** Whether what stands between these is an expression of its own: in no string, no comment, and joined to none. */
function isStandalone(before: string, after: string): boolean {
  const isBalanced = (text: string, quote: string) => text.split(quote).length % 2 === 1;
  return (
    isBalanced(before, "'") &&
    isBalanced(before, '"') &&
    !before.includes('#') &&
    /(^|[(=,[{:+/]|\breturn|\bin)\s*$/.test(before) &&
    /^\s*($|[)\],}:+/#.])/.test(after)
  );
}
