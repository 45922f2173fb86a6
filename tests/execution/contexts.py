"""The context of a run for tests, from the sources of its cells."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat

from jupyter_mlops.execution.record import RunNotebook
from jupyter_mlops.execution.run_context import RunContext
from jupyter_mlops.execution.run_options import Options
from jupyter_mlops.pipeline.build import build

NAMES = "first second third fourth".split()


def context(*sources: str | tuple[str, str], jobs: int = 2, **facts: Any) -> RunContext:
    """The context of a run of a notebook with one cell for each source.

    :param sources: the source of a step; or its tags, with spaces between them, and its source.
    """
    cells = [
        nbformat.v4.new_code_cell(source, metadata={"tags": tags.split()})
        for tags, source in (
            source if isinstance(source, tuple) else (f"step:{name}", source)
            for name, source in zip(NAMES, sources, strict=False)
        )
    ]
    nb = nbformat.v4.new_notebook(cells=cells)
    record = RunNotebook(nb, progress_bar=False)
    options = facts.pop("options", None) or Options(jobs=jobs)
    return RunContext(build(nb, "a"), record, "python3", ".", Path(), options=options, **facts)
