import type { ICellModel } from '@jupyterlab/cells';
import type { DocumentRegistry } from '@jupyterlab/docregistry';
import type { INotebookModel } from '@jupyterlab/notebook';
import { IDisposable } from '@lumino/disposable';
import { ISignal, Signal } from '@lumino/signaling';
import { stepColors } from '../stepColors';
import { errorMessage } from '../request';
import { transact, tagsOf, writeTags } from '../steps/edit';
import { isTagged } from '../steps/tags';
import { Analysis, Check, Pipeline, Suggestion } from '../types';
import { ICellSource, PipelineApi, sourceOf } from './api';

/** What a cell belongs to. */
export interface IOwner {
  step: string;
  role: string;
}

const TAG_DELAY_MS = 25; // ms after a tag or the cells' order changed
const EDIT_DELAY_MS = 90; // ms without a keystroke
const CHECK_DELAY_MS = 500; // ms without a change until the rules are asked
const RETRY_DELAY_MS = 1500; // ms until what was not known yet is asked again

/** The pipeline of a notebook in the editor; follows its edits. All views of a document share one. */
export class PipelineModel implements IDisposable {
  constructor(
    readonly context: DocumentRegistry.IContext<INotebookModel>,
    private readonly api: PipelineApi
  ) {
    void context.ready.then(() => this._initialize());
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
  stepColors = new Map<string, string>();
  /** Tags that are suggested, by cell; null while nothing is. */
  suggestion: Suggestion | null = null;
  suggestedTags = new Map<string, string>();

  owner(cellId: string): IOwner | undefined {
    return this._owners.get(cellId);
  }

  /** The id that a position had when the pipeline was made. */
  cellId(position: number): string | undefined {
    return this._ids[position];
  }

  /** The id that a position had when the notebook was checked. */
  checkCellId(position: number): string | undefined {
    return this._checkedIds[position];
  }

  /** Ask for tags, and show them before they are written. */
  async suggest(): Promise<string> {
    const source = sourceOf(this.notebook, this.path);
    const suggestion = await this.api.suggest(source);
    if (suggestion.message) {
      return suggestion.message;
    }
    this.suggestion = suggestion;
    this.suggestedTags = new Map(suggestion.tags.map(({ cell, tag }) => [source.cells[cell].id, tag]));
    this._changed.emit();
    return '';
  }

  acceptSuggestion(): void {
    const tags = this.suggestedTags;
    this.dismissSuggestion();
    transact(this.notebook, () => {
      for (const cell of this.notebook.cells) {
        const tag = tags.get(cell.id);
        if (tag) {
          writeTags(cell, [...tagsOf(cell), tag]);
        }
      }
    });
  }

  dismissSuggestion(): void {
    this.suggestion = null;
    this.suggestedTags = new Map();
    this._changed.emit();
  }

  /** Ask again now. */
  refresh(): void {
    this._analysedSource = this._checkedSource = '';
    this._scheduleAnalysis(0);
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
    clearTimeout(this._checkTimer);
    this._abortController?.abort();
    for (const release of this._cellDisposers.values()) {
      release();
    }
    Signal.clearData(this);
  }

  private _initialize(): void {
    if (this._disposed) {
      return;
    }
    this.notebook.cells.changed.connect(this._watchCells, this);
    this.notebook.metadataChanged.connect(() => this._scheduleAnalysis(TAG_DELAY_MS));
    this._watchCells();
  }

  private _watchCells(): void {
    const currentCells = new Set<ICellModel>(this.notebook.cells);
    for (const [cell, release] of this._cellDisposers) {
      if (!currentCells.has(cell)) {
        release();
        this._cellDisposers.delete(cell);
      }
    }
    for (const cell of currentCells) {
      if (!this._cellDisposers.has(cell)) {
        const content = () => {
          this._sourceCache.delete(cell);
          this._scheduleAnalysis(EDIT_DELAY_MS);
        };
        const metadata = () => {
          this._sourceCache.delete(cell);
          this._updateTagged();
          this._scheduleAnalysis(TAG_DELAY_MS);
          this._changed.emit(); // headers read tags
        };
        cell.contentChanged.connect(content);
        cell.metadataChanged.connect(metadata);
        this._cellDisposers.set(cell, () => {
          cell.contentChanged.disconnect(content);
          cell.metadataChanged.disconnect(metadata);
        });
      }
    }
    this._updateTagged();
    this._scheduleAnalysis(TAG_DELAY_MS);
  }

  private _updateTagged(): void {
    const tagged = Array.from(this.notebook.cells).some(cell => isTagged(tagsOf(cell)));
    if (tagged !== this.tagged) {
      this.tagged = tagged;
      this._changed.emit();
    }
  }

  private _scheduleAnalysis(delay: number): void {
    clearTimeout(this._checkTimer);
    // A tag tells of a change of content as well: what is to be asked soon is not put off by it.
    if (!this._timerIsShort || delay <= TAG_DELAY_MS) {
      clearTimeout(this._timer);
      this._timerIsShort = delay <= TAG_DELAY_MS;
      this._timer = window.setTimeout(() => {
        this._timerIsShort = false;
        void this._analyse(false);
      }, delay);
    }
    this._checkTimer = window.setTimeout(() => void this._analyse(true), delay + CHECK_DELAY_MS);
  }

  private async _analyse(checks: boolean): Promise<void> {
    if (this._disposed) {
      return;
    }
    const source = sourceOf(this.notebook, this.path, this._sourceCache);
    const sourceJson = JSON.stringify(source);
    if (checks && sourceJson === this._pendingSource) {
      this._checkTimer = window.setTimeout(() => void this._analyse(true), EDIT_DELAY_MS);
      return; // its graph is still to come
    }
    this._abortController?.abort();
    this._pendingSource = '';
    if (sourceJson === (checks ? this._checkedSource : this._analysedSource)) {
      return; // a cell was run, or a letter came and went
    }
    const controller = (this._abortController = new AbortController());
    this._pendingSource = checks ? '' : sourceJson;
    try {
      const analysis = await this.api.analyse(source, checks, controller.signal);
      if (this._disposed || controller.signal.aborted) {
        return;
      }
      this._pendingSource = '';
      this._analysedSource = sourceJson;
      this._checkedSource = checks && analysis.complete ? sourceJson : '';
      if (checks && !analysis.complete) {
        this._checkTimer = window.setTimeout(() => void this._analyse(true), RETRY_DELAY_MS);
      }
      const ids = source.cells.map(cell => cell.id);
      const pipelineChanged = this._setAnalysis(analysis, ids);
      if (!(checks && this._setChecks(analysis, ids)) && !pipelineChanged && this.ready) {
        return;
      }
    } catch (error) {
      if (controller.signal.aborted || this._disposed) {
        return;
      }
      this._analysedSource = this._checkedSource = this._analysisJson = this._pendingSource = '';
      this.problem = errorMessage(error);
    }
    this.ready = true;
    this._changed.emit();
  }

  /** Take a pipeline over; false if it is as it was. */
  private _setAnalysis(analysis: Analysis, ids: string[]): boolean {
    const problem = analysis.pipeline
      ? ''
      : (analysis.checks.find(check => check.severity === 'error')?.message ?? '');
    const analysisJson = JSON.stringify([analysis.pipeline, analysis.cells, ids, problem]);
    if (analysisJson === this._analysisJson) {
      return false;
    }
    this._analysisJson = analysisJson;
    this.problem = problem;
    if (analysis.pipeline) {
      this.pipeline = analysis.pipeline;
      this._ids = ids;
      this._owners = new Map(analysis.cells.map(({ cell, step, role }) => [ids[cell], { step, role }]));
      this.stepColors = stepColors(analysis.pipeline.steps.map(step => step.name));
    }
    return true;
  }

  /** Take the findings over; false if they are as they were. */
  private _setChecks(analysis: Analysis, ids: string[]): boolean {
    const unchanged =
      this.checked &&
      JSON.stringify([analysis.checks, ids]) === JSON.stringify([this.checks, this._checkedIds]);
    this._checkedIds = ids;
    this.checks = analysis.checks;
    this.checked = true;
    return !unchanged;
  }

  private _changed = new Signal<PipelineModel, void>(this);
  private _owners = new Map<string, IOwner>();
  private _ids: string[] = [];
  private _checkedIds: string[] = [];
  private _sourceCache = new WeakMap<ICellModel, ICellSource>();
  private _pendingSource = ''; // what a pipeline is being made of
  private _analysedSource = ''; // what the pipeline was made of
  private _checkedSource = ''; // what was checked
  private _analysisJson = ''; // the answer that is shown
  private _cellDisposers = new Map<ICellModel, () => void>();
  private _timer = 0;
  private _timerIsShort = false;
  private _checkTimer = 0;
  private _abortController: AbortController | null = null;
  private _disposed = false;
}
