"""The changes between two notebooks, cell by cell, and notebooks with some of them."""

from __future__ import annotations

import ast
import difflib
import json
from collections.abc import Collection, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jupyter_mlops.notebook.settings import KEY

if TYPE_CHECKING:
    from nbformat import NotebookNode

SIMILAR = 0.3  # ratio of equal text from which a cell counts as a changed one, not as removed and added
MAX_DIFF_LINES = 12
SETTINGS = "the notebook's settings"


@dataclass(frozen=True)
class CellChange:
    """A cell that was changed, added or removed.

    :param old: its position in the old notebook; None if it was added.
    :param new: its position in the new notebook; None if it was removed.
    """

    old: int | None
    new: int | None

    @property
    def key(self) -> str:
        return f"{'' if self.old is None else self.old}>{'' if self.new is None else self.new}"


class CellChanges:
    """The changes that lead from one notebook to another.

    :param parameters: names of parameters. A parameters cell of which only their defaults differ counts as unchanged,
        because the values of the parameters are separate changes.
    """

    def __init__(self, old: NotebookNode, new: NotebookNode, parameters: Collection[str] = ()) -> None:
        self.old, self.new = old, new
        self._script = list(_script(old.cells, new.cells))
        self.cells = [change for change in self._script if self._is_change(change, parameters)]
        self.settings = _settings(old) != _settings(new)

    def __len__(self) -> int:
        return len(self.cells) + self.settings

    @property
    def keys(self) -> list[str]:
        return [change.key for change in self.cells] + [SETTINGS] * self.settings

    def notebook(self, chosen: Collection[str]) -> NotebookNode:
        """The old notebook with the chosen changes."""
        result = deepcopy(self.new if SETTINGS in chosen or not self.settings else self.old)
        changed, cells = {change.key for change in self.cells}, []
        for entry in self._script:
            is_new = entry.key in chosen if entry.key in changed else len(chosen) == len(self)
            book, position = (self.new, entry.new) if is_new else (self.old, entry.old)
            if position is not None:
                cells.append(deepcopy(book.cells[position]))
        result.cells = _with_unique_ids(cells)
        return result

    def describe(self, key: str) -> dict[str, Any]:
        """A change for people: `what`, `cell` (position in the new notebook, or in the old one if it was removed),
        `step` and `diff`."""
        if key == SETTINGS:
            return {"what": SETTINGS, "cell": None, "step": "", "diff": []}
        change = next(entry for entry in self.cells if entry.key == key)
        old_source = "" if change.old is None else self.old.cells[change.old].source
        new_source = "" if change.new is None else self.new.cells[change.new].source
        book, position = (self.old, change.old) if change.new is None else (self.new, change.new)
        assert position is not None
        verb = "removed" if change.new is None else "added" if change.old is None else "changed"
        lines = list(difflib.unified_diff(old_source.splitlines(), new_source.splitlines(), lineterm="", n=0))[2:]
        diff = [line for line in lines if not line.startswith("@@")]
        step = _step_of(book, position)
        where = f"cell {position + 1}" + (f" of step {step}" if step else "")
        return {"what": f"{where} {verb}", "cell": position, "step": step, "diff": diff[:MAX_DIFF_LINES]}

    def _is_change(self, entry: CellChange, parameters: Collection[str]) -> bool:
        old = None if entry.old is None else self.old.cells[entry.old]
        new = None if entry.new is None else self.new.cells[entry.new]
        if old is None or new is None:
            return any(cell is not None and cell.cell_type == "code" for cell in (old, new))
        if _identity(old) == _identity(new) or "code" not in (old.cell_type, new.cell_type):
            return False
        return not _only_defaults_differ(old, new, parameters)


def _script(old: Sequence[Any], new: Sequence[Any]) -> Iterator[CellChange]:
    """The cells of the two notebooks, in pairs as far as they correspond."""
    matcher = difflib.SequenceMatcher(None, [_identity(c) for c in old], [_identity(c) for c in new], autojunk=False)
    for operation, i1, i2, j1, j2 in matcher.get_opcodes():
        if operation == "equal" or i2 - i1 == j2 - j1:
            yield from (CellChange(i, j) for i, j in zip(range(i1, i2), range(j1, j2), strict=True))
        else:
            yield from _paired(old, new, range(i1, i2), range(j1, j2))


def _paired(old: Sequence[Any], new: Sequence[Any], before: range, after: range) -> Iterator[CellChange]:
    """Pair the cells of two unequally long pieces by the similarity of their text."""
    ratios = [
        (difflib.SequenceMatcher(None, old[i].source, new[j].source).ratio(), -i, -j)
        for i in before
        for j in after
        if old[i].cell_type == new[j].cell_type
    ]
    ratio, i, j = max(ratios, default=(0.0, 0, 0))
    if ratio < SIMILAR:
        yield from (CellChange(position, None) for position in before)
        yield from (CellChange(None, position) for position in after)
        return
    yield from _paired(old, new, range(before.start, -i), range(after.start, -j))
    yield CellChange(-i, -j)
    yield from _paired(old, new, range(-i + 1, before.stop), range(-j + 1, after.stop))


def _identity(cell: Any) -> str:
    """What makes a difference to a run."""
    if cell.cell_type != "code":
        return f"{cell.cell_type}\0{cell.source}"
    tags, settings = sorted(cell.metadata.get("tags", ())), cell.metadata.get(KEY)
    return f"code\0{cell.source}\0{json.dumps([tags, settings], sort_keys=True, default=str)}"


def _settings(book: Any) -> str:
    kernel = book.metadata.get("kernelspec", {})
    names = [kernel.get("name"), kernel.get("language"), book.metadata.get(KEY)]
    return json.dumps(names, sort_keys=True, default=str)


def _only_defaults_differ(old: Any, new: Any, parameters: Collection[str]) -> bool:
    if not {"parameters", "pipeline-parameters"} & set(new.metadata.get("tags", ())):
        return False
    if sorted(old.metadata.get("tags", ())) != sorted(new.metadata.get("tags", ())):
        return False
    try:
        trees = [_without_defaults(ast.parse(cell.source), parameters) for cell in (old, new)]
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return trees[0] == trees[1]


def _without_defaults(tree: ast.Module, parameters: Collection[str]) -> str:
    """The code of a parameters cell in which each parameter's default is left out."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            target: ast.expr = node.targets[0]
        elif isinstance(node, ast.AnnAssign):
            target = node.target
        else:
            continue
        if isinstance(target, ast.Name) and target.id in parameters:
            node.value = ast.Constant(None)
    return ast.dump(tree)


def _with_unique_ids(cells: list[Any]) -> list[Any]:
    used: set[str] = set()
    for cell in cells:
        name, number = cell.get("id"), 0
        while name is not None and cell["id"] in used:
            number += 1
            cell["id"] = f"{name[:50]}-{number}"
        used.add(str(cell.get("id")))
    return cells


def _step_of(book: Any, position: int) -> str:
    """The step of a cell: that of the last tag at it or before."""
    for cell in reversed(book.cells[: position + 1]):
        for tag in cell.metadata.get("tags", ()):
            if tag.startswith(("step:", "block:")):
                return str(tag.partition(":")[2])
    return ""
