"""Names that a run from top to bottom does not find."""

from __future__ import annotations

import ast
import builtins
import re
from collections import ChainMap, Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from jupyter_mlops.pipeline.checks.calls import TREES, magics
from jupyter_mlops.pipeline.checks.cell import CodeCell
from jupyter_mlops.pipeline.checks.rule import Context

_IPYTHON = frozenset({"In", "Out", "display", "exit", "get_ipython", "quit"})
_MODULE = frozenset({"__name__", "__doc__", "__builtins__", "__builtin__", "__spec__", "__loader__", "__package__"})
_HISTORY = re.compile(r"_{1,3}|_i{0,3}|_i?\d+|_[idos]h|_exit_code")
_GIVEN = frozenset(dir(builtins)) | _IPYTHON | _MODULE


@dataclass(frozen=True)
class Unbound:
    """A name that is read where nothing above has bound it.

    :param cell: position of the cell that reads it.
    :param below: the first cell further down that binds it, None if none does.
    :param deleted: the cell above that deleted it, None if none did.
    :param through: the function whose body reads it, "" if the cell itself does.
    :param sure: False where code that can't be followed stands above it, or only a function's body reads it.
    """

    name: str
    cell: int
    below: int | None = None
    deleted: int | None = None
    through: str = ""
    sure: bool = True


def unbound(context: Context) -> tuple[Unbound, ...]:
    """Each such name where it is first read; nothing below a star import, which may bind any name."""
    parameters = context.pipeline.parameters if context.pipeline else ()
    return _unbound(context.cells, tuple((p.name, p.cell) for p in parameters))


@lru_cache(8)  # two rules ask
def _unbound(cells: tuple[CodeCell, ...], parameters: tuple[tuple[str, int], ...]) -> tuple[Unbound, ...]:
    walk = _Walk(cells, parameters)
    found: dict[str, Unbound] = {}
    for cell in cells:
        if walk.is_star(cell):
            walk.blind = True
        if not walk.blind and not cell.error:
            for one in walk.missing(cell):
                found.setdefault(one.name, one)
        walk.enter(cell)
    if not walk.blind:
        for one in walk.never_called():
            found.setdefault(one.name, one)
    return tuple(sorted(found.values(), key=lambda one: (one.cell, one.name)))


class _Walk:
    """What is known on the way down the notebook."""

    def __init__(self, cells: tuple[CodeCell, ...], parameters: tuple[tuple[str, int], ...]) -> None:
        self.cells = cells
        self.parameters = dict(parameters)
        self.bound: set[str] = {name for name, cell in self.parameters.items() if cell < 0}
        self.deleted: dict[str, int] = {}
        self.functions: dict[str, frozenset[str]] = {}
        self.defined_in: dict[str, int] = {}
        self.opaque = False
        self.blind = False

    @staticmethod
    def is_star(cell: CodeCell) -> bool:
        return bool(cell.access.star) or any(name == "pylab" for name, _ in magics(cell.tree))

    def missing(self, cell: CodeCell) -> Iterator[Unbound]:
        """Names this cell reads, itself or through functions defined above, that are not there."""
        own = {name for name, place in self.parameters.items() if place == cell.index}
        known = self.bound | own
        looked_up = cell.immediate - _only_in_lambdas(cell.tree)
        direct = sorted(name for name in looked_up if not _is_given(name) and name not in known)
        early = _read_before_bound(cell, known) if any(name in cell.access.binds for name in direct) else frozenset()
        for name in direct:
            if name not in cell.access.binds or name in early:
                yield self._unbound(name, cell.index)
        for function, name in self._through(cell, looked_up, known | cell.access.binds):
            yield self._unbound(name, cell.index, function)

    def enter(self, cell: CodeCell) -> None:
        """Take in what the cell binds, deletes and defines. A cell that can't be parsed may bind anything."""
        access = cell.access
        self.opaque = self.opaque or bool(access.opaque) or cell.error is not None
        self.bound |= access.binds | {name for name, place in self.parameters.items() if place == cell.index}
        for name in access.binds:
            self.deleted.pop(name, None)
            self.functions.pop(name, None)
        self.functions.update(access.defines)
        self.defined_in.update(dict.fromkeys(access.defines, cell.index))
        for name in _deleted_at_the_end(cell.tree):
            self.bound.discard(name)
            self.deleted[name] = cell.index

    def never_called(self) -> Iterator[Unbound]:
        """Names that function bodies read and that no cell at all binds."""
        everywhere = set(self.parameters).union(*(cell.access.binds for cell in self.cells))
        for function, free in self.functions.items():
            for name in sorted(free):
                if not _is_given(name) and name not in everywhere:
                    yield Unbound(name, self.defined_in[function], through=function, sure=False)

    def _through(self, cell: CodeCell, looked_up: frozenset[str], known: set[str]) -> Iterator[tuple[str, str]]:
        defines = cell.access.defines
        functions = ChainMap(dict(defines), self.functions)
        todo = sorted((looked_up & (self.functions.keys() | defines.keys())) | (_used_here(cell.tree) & defines.keys()))
        seen = set(todo)
        while todo:
            function = todo.pop(0)
            for name in sorted(functions[function]):
                if name in functions and name not in seen:
                    seen.add(name)
                    todo.append(name)
                elif not _is_given(name) and name not in known:
                    yield function, name

    def _unbound(self, name: str, cell: int, through: str = "") -> Unbound:
        below = next((c.index for c in self.cells if c.index > cell and name in c.access.binds), None)
        sure = not self.opaque and not through
        return Unbound(name, cell, below, self.deleted.get(name), through, sure)


@lru_cache(TREES)
def _is_given(name: str) -> bool:
    return name in _GIVEN or _HISTORY.fullmatch(name) is not None


@lru_cache(TREES)
def _only_in_lambdas(tree: ast.Module) -> frozenset[str]:
    """Names that a lambda bound to a name looks up, and nothing else does."""
    bound = [s.value for s in tree.body if isinstance(s, ast.Assign) and isinstance(s.value, ast.Lambda)]
    inside = Counter(n.id for value in bound for n in ast.walk(value.body) if isinstance(n, ast.Name))
    everywhere = Counter(n.id for n in ast.walk(tree) if isinstance(n, ast.Name))
    return frozenset(name for name, count in inside.items() if count == everywhere[name])


@lru_cache(TREES)
def _used_here(tree: ast.Module) -> frozenset[str]:
    """Names that the cell uses outside of function bodies."""
    used: set[str] = set()
    for statement in tree.body:
        if not isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            used |= {n.id for n in ast.walk(statement) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
    return frozenset(used)


def _read_before_bound(cell: CodeCell, known: set[str]) -> frozenset[str]:
    """Names that a simple top-level statement reads before the cell has bound them."""
    so_far = set(known)
    early: set[str] = set()
    for statement, access in cell.statements:
        simple = isinstance(statement, ast.Assign | ast.AugAssign | ast.AnnAssign | ast.Expr | ast.Import)
        early |= access.reads - so_far - (frozenset() if simple else access.binds)
        so_far |= access.binds
    return frozenset(early)


@lru_cache(TREES)
def _deleted_at_the_end(tree: ast.Module) -> frozenset[str]:
    gone: set[str] = set()
    for statement in tree.body:
        if isinstance(statement, ast.Delete):
            gone |= {target.id for target in statement.targets if isinstance(target, ast.Name)}
        elif gone:
            gone -= {n.id for n in ast.walk(statement) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    return frozenset(gone)
