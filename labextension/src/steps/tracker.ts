import { Cell } from '@jupyterlab/cells';
import { NotebookPanel } from '@jupyterlab/notebook';
import { IDisposable } from '@lumino/disposable';
import { PanelLayout } from '@lumino/widgets';
import { IMlops, INotebookState } from '../tokens';
import { CellHeader, headerContent, headerContext } from './header';

/** Keeps a header on each code cell of one view of a notebook.
 *
 * A header is a child of its cell's own layout, behind the cell's own header: nothing of the notebook is replaced, and
 * it comes and goes with its cell.
 */
export class HeaderTracker implements IDisposable {
  constructor(
    private readonly panel: NotebookPanel,
    private readonly mlops: IMlops,
    private readonly open: (panel: NotebookPanel, header: CellHeader) => void
  ) {
    this._state = mlops.stateFor(panel);
    void panel.context.ready.then(() => {
      if (this._disposed || panel.isDisposed) {
        return;
      }
      panel.content.model?.cells.changed.connect(this._scheduleUpdate, this);
      this._state.pipeline.changed.connect(this._scheduleUpdate, this);
      this._state.runs.changed.connect(this._scheduleUpdate, this);
      mlops.settingsChanged.connect(this._scheduleUpdate, this);
      this._update();
    });
    panel.disposed.connect(() => this.dispose());
  }

  header(cell: Cell): CellHeader | undefined {
    return this._headers.get(cell);
  }

  get isDisposed(): boolean {
    return this._disposed;
  }

  dispose(): void {
    if (this._disposed) {
      return;
    }
    this._disposed = true;
    cancelAnimationFrame(this._frame);
    this.panel.content.model?.cells.changed.disconnect(this._scheduleUpdate, this);
    this._state.pipeline.changed.disconnect(this._scheduleUpdate, this);
    this._state.runs.changed.disconnect(this._scheduleUpdate, this);
    this.mlops.settingsChanged.disconnect(this._scheduleUpdate, this);
  }

  private _scheduleUpdate(): void {
    if (!this._frame) {
      this._frame = requestAnimationFrame(() => {
        this._frame = 0;
        this._update();
      });
    }
  }

  private _update(): void {
    if (this._disposed || this.panel.isDisposed) {
      return;
    }
    const { pipeline } = this._state;
    const visible =
      this.mlops.headers !== 'never' &&
      (this.mlops.headers === 'always' || pipeline.tagged || pipeline.suggestedTags.size > 0);
    const context = headerContext(this._state);
    this.panel.content.widgets.forEach((cell, position) => {
      if (cell.model.type !== 'code') {
        this._headers.get(cell)?.dispose();
        return;
      }
      const header = this._headers.get(cell);
      if (header) {
        header.update_(visible ? headerContent(cell.model, context, position) : null);
      } else if (visible) {
        this._add(cell);
      }
    });
  }

  private _add(cell: Cell): void {
    const header = new CellHeader(cell, this.mlops, cellHeader => this.open(this.panel, cellHeader));
    header.hide();
    this._headers.set(cell, header);
    cell.disposed.connect(() => this._headers.delete(cell));
    void cell.ready.then(() => {
      if (!cell.isDisposed && !header.isDisposed) {
        (cell.layout as PanelLayout).insertWidget(1, header);
        this._scheduleUpdate();
      }
    });
  }

  private _state: INotebookState;
  private _headers = new Map<Cell, CellHeader>();
  private _frame = 0;
  private _disposed = false;
}
