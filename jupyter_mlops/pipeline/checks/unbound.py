"""Names that are not bound when a run from top to bottom reads them."""

from __future__ import annotations

import ast
import builtins
import re
from collections import ChainMap, Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from jupyter_mlops.pipeline.checks.calls import CACHE_SIZE, magics
from jupyter_mlops.pipeline.checks.cell import CodeCell
from jupyter_mlops.pipeline.checks.guards import guarded_names
from jupyter_mlops.pipeline.checks.rule import Context

_IPYTHON = frozenset({"__IPYTHON__", "In", "Out", "display", "exit", "get_ipython", "quit"})
_MODULE = frozenset({"__name__", "__doc__", "__builtins__", "__builtin__", "__spec__", "__loader__", "__package__"})
_HISTORY = re.compile(r"_{1,3}|_i{0,3}|_i?\d+|_[idos]h|_exit_code")
_PREDEFINED = frozenset(dir(builtins)) | _IPYTHON | _MODULE


@dataclass(frozen=True)
class Unbound:
    """A name that is read although no earlier cell has bound it.

    :param cell: position of the cell that reads it.
    :param later_cell: the first later cell that binds it, or None.
    :param deleting_cell: the earlier cell that deleted it, or None.
    :param function: the function whose body reads it, "" if the cell itself does.
    :param certain: False if code above it can't be analyzed, or only a function's body reads it.
    """

    name: str
    cell: int
    later_cell: int | None = None
    deleting_cell: int | None = None
    function: str = ""
    certain: bool = True


def unbound(context: Context) -> tuple[Unbound, ...]:
    """Each such name at its first use. Names below a star import, which may bind any name, are not included."""
    parameters = context.pipeline.parameters if context.pipeline else ()
    return _unbound(context.cells, tuple((p.name, p.cell) for p in parameters))


@lru_cache(8)  # two rules ask
def _unbound(cells: tuple[CodeCell, ...], parameters: tuple[tuple[str, int], ...]) -> tuple[Unbound, ...]:
    walk = _Walk(cells, parameters)
    by_name: dict[str, Unbound] = {}
    for cell in cells:
        if walk.is_star(cell):
            walk.has_star_import = True
        if not walk.has_star_import and not cell.error:
            for lookup in walk.unbound_names(cell):
                by_name.setdefault(lookup.name, lookup)
        walk.add_cell(cell)
    if not walk.has_star_import:
        for lookup in walk.unbound_in_functions():
            by_name.setdefault(lookup.name, lookup)
    return tuple(sorted(by_name.values(), key=lambda lookup: (lookup.cell, lookup.name)))


