import { ExportAnswer, ExportFile } from '../../types';
import { foreignFormats, ownFormats } from '../menu';
import { countsOf, defaultFolder, firstFile, folderFor, formatSize, isHidden, markOf } from '../model';

function file(path: string, state: ExportFile['state'], edited = false, diff = ''): ExportFile {
  return { path, state, edited, diff, size: 1, executable: false, content: null, encoding: null };
}

describe('markOf', () => {
  it.each([
    ['new', false, 'new'],
    ['changed', false, 'changed'],
    ['same', false, 'same'],
    ['removed', false, 'removed'],
    ['changed', true, 'edited'],
    ['removed', true, 'edited']
  ] as const)('of a file that is %s, edited: %p', (state, edited, mark) => {
    expect(markOf({ state, edited })).toBe(mark);
  });
});

describe('folders', () => {
  it.each([
    ['airflow', 'churn', 'exports/airflow/churn'],
    ['airflow', 'a/b', 'exports/airflow/a-b'],
    ['cron', '..', 'exports/cron/job'],
    ['cron', '.hidden', 'exports/cron/hidden'],
    ['cron', 'naïve ☃', 'exports/cron/naïve ☃']
  ])('for %p and %p', (target, job, folder) => {
    expect(defaultFolder(target, job)).toBe(folder);
  });

  it('follow the engine until a person enters one', () => {
    expect(folderFor('exports/airflow/churn', 'churn', 'airflow', 'slurm')).toBe('exports/slurm/churn');
    expect(folderFor('mine', 'churn', 'airflow', 'slurm')).toBe('mine');
    expect(folderFor('', 'churn', 'airflow', 'slurm')).toBe('');
  });
});

describe('firstFile', () => {
  it.each([
    [[], ''],
    [[file('a', 'same'), file('b', 'same')], 'a'],
    [[file('a', 'same'), file('z', 'new'), file('b', 'changed', false, '+x')], 'b'],
    [[file('a', 'new', false, '+x'), file('b', 'changed', true)], 'b'],
    [[file('.dockerignore', 'new', false, '+x'), file('Dockerfile', 'new', false, '+x')], 'Dockerfile'],
    [[file('churn-v1.zip', 'new'), file('churn.py', 'new', false, '+x')], 'churn.py'],
    [
      [file('README.md', 'new', false, '+x'), file('.github/workflows/churn.yml', 'new', false, '+x')],
      '.github/workflows/churn.yml'
    ],
    [[file('params.yaml', 'new', false, '+x'), file('dvc.yaml', 'new', false, '+x')], 'dvc.yaml'],
    [[file('churn.py', 'same'), file('params.yaml', 'changed', false, '+x')], 'params.yaml']
  ])('of %j is %p', (files, path) => {
    expect(firstFile(files)).toBe(path);
  });
});

describe('formatSize', () => {
  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1.0 kB'],
    [12_345, '12 kB'],
    [999_499, '999 kB'],
    [1_200_000, '1.2 MB'],
    [25_000_000, '25 MB']
  ])('%p bytes as %p', (bytes, text) => {
    expect(formatSize(bytes)).toBe(text);
  });
});

describe('countsOf', () => {
  it('counts what is written, removed and left', () => {
    const files = [file('a', 'new'), file('b', 'changed'), file('c', 'removed'), file('d', 'same')];
    expect(countsOf({ files } as unknown as ExportAnswer)).toEqual({ written: 2, removed: 1, same: 1 });
  });
});

describe('isHidden', () => {
  it.each([
    ['.github/workflows/a.yml', true],
    ['a/.b', true],
    ['a.b/c', false]
  ])('%p: %p', (path, hidden) => {
    expect(isHidden(path)).toBe(hidden);
  });
});

describe('formats of nbconvert', () => {
  const formats = { html: 1, 'mlops-airflow': 2, 'mlops-gone': 3 };

  it('are parted into those of others and ours with labels', () => {
    expect(foreignFormats(formats)).toEqual({ html: 1 });
    const exporters = [
      { name: 'airflow', label: 'Apache Airflow', summary: '' },
      { name: 'slurm', label: 'Slurm', summary: '' }
    ];
    expect(ownFormats(formats, exporters)).toEqual([
      { format: 'mlops-airflow', label: 'Apache Airflow (jupyter_mlops)' }
    ]);
  });
});
