import { IEditorServices } from '@jupyterlab/codeeditor';
import type { INotebookContent } from '@jupyterlab/nbformat';
import { NotebookModel, NotebookPanel, StaticNotebook } from '@jupyterlab/notebook';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { MessageLoop } from '@lumino/messaging';
import { Widget } from '@lumino/widgets';
import * as React from 'react';
import { Placeholder } from '../notices';
import { IMlops } from '../tokens';

/** What it takes to draw a notebook. */
export interface INotebookServices {
  rendermime: IRenderMimeRegistry;
  editors: IEditorServices;
  contentFactory: NotebookPanel.IContentFactory;
}

/** The notebook as it may be shown: whatever it says itself, no output of it is trusted. */
export function withoutTrust(notebook: Record<string, unknown>): INotebookContent {
  const cells = (notebook.cells as { metadata?: Record<string, unknown> }[]).map(cell => {
    const metadata = { ...cell.metadata };
    delete metadata.trusted;
    return { ...cell, metadata };
  });
  return { ...notebook, cells } as unknown as INotebookContent;
}

/** The executed notebook as JupyterLab shows notebooks, to be read only. */
export function ExecutedNotebook(props: {
  mlops: IMlops;
  notebook?: Record<string, unknown>;
  services: INotebookServices;
  /** A cell to be scrolled to, by its position in the notebook that was run. */
  cellIndex?: number;
}): JSX.Element {
  const { notebook, services, cellIndex } = props;
  const { trans } = props.mlops;
  const container = React.useRef<HTMLDivElement>(null);
  const hasCells = Boolean(notebook?.cells);
  React.useEffect(() => {
    const node = container.current;
    if (!node || !notebook?.cells) {
      return;
    }
    const { rendermime, editors, contentFactory } = services;
    const model = new NotebookModel();
    model.fromJSON(withoutTrust(notebook));
    model.readOnly = true;
    const view = new StaticNotebook({
      rendermime: rendermime.clone(),
      contentFactory,
      mimeTypeService: editors.mimeTypeService,
      notebookConfig: { ...StaticNotebook.defaultNotebookConfig, windowingMode: 'defer' },
      editorConfig: {
        code: { ...StaticNotebook.defaultEditorConfig.code, readOnly: true },
        markdown: { ...StaticNotebook.defaultEditorConfig.markdown, readOnly: true },
        raw: { ...StaticNotebook.defaultEditorConfig.raw, readOnly: true }
      }
    });
    view.model = model;
    view.addClass('jp-mlops-executed');
    MessageLoop.sendMessage(view, Widget.Msg.BeforeAttach);
    node.appendChild(view.node);
    MessageLoop.sendMessage(view, Widget.Msg.AfterAttach);
    for (const cell of view.widgets) {
      cell.readOnly = true;
      if (cell.model.type === 'markdown') {
        (cell as unknown as { showEditorForReadOnly: boolean }).showEditorForReadOnly = false;
      }
    }
    const originalCells = view.widgets.filter(
      cell =>
        !((cell.model.getMetadata('tags') as string[] | undefined) ?? []).includes('injected-parameters')
    );
    const failed = view.widgets.find(cell => {
      const outputs = (cell.model.toJSON() as { outputs?: { output_type: string }[] }).outputs;
      return outputs?.some(output => output.output_type === 'error');
    });
    (cellIndex === undefined ? failed : originalCells[cellIndex])?.node.scrollIntoView({
      block: 'center'
    });
    return () => {
      MessageLoop.sendMessage(view, Widget.Msg.BeforeDetach);
      view.node.remove();
      MessageLoop.sendMessage(view, Widget.Msg.AfterDetach);
      view.dispose();
      model.dispose();
    };
  }, [notebook, services, cellIndex]);
  return (
    <>
      {hasCells ? (
        <p className="jp-mlops-secondary">
          {trans.__('The executed notebook. It is a record and can’t be edited.')}
        </p>
      ) : (
        <Placeholder trans={trans}>{trans.__('No cells executed yet.')}</Placeholder>
      )}
      <div ref={container} className="jp-mlops-executed-box" />
    </>
  );
}
