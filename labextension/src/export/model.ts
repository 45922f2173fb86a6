import { ExportAnswer, ExportFile, State } from '../types';

/** How a file of an export stands to the folder. A person's edit counts more than what the export would do. */
export type FileMark = 'new' | 'changed' | 'same' | 'edited' | 'removed';

export function markOf(file: Pick<ExportFile, 'state' | 'edited'>): FileMark {
  return file.edited ? 'edited' : file.state;
}

/** The sign of each mark, as `jupyter mlops export` prints it. */
export const SIGNS: Record<FileMark, string> = {
  new: '+',
  changed: '~',
  same: '=',
  edited: '!',
  removed: '−'
};

/** The state that has the colour of each mark. */
export const COLORS: Record<FileMark, State> = {
  new: 'completed',
  changed: 'running',
  same: 'skipped',
  edited: 'missed',
  removed: 'failed'
};

/** The folder that is proposed for a job on an engine. */
export function defaultFolder(target: string, job: string): string {
  const name = job.replace(/[/\\]+/g, '-').replace(/^\.+/, '');
  return `exports/${target}/${name || 'job'}`;
}

/** The folder after another engine was chosen: a proposed one follows, one that a person entered stays. */
export function folderFor(folder: string, job: string, before: string, after: string): string {
  return folder === defaultFolder(before, job) ? defaultFolder(after, job) : folder;
}

/** Files that an export is chosen for, by importance: a DAG, a Dockerfile, a workflow, and so on. */
const MAIN_FILES: readonly RegExp[] = [
  /\.py$/,
  /(^|\/)Dockerfile$/,
  /^\.github\/workflows\/[^/]+\.yml$/,
  /\.gitlab-ci\.yml$/,
  /(^|\/)(dvc|cronjob|cron-?workflow|workflow-?template|compose)[^/]*\.yaml$/,
  /(^|\/)main\.tf$/,
  /\.(crontab|timer|service)$/,
  /\.(sh|yaml|yml|tf)$/
];

function rankOf(file: ExportFile): number {
  const place = MAIN_FILES.findIndex(pattern => pattern.test(file.path));
  return place < 0 ? MAIN_FILES.length : place;
}

/**
 * The file that is shown first: one that a person edited; else the main file among the texts that differ, or among all.
 */
export function firstFile(files: readonly ExportFile[]): string {
  const edited = files.find(item => item.edited);
  const changed = files.filter(item => item.state !== 'same' && item.diff);
  const candidates = edited ? [edited] : changed.length ? changed : files;
  const best = Math.min(...candidates.map(rankOf));
  return candidates.find(item => rankOf(item) === best)?.path ?? '';
}

/** A size such as `12 B`, `3.4 kB`, `120 kB`, `1.2 MB`. */
export function formatSize(bytes: number): string {
  if (bytes < 1000) {
    return `${bytes} B`;
  }
  const [size, unit] = bytes < 999_500 ? [bytes / 1000, 'kB'] : [bytes / 1e6, 'MB'];
  return `${size < 10 ? size.toFixed(1) : Math.round(size)} ${unit}`;
}

/** How many files an export wrote, removed and left as they were. */
export function countsOf(answer: ExportAnswer): { written: number; removed: number; same: number } {
  const count = (...states: string[]) => answer.files.filter(file => states.includes(file.state)).length;
  return { written: count('new', 'changed'), removed: count('removed'), same: count('same') };
}

/** Whether a file browser that hides hidden files does not show it. */
export function isHidden(path: string): boolean {
  return path.split('/').some(part => part.startsWith('.'));
}
