import type { NotebookPanel } from '@jupyterlab/notebook';

const MAX_ATTEMPTS = 4;
const RETRY_DELAY_MS = 300; // ms until the server is asked again

/** Save a notebook, so that what the server reads is what is seen.
 *
 * A notebook that is shared between browsers is saved by the server, in its own time: it may be taken for saved while
 * the last keys are under way, and a save is refused while another one goes on.
 */
export async function saveNotebook(panel: NotebookPanel): Promise<void> {
  const { context } = panel;
  if (context.model.readOnly || !(context.model.dirty || context.model.collaborative)) {
    return;
  }
  for (let attempt = 1; ; attempt++) {
    try {
      return await context.save();
    } catch (error) {
      if (!context.model.collaborative || attempt === MAX_ATTEMPTS) {
        throw error;
      }
      await new Promise(resolve => setTimeout(resolve, RETRY_DELAY_MS));
    }
  }
}
