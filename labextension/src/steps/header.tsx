import type { Cell, ICellModel } from '@jupyterlab/cells';
import { LabIcon } from '@jupyterlab/ui-components';
import { Widget } from '@lumino/widgets';
import { formatDuration } from '../format';
import { roleIcons, stateSvg } from '../icons';
import { stateLabel } from '../stateBadge';
import { IMlops, INotebookState } from '../tokens';
import { hueAt } from '../stepColors';
import { stepsOf } from '../runs/model';
import { Step, StepRun } from '../types';
import { tagsOf } from './edit';
import { readTags } from './tags';

const MAX_NAMES = 5;

/** What a header shows, as plain data. */
export interface IHeaderContent {
  step: string;
  color: string;
  first: boolean;
  suggested: boolean;
  roles: string[];
  reads: string[];
  writes: string[];
  state: string;
  seconds: number;
  running: boolean;
}

/** What all headers of a notebook are drawn from, looked up once. */
export interface IHeaderContext {
  state: INotebookState;
  steps: ReadonlyMap<string, Step>;
  runs: ReadonlyMap<string, StepRun>;
  /** The step that is running. */
  runningStep: string;
}

export function headerContext(state: INotebookState): IHeaderContext {
  const run = state.runs.latest;
  const live = run && state.runs.feed.live(run.id);
  return {
    state,
    steps: new Map(state.pipeline.pipeline?.steps.map(step => [step.name, step])),
    runs: new Map(run && stepsOf(run, live).map(step => [step.name, step])),
    runningStep: live?.step ?? ''
  };
}

/** What the header of a cell shows now. */
export function headerContent(model: ICellModel, context: IHeaderContext, position: number): IHeaderContent {
  const { pipeline } = context.state;
  const isForeign = (pipeline.pipeline?.language ?? 'python') !== 'python'; // where it is one step, whatever its tags
  const cellTags = readTags(isForeign ? [] : tagsOf(model));
  const suggested = pipeline.suggestedTags.get(model.id) ?? '';
  const tags = suggested ? readTags([suggested]) : cellTags;
  const owner = pipeline.owner(model.id);
  const isExclusive = tags.role !== '' && tags.role !== 'metrics';
  const step = isExclusive ? '' : tags.step || (suggested ? '' : (owner?.step ?? ''));
  const pipelineStep = context.steps.get(step);
  const roles = [...(tags.role ? [tags.role] : []), ...(cellTags.gate ? ['gate'] : [])];
  const first = suggested
    ? pipeline.suggestion?.steps.find(suggestedStep => suggestedStep.name === step)?.cells[0] === position
    : pipelineStep === undefined || pipeline.cellId(pipelineStep.cells[0]) === model.id;
  const stepRun = context.runs.get(step);
  const names = suggested ? (pipeline.suggestion?.steps.map(suggestedStep => suggestedStep.name) ?? []) : [];
  const hue = suggested
    ? hueAt(Math.max(0, names.indexOf(step)))
    : (pipeline.stepColors.get(step) ?? 'var(--jp-border-color1)');
  return {
    step,
    color: step ? hue : 'var(--jp-border-color1)',
    first,
    suggested: suggested !== '',
    roles,
    reads: pipelineStep?.inputs ?? [],
    writes: pipelineStep?.outputs ?? [],
    state: stepRun?.state ?? '',
    seconds: stepRun?.seconds ?? 0,
    running: stepRun?.state === 'running' && context.runningStep === step
  };
}

/** The slim header over a cell's editor: its step, its roles, and how it went last. */
export class CellHeader extends Widget {
  constructor(
    readonly cell: Cell,
    private readonly _mlops: IMlops,
    private readonly _open: (header: CellHeader) => void
  ) {
    super({ node: document.createElement('div') });
    this.addClass('jp-mlops-header');
    this._chip = document.createElement('button');
    this._chip.type = 'button';
    this._chip.className = 'jp-mlops-chip';
    this._chip.addEventListener('click', event => {
      event.stopPropagation();
      this._open(this);
    });
    this._chip.addEventListener('mousedown', event => event.stopPropagation());
    this._flow = document.createElement('span');
    this._flow.className = 'jp-mlops-flow jp-mlops-grow';
    this._last = document.createElement('span');
    this._last.className = 'jp-mlops-last';
    this.node.append(this._chip, this._flow, this._last);
  }

  /** The chip, to which the editor is anchored. */
  get chip(): HTMLButtonElement {
    return this._chip;
  }

