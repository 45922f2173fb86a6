import { nullTranslator } from '@jupyterlab/translation';
import { Dialog } from '@jupyterlab/apputils';
import { PromiseDelegate } from '@lumino/coreutils';
import * as React from 'react';
import { act } from 'react';
import { Form, sectionOf, textOf } from '../form';
import { FormModel, showFormDialog, useAcceptButton } from '../formDialog';
import { RequestError } from '../request';
import { click, type } from './mount';

interface IValues {
  name: string;
}

function Fields(props: { model: FormModel<IValues> }): JSX.Element {
  const { values, error } = props.model;
  useAcceptButton(props.model, `Save ${values.name}`, values.name !== '');
  return (
    <Form
      id="d"
      form={sectionOf('', { name: textOf('Name') })}
      values={values}
      errors={error ? { name: error.message } : {}}
      onChange={changed => props.model.change(changed)}
      translator={nullTranslator}
    />
  );
}

/** Let frames pass; what they render is there after each. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 8; turn++) {
    await act(async () => void (await new Promise(resolve => setTimeout(resolve, 10))));
  }
}

const find = (selector: string) => document.querySelector<HTMLElement>(`.jp-Dialog ${selector}`);
const press = (key: string) =>
  act(async () => {
    document.activeElement!.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }));
  });

async function open(submit: (values: IValues) => Promise<string>): Promise<Promise<string | undefined>[]> {
  const result = showFormDialog({
    title: 'Title',
    values: { name: 'a' },
    acceptLabel: 'Save',
    renderForm: model => <Fields model={model} />,
    submit,
    trans: nullTranslator.load('')
  });
  await settle();
  return [result];
}

describe('showFormDialog', () => {
  afterEach(async () => {
    Dialog.flush();
    await settle();
  });

  it('gives what its work gave, and lets the button say what it would do', async () => {
    const [result] = await open(values => Promise.resolve(`saved ${values.name}`));
    expect(find('.jp-mod-accept')!.textContent).toBe('Save a');
    await type(find('#d_name'), '');
    await settle();
    expect((find('.jp-mod-accept') as HTMLButtonElement).disabled).toBe(true);
    await type(find('#d_name'), 'b');
    await settle();
    await click(find('.jp-mod-accept'));
    expect(await result).toBe('saved b');
    await settle();
    expect(find('#d_name')).toBeNull();
  });

  it('stays until the server has answered, asks once, and shows a refusal at its field', async () => {
    const answer = new PromiseDelegate<string>();
    let asked = 0;
    const [result] = await open(() => {
      asked += 1;
      return asked === 1 ? answer.promise : Promise.resolve('done');
    });
    find('#d_name')!.focus();
    await press('Enter');
    await settle();
    expect(document.querySelector('.jp-Dialog')!.getAttribute('aria-busy')).toBe('true');
    expect(find('.jp-mod-reject')!.textContent).toBe('Close');
    expect(document.activeElement!.tagName).toBe('PROGRESS');
    await press('Enter');
    expect(asked).toBe(1);
    answer.reject(new RequestError('No such name', 422, '', 'name'));
    await settle();
    expect(find('#d_name__error')!.textContent).toBe('No such name');
    expect(document.activeElement!.id).toBe('d_name');
    expect(find('.jp-mod-reject')!.textContent).toBe('Cancel');
    await press('Enter');
    expect(await result).toBe('done');
  });

  it('gives nothing if it is left', async () => {
    const [result] = await open(() => Promise.resolve('never'));
    await click(find('.jp-mod-reject'));
    expect(await result).toBeUndefined();
  });
});
