import type { Cell, ICellModel } from '@jupyterlab/cells';
import type { NotebookPanel } from '@jupyterlab/notebook';
import { ReactWidget } from '@jupyterlab/ui-components';
import { Widget } from '@lumino/widgets';
import * as React from 'react';
import { IMlops } from '../tokens';
import { change, IStepSettings, setSettings, settingsOf, setTags, tagsOf } from './edit';
import { roleWord } from './header';
import { asName, ICellTags, readTags, Role, ROLES, whyNoName } from './tags';

const WIDTH = 340;

interface IForm {
  step: string;
  role: Role | '';
  gate: boolean;
  after: string[];
  retries: string;
  timeout: string;
  cache: string;
  limits: string;
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
    document.addEventListener('mousedown', this._outside, true);
    panel.disposed.connect(this.dispose, this);
  }

  dispose(): void {
    if (this.isDisposed) {
      return;
    }
    document.removeEventListener('mousedown', this._outside, true);
    if (StepEditor._open === this) {
      StepEditor._open = null;
    }
    super.dispose();
  }

  render(): JSX.Element {
    const leave = (saved: boolean) => {
      const { panel } = this;
      this.dispose();
      if (!panel.isDisposed) {
        panel.content.activate();
        void saved;
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
    const height = Math.min(480, window.innerHeight - 16);
    const left = Math.max(8, Math.min(at.left, window.innerWidth - WIDTH - 8));
    const top = Math.max(8, Math.min(at.bottom + 4, window.innerHeight - height - 8));
    Object.assign(this.node.style, { left: `${left}px`, top: `${top}px`, width: `${WIDTH}px` });
  }

  private static _open: StepEditor | null = null;
}

function limitsText(limits: Record<string, string> | undefined): string {
  return Object.entries(limits ?? {})
    .map(([name, value]) => `${name}=${value}`)
    .join(', ');
}

function EditorForm(props: {
  mlops: IMlops;
  panel: NotebookPanel;
  cells: Cell[];
  leave: (saved: boolean) => void;
}): JSX.Element {
  const { mlops, panel, cells } = props;
  const { trans } = mlops;
  const { pipeline } = mlops.desk(panel);
  const steps = pipeline.pipeline?.steps ?? [];
  const models = cells.map(cell => cell.model);
  const before = React.useMemo(() => formOf(models, pipeline.owner(models[0].id)?.step ?? '', firstCell), []);
  const [form, setForm] = React.useState<IForm>(before);
  const put = (part: Partial<IForm>) => setForm(now => ({ ...now, ...part }));
  const input = React.useRef<HTMLInputElement>(null);
  React.useEffect(() => {
    input.current?.focus();
    input.current?.select();
  }, []);

  function firstCell(step: string): ICellModel | undefined {
    const known = steps.find(one => one.name === step);
    const id = known && pipeline.cellId(known.cells[0]);
    return Array.from(pipeline.notebook.cells).find(cell => cell.id === id);
  }

  const ruled = form.role !== '' && form.role !== 'metrics';
  const problems = problemsOf(form, ruled);
  const others = steps.map(one => one.name).filter(name => name !== form.step);
  const data = steps.find(one => one.name === form.step)?.after ?? [];

  function save(): void {
    if (Object.keys(problems).length) {
      return;
    }
    const wanted: ICellTags = ruled
      ? { role: form.role, step: '', after: [], gate: form.gate }
      : { role: form.role, step: form.step, after: [], gate: form.gate };
    const settings: IStepSettings = {
      retries: Number(form.retries) || undefined,
      timeout: Number(form.timeout) || undefined,
      cache: (form.cache || undefined) as IStepSettings['cache'],
      limits: limitsOf(form.limits) ?? undefined
    };
    change(pipeline.notebook, () => {
      models.forEach((cell, place) =>
        setTags(cell, { ...wanted, after: place === 0 && !ruled ? form.after : [] })
      );
      if (form.step && !ruled) {
        const first = form.step === before.step ? (firstCell(form.step) ?? models[0]) : models[0];
        setSettings(first, settings);
      }
    });
    props.leave(true);
  }

  function key(event: React.KeyboardEvent): void {
    event.stopPropagation();
    if (event.key === 'Escape') {
      event.preventDefault();
      props.leave(false);
    } else if (event.key === 'Enter' && (event.target as HTMLElement).tagName !== 'BUTTON') {
      event.preventDefault();
      save();
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

  function problemsOf(now: IForm, without: boolean): Partial<Record<keyof IForm, string>> {
    const found: Partial<Record<keyof IForm, string>> = {};
    if (!without && whyNoName(now.step) === 'characters') {
      found.step = trans.__('Letters, digits, _ - and . only; such as %1', asName(now.step) || 'load');
    }
    if (now.retries && !/^\d+$/.test(now.retries)) {
      found.retries = trans.__('A whole number');
    }
    if (now.timeout && !(Number(now.timeout) > 0)) {
      found.timeout = trans.__('Seconds, more than 0');
    }
    if (limitsOf(now.limits) === null) {
      found.limits = trans.__('Such as cpu=2, memory=4Gi');
    }
    return found;
  }

  return (
    <form
      role="dialog"
      aria-label={trans._n('Step of %1 cell', 'Step of %1 cells', cells.length)}
      onKeyDown={key}
      onSubmit={event => {
        event.preventDefault();
        save();
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
        />
        {problems.step ? <em className="jp-mlops-wrong">{problems.step}</em> : null}
      </label>
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
          {others.length ? null : <span className="jp-mlops-quiet">{trans.__('no other step')}</span>}
          {others.map(name => (
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
        <button type="button" className="jp-mod-styled jp-mod-reject" onClick={() => props.leave(false)}>
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

function formOf(
  cells: readonly ICellModel[],
  owner: string,
  firstCell: (step: string) => ICellModel | undefined
): IForm {
  const told = readTags(tagsOf(cells[0]));
  const step = told.step || (told.role && told.role !== 'metrics' ? '' : owner);
  const settings = settingsOf(firstCell(step) ?? cells[0]);
  return {
    step,
    role: told.role,
    gate: told.gate,
    after: told.after,
    retries: settings.retries ? String(settings.retries) : '',
    timeout: settings.timeout ? String(settings.timeout) : '',
    cache: settings.cache ?? '',
    limits: limitsText(settings.limits)
  };
}

/** `cpu=2, memory=4Gi` as a mapping; null for what is none. */
function limitsOf(text: string): Record<string, string> | null {
  const pairs = text
    .split(/[,\s]+/)
    .filter(Boolean)
    .map(part => part.split('='));
  return pairs.every(pair => pair.length === 2 && pair[0] && pair[1]) ? Object.fromEntries(pairs) : null;
}
