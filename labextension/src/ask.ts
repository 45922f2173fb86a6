import { Dialog, ReactWidget, showDialog } from '@jupyterlab/apputils';
import { TranslationBundle } from '@jupyterlab/translation';
import { RequestError, wordsOf } from './request';

/** What stood in the way of an answer, for the form to show at its field. */
export interface IRefusal {
  /** The part of the request it is about; '' for none. */
  field: string;
  words: string;
}

/** A dialog that is shown again, with what stood in the way, until its answer is taken or it is left. */
export async function ask<T>(options: {
  title: string;
  act: string;
  form: (refusal: IRefusal | null) => ReactWidget;
  work: () => Promise<T>;
  trans: TranslationBundle;
}): Promise<T | undefined> {
  const { title, act, form, work, trans } = options;
  let refusal: IRefusal | null = null;
  for (;;) {
    const body = form(refusal);
    body.addClass('jp-mlops-dialog');
    const answer = await showDialog({
      title,
      body,
      focusNodeSelector: '.jp-mlops-dialog :is(input, select, button)',
      buttons: [Dialog.cancelButton({ label: trans.__('Cancel') }), Dialog.okButton({ label: act })]
    });
    if (!answer.button.accept) {
      return undefined;
    }
    try {
      return await work();
    } catch (error) {
      refusal = { field: error instanceof RequestError ? error.field : '', words: wordsOf(error) };
    }
  }
}

/** Let the button that accepts a dialog say something else, and take no click while it makes no sense. */
export function acceptButton(within: Element | null, label: string | null, enabled = true): void {
  const button = within?.closest('.jp-Dialog')?.querySelector<HTMLButtonElement>('button.jp-mod-accept');
  if (button) {
    button.disabled = !enabled;
    const words = button.querySelector('.jp-Dialog-buttonLabel');
    if (words && label !== null) {
      words.textContent = label;
      button.setAttribute('aria-label', label);
    }
  }
}
