"""Comparisons of two runs: parameters, metrics, steps, cells."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from jupyter_mlops.errors import InvalidNotebookError, NotFoundError
from jupyter_mlops.service.notebook_runs import executed_notebook, run_to_dict
from jupyter_mlops.service.notebooks import parse

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from jupyter_mlops.jobs.workspace import Workspace


def compare(space: Workspace, first: str, second: str) -> dict[str, Any]:
    """Compare two runs: parameters, metrics, steps, and cells whose source or outputs differ."""
    first_run, second_run = (space.queue.run(space.queue.full_id(run_ref)) for run_ref in (first, second))
    cells = []
    with contextlib.suppress(NotFoundError, InvalidNotebookError):
        cells = _compare_cells(*(parse(executed_notebook(space, run.id), run.id) for run in (first_run, second_run)))
    return {
        "first": run_to_dict(first_run),
        "second": run_to_dict(second_run),
        "parameters": _compare_values(first_run.parameters, second_run.parameters),
        "metrics": _compare_values(first_run.metrics, second_run.metrics),
        "cells": cells,
    }


def _compare_values(first: Mapping[str, Any], second: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "first": first.get(name),
            "second": second.get(name),
            "differs": first.get(name) != second.get(name),
        }
        for name in dict.fromkeys((*first, *second))
    ]


def _compare_cells(first: NotebookNode, second: NotebookNode) -> list[dict[str, Any]]:
    """Cells aligned by nbdime, with unified diffs of their sources and outputs."""
    import difflib

    from nbdime.diffing.notebooks import diff_notebooks

    from jupyter_mlops.versions.compare import mask_volatile

    for nb in (first, second):
        nb.cells = [c for c in nb.cells if "injected-parameters" not in c.metadata.get("tags", ())]
    pairs: list[tuple[int | None, int | None]] = _align_cells(diff_notebooks(first, second), len(first.cells))
    differences = []
    for first_index, second_index in pairs:
        first_cell = first.cells[first_index] if first_index is not None else None
        second_cell = second.cells[second_index] if second_index is not None else None
        sources = [(c.source if c is not None else "").splitlines() for c in (first_cell, second_cell)]
        outputs = [_output_text(c) for c in (first_cell, second_cell)]
        change = "\n".join(difflib.unified_diff(sources[0], sources[1], lineterm="", n=3))
        outputs_differ = mask_volatile(outputs[0]) != mask_volatile(outputs[1])
        if (change or outputs_differ) and "code" in {c.cell_type for c in (first_cell, second_cell) if c is not None}:
            step = next(
                (
                    s
                    for c in (first_cell, second_cell)
                    if c is not None and (s := c.metadata.get("jupyter_mlops_run", {}).get("step"))
                ),
                "",
            )
            differences.append(
                {"first": first_index, "second": second_index, "step": step, "source": change,
                 "outputs": [text[:20_000] for text in outputs] if outputs_differ else None}
            )  # fmt: skip
    return differences


def _align_cells(changes: Any, count: int) -> list[tuple[int | None, int | None]]:
    """Align the cells of two notebooks by their nbdime diff."""
    cell_changes: Any = next((c["diff"] for c in changes if c["op"] == "patch" and c["key"] == "cells"), [])
    added_counts: dict[int, int] = {}
    removed_indexes: set[int] = set()
    for change in cell_changes:
        if change["op"] == "addrange":
            added_counts[change["key"]] = added_counts.get(change["key"], 0) + len(change["valuelist"])
        elif change["op"] == "removerange":
            removed_indexes |= set(range(change["key"], change["key"] + change["length"]))
    pairs: list[tuple[int | None, int | None]] = []
    second_index = 0
    for index in range(count + 1):
        for _ in range(added_counts.get(index, 0)):
            pairs.append((None, second_index))
            second_index += 1
        if index < count and index in removed_indexes:
            pairs.append((index, None))
        elif index < count:
            pairs.append((index, second_index))
            second_index += 1
    return pairs


def _output_text(cell: Any) -> str:
    """The outputs of a cell as text."""
    texts = []
    for output in (cell.get("outputs") or ()) if cell is not None else ():
        if output.output_type == "stream":
            texts.append(output.text)
        elif output.output_type == "error":
            texts.append(f"{output.ename}: {output.evalue}")
        else:
            data = output.get("data", {})
            pictures = [f"[{kind}, {len(str(data[kind]))} characters]" for kind in data if kind.startswith("image/")]
            texts.append("\n".join([*pictures, str(data.get("text/plain", ""))]))
    return "\n".join(texts)
