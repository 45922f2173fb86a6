"""Calls of `jupyter_mlops.log_metric`: they read their arguments and change nothing that a notebook can see."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

PACKAGE = "jupyter_mlops"
FUNCTIONS = frozenset({f"{PACKAGE}.log_metric", f"{PACKAGE}.log_metrics"})
MARK = "logs_a_metric"  # the attribute of such a call


def with_metric_calls(tree: ast.Module, source: str, modules: Mapping[str, str]) -> ast.Module:
    """The tree of a cell with the calls marked that log a metric, for `is_metric_call`.

    :param source: the text of the cell.
    :param modules: names bound by imports of earlier cells -> their dotted modules.
    """
    if not modules and PACKAGE not in source:
        return tree
    imported = {**modules, **dict(_imports(tree))}
    names = {name: dotted for name, dotted in imported.items() if dotted in (PACKAGE, *FUNCTIONS)}
    names = {name: dotted for name, dotted in names.items() if name not in _other_bindings(tree, names)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _dotted(node.func, names) in FUNCTIONS:
            setattr(node, MARK, True)
    return tree


def metric_names(source: str, modules: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """The modules of earlier cells by which a cell may log a metric."""
    logging = [(name, dotted) for name, dotted in modules.items() if dotted in (PACKAGE, *FUNCTIONS)]
    return tuple((name, dotted) for name, dotted in logging if name in source)


def is_metric_call(node: ast.AST) -> bool:
    """Whether a call was marked."""
    return getattr(node, MARK, False)


def _dotted(node: ast.expr, names: Mapping[str, str]) -> str:
    if isinstance(node, ast.Name):
        return names.get(node.id, "")
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return f"{names.get(node.value.id, '')}.{node.attr}"
    return ""


def _imports(tree: ast.AST) -> Iterator[tuple[str, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield (alias.asname, alias.name) if alias.asname else (alias.name.split(".")[0],) * 2
        elif isinstance(node, ast.ImportFrom) and not node.level:
            for alias in node.names:
                yield alias.asname or alias.name, f"{node.module}.{alias.name}"


def _other_bindings(tree: ast.AST, names: Mapping[str, str]) -> set[str]:
    """Names that the cell also binds by anything other than this import, in any scope."""
    bound = set[str]()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            bound.add(node.id)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            bound.add(node.name)
        elif isinstance(node, ast.arg):
            bound.add(node.arg)
        elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
            bound.add(node.name)
        elif isinstance(node, ast.MatchMapping) and node.rest:
            bound.add(node.rest)
    return bound | {name for name, dotted in _imports(tree) if names.get(name) != dotted}
