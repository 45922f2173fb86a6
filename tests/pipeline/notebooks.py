"""Notebooks for tests, written as `[("tag tag", source), ...]`."""

from __future__ import annotations

from typing import Any

import nbformat
from nbformat import NotebookNode

from jupyter_mlops.pipeline.build import build
from jupyter_mlops.pipeline.model import Pipeline


def notebook(*cells: tuple[str, str], **metadata: Any) -> NotebookNode:
    """Code cells with their tags, parted by spaces; `markdown` as a tag makes a text cell."""
    made = []
    for tags, source in cells:
        new = nbformat.v4.new_markdown_cell if tags == "markdown" else nbformat.v4.new_code_cell
        made.append(new(source, metadata={"tags": tags.split()} if tags else {}))  # type: ignore[no-untyped-call]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    return nbformat.v4.new_notebook(cells=made, metadata={**kernel, **metadata})  # type: ignore[no-untyped-call,no-any-return]


def pipeline(*cells: tuple[str, str], **metadata: Any) -> Pipeline:
    return build(notebook(*cells, **metadata), "test")
