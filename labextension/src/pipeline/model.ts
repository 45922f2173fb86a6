import type { ICellModel } from '@jupyterlab/cells';
import type { DocumentRegistry } from '@jupyterlab/docregistry';
import type { INotebookModel } from '@jupyterlab/notebook';
import { IDisposable } from '@lumino/disposable';
import { ISignal, Signal } from '@lumino/signaling';
import { huesOf } from '../hues';
import { wordsOf } from '../request';
import { change, tagsOf, writeTags } from '../steps/edit';
import { isTagged } from '../steps/tags';
import { Analysis, Check, Pipeline, Suggestion } from '../types';
import { ICellSource, PipelineApi, sourceOf } from './api';

/** What a cell belongs to. */
export interface IOwner {
  step: string;
  role: string;
}

const SOON = 25; // ms after a tag or the cells' order changed
const QUIET = 90; // ms without a keystroke
const CHECKED = 500; // ms without a change until the rules are asked
const AGAIN = 1500; // ms until what was not known yet is asked again

/** The pipeline of a notebook in the editor; follows its edits. All views of a document share one. */
export class PipelineModel implements IDisposable {
  constructor(
    readonly context: DocumentRegistry.IContext<INotebookModel>,
    private readonly api: PipelineApi
  ) {
    void context.ready.then(() => this._begin());
    context.disposed.connect(() => this.dispose());
  }

  /** Emitted when anything that is told here changed. */
  get changed(): ISignal<PipelineModel, void> {
    return this._changed;
  }

  get notebook(): INotebookModel {
    return this.context.model;
  }

  get path(): string {
    return this.context.localPath;
  }

  /** The last pipeline that could be made; see `problem` for why it may be old. */
  pipeline: Pipeline | null = null;
  checks: Check[] = [];
  checked = false;
  problem = '';
  /** Whether any cell carries a tag of ours. */
  tagged = false;
  /** Whether the first answer is there. */
  ready = false;
  hues = new Map<string, string>();
  /** Tags that are suggested, by cell; null while nothing is. */
  suggestion: Suggestion | null = null;
  suggested = new Map<string, string>();

  owner(cellId: string): IOwner | undefined {
    return this._owners.get(cellId);
  }

  /** The id that a position had when the pipeline was made. */
  cellId(position: number): string | undefined {
    return this._ids[position];
  }

  /** The id that a position had when the notebook was checked. */
  checkedId(position: number): string | undefined {
    return this._checked[position];
  }

  /** Ask for tags, and show them before they are written. */
  async suggest(): Promise<string> {
    const source = sourceOf(this.notebook, this.path);
    const found = await this.api.suggest(source);
    if (found.message) {
      return found.message;
    }
    this.suggestion = found;
    this.suggested = new Map(found.tags.map(({ cell, tag }) => [source.cells[cell].id, tag]));
    this._changed.emit();
    return '';
  }

  acceptSuggestion(): void {
    const wanted = this.suggested;
    this.dismissSuggestion();
    change(this.notebook, () => {
      for (const cell of this.notebook.cells) {
        const tag = wanted.get(cell.id);
        if (tag) {
          writeTags(cell, [...tagsOf(cell), tag]);
        }
      }
    });
  }

  dismissSuggestion(): void {
    this.suggestion = null;
    this.suggested = new Map();
    this._changed.emit();
  }

  /** Ask again now. */
  refresh(): void {
    this._answered = this._judged = '';
    this._ask(0);
  }

  get isDisposed(): boolean {
    return this._disposed;
  }

  dispose(): void {
    if (this._disposed) {
      return;
    }
    this._disposed = true;
    clearTimeout(this._timer);
    clearTimeout(this._checking);
    this._running?.abort();
    for (const release of this._watched.values()) {
      release();
    }
    Signal.clearData(this);
  }

  private _begin(): void {
    if (this._disposed) {
      return;
    }
    this.notebook.cells.changed.connect(this._watch, this);
    this.notebook.metadataChanged.connect(() => this._ask(SOON));
    this._watch();
  }

