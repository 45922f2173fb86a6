import { nullTranslator } from '@jupyterlab/translation';
import * as React from 'react';
import { Form, checkOf, checksOf, choiceOf, nestedErrors, numberOf, sectionOf, textOf } from '../form';
import { click, mount, type } from './mount';

const FORM = sectionOf('', {
  name: textOf('Name', { 'ui:help': 'short' }, ['load', 'train']),
  count: numberOf('Count'),
  cache: choiceOf('Cache', { '': 'where safe', enabled: 'always' }),
  after: checksOf('Waits for', { load: 'load', sum: 'sum (by its data)' }, { 'ui:enumDisabled': ['sum'] }),
  gate: checkOf('Gate')
});
const VALUES = { name: 'a', count: 1, cache: '', after: ['sum'], gate: false };

function form(changes: object = {}, onChange: (values: object) => void = () => undefined): JSX.Element {
  return (
    <Form id="f" form={FORM} values={VALUES} onChange={onChange} translator={nullTranslator} {...changes} />
  );
}

describe('nestedErrors', () => {
  it('nests errors by their paths', () => {
    expect(nestedErrors({ a: 'one', 'b.c': 'two' })).toEqual({
      a: { __errors: ['one'] },
      b: { c: { __errors: ['two'] } }
    });
  });
});

describe('Form', () => {
  it('has a label for each field', async () => {
    const { node, unmount } = await mount(form());
    for (const id of ['f_name', 'f_count', 'f_cache']) {
      expect(node.querySelector(`label[for="${id}"]`)).not.toBeNull();
      expect(node.querySelector(`#${id}`)).not.toBeNull();
    }
    expect(node.querySelector('[role="group"]')!.getAttribute('aria-labelledby')).toBe('f_after__title');
    unmount();
  });

  it('shows an error at its field, instead of the help', async () => {
    const { node, rerender, unmount } = await mount(form());
    expect(node.querySelector('#f_name__help')!.textContent).toBe('short');
    await rerender(form({ errors: { name: 'Letters only' } }));
    expect(node.querySelector('#f_name__error')!.textContent).toBe('Letters only');
    expect(node.querySelector('#f_name__help')).toBeNull();
    expect(node.querySelector('#f_name')!.getAttribute('aria-invalid')).toBe('true');
    expect(node.querySelector('#f_name')!.getAttribute('aria-describedby')).toContain('f_name__error');
    expect(node.querySelector('#f_count')!.getAttribute('aria-invalid')).toBe('false');
    unmount();
  });

  it('gives the values as they are changed', async () => {
    const heard: object[] = [];
    const { node, unmount } = await mount(form({}, values => heard.push(values)));
    await type(node.querySelector('#f_name'), 'b');
    expect(heard.pop()).toEqual({ ...VALUES, name: 'b' });
    await click(node.querySelector('#f_gate'));
    expect((heard.pop() as { gate: boolean }).gate).toBe(true);
    unmount();
  });

  it('says choices by their labels, and does not let fixed ones be changed', async () => {
    const { node, unmount } = await mount(form());
    const options = Array.from(node.querySelectorAll('#f_cache option'), option => option.textContent);
    expect(options).toEqual(['where safe', 'always']);
    const boxes = Array.from(node.querySelectorAll<HTMLInputElement>('#f_after input'));
    expect(boxes.map(box => [box.checked, box.disabled])).toEqual([
      [false, false],
      [true, true]
    ]);
    unmount();
  });
});
