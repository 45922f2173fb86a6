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

/** The file that is shown first: one that a person edited, else the first text that differs, else the first. */
export function firstFile(files: readonly ExportFile[]): string {
  const file =
    files.find(item => item.edited) ?? files.find(item => item.state !== 'same' && item.diff) ?? files[0];
  return file?.path ?? '';
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
