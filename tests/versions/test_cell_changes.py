"""The changes between notebooks, and notebooks with some of them."""

from __future__ import annotations

from typing import Any

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlops.versions.cell_changes import SETTINGS, CellChanges


def book(*cells: str, **metadata: Any) -> Any:
    """A notebook; `tags | source` gives a cell tags, `# text` makes it Markdown."""
    made = []
    for cell in cells:
        tags, separator, source = cell.partition(" | ")
        if cell.startswith("# "):
            made.append(nbformat.v4.new_markdown_cell(cell))
        else:
            tagged = {"tags": tags.split()} if separator else {}
            made.append(nbformat.v4.new_code_cell(source if separator else cell, metadata=tagged))
    return nbformat.v4.new_notebook(cells=made, metadata=metadata)


def sources(notebook: Any) -> list[str]:
    return [cell.source for cell in notebook.cells]


@pytest.mark.parametrize(
    ("old", "new", "texts"),
    [
        (["a = 1", "b = 2"], ["a = 1", "b = 3"], ["cell 2 changed"]),
        (["a = 1", "b = 2"], ["a = 1", "x = 0", "b = 2"], ["cell 2 added"]),
        (["a = 1", "b = 2"], ["b = 2"], ["cell 1 removed"]),
        (["step:s | a = 1"], ["step:s | a = 2"], ["cell 1 of step s changed"]),
        (["step:s | a = 1"], ["step:t | a = 1"], ["cell 1 of step t changed"]),
        (["# text", "a = 1"], ["# other text", "a = 1"], []),
        (["a = 1"], ["# text", "a = 1"], []),
        (["value = f(1)", "z"], ["z", "value = f(2)"], ["cell 1 removed", "cell 2 added"]),
        (["alpha = load()", "q"], ["alpha = load(2)", "new = 7", "q"], ["cell 1 changed", "cell 2 added"]),
        (["parameters | k = 1"], ["parameters | k = 2"], []),
        (["parameters | k = 1"], ["parameters | k = 1\nm = k"], ["cell 1 changed"]),
        (["a = 1"], ["a = 1"], []),
    ],
)
def test_changes_of_cells(old: list[str], new: list[str], texts: list[str]) -> None:
    changes = CellChanges(book(*old), book(*new), ["k"])
    assert [changes.describe(key)["what"] for key in changes.keys] == texts


def test_settings_are_one_change() -> None:
    changes = CellChanges(book("a"), book("a", jupyter_mlops={"files": ["x"]}))
    assert changes.keys == [SETTINGS]
    assert "jupyter_mlops" in changes.notebook([SETTINGS]).metadata
    assert "jupyter_mlops" not in changes.notebook([]).metadata


def test_each_subset_of_the_changes_is_a_notebook() -> None:
    changes = CellChanges(book("a = 1", "b = 1", "c = 1"), book("a = 2", "c = 1", "d = 4"))
    changed, removed, added = changes.keys
    assert sources(changes.notebook([])) == ["a = 1", "b = 1", "c = 1"]
    assert sources(changes.notebook([changed])) == ["a = 2", "b = 1", "c = 1"]
    assert sources(changes.notebook([removed])) == ["a = 1", "c = 1"]
    assert sources(changes.notebook([added])) == ["a = 1", "b = 1", "c = 1", "d = 4"]


cells = st.lists(st.sampled_from(["a = 1", "a = 2", "b = f(a)", "b = f(a, 2)", "c", "print(c)"]), max_size=7)


@given(cells, cells, st.data())
def test_none_of_the_changes_is_the_old_notebook_and_all_are_the_new_one(
    old: list[str], new: list[str], data: st.DataObject
) -> None:
    changes = CellChanges(book(*old), book(*new))
    assert sources(changes.notebook([])) == old
    assert sources(changes.notebook(changes.keys)) == new
    some = data.draw(st.sets(st.sampled_from(changes.keys))) if changes.keys else set()
    nbformat.validate(changes.notebook(some))
