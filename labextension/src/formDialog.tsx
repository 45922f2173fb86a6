import { Dialog } from '@jupyterlab/apputils';
import { TranslationBundle } from '@jupyterlab/translation';
import { VDomModel, VDomRenderer } from '@jupyterlab/ui-components';
import { Signal } from '@lumino/signaling';
import { Widget } from '@lumino/widgets';
import * as React from 'react';
import { IFormError, formErrorOf } from './form';

/** What the fields and the buttons of a dialog share. */
export class FormModel<V> extends VDomModel {
  constructor(
    private _values: V,
    private _acceptLabel: string
  ) {
    super();
  }

  get values(): V {
    return this._values;
  }

  /** Why the server refused the values; null once they are changed. */
  get error(): IFormError | null {
    return this._error;
  }

  get acceptLabel(): string {
    return this._acceptLabel;
  }

  get canAccept(): boolean {
    return this._canAccept && !this._busy;
  }

  /** Whether an answer is waited for. */
  get busy(): boolean {
    return this._busy;
  }

  change(values: Partial<V>): void {
    this._values = { ...this._values, ...values };
    this._error = null;
    this.stateChanged.emit();
  }

  /** What the button says, and whether it can be pressed. */
  setAccept(label: string, enabled: boolean): void {
    if (label !== this._acceptLabel || enabled !== this._canAccept) {
      this._acceptLabel = label;
      this._canAccept = enabled;
      this.stateChanged.emit();
    }
  }

  /** Emitted to leave the dialog from within. */
  readonly leaveRequested = new Signal<FormModel<V>, void>(this);

  begin(): void {
    this._busy = true;
    this._error = null;
    this.stateChanged.emit();
  }

  fail(error: IFormError): void {
    this._busy = false;
    this._error = error;
    this.stateChanged.emit();
  }

  private _error: IFormError | null = null;
  private _canAccept = true;
  private _busy = false;
}

/** Let the button that accepts a dialog say what it would do now. */
export function useAcceptButton<V>(model: FormModel<V>, label: string, enabled: boolean): void {
  React.useEffect(() => model.setAccept(label, enabled), [model, label, enabled]);
}

interface IFormDialogOptions<V, T> {
  title: string;
  values: V;
  acceptLabel: string;
  renderForm: (model: FormModel<V>) => JSX.Element;
  /** May take a signal, which is aborted if the dialog is left: see `cancellable`. */
  submit: (values: V, signal: AbortSignal) => Promise<T>;
  /** Whether leaving the dialog ends the work; otherwise it goes on. */
  cancellable?: boolean;
  trans: TranslationBundle;
}

class Body<V> extends VDomRenderer<FormModel<V>> {
  constructor(
    model: FormModel<V>,
    private readonly _renderForm: (model: FormModel<V>) => JSX.Element
  ) {
    super(model);
    this.addClass('jp-mlops-dialog');
  }

  render(): JSX.Element {
    this.node.inert = this.model.busy;
    return (
      <>
        {this._renderForm(this.model)}
        <FocusOnError error={this.model.error} node={this.node} />
      </>
    );
  }

  /** Show what the browser itself finds wrong, such as half a date; false if there is any. */
  reportValidity(): boolean {
    const invalid = this.node.querySelector<HTMLInputElement>('input:invalid');
    return invalid?.reportValidity() ?? true;
  }
}

/** Bring the focus to what the server refused, once it is marked. */
function FocusOnError(props: { error: IFormError | null; node: HTMLElement }): null {
  const { error, node } = props;
  React.useEffect(() => {
    const focus = () => {
      const row = node.querySelector('[data-wrong="true"]');
      row?.querySelector<HTMLElement>('input, select, textarea')?.focus();
    };
    const frame = error ? window.requestAnimationFrame(focus) : 0; // the form marks its rows in a rendering of its own
    return () => window.cancelAnimationFrame(frame);
  }, [error, node]);
  return null;
}

class Footer<V> extends VDomRenderer<FormModel<V>> {
  constructor(
    model: FormModel<V>,
    private readonly _trans: TranslationBundle,
    private readonly _cancellable: boolean,
    private readonly _accept: () => void,
    private readonly _cancel: () => void
  ) {
    super(model);
  }

