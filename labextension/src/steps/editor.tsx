import type { Cell } from '@jupyterlab/cells';
import type { NotebookPanel } from '@jupyterlab/notebook';
import { ReactWidget } from '@jupyterlab/ui-components';
import { Widget } from '@lumino/widgets';
import * as React from 'react';
import { useSignal } from '../signal';
import { IMlops } from '../tokens';
import { tagsOf } from './edit';
import {
  currentStep,
  IForm,
  isRuled,
  ISubject,
  others,
  Outcome,
  outcome,
  problemsOf,
  save,
  shown,
  Touched
} from './form';
import { roleWord } from './header';
import { readTags, Role, ROLES } from './tags';

const WIDTH = 340;

/** Keep the focus within the form, from its last field to its first and back. */
function stay(event: React.KeyboardEvent): void {
  const form = event.currentTarget as HTMLElement;
  const fields = Array.from(form.querySelectorAll<HTMLElement>('input, select, button')).filter(
    one => !one.matches(':disabled')
  );
  const [from, to] = event.shiftKey
    ? [fields[0], fields[fields.length - 1]]
    : [fields[fields.length - 1], fields[0]];
  if (document.activeElement === from) {
    event.preventDefault();
    to?.focus();
  }
}

/** The step editor: a small form beside a cell's header. */
export class StepEditor extends ReactWidget {
  /** Open it for these cells, beside an element or at the cell. Only one is open at a time. */
  static open(mlops: IMlops, panel: NotebookPanel, cells: Cell[], anchor: HTMLElement): void {
    StepEditor._open?.dispose();
    const editor = new StepEditor(mlops, panel, cells, anchor);
    StepEditor._open = editor;
    Widget.attach(editor, document.body);
    editor._place();
    editor._sized.observe(editor.node);
  }

  private constructor(
    private readonly mlops: IMlops,
    private readonly panel: NotebookPanel,
    private readonly cells: Cell[],
    private readonly anchor: HTMLElement
  ) {
    super();
    this.addClass('jp-mlops-editor');
    this._outside = this._outside.bind(this);
    this._sized = new ResizeObserver(() => this._place());
    document.addEventListener('mousedown', this._outside, true);
    panel.disposed.connect(this.dispose, this);
  }

  dispose(): void {
    if (this.isDisposed) {
      return;
    }
    document.removeEventListener('mousedown', this._outside, true);
    this._sized.disconnect();
    if (StepEditor._open === this) {
      StepEditor._open = null;
    }
    super.dispose();
  }

  render(): JSX.Element {
    const leave = () => {
      const { panel } = this;
      this.dispose();
      if (!panel.isDisposed) {
        panel.content.activate();
      }
    };
    return <EditorForm mlops={this.mlops} panel={this.panel} cells={this.cells} leave={leave} />;
  }

  private _outside(event: MouseEvent): void {
    if (!this.node.contains(event.target as Node)) {
      this.dispose();
    }
  }

  private _place(): void {
    const at = this.anchor.getBoundingClientRect();
    const height = this.node.offsetHeight;
    const left = Math.max(8, Math.min(at.left, window.innerWidth - WIDTH - 8));
    const top = Math.max(8, Math.min(at.bottom + 4, window.innerHeight - height - 8));
    Object.assign(this.node.style, { left: `${left}px`, top: `${top}px`, width: `${WIDTH}px` });
  }

  private readonly _sized: ResizeObserver;
  private static _open: StepEditor | null = null;
}

