"""What the cells of a run show: outputs, displays that are updated later, and widgets."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any

import nbformat

from jupyter_mlops.execution.committed_state import BlockResult
from jupyter_mlops.execution.kernel_session import CellClient, KernelSession
from jupyter_mlops.execution.redaction import Redaction, StreamRedactor
from jupyter_mlops.execution.run_context import RunContext
from jupyter_mlops.execution.run_errors import ActDenied
from jupyter_mlops.pipeline.model import Block


class Displays:
    """Reports outputs, with secrets redacted, and keeps the displays of committed blocks up to date."""

    def __init__(self, context: RunContext) -> None:
        self.context = context
        self.streams: dict[str, StreamRedactor] = {}
        self.pending: list[dict[str, Any]] | None = None  # events of a guarded block that runs
        self.places: dict[str, dict[int, list[int]]] = {}  # display id -> cell -> positions of outputs
        self.widgets: dict[str, dict[str, Any]] = {}
        if context.redaction:
            context.record.before_save = self._redact_notebook

    # -- events

    def on_output(self, output: Any) -> None:
        """Report an output of a running cell."""
        redaction = self.context.redaction
        self.context.record.autosave_cell()
        if redaction:
            stream = output.output_type == "stream"
            output = self._piece(output) if stream else redaction.output(deepcopy(output))
        if output.get("text") != "":
            self._show({"event": "output", "output": output})

    def end_cell(self) -> None:
        """Report what redaction held back of a cell's streams, when the cell has ended."""
        for name, stream in self.streams.items():
            if text := stream.rest():
                self._show({"event": "output", "output": nbformat.v4.new_output("stream", name=name, text=text)})
        self.streams.clear()

    def show_cell(self, block: Block, index: int) -> None:
        """Report the outputs of a cell that a helper executed in this run, as those of other cells."""
        self.context.tell({"event": "cell", "step": block.owner, "cell": index})
        for output in self.context.record.nb.cells[index].outputs:
            self.on_output(output)
        self.end_cell()

    def _piece(self, output: Any) -> Any:
        """A piece of a stream with secrets redacted, even if a secret spans several pieces."""
        stream = self.streams.setdefault(output.name, StreamRedactor(self.context.redaction))
        return nbformat.from_dict({**output, "text": stream.feed(output.text)})

    def _show(self, event: dict[str, Any]) -> None:
        if self.pending is None:
            self.context.tell(event)
        else:
            self.pending.append(event)

    @contextlib.contextmanager
    def hold_back(self) -> Iterator[None]:
        """Hold back the outputs of a guarded block until it ends; drop them if the block did more than compute."""
        cells = self.context.record.nb.cells
        before = {i: deepcopy(cells[i].outputs) for places in self.places.values() for i in places}
        self.pending = []
        try:
            yield
        except ActDenied:
            self.pending = []
            for index, outputs in before.items():
                cells[index].outputs = outputs
            raise
        finally:
            pending, self.pending = self.pending, None
            for event in pending:
                self.context.tell(event)

    # -- the notebook

    def _redact_notebook(self) -> None:
        """Redact secrets in outputs that are about to be written, including those of a running cell."""
        for cell in self.context.record.nb.cells:
            self.context.redaction.outputs(cell.get("outputs", ()))

    def fill_cells(self, block: Block, result: BlockResult, count: int) -> None:
        """Write the outputs of a reused result to the cells of its block, with execution counts from `count`."""
        cells = self.context.record.nb.cells
        places = sorted(result.cells)
        for offset, index in enumerate(block.cells):
            facts, cell = result.cells[places[offset]], cells[index]
            cell.outputs = [nbformat.from_dict(o) for o in facts["outputs"]]
            cell.execution_count = count + offset
            for output in cell.outputs:
                if output.output_type == "execute_result":
                    output["execution_count"] = cell.execution_count
            times = facts.get("papermill") or {}
            cell.metadata.setdefault("papermill", nbformat.from_dict({})).update(nbformat.from_dict(times))
            if facts.get("execution"):
                cell.metadata["execution"] = nbformat.from_dict(facts["execution"])
            cell.metadata.papermill["status"] = "completed"

    def fill_failed(self, block: Block, outputs: Mapping[int, Mapping[str, Any]]) -> None:
        """Write what the cells of a block that failed elsewhere showed.

        :param outputs: position of a cell -> `outputs` and `execution_count`.
        """
        for index in set(outputs) & set(block.cells):
            cell = self.context.record.nb.cells[index]
            cell.outputs = [nbformat.from_dict(output) for output in outputs[index]["outputs"]]
            cell.execution_count = outputs[index]["execution_count"]
            self.context.redaction.cell(cell)

    def commit(self, block: Block, result: BlockResult) -> None:
        """Apply the updates of a committed block to displays of earlier ones, and record its own displays."""
        now_at = dict(zip(sorted(result.cells), block.cells, strict=True))
        for update in result.updates:
            self._update(update, block)
        for display_id, places in result.displays.items():
            cells = self.places.setdefault(display_id, {})
            cells.update({now_at[int(cell)]: at for cell, at in places.items()})
        self.widgets.update(result.widgets)

    def _update(self, update: Mapping[str, Any], block: Block) -> None:
        for index, places in self.places.get(update["id"], {}).items():
            outputs = self.context.record.nb.cells[index].outputs
            for at in places:
                if index not in block.cells and at < len(outputs):
                    outputs[at]["data"] = nbformat.from_dict(update["data"])
                    outputs[at]["metadata"] = nbformat.from_dict(update["metadata"])

    def write_widgets(self, main: KernelSession | None) -> None:
        """Write the states of all widgets of the run to the notebook's metadata."""
        client = CellClient(self.context.record.nb, None, lambda output: None)
        if main is not None and main.client is not None:
            client.widget_state.update(main.client.widget_state)
            client.widget_buffers.update(main.client.widget_buffers)
        client.take_widgets(self.widgets)
        self.context.redaction.clean(client.widget_state)
        client.set_widgets_metadata()


def cell_result(cell: Any) -> dict[str, Any]:
    """What a block result has of a cell."""
    return {
        "outputs": [dict(o) for o in cell.get("outputs", [])],
        "papermill": dict(cell.metadata.get("papermill", {})),
        "execution": dict(cell.metadata.get("execution", {})),
    }


def take_outputs(redaction: Redaction, nb: nbformat.NotebookNode, result: BlockResult) -> None:
    """Take a block's outputs after all its cells ran: a later cell may update the display of an earlier one."""
    for index, facts in result.cells.items():
        facts["outputs"] = cell_result(redaction.cell(nb.cells[index]))["outputs"]
