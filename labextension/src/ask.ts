import { Dialog, ReactWidget } from '@jupyterlab/apputils';
import { TranslationBundle } from '@jupyterlab/translation';
import { RequestError, wordsOf } from './request';

/** What stood in the way of an answer, for the form to show at its field. */
export interface IRefusal {
  /** The part of the request it is about; '' for none. */
  field: string;
  words: string;
}

interface IAsking<T> {
  title: string;
  act: string;
  form: (refusal: IRefusal | null) => JSX.Element;
  work: () => Promise<T>;
  trans: TranslationBundle;
}

const ACCEPT = 1; // the second button
const WORKING = 'jp-mlops-working';

class Form extends ReactWidget {
  refusal: IRefusal | null = null;

  constructor(private readonly _form: (refusal: IRefusal | null) => JSX.Element) {
    super();
    this.addClass('jp-mlops-dialog');
  }

  render(): JSX.Element {
    return this._form(this.refusal);
  }
}

/** A dialog that stays while its answer is worked on, and closes when that is done. */
class Asking<T> extends Dialog<unknown> {
  /** What the work gave; undefined if the dialog was left before. */
  made: Promise<T | undefined> = Promise.resolve(undefined);

  constructor(private readonly _options: IAsking<T>) {
    const body = new Form(_options.form);
    super({
      title: _options.title,
      body,
      focusNodeSelector: '.jp-mlops-dialog :is(input, select, button)',
      buttons: [
        Dialog.cancelButton({ label: _options.trans.__('Cancel') }),
        Dialog.okButton({ label: _options.act })
      ]
    });
    this._form = body;
  }

  override resolve(index = ACCEPT): void {
    if (index !== ACCEPT) {
      super.resolve(index);
      return;
    }
    const button = this.node.querySelector<HTMLButtonElement>('button.jp-mod-accept');
    const invalid = this.node.querySelector<HTMLInputElement>('input:invalid');
    if (!button || button.disabled || this._working || invalid) {
      invalid?.reportValidity();
      return;
    }
    this._working = true;
    button.disabled = true;
    this.node.classList.add(WORKING);
    this.node.setAttribute('aria-busy', 'true');
    this._form.node.inert = true;
    const content = this.node.querySelector<HTMLElement>('.jp-Dialog-content');
    content?.setAttribute('tabindex', '-1');
    content?.focus(); // Escape is heard, and Enter asks nothing
    const { trans } = this._options;
    this._leaveBy(trans.__('Close')); // what was asked for goes on
    this.made = this._options.work();
    this.made.then(
      () => this.reject(), // which closes it, whatever the fields are now
      error => {
        this._working = false;
        if (this.isDisposed) {
          return; // left meanwhile: whoever waits for `made` is told
        }
        button.disabled = false;
        this.node.classList.remove(WORKING);
        this.node.removeAttribute('aria-busy');
        this._form.node.inert = false;
        this._leaveBy(trans.__('Cancel'));
        this.made = Promise.resolve(undefined);
        this._form.refusal = {
          field: error instanceof RequestError ? error.field : '',
          words: wordsOf(error)
        };
        this._form.update();
        window.requestAnimationFrame(() =>
          this.node.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus()
        );
      }
    );
  }

  private _leaveBy(label: string): void {
    const words = this.node.querySelector('button.jp-mod-reject .jp-Dialog-buttonLabel');
    words?.setAttribute('aria-label', label);
    words?.replaceChildren(label);
  }

  private _working = false;
  private readonly _form: Form;
}

/** A dialog that tells what stands in the way of its answer, until the answer is taken or the dialog is left. */
export async function ask<T>(options: IAsking<T>): Promise<T | undefined> {
  const dialog = new Asking(options);
  await dialog.launch();
  return dialog.made;
}

/** Let the button that accepts a dialog say something else, and take no click while it makes no sense. */
export function acceptButton(within: Element | null, label: string | null, enabled = true): void {
  const dialog = within?.closest('.jp-Dialog');
  const button = dialog?.querySelector<HTMLButtonElement>('button.jp-mod-accept');
  if (button) {
    button.disabled = !enabled || dialog!.classList.contains(WORKING);
    const words = button.querySelector('.jp-Dialog-buttonLabel');
    if (words && label !== null) {
      words.textContent = label;
      button.setAttribute('aria-label', label);
    }
  }
}
