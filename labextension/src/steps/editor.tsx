import type { Cell } from '@jupyterlab/cells';
import type { NotebookPanel } from '@jupyterlab/notebook';
import { ReactWidget } from '@jupyterlab/ui-components';
import { Widget } from '@lumino/widgets';
import * as React from 'react';
import { flushSync } from 'react-dom';
import { Form, IField, checkOf, checksOf, choiceOf, sectionOf, textOf } from '../form';
import { useSignal } from '../hooks';
import { PipelineModel } from '../pipeline/model';
import { IMlops } from '../tokens';
import { Step } from '../types';
import { tagsOf } from './edit';
import {
  currentStep,
  IForm,
  isExclusiveRole,
  ISubject,
  otherCells,
  Outcome,
  computeOutcome,
  validate,
  save,
  formValues,
  FormChanges
} from './form';
import { roleLabel } from './header';
import { readTags, ROLES } from './tags';

const EDITOR_WIDTH = 340;

/** Keep the focus within the form, from its last field to its first and back. */
function trapFocus(event: React.KeyboardEvent): void {
  const form = event.currentTarget as HTMLElement;
  const fields = Array.from(form.querySelectorAll<HTMLElement>('input, select, button')).filter(
    field => !field.matches(':disabled')
  );
  const [edge, opposite] = event.shiftKey
    ? [fields[0], fields[fields.length - 1]]
    : [fields[fields.length - 1], fields[0]];
  if (document.activeElement === edge) {
    event.preventDefault();
    opposite?.focus();
  }
}

/** The step editor: a small form beside a cell's header. */
export class StepEditor extends ReactWidget {
  /** Open it for these cells, beside an element or at the cell. Only one is open at a time. */
  static open(mlops: IMlops, panel: NotebookPanel, cells: Cell[], anchor: HTMLElement): void {
    StepEditor._current?.dispose();
    const editor = new StepEditor(mlops, panel, cells, anchor);
    StepEditor._current = editor;
    // At once, so that what is typed next goes to the form, not to the notebook as shortcuts.
    flushSync(() => Widget.attach(editor, document.body));
    editor._updatePosition();
    editor._resizeObserver.observe(editor.node);
  }

  private constructor(
    private readonly mlops: IMlops,
    private readonly panel: NotebookPanel,
    private readonly cells: Cell[],
    private readonly anchor: HTMLElement
  ) {
    super();
    this.addClass('jp-mlops-editor');
    this._onMouseDown = this._onMouseDown.bind(this);
    this._resizeObserver = new ResizeObserver(() => this._updatePosition());
    document.addEventListener('mousedown', this._onMouseDown, true);
    panel.disposed.connect(this.dispose, this);
  }

