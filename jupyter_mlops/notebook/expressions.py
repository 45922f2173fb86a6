"""What an expression of the syntax tree names: its root, its parts, its walruses, the functions it carries."""

from __future__ import annotations

import ast
from collections.abc import Iterator

Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp


def root(node: ast.AST) -> str | None:
    """The name at the start of a chain of attributes, items and calls (`a.b[0].c()` -> a)."""
    while True:
        if isinstance(node, ast.Name):
            return node.id
        if isinstance(node, ast.Attribute | ast.Subscript | ast.Starred):
            node = node.value
        elif isinstance(node, ast.Call):
            node = node.func
        else:
            return None


def named(node: ast.AST) -> set[str]:
    """Names of an expression that may stand for the objects it yields; its own local names left out."""
    if isinstance(node, ast.Name):
        return {node.id}
    if isinstance(node, ast.Lambda):
        arguments = {a.arg for a in ast.walk(node.args) if isinstance(a, ast.arg)}
        return (named(node.body) - arguments) | named(node.args)
    found: set[str] = set()
    for child in ast.iter_child_nodes(node):
        found |= named(child)
    if isinstance(node, Comprehension):
        bound = {n.id for g in node.generators for n in ast.walk(g.target) if isinstance(n, ast.Name)}
        found = (found - bound) | named(node.generators[0].iter)
    return found


def stored(target: ast.AST) -> list[str]:
    """Names that a target of an assignment binds."""
    return [n.id for n in ast.walk(target) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]


def captures(pattern: ast.AST) -> list[str]:
    """The name that one part of a `case` binds when it matches."""
    name = pattern.rest if isinstance(pattern, ast.MatchMapping) else getattr(pattern, "name", None)
    return [name] if isinstance(pattern, ast.pattern) and name else []


def carried_names(node: ast.AST) -> set[str]:
    """Names whose functions the value of an expression may hold; with `()` behind it the name that was called."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        parts = (*node.args, *(k.value for k in node.keywords))
        return {f"{node.func.id}()"}.union(*map(carried_names, parts))
    if isinstance(node, ast.Lambda | Comprehension):
        return named(node)
    found = {node.id} if isinstance(node, ast.Name) else set()
    return found.union(*(carried_names(child) for child in ast.iter_child_nodes(node)))


def results(node: Comprehension) -> list[ast.expr]:
    return [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]


def walruses(node: ast.AST) -> Iterator[ast.NamedExpr]:
    """Those that bind in the scope around a comprehension or an expression: a lambda keeps its own."""
    if isinstance(node, ast.NamedExpr):
        yield node
    if not isinstance(node, ast.Lambda):
        for child in ast.iter_child_nodes(node):
            yield from walruses(child)


def read_before_walrus(node: Comprehension) -> set[str]:
    """Names that a comprehension binds by `:=` and may read before (`[total := total + x for x in xs]`)."""
    targets = {w.target.id for w in walruses(node)}
    early: set[str] = set()
    bound: set[str] = set()
    parts = [part for generator in node.generators for part in (generator.iter, *generator.ifs)]
    for part in [*parts, *results(node)] if targets else ():
        ends = {w.target.id: (w.end_lineno or 0, w.end_col_offset or 0) for w in always(part)}
        for name in ast.walk(part):
            if not isinstance(name, ast.Name) or not isinstance(name.ctx, ast.Load) or name.id not in targets - bound:
                continue
            if name.id not in ends or (name.lineno, name.col_offset) < ends[name.id]:
                early.add(name.id)
        bound |= ends.keys()
    return early


def always(node: ast.AST) -> Iterator[ast.NamedExpr]:
    """The walruses of an expression that are evaluated whenever it is."""
    if isinstance(node, ast.NamedExpr):
        yield node
    children = list(ast.iter_child_nodes(node))
    if isinstance(node, ast.BoolOp):
        children = [node.values[0]]
    elif isinstance(node, ast.IfExp):
        children = [node.test]
    elif isinstance(node, ast.Compare):
        children = [node.left, node.comparators[0]]
    elif isinstance(node, ast.Lambda | Comprehension):
        children = []
    for child in children:
        yield from always(child)
