import { Cell } from '@jupyterlab/cells';
import { NotebookPanel } from '@jupyterlab/notebook';
import { IDisposable } from '@lumino/disposable';
import { PanelLayout } from '@lumino/widgets';
import { IMlops, INotebookDesk } from '../tokens';
import { CellHeader, faceOf, glance } from './header';

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
    this._desk = mlops.desk(panel);
    void panel.context.ready.then(() => {
      if (this._disposed || panel.isDisposed) {
        return;
      }
      panel.content.model?.cells.changed.connect(this._soon, this);
      this._desk.pipeline.changed.connect(this._soon, this);
      this._desk.runs.changed.connect(this._soon, this);
      mlops.settingsChanged.connect(this._soon, this);
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
    this.panel.content.model?.cells.changed.disconnect(this._soon, this);
    this._desk.pipeline.changed.disconnect(this._soon, this);
    this._desk.runs.changed.disconnect(this._soon, this);
    this.mlops.settingsChanged.disconnect(this._soon, this);
  }

  private _soon(): void {
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
    const { pipeline } = this._desk;
    const shown =
      this.mlops.headers !== 'never' &&
      (this.mlops.headers === 'always' || pipeline.tagged || pipeline.suggested.size > 0);
    const known = glance(this._desk);
    this.panel.content.widgets.forEach((cell, position) => {
      if (cell.model.type !== 'code') {
        this._headers.get(cell)?.dispose();
        return;
      }
      const header = this._headers.get(cell);
      if (header) {
        header.show_(shown ? faceOf(cell.model, known, position) : null);
      } else if (shown) {
        this._add(cell);
      }
    });
  }

  private _add(cell: Cell): void {
    const header = new CellHeader(cell, this.mlops, made => this.open(this.panel, made));
    header.hide();
    this._headers.set(cell, header);
    cell.disposed.connect(() => this._headers.delete(cell));
    void cell.ready.then(() => {
      if (!cell.isDisposed && !header.isDisposed) {
        (cell.layout as PanelLayout).insertWidget(1, header);
        this._soon();
      }
    });
  }

  private _desk: INotebookDesk;
  private _headers = new Map<Cell, CellHeader>();
  private _frame = 0;
  private _disposed = false;
}
