import type { Notebook, NotebookPanel } from '@jupyterlab/notebook';
import { PanelLayout } from '@lumino/widgets';

const AHEAD = 12; // cells that fill what is seen of a notebook
const MARGIN = 0.2; // of what is seen

/** Scroll to the first of these cells, and select them. */
export function showCells(panel: NotebookPanel, places: readonly number[]): void {
  const { content } = panel;
  if (!places.length || places[0] >= content.widgets.length) {
    return;
  }
  content.deselectAll();
  content.activeCellIndex = places[0];
  content.mode = 'command';
  if (places.length > 1) {
    places.forEach(at => content.select(content.widgets[at]));
  }
  void reveal(content, places[0]);
}

async function reveal(content: Notebook, place: number): Promise<void> {
  const cell = content.widgets[place];
  await draw(content, place);
  if (!content.isDisposed && content.activeCell === cell) {
    await content.scrollToItem(place, 'auto', MARGIN).catch(() => undefined); // another cell is asked for
    content.activate();
  }
}

/** Draw a cell that the notebook has not come to yet, and those below it.
 *
 * JupyterLab draws the cells of a long notebook from its first to its last while it has nothing else to do, and can
 * scroll to none before. Where it draws only what is seen (windowing mode `full`), it needs no help.
 */
async function draw(content: Notebook, place: number): Promise<void> {
  if (content.notebookConfig.windowingMode === 'full') {
    return;
  }
  const layout = content.layout as PanelLayout;
  for (let at = place; at < Math.min(place + AHEAD, content.widgets.length); at++) {
    const cell = content.widgets[at];
    if (cell.isPlaceholder() && !cell.isAttached) {
      cell.dataset.windowedListIndex = String(at);
      layout.insertWidget(at, cell);
      await cell.ready;
    }
    if (content.isDisposed || content.activeCell !== content.widgets[place]) {
      return;
    }
  }
}
