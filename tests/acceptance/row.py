"""A row of the equivalence table: a small notebook, and what Run All does with it.

Cells are written as a script in the percent format. A line `# %% TAG TAG ...` opens a code cell with
these tags; `# %% [markdown]` and `# %% [raw]` open cells of those kinds. What stands before the first
such line is no cell.
"""

from __future__ import annotations

import hashlib
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import nbformat
from nbformat import NotebookNode

MARK = "# %%"
PARAMETER_TAGS = frozenset({"parameters", "pipeline-parameters"})
INJECTED_TAG = "injected-parameters"
EVERY_MODE = frozenset({"every mode"})
ISOLATED = frozenset({"isolated steps", "isolated steps, 4 jobs", "forked isolated steps"})


@dataclass(frozen=True)
class Row:
    """One notebook of the table.

    :param name: unique, readable, usable as a test id.
    :param cells: the notebook, in the percent format.
    :param compare: "equal": Run All passes every cell; "error": Run All stops at a cell, and so must a pipeline, at
        the same cell with the same error.
    :param needs: modules beyond the standard library that the kernel's environment must have.
    :param python_only: whether every cell is plain Python, without magics and `!` lines.
    :param files: text files that lie in the working folder before the run: relative path -> content.
    :param params: values that take the place of the parameters cell's defaults.
    :param may_refuse: names of the modes in which a pipeline may end with a refusal instead, or `EVERY_MODE`.
    :param absent: paths in the working folder at which nothing may lie after a run.
    """

    name: str
    cells: str
    compare: Literal["equal", "error"] = "equal"
    needs: tuple[str, ...] = ()
    python_only: bool = True
    files: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, Any] = field(default_factory=dict)
    absent: tuple[str, ...] = ()
    may_refuse: frozenset[str] = frozenset()

    def refusal_allowed(self, mode: str) -> bool:
        """Whether a refusal in the mode of that name is no failure."""
        return self.may_refuse == EVERY_MODE or mode in self.may_refuse

    def key(self) -> str:
        """A digest of all that a run of this row depends on, libraries aside."""
        parts = [self.cells, repr(sorted(self.files.items())), repr(sorted(self.params.items()))]
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def to_notebook(row: Row) -> NotebookNode:
    """The row's notebook as a person would have saved it before a run: valid nbformat 4, no outputs."""
    cells = [_cell(header, lines) for header, lines in _sections(row.cells)]
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"
    kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernelspec})  # type: ignore[no-untyped-call]
    assert isinstance(notebook, NotebookNode)
    return notebook


def with_parameters(notebook: NotebookNode, params: Mapping[str, Any]) -> NotebookNode:
    """The notebook with a cell of new values after the last parameters cell, as papermill injects it."""
    if not params:
        return notebook
    source = "\n".join(["# Parameters", *(f"{name} = {value!r}" for name, value in params.items()), ""])
    injected = nbformat.v4.new_code_cell(source, metadata={"tags": [INJECTED_TAG]}, id="injected")  # type: ignore[no-untyped-call]
    places = [at for at, cell in enumerate(notebook.cells) if PARAMETER_TAGS & set(cell.metadata.get("tags", ()))]
    notebook.cells.insert(places[-1] + 1 if places else 0, injected)
    return notebook


def write_files(row: Row, folder: Path) -> None:
    """Lay the row's files into the working folder."""
    for name, content in row.files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(content).lstrip("\n"), encoding="utf-8")


def _sections(script: str) -> list[tuple[str, list[str]]]:
    sections: list[tuple[str, list[str]]] = []
    for line in textwrap.dedent(script).splitlines():
        if line.startswith(MARK):
            sections.append((line[len(MARK) :].strip(), []))
        elif sections:
            sections[-1][1].append(line)
    return sections


def _cell(header: str, lines: list[str]) -> NotebookNode:
    words = header.split()
    source = "\n".join(lines).strip("\n")
    make: Any = nbformat.v4.new_code_cell
    if words and words[0] in ("[markdown]", "[raw]"):
        make = nbformat.v4.new_markdown_cell if words.pop(0) == "[markdown]" else nbformat.v4.new_raw_cell
    cell = make(source, metadata={"tags": words} if words else {})
    assert isinstance(cell, NotebookNode)
    return cell
