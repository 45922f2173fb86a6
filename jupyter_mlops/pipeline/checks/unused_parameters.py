"""Parameters without effect."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import lru_cache

from jupyter_mlops.notebook.parameters import Parameter
from jupyter_mlops.pipeline.checks.calls import CACHE_SIZE
from jupyter_mlops.pipeline.checks.cell import CodeCell
from jupyter_mlops.pipeline.checks.finding import Finding
from jupyter_mlops.pipeline.checks.rule import Context, rule


@rule("unused_parameters")
def unused_parameters(context: Context) -> Iterator[Finding]:
    """A parameter that no cell reads, or that is reassigned before any cell reads it, has no effect."""
    if context.pipeline is None or not context.cells:
        return
    for parameter in context.pipeline.parameters:
        problem = _problem(parameter, context.cells)
        if problem:
            yield Finding(
                "unused_parameters",
                "warning",
                parameter.cell if parameter.cell >= 0 else None,
                f"The parameter `{parameter.name}` {problem}.",
                f"Use `{parameter.name}` where its value is meant, or remove it from the parameters cell.",
            )


def _problem(parameter: Parameter, cells: tuple[CodeCell, ...]) -> str:
    for cell in cells:
        if cell.index < parameter.cell or "injected-parameters" in cell.tags:
            continue
        if cell.index == parameter.cell:
            if parameter.name in _loaded_names(cell.tree):
                return ""
            continue
        if cell.error or _may_read(parameter.name, cell):
            return ""
        if parameter.name in cell.access.certain_bindings and parameter.name not in _loaded_names(cell.tree):
            return f"is reassigned in cell {cell.index + 1} before any cell reads it"
    return "is read by no cell"


def _may_read(name: str, cell: CodeCell) -> bool:
    access = cell.access
    in_functions = any(name in free_names for free_names in access.defines.values())
    return bool(access.opaque) or in_functions or name in access.names - access.binds | access.reads | access.strings


@lru_cache(CACHE_SIZE)
def _loaded_names(tree: ast.Module) -> frozenset[str]:
    return frozenset(n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load))