class _Walk:
    """The bindings so far, on the way down the notebook."""

    def __init__(self, cells: tuple[CodeCell, ...], parameters: tuple[tuple[str, int], ...]) -> None:
        self.cells = cells
        self.parameters = dict(parameters)
        self.bound_names: set[str] = {name for name, cell in self.parameters.items() if cell < 0}
        self.deleting_cells: dict[str, int] = {}
        self.functions: dict[str, frozenset[str]] = {}
        self.defined_in: dict[str, int] = {}
        self.opaque = False
        self.has_star_import = False

    @staticmethod
    def is_star(cell: CodeCell) -> bool:
        return bool(cell.access.star) or any(name == "pylab" for name, _ in magics(cell.tree))

    def unbound_names(self, cell: CodeCell) -> Iterator[Unbound]:
        """Names that this cell reads, itself or through functions defined above, and that are not bound."""
        parameter_names = {name for name, position in self.parameters.items() if position == cell.index}
        known_names = self.bound_names | parameter_names
        lookups = cell.immediate - _lambda_only_names(cell.tree) - guarded_names(cell.tree)
        missing_names = sorted(name for name in lookups if not _is_predefined(name) and name not in known_names)
        early_reads = (
            _early_reads(cell, known_names) if any(name in cell.access.binds for name in missing_names) else frozenset()
        )
        for name in missing_names:
            if name not in cell.access.binds or name in early_reads:
                yield self._unbound(name, cell.index)
        for function, name in self._function_lookups(cell, lookups, known_names | cell.access.binds):
            yield self._unbound(name, cell.index, function)

    def add_cell(self, cell: CodeCell) -> None:
        """Record what the cell binds, deletes and defines. A cell that can't be parsed may bind anything."""
        access = cell.access
        self.opaque = self.opaque or bool(access.opaque) or cell.error is not None
        self.bound_names |= access.binds | {
            name for name, position in self.parameters.items() if position == cell.index
        }
        for name in access.binds:
            self.deleting_cells.pop(name, None)
            self.functions.pop(name, None)
        self.functions.update(_definitions(cell))
        self.defined_in.update(dict.fromkeys(access.defines, cell.index))
        for name in _deleted_names(cell.tree):
            self.bound_names.discard(name)
            self.deleting_cells[name] = cell.index

    def unbound_in_functions(self) -> Iterator[Unbound]:
        """Names that function bodies read and no cell binds."""
        all_names = set(self.parameters).union(*(cell.access.binds for cell in self.cells))
        for function, free_names in self.functions.items():
            for name in sorted(free_names):
                if not _is_predefined(name) and name not in all_names:
                    yield Unbound(name, self.defined_in[function], function=function, certain=False)

    def _function_lookups(
        self, cell: CodeCell, lookups: frozenset[str], known_names: set[str]
    ) -> Iterator[tuple[str, str]]:
        defines = _definitions(cell)
        functions = ChainMap(dict(defines), self.functions)
        pending = sorted(
            (lookups & (self.functions.keys() | defines.keys()))
            | (_names_outside_functions(cell.tree) & defines.keys())
        )
        visited = set(pending)
        while pending:
            function = pending.pop(0)
            for name in sorted(functions[function]):
                if name in functions and name not in visited:
                    visited.add(name)
                    pending.append(name)
                elif not _is_predefined(name) and name not in known_names:
                    yield function, name

    def _unbound(self, name: str, cell: int, function: str = "") -> Unbound:
        later_cell = next((c.index for c in self.cells if c.index > cell and name in c.access.binds), None)
        certain = not self.opaque and not function
        return Unbound(name, cell, later_cell, self.deleting_cells.get(name), function, certain)


def _definitions(cell: CodeCell) -> dict[str, frozenset[str]]:
    """The functions that a cell defines, and the names in them whose absence it does not handle."""
    return {function: free_names - guarded_names(cell.tree) for function, free_names in cell.access.defines.items()}


@lru_cache(CACHE_SIZE)
def _is_predefined(name: str) -> bool:
    return name in _PREDEFINED or _HISTORY.fullmatch(name) is not None


@lru_cache(CACHE_SIZE)
def _lambda_only_names(tree: ast.Module) -> frozenset[str]:
    """Names that only lambdas bound to a name look up."""
    lambdas = [s.value for s in tree.body if isinstance(s, ast.Assign) and isinstance(s.value, ast.Lambda)]
    lambda_counts = Counter(n.id for value in lambdas for n in ast.walk(value.body) if isinstance(n, ast.Name))
    total_counts = Counter(n.id for n in ast.walk(tree) if isinstance(n, ast.Name))
    return frozenset(name for name, count in lambda_counts.items() if count == total_counts[name])


@lru_cache(CACHE_SIZE)
def _names_outside_functions(tree: ast.Module) -> frozenset[str]:
    """Names that the cell uses outside of function bodies."""
    names: set[str] = set()
    for statement in tree.body:
        if not isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names |= {n.id for n in ast.walk(statement) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
    return frozenset(names)


def _early_reads(cell: CodeCell, known_names: set[str]) -> frozenset[str]:
    """Names that a simple top-level statement reads before the cell has bound them."""
    bound_names = set(known_names)
    early_names: set[str] = set()
    for statement, access in cell.statements:
        is_simple = isinstance(statement, ast.Assign | ast.AugAssign | ast.AnnAssign | ast.Expr | ast.Import)
        early_names |= access.reads - bound_names - (frozenset() if is_simple else access.binds)
        bound_names |= access.binds
    return frozenset(early_names)


@lru_cache(CACHE_SIZE)
def _deleted_names(tree: ast.Module) -> frozenset[str]:
    names: set[str] = set()
    for statement in tree.body:
        if isinstance(statement, ast.Delete):
            names |= {target.id for target in statement.targets if isinstance(target, ast.Name)}
        elif names:
            names -= {n.id for n in ast.walk(statement) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    return frozenset(names)
