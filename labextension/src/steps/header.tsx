import type { Cell, ICellModel } from '@jupyterlab/cells';
import { LabIcon } from '@jupyterlab/ui-components';
import { Widget } from '@lumino/widgets';
import { duration } from '../format';
import { roleIcons, stateSvg } from '../icons';
import { stateWord } from '../states';
import { IMlops, INotebookDesk } from '../tokens';
import { stepsOf } from '../runs/model';
import { Step, StepRun } from '../types';
import { tagsOf } from './edit';
import { readTags } from './tags';

const MOST_NAMES = 5;

/** What a header shows, as plain data. */
export interface IHeaderFace {
  step: string;
  hue: string;
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
export interface IGlance {
  desk: INotebookDesk;
  steps: ReadonlyMap<string, Step>;
  runs: ReadonlyMap<string, StepRun>;
  /** The step that is running. */
  now: string;
}

export function glance(desk: INotebookDesk): IGlance {
  const run = desk.runs.last;
  const live = run && desk.runs.feed.live(run.id);
  return {
    desk,
    steps: new Map(desk.pipeline.pipeline?.steps.map(step => [step.name, step])),
    runs: new Map(run && stepsOf(run, live).map(step => [step.name, step])),
    now: live?.step ?? ''
  };
}

/** What the header of a cell shows now. */
export function faceOf(model: ICellModel, known: IGlance, position: number): IHeaderFace {
  const { pipeline } = known.desk;
  const foreign = (pipeline.pipeline?.language ?? 'python') !== 'python'; // where it is one step, whatever its tags
  const told = readTags(foreign ? [] : tagsOf(model));
  const suggested = pipeline.suggested.get(model.id) ?? '';
  const wanted = suggested ? readTags([suggested]) : told;
  const owner = pipeline.owner(model.id);
  const ruled = wanted.role !== '' && wanted.role !== 'metrics';
  const step = ruled ? '' : wanted.step || (suggested ? '' : (owner?.step ?? ''));
  const made = known.steps.get(step);
  const roles = [...(wanted.role ? [wanted.role] : []), ...(told.gate ? ['gate'] : [])];
  const first = suggested
    ? pipeline.suggestion?.steps.find(one => one.name === step)?.cells[0] === position
    : made === undefined || pipeline.cellId(made.cells[0]) === model.id;
  const now = known.runs.get(step);
  const names = suggested ? (pipeline.suggestion?.steps.map(one => one.name) ?? []) : [];
  const hue = suggested
    ? `var(--jp-mlops-hue-${Math.max(0, names.indexOf(step)) % 8})`
    : (pipeline.hues.get(step) ?? 'var(--jp-border-color1)');
  return {
    step,
    hue: step ? hue : 'var(--jp-border-color1)',
    first,
    suggested: suggested !== '',
    roles,
    reads: made?.inputs ?? [],
    writes: made?.outputs ?? [],
    state: now?.state ?? '',
    seconds: now?.seconds ?? 0,
    running: now?.state === 'running' && known.now === step
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
    this._flow.className = 'jp-mlops-flow';
    this._last = document.createElement('span');
    this._last.className = 'jp-mlops-last';
    this.node.append(this._chip, this._flow, this._last);
  }

  /** The chip, to which the editor is anchored. */
  get chip(): HTMLButtonElement {
    return this._chip;
  }

  /** Show what is known now. Nothing is touched that stays as it was. */
  show_(face: IHeaderFace | null): void {
    const text = JSON.stringify(face);
    if (text === this._face) {
      return;
    }
    this._face = text;
    this.setHidden(face === null);
    const node = this.cell.node;
    node.classList.toggle('jp-mlops-Cell', face !== null && face.step !== '');
    if (face === null) {
      node.style.removeProperty('--jp-mlops-hue');
      return;
    }
    node.style.setProperty('--jp-mlops-hue', face.hue);
    this.node.dataset.first = String(face.first || face.roles.length > 0 || !face.step);
    this.node.dataset.suggested = String(face.suggested);
    this.node.dataset.running = String(face.running);
    this._showChip(face);
    this._showFlow(face);
    this._showLast(face);
  }

  private _showChip(face: IHeaderFace): void {
    const { trans } = this._mlops;
    const parts: Node[] = [];
    if (face.step) {
      const dot = document.createElement('span');
      dot.className = 'jp-mlops-dot';
      const name = document.createElement('span');
      name.className = 'jp-mlops-name';
      name.textContent = face.step;
      parts.push(dot, name);
    }
    for (const role of face.roles) {
      const mark = document.createElement('span');
      mark.className = 'jp-mlops-role';
      mark.append(iconOf(roleIcons[role]), roleWord(role, this._mlops));
      parts.push(mark);
    }
    if (!parts.length) {
      const none = document.createElement('span');
      none.className = 'jp-mlops-none';
      none.textContent = trans.__('no step');
      parts.push(none);
    }
    this._chip.replaceChildren(...parts);
    const what = face.step ? trans.__('Step %1', face.step) : face.roles.join(', ') || trans.__('No step');
    const lines = [what];
    if (face.reads.length) {
      lines.push(trans.__('reads %1', face.reads.join(', ')));
    }
    if (face.writes.length) {
      lines.push(trans.__('writes %1', face.writes.join(', ')));
    }
    this._chip.title = lines.join('\n');
    this._chip.setAttribute('aria-label', trans.__('%1. Edit step', lines.join(', ')));
  }

  private _showFlow(face: IHeaderFace): void {
    const { trans } = this._mlops;
    const told: string[] = [];
    if (face.first && face.step && !face.suggested) {
      if (face.reads.length) {
        told.push(trans.__('reads %1', few(face.reads)));
      }
      if (face.writes.length) {
        told.push(trans.__('writes %1', few(face.writes)));
      }
    }
    const parts = (face.suggested ? [trans.__('suggested')] : told).map(text => {
      const part = document.createElement('span');
      part.textContent = text;
      return part;
    });
    this._flow.replaceChildren(...parts);
  }

  private _showLast(face: IHeaderFace): void {
    this._last.replaceChildren();
    if (!face.state || !face.first) {
      return;
    }
    const { trans } = this._mlops;
    const mark = document.createElement('span');
    mark.className = 'jp-mlops-state';
    mark.dataset.state = face.state;
    const icon = document.createElement('span');
    icon.className = 'jp-mlops-state-icon';
    icon.innerHTML = stateSvg(face.state as never);
    const word = document.createElement('span');
    const said = stateWord(face.state as never, trans);
    const time = this._mlops.showTime && face.seconds ? duration(face.seconds) : '';
    word.textContent = [
      ['completed', 'cached'].includes(face.state) ? '' : said,
      time,
      face.state === 'cached' ? said : ''
    ]
      .filter(Boolean)
      .join(' · ');
    mark.title = said;
    mark.append(icon, word);
    this._last.append(mark);
  }

  private _chip: HTMLButtonElement;
  private _flow: HTMLElement;
  private _last: HTMLElement;
  private _face = '';
}

function few(names: string[]): string {
  return names.length > MOST_NAMES ? `${names.slice(0, MOST_NAMES).join(', ')}, …` : names.join(', ');
}

function iconOf(icon: LabIcon): HTMLElement {
  return icon.element({ tag: 'span', height: '12px', width: '12px' });
}

/** The word of a role. */
export function roleWord(role: string, mlops: IMlops): string {
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
