"""The executed notebook of a run, saved at intervals and at the end, atomically."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nbformat import NotebookNode
from papermill.engines import NotebookExecutionManager

from jupyter_mlops.notebook.writer import write_notebook


class RunNotebook(NotebookExecutionManager):  # type: ignore[misc]
    """Papermill's notebook manager, which writes every `save_every` seconds instead of at each cell."""

    def __init__(
        self, nb: NotebookNode, output_path: str | None = None, save_every: float = 10.0, **options: Any
    ) -> None:
        self.save_every = save_every
        self.saved_at = 0.0
        self.closing = False
        self.before_save: Callable[[], None] = lambda: None
        super().__init__(nb, output_path=output_path, **options)

    def save(self, **kwargs: Any) -> None:
        """Write the notebook if the last save is long enough ago, or the run has ended."""
        if kwargs.get("nb"):
            self.nb = kwargs["nb"]
        if not self.output_path or str(self.output_path) == "-":
            return
        now = time.monotonic()
        if not self.closing and now - self.saved_at < self.save_every:
            return
        self.before_save()
        if "://" in str(self.output_path):
            super().save()
        else:
            write_notebook(self.nb, Path(self.output_path))
        took = time.monotonic() - now
        # Saving may take a twentieth of the time at most, however large the notebook grows.
        self.save_every = max(self.save_every, 20 * took)
        self.saved_at = time.monotonic()

    def autosave_cell(self, **kwargs: Any) -> None:
        self.save()

    def notebook_start(self, **kwargs: Any) -> None:
        if "papermill" not in self.nb.metadata:
            self.nb.metadata["papermill"] = {}
        self.saved_at = time.monotonic()
        super().notebook_start(**kwargs)

    def notebook_complete(self, **kwargs: Any) -> None:
        """Finish the notebook's metadata. Cells that were not run stay `pending`."""
        self.end_time = self.now()
        facts = self.nb.metadata.papermill
        facts["end_time"] = self.end_time.isoformat()
        if facts.get("start_time") and self.start_time is not None:
            facts["duration"] = (self.end_time - self.start_time).total_seconds()
        for cell in self.nb.cells:
            metadata = cell.metadata.get("papermill")
            if metadata is not None and metadata.get("status") == self.PENDING and cell.cell_type != "code":
                metadata["status"] = self.COMPLETED
        self.complete_pbar()
        self.cleanup_pbar()
        self.closing = True
        self.save()
