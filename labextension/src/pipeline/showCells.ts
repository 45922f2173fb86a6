import type { Notebook, NotebookPanel } from '@jupyterlab/notebook';
import { PanelLayout } from '@lumino/widgets';

const CELLS_PER_SCREEN = 12; // cells that fill what is seen of a notebook
const SCROLL_MARGIN = 0.2; // of what is seen

/** Scroll to the first of these cells, and select them. */
export function showCells(panel: NotebookPanel, indices: readonly number[]): void {
  const { content } = panel;
  if (!indices.length || indices[0] >= content.widgets.length) {
    return;
  }
  content.deselectAll();
  content.activeCellIndex = indices[0];
  content.mode = 'command';
  if (indices.length > 1) {
    indices.forEach(index => content.select(content.widgets[index]));
  }
  void scrollToCell(content, indices[0]);
}

async function scrollToCell(content: Notebook, index: number): Promise<void> {
  const cell = content.widgets[index];
  await renderCells(content, index);
  if (!content.isDisposed && content.activeCell === cell) {
    await content.scrollToItem(index, 'auto', SCROLL_MARGIN).catch(() => undefined); // another cell is asked for
    content.activate();
  }
}

/** Draw a cell that the notebook has not come to yet, and those below it.
 *
 * JupyterLab draws the cells of a long notebook from its first to its last while it has nothing else to do, and can
 * scroll to none before. Where it draws only what is seen (windowing mode `full`), it needs no help.
 */
async function renderCells(content: Notebook, firstIndex: number): Promise<void> {
  if (content.notebookConfig.windowingMode === 'full') {
    return;
  }
  const layout = content.layout as PanelLayout;
  for (
    let index = firstIndex;
    index < Math.min(firstIndex + CELLS_PER_SCREEN, content.widgets.length);
    index++
  ) {
    const cell = content.widgets[index];
    if (cell.isPlaceholder() && !cell.isAttached) {
      cell.dataset.windowedListIndex = String(index);
      layout.insertWidget(index, cell);
      await cell.ready;
    }
    if (content.isDisposed || content.activeCell !== content.widgets[firstIndex]) {
      return;
    }
  }
}
