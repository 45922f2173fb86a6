"""Notebooks as the editor or a file has them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nbformat import NotebookNode


def notebook_of(payload: Mapping[str, Any], location: str = "") -> NotebookNode:
    """The notebook in plain JSON. Raises InvalidNotebookError."""
    from jupyter_mlops.notebook.reader import parse_notebook

    return parse_notebook(json.dumps(payload).encode(), location)


def parse(text: str, location: str) -> NotebookNode:
    """The notebook in the text of a file. Raises InvalidNotebookError."""
    from jupyter_mlops.notebook.reader import parse_notebook

    return parse_notebook(text.encode(), location)