  /** Show what is known now. Nothing is touched that stays as it was. */
  update_(face: IHeaderContent | null): void {
    const text = JSON.stringify(face);
    if (text === this._contentJson) {
      return;
    }
    this._contentJson = text;
    this.setHidden(face === null);
    const node = this.cell.node;
    node.classList.toggle('jp-mlops-Cell', face !== null && face.step !== '');
    if (face === null) {
      node.style.removeProperty('--jp-mlops-hue');
      return;
    }
    node.style.setProperty('--jp-mlops-hue', face.color);
    this.node.dataset.first = String(face.first || face.roles.length > 0 || !face.step);
    this.node.dataset.suggested = String(face.suggested);
    this.node.dataset.running = String(face.running);
    this._showChip(face);
    this._showFlow(face);
    this._showLast(face);
  }

  private _showChip(face: IHeaderContent): void {
    const { trans } = this._mlops;
    const nodes: Node[] = [];
    if (face.step) {
      const dot = document.createElement('span');
      dot.style.color = 'var(--jp-mlops-hue)';
      dot.textContent = '●';
      dot.setAttribute('aria-hidden', 'true');
      const name = document.createElement('span');
      name.className = 'jp-mlops-name';
      name.textContent = face.step;
      nodes.push(dot, name);
    }
    for (const role of face.roles) {
      const roleNode = document.createElement('span');
      roleNode.className = 'jp-mlops-role';
      roleNode.append(iconOf(roleIcons[role]), roleLabel(role, this._mlops));
      nodes.push(roleNode);
    }
    if (!nodes.length) {
      const placeholder = document.createElement('span');
      placeholder.className = 'jp-mlops-secondary';
      placeholder.textContent = trans.__('no step');
      nodes.push(placeholder);
    }
    this._chip.replaceChildren(...nodes);
    const heading = face.step ? trans.__('Step %1', face.step) : face.roles.join(', ') || trans.__('No step');
    const lines = [heading];
    if (face.reads.length) {
      lines.push(trans.__('reads %1', face.reads.join(', ')));
    }
    if (face.writes.length) {
      lines.push(trans.__('writes %1', face.writes.join(', ')));
    }
    this._chip.title = lines.join('\n');
    this._chip.setAttribute('aria-label', trans.__('%1. Edit step', lines.join(', ')));
  }

  private _showFlow(face: IHeaderContent): void {
    const { trans } = this._mlops;
    const texts: string[] = [];
    if (face.first && face.step && !face.suggested) {
      if (face.reads.length) {
        texts.push(trans.__('reads %1', joinNames(face.reads)));
      }
      if (face.writes.length) {
        texts.push(trans.__('writes %1', joinNames(face.writes)));
      }
    }
    const nodes = (face.suggested ? [trans.__('suggested')] : texts).map(text => {
      const node = document.createElement('span');
      node.textContent = text;
      return node;
    });
    this._flow.replaceChildren(...nodes);
  }

  private _showLast(face: IHeaderContent): void {
    this._last.replaceChildren();
    if (!face.state || !face.first) {
      return;
    }
    const { trans } = this._mlops;
    const badge = document.createElement('span');
    badge.className = 'jp-mlops-state';
    badge.dataset.state = face.state;
    const icon = document.createElement('span');
    icon.className = 'jp-mlops-state-icon';
    icon.innerHTML = stateSvg(face.state as never);
    const labelNode = document.createElement('span');
    const label = stateLabel(face.state as never, trans);
    const time = this._mlops.showTime && face.seconds ? formatDuration(face.seconds) : '';
    labelNode.textContent = [
      ['completed', 'cached'].includes(face.state) ? '' : label,
      time,
      face.state === 'cached' ? label : ''
    ]
      .filter(Boolean)
      .join(' · ');
    badge.title = label;
    badge.append(icon, labelNode);
    this._last.append(badge);
  }

  private _chip: HTMLButtonElement;
  private _flow: HTMLElement;
  private _last: HTMLElement;
  private _contentJson = '';
}

function joinNames(names: string[]): string {
  return names.length > MAX_NAMES ? `${names.slice(0, MAX_NAMES).join(', ')}, …` : names.join(', ');
}

function iconOf(icon: LabIcon): HTMLElement {
  return icon.element({ tag: 'span', height: '12px', width: '12px' });
}

/** The word of a role. */
export function roleLabel(role: string, mlops: IMlops): string {
  const { trans } = mlops;
  switch (role) {
    case 'parameters':
      return trans.__('parameters');
    case 'imports':
      return trans.__('imports');
    case 'functions':
      return trans.__('functions');
    case 'metrics':
      return trans.__('metrics');
    case 'skip':
      return trans.__('skip');
    case 'gate':
      return trans.__('gate');
    default:
      return role;
  }
}