  private _watch(): void {
    const there = new Set<ICellModel>(this.notebook.cells);
    for (const [cell, release] of this._watched) {
      if (!there.has(cell)) {
        release();
        this._watched.delete(cell);
      }
    }
    for (const cell of there) {
      if (!this._watched.has(cell)) {
        const content = () => {
          this._known.delete(cell);
          this._ask(QUIET);
        };
        const metadata = () => {
          this._known.delete(cell);
          this._look();
          this._ask(SOON);
          this._changed.emit(); // headers read tags
        };
        cell.contentChanged.connect(content);
        cell.metadataChanged.connect(metadata);
        this._watched.set(cell, () => {
          cell.contentChanged.disconnect(content);
          cell.metadataChanged.disconnect(metadata);
        });
      }
    }
    this._look();
    this._ask(SOON);
  }

  private _look(): void {
    const tagged = Array.from(this.notebook.cells).some(cell => isTagged(tagsOf(cell)));
    if (tagged !== this.tagged) {
      this.tagged = tagged;
      this._changed.emit();
    }
  }

  private _ask(wait: number): void {
    clearTimeout(this._checking);
    // A tag tells of a change of content as well: what is to be asked soon is not put off by it.
    if (!this._hurried || wait <= SOON) {
      clearTimeout(this._timer);
      this._hurried = wait <= SOON;
      this._timer = window.setTimeout(() => {
        this._hurried = false;
        void this._analyse(false);
      }, wait);
    }
    this._checking = window.setTimeout(() => void this._analyse(true), wait + CHECKED);
  }

  private async _analyse(checks: boolean): Promise<void> {
    if (this._disposed) {
      return;
    }
    const source = sourceOf(this.notebook, this.path, this._known);
    const asked = JSON.stringify(source);
    if (checks && asked === this._pending) {
      this._checking = window.setTimeout(() => void this._analyse(true), QUIET);
      return; // its graph is still to come
    }
    this._running?.abort();
    this._pending = '';
    if (asked === (checks ? this._judged : this._answered)) {
      return; // a cell was run, or a letter came and went
    }
    const running = (this._running = new AbortController());
    this._pending = checks ? '' : asked;
    try {
      const found = await this.api.analyse(source, checks, running.signal);
      if (this._disposed || running.signal.aborted) {
        return;
      }
      this._pending = '';
      this._answered = asked;
      this._judged = checks && found.complete ? asked : '';
      if (checks && !found.complete) {
        this._checking = window.setTimeout(() => void this._analyse(true), AGAIN);
      }
      const ids = source.cells.map(cell => cell.id);
      const drawn = this._take(found, ids);
      if (!(checks && this._judge(found, ids)) && !drawn && this.ready) {
        return;
      }
    } catch (error) {
      if (running.signal.aborted || this._disposed) {
        return;
      }
      this._answered = this._judged = this._told = this._pending = '';
      this.problem = wordsOf(error);
    }
    this.ready = true;
    this._changed.emit();
  }

  /** Take a pipeline over; false if it is as it was. */
  private _take(found: Analysis, ids: string[]): boolean {
    const problem = found.pipeline
      ? ''
      : (found.checks.find(check => check.severity === 'error')?.message ?? '');
    const told = JSON.stringify([found.pipeline, found.cells, ids, problem]);
    if (told === this._told) {
      return false;
    }
    this._told = told;
    this.problem = problem;
    if (found.pipeline) {
      this.pipeline = found.pipeline;
      this._ids = ids;
      this._owners = new Map(found.cells.map(({ cell, step, role }) => [ids[cell], { step, role }]));
      this.hues = huesOf(found.pipeline.steps.map(step => step.name));
    }
    return true;
  }

  /** Take the findings over; false if they are as they were. */
  private _judge(found: Analysis, ids: string[]): boolean {
    const same =
      this.checked && JSON.stringify([found.checks, ids]) === JSON.stringify([this.checks, this._checked]);
    this._checked = ids;
    this.checks = found.checks;
    this.checked = true;
    return !same;
  }

  private _changed = new Signal<PipelineModel, void>(this);
  private _owners = new Map<string, IOwner>();
  private _ids: string[] = [];
  private _checked: string[] = [];
  private _known = new WeakMap<ICellModel, ICellSource>();
  private _pending = ''; // what a pipeline is being made of
  private _answered = ''; // what the pipeline was made of
  private _judged = ''; // what was checked
  private _told = ''; // the answer that is shown
  private _watched = new Map<ICellModel, () => void>();
  private _timer = 0;
  private _hurried = false;
  private _checking = 0;
  private _running: AbortController | null = null;
  private _disposed = false;
}
