"""The names that a `metrics` cell reports: those that it binds or prints."""

from __future__ import annotations

import ast


def metric_names(source: str) -> list[str]:
    """Names whose numbers are the run's metrics, in the order of the cell.

    These are names assigned at the top level of the cell, names in a `print(...)` call, and a name as a whole
    statement.
    """
    from jupyter_mlops.analysis.magics import to_python

    try:
        tree = ast.parse(to_python(source))
    except SyntaxError:
        return []
    names: list[str] = []
    for node in tree.body:
        if isinstance(node, ast.Assign):
            names += [n.id for t in node.targets for n in ast.walk(t) if isinstance(n, ast.Name) and _is_bound(n)]
        elif isinstance(node, ast.AnnAssign | ast.AugAssign) and isinstance(node.target, ast.Name):
            names.append(node.target.id)
        elif isinstance(node, ast.Expr):
            names += _displayed_names(node.value)
    return list(dict.fromkeys(names))


def _is_bound(node: ast.Name) -> bool:
    return isinstance(node.ctx, ast.Store)


def _displayed_names(value: ast.expr) -> list[str]:
    if isinstance(value, ast.Name):
        return [value.id]
    if isinstance(value, ast.Tuple):
        return [n for item in value.elts for n in _displayed_names(item)]
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id in ("print", "display"):
        return [n.id for item in value.args for n in ast.walk(item) if isinstance(n, ast.Name)]
    return []