  dispose(): void {
    if (this.isDisposed) {
      return;
    }
    document.removeEventListener('mousedown', this._onMouseDown, true);
    this._resizeObserver.disconnect();
    if (StepEditor._current === this) {
      StepEditor._current = null;
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
    return <EditorForm mlops={this.mlops} panel={this.panel} cells={this.cells} close={leave} />;
  }

  private _onMouseDown(event: MouseEvent): void {
    if (!this.node.contains(event.target as Node)) {
      this.dispose();
    }
  }

  private _updatePosition(): void {
    const at = this.anchor.getBoundingClientRect();
    const height = this.node.offsetHeight;
    const left = Math.max(8, Math.min(at.left, window.innerWidth - EDITOR_WIDTH - 8));
    const top = Math.max(8, Math.min(at.bottom + 4, window.innerHeight - height - 8));
    Object.assign(this.node.style, { left: `${left}px`, top: `${top}px`, width: `${EDITOR_WIDTH}px` });
  }

  private readonly _resizeObserver: ResizeObserver;
  private static _current: StepEditor | null = null;
}

/** The cells that are edited, and the step they are in. */
function subjectOf(pipeline: PipelineModel, cells: readonly Cell[]): ISubject {
  const steps = pipeline.pipeline?.steps ?? [];
  const models = cells.map(cell => cell.model);
  return {
    notebook: pipeline.notebook,
    cells: models,
    owner: pipeline.tagged ? (pipeline.owner(models[0].id)?.step ?? '') : '',
    members: name => {
      const ids = new Set(steps.find(step => step.name === name)?.cells.map(at => pipeline.cellId(at)));
      return Array.from(pipeline.notebook.cells).filter(cell => {
        const tags = readTags(tagsOf(cell));
        return tags.step === name || (!tags.step && !tags.role && ids.has(cell.id));
      });
    }
  };
}

function EditorForm(props: {
  mlops: IMlops;
  panel: NotebookPanel;
  cells: Cell[];
  close: () => void;
}): JSX.Element {
  const { mlops, panel, cells, close } = props;
  const { trans } = mlops;
  const { pipeline } = mlops.stateFor(panel);
  useSignal(pipeline.changed);
  const [changes, setChanges] = React.useState<FormChanges>({});
  const container = React.useRef<HTMLFormElement>(null);
  React.useEffect(() => {
    const input = container.current?.querySelector('input');
    input?.focus();
    input?.select();
  }, []);
  const subject = subjectOf(pipeline, cells);
  const values = formValues(subject, changes);
  const problems = validate(values, changes, trans);
  const hasProblems = Object.keys(problems).length > 0;
  const { form, dataDependencies } = editorForm(subject, values, pipeline.pipeline?.steps ?? [], mlops);

  function saveForm(event: React.SyntheticEvent): void {
    event.preventDefault();
    if (!hasProblems) {
      save(subject, changes);
      close();
    }
  }

  function onKeyDown(event: React.KeyboardEvent): void {
    event.stopPropagation();
    if (event.key === 'Escape') {
      event.preventDefault();
      close();
    } else if (event.key === 'Tab') {
      trapFocus(event);
    } else if (event.key === 'Enter' && (event.target as HTMLElement).tagName !== 'BUTTON') {
      saveForm(event);
    }
  }

  return (
    <form
      ref={container}
      role="dialog"
      aria-modal="true"
      aria-label={trans._n('Step of %1 cell', 'Step of %1 cells', cells.length)}
      onKeyDown={onKeyDown}
      onSubmit={saveForm}
    >
      <Form
        id="jp-mlops-step"
        form={form}
        values={{ ...values, after: [...new Set([...values.after, ...dataDependencies])] }}
        errors={problems}
        onChange={changed => setChanges({ ...changes, ...changesOf(values, changed, dataDependencies) })}
        translator={mlops.translator}
      />
      <div className="jp-mlops-row">
        <span className="jp-mlops-grow" />
        <button type="button" className="jp-mod-styled jp-mod-reject" onClick={close}>
          {trans.__('Cancel')}
        </button>
        <button type="submit" className="jp-mod-styled jp-mod-accept" disabled={hasProblems}>
          {trans.__('Save')}
        </button>
      </div>
    </form>
  );
}

/** What of a form's values was changed; what a step waits for by its data is not said by a tag. */
export function changesOf(values: IForm, changed: IForm, dataDependencies: readonly string[]): FormChanges {
  const after = changed.after.filter(name => values.after.includes(name) || !dataDependencies.includes(name));
  const all: IForm = { ...changed, after };
  const names = Object.keys(all) as (keyof IForm)[];
  return Object.fromEntries(
    names
      .filter(name => JSON.stringify(all[name]) !== JSON.stringify(values[name]))
      .map(name => [name, all[name]])
  );
}

/** The fields of the editor, and the steps that the step waits for by its data. */
function editorForm(
  subject: ISubject,
  values: IForm,
  steps: readonly Step[],
  mlops: IMlops
): { form: IField; dataDependencies: string[] } {
  const { trans } = mlops;
  const current = currentStep(subject);
  const isExclusive = isExclusiveRole(values.role);
  const others = otherCells(subject).length;
  const names = steps.map(step => step.name);
  const dependencies = names.filter(name => name !== values.step && name !== current);
  const byData = (steps.find(step => step.name === values.step)?.after ?? []).filter(name =>
    dependencies.includes(name)
  );
  const dataDependencies = byData.filter(name => !values.after.includes(name));
  const dependencyLabels = dependencies.map(name => [
    name,
    dataDependencies.includes(name) ? trans.__('%1 (by its data)', name) : name
  ]);
  const outcome = isExclusive ? '' : outcomeLabel(computeOutcome(subject, values), values, current, trans);
  const wide = { 'ui:classNames': 'jp-mod-wide' };
  const ofStep = { 'ui:disabled': isExclusive || !values.step };
  const wholeStep = trans._n('Also the other cell of %2', 'Also the %1 other cells of %2', others, current);
  const canMoveAll = !isExclusive && others > 0 && current && values.step && values.step !== current;
  const form = sectionOf('', {
    step: textOf(
      trans.__('Step'),
      {
        ...wide,
        'ui:placeholder': trans.__('A name, or empty for no step'),
        'ui:help': outcome,
        'ui:disabled': isExclusive
      },
      names
    ),
    ...(canMoveAll ? { wholeStep: checkOf(wholeStep) } : {}),
    role: choiceOf(
      trans.__('Role'),
      {
        '': trans.__('code of the step'),
        ...Object.fromEntries(ROLES.map(role => [role, roleLabel(role, mlops)]))
      },
      wide
    ),
    ...(dependencies.length
      ? {
          after: checksOf(trans.__('Waits for'), Object.fromEntries(dependencyLabels), {
            ...wide,
            ...ofStep,
            'ui:enumDisabled': dataDependencies
          })
        }
      : {}),
    retries: textOf(trans.__('Retries'), { ...ofStep, 'ui:placeholder': '0' }),
    backoff: textOf(trans.__('First retry after (s)'), { ...ofStep, 'ui:placeholder': '1' }),
    timeout: textOf(trans.__('Timeout (s)'), { ...ofStep, 'ui:placeholder': trans.__('none') }),
    cache: choiceOf(
      trans.__('Cache'),
      { '': trans.__('where safe'), enabled: trans.__('always'), disabled: trans.__('never') },
      ofStep
    ),
    limits: textOf(trans.__('Resources'), {
      ...wide,
      ...ofStep,
      'ui:placeholder': 'cpu=2, memory=4Gi'
    }),
    gate: { ...checkOf(trans.__('Gate: must pass before a version is promoted')), ui: wide }
  });
  return { form, dataDependencies };
}

/** What saving does to the step of the cells. */
function outcomeLabel(outcome: Outcome, values: IForm, current: string, trans: IMlops['trans']): string {
  switch (outcome) {
    case 'same':
      return '';
    case 'none':
      return current ? trans.__('The cell belongs to the step above it.') : '';
    case 'new':
      return current
        ? trans.__('Creates a step. %1 keeps its other cells.', current)
        : trans.__('Creates a step.');
    case 'rename':
      return trans.__('Renames %1. Steps that wait for it follow.', current);
    case 'join':
      return values.wholeStep
        ? trans.__('Moves all cells of %1 to %2.', current, values.step)
        : trans.__('Moves the selected cells to %1.', values.step);
  }
}
