"""Papermill's markers of a failed cell in the executed notebook."""

from __future__ import annotations

from typing import Any

import nbformat
from nbformat import NotebookNode
from papermill.execute import ERROR_ANCHOR_MSG, ERROR_MARKER_TAG, ERROR_MESSAGE_TEMPLATE, remove_error_markers


def mark_failure(nb: NotebookNode, error: dict[str, Any]) -> None:
    """Insert papermill's two markers into a notebook: one at the top, one before the failed cell.

    :param error: `cell` is the position of the cell in the current `nb`.
    """
    if not 0 <= error["cell"] < len(nb.cells):
        return
    count = nb.cells[error["cell"]].get("execution_count")
    anchor = nbformat.v4.new_markdown_cell(ERROR_ANCHOR_MSG, metadata={"tags": [ERROR_MARKER_TAG]})
    head = nbformat.v4.new_markdown_cell(ERROR_MESSAGE_TEMPLATE % str(count), metadata={"tags": [ERROR_MARKER_TAG]})
    nb.cells.insert(error["cell"], anchor)
    nb.cells.insert(0, head)


def unmark(nb: NotebookNode) -> NotebookNode:
    """The notebook without the markers of an earlier failed run."""
    plain: NotebookNode = remove_error_markers(nb)
    return plain