  render(): JSX.Element {
    const { busy, canAccept, acceptLabel } = this.model;
    return (
      <>
        {busy ? <Progress label={this._trans.__('Waiting for the server')} /> : null}
        <div className="jp-Dialog-footerButtons">
          <button
            type="button"
            className="jp-Dialog-button jp-mod-reject jp-mod-styled"
            onClick={this._cancel}
          >
            {busy && !this._cancellable ? this._trans.__('Close') : this._trans.__('Cancel')}
          </button>
          <button
            type="button"
            className="jp-Dialog-button jp-mod-accept jp-mod-styled"
            disabled={!canAccept}
            onClick={this._accept}
          >
            {acceptLabel}
          </button>
        </div>
      </>
    );
  }
}

/** A bar that takes the focus while the server is at work: Escape is heard, and Enter asks nothing again. */
function Progress(props: { label: string }): JSX.Element {
  const bar = React.useRef<HTMLProgressElement>(null);
  React.useEffect(() => bar.current?.focus(), []);
  return <progress ref={bar} className="jp-mlops-progress" aria-label={props.label} tabIndex={-1} />;
}

/** Draws a dialog whose footer is a widget of its own. */
class FormRenderer extends Dialog.Renderer {
  constructor(private readonly _footer: Widget) {
    super();
  }

  override createBody(body: Dialog.Body<unknown>): Widget {
    const widget = body as Widget;
    widget.addClass('jp-Dialog-body');
    return widget;
  }

  override createFooter(): Widget {
    this._footer.addClass('jp-Dialog-footer');
    return this._footer;
  }
}

/** Where Enter does what the element itself does with it. */
const ENTER_TARGETS = 'button, textarea, summary, a';

/** A dialog that stays while its answer is worked on, and closes when that is done. */
class FormDialog<V, T> extends Dialog<unknown> {
  /** What the work gave; undefined if the dialog was left before. */
  result: Promise<T | undefined> = Promise.resolve(undefined);

  constructor(options: IFormDialogOptions<V, T>) {
    const model = new FormModel(options.values, options.acceptLabel);
    const body = new Body(model, options.renderForm);
    const footer = new Footer(
      model,
      options.trans,
      options.cancellable ?? false,
      () => this._submit(),
      () => this.reject()
    );
    super({
      title: options.title,
      body: body as Dialog.Body<unknown>,
      buttons: [],
      renderer: new FormRenderer(footer),
      focusNodeSelector: 'input, select, button'
    });
    model.leaveRequested.connect(() => this.reject());
    this._state = model;
    this._fields = body;
    this._submitForm = options.submit;
  }

  override handleEvent(event: Event): void {
    if (event.type === 'keydown') {
      const { key, target } = event as KeyboardEvent;
      if (key === 'Enter') {
        event.stopPropagation();
        if (!(target as Element).matches(ENTER_TARGETS)) {
          event.preventDefault();
          this._submit();
        }
      }
      if (!['Escape', 'Tab'].includes(key)) {
        return;
      }
    }
    super.handleEvent(event);
  }

  /** End the work, if it goes on: its result is undefined then. */
  abort(): void {
    if (this._state.busy) {
      this._abort?.abort();
      this.result = this.result.catch(() => undefined);
    }
  }

  private _submit(): void {
    if (!this._state.canAccept || !this._fields.reportValidity()) {
      return;
    }
    this._state.begin();
    this.node.setAttribute('aria-busy', 'true');
    this._abort = new AbortController();
    this.result = this._submitForm(this._state.values, this._abort.signal);
    this.result.then(
      () => this.reject(),
      error => {
        if (this.isDisposed) {
          return; // left meanwhile: whoever waits for the result is told
        }
        this.node.removeAttribute('aria-busy');
        this.result = Promise.resolve(undefined);
        this._state.fail(formErrorOf(error));
      }
    );
  }

  private readonly _state: FormModel<V>;
  private readonly _fields: Body<V>;
  private readonly _submitForm: (values: V, signal: AbortSignal) => Promise<T>;
  private _abort: AbortController | null = null;
}

/** A dialog that tells what stands in the way of its answer, until the answer is taken or the dialog is left. */
export async function showFormDialog<V, T>(options: IFormDialogOptions<V, T>): Promise<T | undefined> {
  const dialog = new FormDialog(options);
  await dialog.launch();
  if (options.cancellable) {
    dialog.abort();
  }
  return dialog.result;
}
