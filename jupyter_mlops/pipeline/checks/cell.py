"""A code cell for rules: its text, its Python code, its syntax tree, and its names."""

from __future__ import annotations

import ast
import symtable
import warnings
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, TypeGuard

from jupyter_mlops.analysis.access import Access
from jupyter_mlops.analysis.depth import require_shallow
from jupyter_mlops.analysis.magics import to_python
from jupyter_mlops.analysis.names import access, access_of
from jupyter_mlops.notebook.tags import NEVER_EXECUTED
from jupyter_mlops.pipeline.checks.calls import CACHE_SIZE

if TYPE_CHECKING:
    from nbformat import NotebookNode

_INLINE = frozenset({"listcomp", "setcomp", "dictcomp", "genexpr", "lambda"})


class Source:
    """The Python code of a cell's text. Recent texts are cached, because an edit changes one cell of many."""

    def __init__(self, text: str) -> None:
        self.text = text

    @cached_property
    def python(self) -> str:
        return to_python(self.text)

    @cached_property
    def error(self) -> SyntaxError | None:
        try:
            if problem := _syntax_error(self.python):
                return problem
            require_shallow(_parse(self.python))
        except SyntaxError as error:
            return error
        return None

    @cached_property
    def tree(self) -> ast.Module:
        return ast.Module(body=[], type_ignores=[]) if self.error else _parse(self.python)

    @cached_property
    def access(self) -> Access:
        return Access() if self.error else access(self.text)

    @cached_property
    def statements(self) -> tuple[tuple[ast.stmt, Access], ...]:
        return tuple((statement, access_of([statement])) for statement in self.tree.body)

    @cached_property
    def immediate(self) -> frozenset[str]:
        if self.error:
            return frozenset()
        try:
            names = _global_lookups(symtable.symtable(self.python, "<cell>", "exec"))
        except SyntaxError:
            return self.access.reads
        augmented_names = {
            n.target.id for n in ast.walk(self.tree) if isinstance(n, ast.AugAssign) and _is_name(n.target)
        }
        return self.access.reads & (names | augmented_names)


@lru_cache(CACHE_SIZE)
def _source(text: str) -> Source:
    return Source(text)


@dataclass(frozen=True)
class CodeCell:
    """A code cell that would run.

    :param index: position in `nb.cells`.
    """

    index: int
    source: str
    tags: tuple[str, ...] = ()

    @property
    def python(self) -> str:
        """The source with magics and shell lines turned into Python.

        :raises SyntaxError: the source is neither Python nor IPython.
        """
        return _source(self.source).python

    @property
    def error(self) -> SyntaxError | None:
        """The error of Python's compiler for this cell."""
        return _source(self.source).error

    @property
    def tree(self) -> ast.Module:
        """The syntax tree, not to be modified; empty for a cell with a syntax error."""
        return _source(self.source).tree

    @property
    def access(self) -> Access:
        """The names that the cell accesses; empty for a cell with a syntax error."""
        return _source(self.source).access

    @property
    def immediate(self) -> frozenset[str]:
        """Names of the user namespace that the cell itself looks up when it runs, without functions that it defines."""
        return _source(self.source).immediate

    @property
    def statements(self) -> tuple[tuple[ast.stmt, Access], ...]:
        """The top-level statements, each with the names that it accesses."""
        return _source(self.source).statements


def code_cells(nb: NotebookNode) -> tuple[CodeCell, ...]:
    """The code cells that are not empty and not tagged `skip` or `skip-execution`, in notebook order."""
    cells = (
        CodeCell(index, cell.source, tuple(cell.metadata.get("tags") or ()))
        for index, cell in enumerate(nb.cells)
        if cell.cell_type == "code" and cell.source.strip()
    )
    return tuple(cell for cell in cells if not {"skip", NEVER_EXECUTED} & set(cell.tags))


def _is_name(node: ast.expr) -> TypeGuard[ast.Name]:
    return isinstance(node, ast.Name)


def _global_lookups(table: symtable.SymbolTable) -> set[str]:
    """Global names that a scope refers to, including its comprehensions, lambdas and class bodies."""
    is_module = table.get_type() == "module"
    names = {s.get_name() for s in table.get_symbols() if s.is_referenced() and (is_module or s.is_global())}
    for child in table.get_children():
        if child.get_type() == "class" or child.get_name() in _INLINE:
            names |= _global_lookups(child)
    return names


def _parse(source: str) -> ast.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(source)


def _syntax_error(source: str) -> SyntaxError | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(source, "<cell>", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    except SyntaxError as error:
        return error
    except (ValueError, RecursionError, MemoryError, OverflowError) as error:
        return SyntaxError(str(error) or type(error).__name__)
    return None
