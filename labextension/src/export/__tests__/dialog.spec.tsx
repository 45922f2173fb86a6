import * as React from 'react';
import { act } from 'react';
import { button, click, fakeMlops, mount, type } from '../../__tests__/mount';
import { FormModel } from '../../formDialog';
import { RequestError } from '../../request';
import { IMlops } from '../../tokens';
import { ExportAnswer } from '../../types';
import { ExportSource, IExportRequest } from '../api';
import { ExportFields, sourceOf } from '../dialog';

const EXPORTERS = [
  { name: 'airflow', label: 'Apache Airflow', summary: 'a DAG file' },
  { name: 'slurm', label: 'Slurm', summary: '' }
];
const SUBJECT = {
  job: 'churn',
  versions: [{ version: 'v2', aliases: [] }] as never[],
  notebook: 'a/churn.ipynb'
};

function answer(change: Partial<ExportAnswer> = {}): ExportAnswer {
  const files = [
    {
      path: 'churn.py',
      state: 'new',
      size: 12,
      edited: false,
      diff: '--- a\n+++ b\n@@ -0,0 +1 @@\n+x',
      executable: false
    },
    { path: 'churn.zip', state: 'new', size: 3000, edited: false, diff: '', executable: false }
  ];
  return {
    label: 'Apache Airflow',
    files,
    omissions: [],
    matches: false,
    ...change
  } as unknown as ExportAnswer;
}

/** Let the folder's delay pass, and what is asked then be answered. */
const settle = () => act(async () => void (await new Promise(resolve => setTimeout(resolve, 350))));

async function fields(respond: (request: IExportRequest) => Promise<ExportAnswer>, version = 'v2') {
  const requests: [ExportSource, IExportRequest, AbortSignal | undefined][] = [];
  const mlops = {
    ...fakeMlops(),
    exports: {
      export: (source: ExportSource, request: IExportRequest, signal?: AbortSignal) => {
        requests.push([source, request, signal]);
        return respond(request);
      }
    }
  } as unknown as IMlops;
  const values = { target: 'airflow', version, folder: 'exports/airflow/churn', replaceEdited: false };
  const model = new FormModel(values, 'Export');
  let left = 0;
  model.leaveRequested.connect(() => (left += 1));
  const options = { exporters: EXPORTERS, subject: SUBJECT, publish: () => undefined };
  function View(): JSX.Element {
    const [, render] = React.useReducer((count: number) => count + 1, 0);
    React.useEffect(() => void model.stateChanged.connect(() => render()), []);
    return <ExportFields mlops={mlops} model={model} options={options} />;
  }
  const mounted = await mount(<View />);
  await settle();
  return { ...mounted, model, requests, leftCount: () => left };
}

describe('sourceOf', () => {
  it('is the version or the notebook', () => {
    expect(sourceOf(SUBJECT, 'v2')).toEqual({ job: 'churn', version: 'v2' });
    expect(sourceOf(SUBJECT, 'draft')).toEqual({ notebook: 'a/churn.ipynb' });
  });
});

describe('ExportFields', () => {
  it('shows files, the difference of the chosen one and what is omitted, and writes nothing', async () => {
    const { node, model, requests, unmount } = await fields(() =>
      Promise.resolve(answer({ omissions: ['No catch-up.'] }))
    );
    expect(node.querySelector('[role=status] strong')!.textContent).toBe('2 files to write');
    expect(node.textContent).toContain('Writes a DAG file.');
    expect(node.querySelector('[data-sign="+"]')!.textContent).toBe('+x\n');
    expect(node.querySelector('[role=note]')!.textContent).toContain('No catch-up.');
    await click(node.querySelectorAll('.jp-mlops-file')[1]);
    expect(node.textContent).toContain('This is not a text');
    expect(model.canAccept).toBe(true);
    expect(requests.every(([, request]) => !request.write)).toBe(true);
    unmount();
  });

  it('exports edited files only if they may be replaced', async () => {
    const edited = answer({ files: [{ ...answer().files[0], state: 'changed', edited: true }] });
    const { node, model, unmount } = await fields(() => Promise.resolve(edited));
    expect(node.querySelector('.jp-mlops-file')!.textContent).toContain('Edited');
    expect(model.canAccept).toBe(false);
    await click(node.querySelector('input[type=checkbox]'));
    await settle();
    expect(model.values.replaceEdited).toBe(true);
    expect(model.canAccept).toBe(true);
    unmount();
  });

  it('shows a refusal at its field until the folder is another one', async () => {
    const { node, model, requests, unmount } = await fields(({ folder }) =>
      folder === 'bad'
        ? Promise.reject(new RequestError('bad is a file', 422, 'BadInput', 'folder'))
        : Promise.resolve(answer())
    );
    await type(node.querySelector('#jp-mlops-export_folder'), 'bad');
    expect(model.canAccept).toBe(false);
    await settle();
    expect(node.querySelector('#jp-mlops-export_folder__error')!.textContent).toBe('bad is a file');
    expect(model.canAccept).toBe(false);
    await type(node.querySelector('#jp-mlops-export_folder'), 'good');
    await settle();
    expect(node.querySelector('#jp-mlops-export_folder__error')).toBeNull();
    expect(model.canAccept).toBe(true);
    expect(requests[0][2]!.aborted).toBe(true);
    unmount();
    expect(requests.at(-1)![2]!.aborted).toBe(true);
  });

  it('shows what is about no field above the files', async () => {
    const { node, model, unmount } = await fields(() =>
      Promise.reject(new RequestError('the notebook has no steps', 422))
    );
    expect(node.querySelector('[role=alert]')!.textContent).toBe('the notebook has no steps');
    expect(model.canAccept).toBe(false);
    unmount();
  });

  it('offers to publish a notebook first', async () => {
    const { node, requests, leftCount, unmount } = await fields(() => Promise.resolve(answer()), 'draft');
    expect(requests[0][0]).toEqual({ notebook: 'a/churn.ipynb' });
    expect(node.textContent).toContain('no schedule');
    await click(button(node, 'Publish first…'));
    expect(leftCount()).toBe(1);
    unmount();
  });

  it('says that nothing would change', async () => {
    const { node, unmount } = await fields(() => Promise.resolve(answer({ matches: true })));
    expect(node.querySelector('[role=status] strong')!.textContent).toBe(
      'The folder already has this export.'
    );
    unmount();
  });
});