function EditorForm(props: {
  mlops: IMlops;
  panel: NotebookPanel;
  cells: Cell[];
  leave: () => void;
}): JSX.Element {
  const { mlops, panel } = props;
  const { trans } = mlops;
  const { pipeline } = mlops.desk(panel);
  useSignal(pipeline.changed);
  const steps = pipeline.pipeline?.steps ?? [];
  const cells = props.cells.map(cell => cell.model);
  const subject: ISubject = {
    notebook: pipeline.notebook,
    cells,
    owner: pipeline.tagged ? (pipeline.owner(cells[0].id)?.step ?? '') : '',
    members: name => {
      const ids = new Set(steps.find(one => one.name === name)?.cells.map(at => pipeline.cellId(at)));
      return Array.from(pipeline.notebook.cells).filter(cell => {
        const told = readTags(tagsOf(cell));
        return told.step === name || (!told.step && !told.role && ids.has(cell.id));
      });
    }
  };
  const [touched, setTouched] = React.useState<Touched>({});
  const put = (part: Touched) => setTouched(now => ({ ...now, ...part }));
  const form = shown(subject, touched);
  const input = React.useRef<HTMLInputElement>(null);
  React.useEffect(() => {
    input.current?.focus();
    input.current?.select();
  }, []);

  const ruled = isRuled(form.role);
  const problems = problemsOf(form, touched, trans);
  const current = currentStep(subject);
  const left = others(subject).length;
  const becomes = outcome(subject, form);
  const waitable = steps.map(one => one.name).filter(name => name !== form.step && name !== current);
  const data = steps.find(one => one.name === form.step)?.after ?? [];

  function saveForm(): void {
    if (!Object.keys(problems).length) {
      save(subject, touched);
      props.leave();
    }
  }

  function key(event: React.KeyboardEvent): void {
    event.stopPropagation();
    if (event.key === 'Escape') {
      event.preventDefault();
      props.leave();
    } else if (event.key === 'Tab') {
      stay(event);
    } else if (event.key === 'Enter' && (event.target as HTMLElement).tagName !== 'BUTTON') {
      event.preventDefault();
      saveForm();
    }
  }

  const field = (
    name: keyof IForm,
    label: string,
    more: React.InputHTMLAttributes<HTMLInputElement> = {}
  ): JSX.Element => (
    <label className="jp-mlops-field">
      <span>{label}</span>
      <input
        className="jp-mod-styled"
        value={form[name] as string}
        onChange={event => put({ [name]: event.target.value })}
        aria-invalid={name in problems}
        aria-describedby={name in problems ? `jp-mlops-editor-${name}` : undefined}
        {...more}
      />
      {problems[name] ? (
        <em id={`jp-mlops-editor-${name}`} className="jp-mlops-wrong">
          {problems[name]}
        </em>
      ) : null}
    </label>
  );

  const told: Record<Outcome, string> = {
    same: '',
    none: current ? trans.__('It then belongs to the step above it.') : '',
    new: current ? trans.__('A new step; %1 keeps its other cells.', current) : trans.__('A new step.'),
    rename: trans.__('%1 is renamed; steps that wait for it follow.', current),
    join: form.whole
      ? trans.__('All of %1 joins %2.', current, form.step)
      : trans.__('Joins the cells of %1.', form.step)
  };

  return (
    <form
      role="dialog"
      aria-modal="true"
      aria-label={trans._n('Step of %1 cell', 'Step of %1 cells', cells.length)}
      onKeyDown={key}
      onSubmit={event => {
        event.preventDefault();
        saveForm();
      }}
    >
      <label className="jp-mlops-field">
        <span>{trans.__('Step')}</span>
        <input
          ref={input}
          className="jp-mod-styled"
          list="jp-mlops-steps"
          name="step"
          value={form.step}
          disabled={ruled}
          placeholder={trans.__('A name, or nothing')}
          autoComplete="off"
          spellCheck={false}
          onChange={event => put({ step: event.target.value })}
          aria-invalid={'step' in problems}
          aria-describedby="jp-mlops-editor-outcome"
        />
        <span id="jp-mlops-editor-outcome" role="status">
          {problems.step ? (
            <em className="jp-mlops-wrong">{problems.step}</em>
          ) : (
            <span className="jp-mlops-quiet">{ruled ? '' : told[becomes]}</span>
          )}
        </span>
      </label>
      {!ruled && left && current && form.step && form.step !== current ? (
        <label className="jp-mlops-line">
          <input
            type="checkbox"
            name="whole"
            checked={form.whole}
            onChange={event => put({ whole: event.target.checked })}
          />
          {trans._n('The other cell of %2 too', 'The %1 other cells of %2 too', left, current)}
        </label>
      ) : null}
      <datalist id="jp-mlops-steps">
        {steps.map(one => (
          <option key={one.name} value={one.name} />
        ))}
      </datalist>
      <label className="jp-mlops-field">
        <span>{trans.__('Role')}</span>
        <span className="jp-select-wrapper jp-mlops-select">
          <select
            className="jp-mod-styled"
            name="role"
            value={form.role}
            onChange={event => put({ role: event.target.value as Role | '' })}
          >
            <option value="">{trans.__('code of its step')}</option>
            {ROLES.map(role => (
              <option key={role} value={role}>
                {roleWord(role, mlops)}
              </option>
            ))}
          </select>
        </span>
      </label>
      <fieldset className="jp-mlops-field" disabled={ruled || !form.step}>
        <legend>{trans.__('Waits for')}</legend>
        <div className="jp-mlops-checks">
          {waitable.length ? null : <span className="jp-mlops-quiet">{trans.__('no other step')}</span>}
          {waitable.map(name => (
            <label key={name}>
              <input
                type="checkbox"
                checked={form.after.includes(name) || data.includes(name)}
                disabled={data.includes(name) && !form.after.includes(name)}
                onChange={event =>
                  put({
                    after: event.target.checked
                      ? [...form.after, name]
                      : form.after.filter(one => one !== name)
                  })
                }
              />
              {name}
              {data.includes(name) && !form.after.includes(name) ? (
                <span className="jp-mlops-quiet"> {trans.__('by its data')}</span>
              ) : null}
            </label>
          ))}
        </div>
      </fieldset>
      <fieldset className="jp-mlops-grid" disabled={ruled || !form.step}>
        {field('retries', trans.__('Retries'), { inputMode: 'numeric', placeholder: '0', name: 'retries' })}
        {field('backoff', trans.__('First wait, s'), {
          inputMode: 'decimal',
          placeholder: '1',
          name: 'backoff',
          title: trans.__('Before a failed step is tried again; twice as long each time after')
        })}
        {field('timeout', trans.__('Timeout, s'), {
          inputMode: 'decimal',
          placeholder: trans.__('none'),
          name: 'timeout'
        })}
        <label className="jp-mlops-field">
          <span>{trans.__('Cache')}</span>
          <span className="jp-select-wrapper jp-mlops-select">
            <select
              className="jp-mod-styled"
              name="cache"
              value={form.cache}
              onChange={event => put({ cache: event.target.value })}
            >
              <option value="">{trans.__('where safe')}</option>
              <option value="enabled">{trans.__('always')}</option>
              <option value="disabled">{trans.__('never')}</option>
            </select>
          </span>
        </label>
        {field('limits', trans.__('Resources'), { placeholder: 'cpu=2, memory=4Gi', name: 'limits' })}
      </fieldset>
      <label className="jp-mlops-line">
        <input type="checkbox" checked={form.gate} onChange={event => put({ gate: event.target.checked })} />
        {trans.__('Gate: has to pass before promotion')}
      </label>
      <div className="jp-mlops-buttons">
        <button type="button" className="jp-mod-styled jp-mod-reject" onClick={() => props.leave()}>
          {trans.__('Cancel')}
        </button>
        <button
          type="submit"
          className="jp-mod-styled jp-mod-accept"
          disabled={Object.keys(problems).length > 0}
        >
          {trans.__('Save')}
        </button>
      </div>
    </form>
  );
}
