"""The names in an expression of the syntax tree: its root, its parts, its walruses, the functions it carries."""

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


def written(node: ast.AST) -> str:
    """Code as text; "" if Python can't write it because it contains an integer of more than 4,300 digits."""
    try:
        return ast.unparse(node)
    except ValueError:
        return ""


def value_names(node: ast.AST) -> set[str]:
    """Names whose objects an expression may return, without its local names."""
    if isinstance(node, ast.Name):
        return {node.id}
    if isinstance(node, ast.Lambda):
        arguments = {a.arg for a in ast.walk(node.args) if isinstance(a, ast.arg)}
        return (value_names(node.body) - arguments) | value_names(node.args)
    if isinstance(node, Comprehension):
        first = node.generators[0].iter
        local_names = {n.id for g in node.generators for n in ast.walk(g.target) if isinstance(n, ast.Name)}
        inner = [part for g in node.generators for part in (g.target, g.iter, *g.ifs) if part is not first]
        return (set[str]().union(*map(value_names, (*result_expressions(node), *inner))) - local_names) | value_names(
            first
        )
    return set[str]().union(*map(value_names, ast.iter_child_nodes(node)))


def bound_names(target: ast.AST) -> list[str]:
    """Names that an assignment target binds."""
    return [n.id for n in ast.walk(target) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]


def capture_names(pattern: ast.AST) -> list[str]:
    """The name that one part of a `case` binds if it matches."""
    name = pattern.rest if isinstance(pattern, ast.MatchMapping) else getattr(pattern, "name", None)
    return [name] if isinstance(pattern, ast.pattern) and name else []


def carried_names(node: ast.AST) -> set[str]:
    """Names whose functions the value of an expression may hold; followed by `()` if the name was called."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        parts = (*node.args, *(k.value for k in node.keywords))
        return {f"{node.func.id}()"}.union(*map(carried_names, parts))
    if isinstance(node, ast.Lambda | Comprehension):
        return value_names(node)
    names = {node.id} if isinstance(node, ast.Name) else set()
    return names.union(*(carried_names(child) for child in ast.iter_child_nodes(node)))


def result_expressions(node: Comprehension) -> list[ast.expr]:
    return [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]


def walruses(node: ast.AST) -> Iterator[ast.NamedExpr]:
    """Walruses that bind in the scope around a comprehension or an expression. Those of a lambda are local to it."""
    if isinstance(node, ast.NamedExpr):
        yield node
    if not isinstance(node, ast.Lambda):
        for child in ast.iter_child_nodes(node):
            yield from walruses(child)


def read_before_walrus(node: Comprehension) -> set[str]:
    """Names that a comprehension binds with `:=` and may read before (`[total := total + x for x in xs]`)."""
    targets = {w.target.id for w in walruses(node)}
    early_reads: set[str] = set()
    assigned_names: set[str] = set()
    parts = [expression for generator in node.generators for expression in (generator.iter, *generator.ifs)]
    for expression in [*parts, *result_expressions(node)] if targets else ():
        end_positions = {
            w.target.id: (w.end_lineno or 0, w.end_col_offset or 0) for w in unconditional_walruses(expression)
        }
        for name in ast.walk(expression):
            if (
                not isinstance(name, ast.Name)
                or not isinstance(name.ctx, ast.Load)
                or name.id not in targets - assigned_names
            ):
                continue
            if name.id not in end_positions or (name.lineno, name.col_offset) < end_positions[name.id]:
                early_reads.add(name.id)
        assigned_names |= end_positions.keys()
    return early_reads


def unconditional_walruses(node: ast.AST) -> Iterator[ast.NamedExpr]:
    """The walruses that are evaluated whenever the expression is."""
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
        yield from unconditional_walruses(child)
