"""Calls in a syntax tree, by dotted name."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from functools import lru_cache

CACHE_SIZE = 4096  # of which what was found is kept: an edit changes one cell of many


def dotted(node: ast.expr) -> str:
    """`a.b.c` for an attribute chain of a name, "" for anything else."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(parts)]) if isinstance(node, ast.Name) else ""


def calls(tree: ast.AST, modules: Mapping[str, str]) -> Iterator[tuple[str, ast.Call]]:
    """Each call with the dotted name of its function, module aliases resolved through `modules`."""
    for name, node in _named_calls(tree):
        head, _, tail = name.partition(".")
        head = modules.get(head, head)
        yield (f"{head}.{tail}" if tail else head), node


@lru_cache(CACHE_SIZE)
def _named_calls(tree: ast.AST) -> tuple[tuple[str, ast.Call], ...]:
    named_calls = ((dotted(node.func), node) for node in ast.walk(tree) if isinstance(node, ast.Call))
    return tuple((name, node) for name, node in named_calls if name)


def texts(call: ast.Call) -> tuple[str, ...]:
    """The string literals among the arguments, those in lists and tuples included."""
    arguments = [*call.args, *(keyword.value for keyword in call.keywords)]
    items = [item for argument in arguments for item in _items(argument)]
    return tuple(item.value for item in items if isinstance(item, ast.Constant) and isinstance(item.value, str))


def _items(node: ast.expr) -> list[ast.expr]:
    return list(node.elts) if isinstance(node, ast.List | ast.Tuple) else [node]


@lru_cache(CACHE_SIZE)
def magics(tree: ast.AST) -> tuple[tuple[str, str], ...]:
    """Line and cell magics as (name, arguments), shell commands as ("!", command).

    IPython's transformer turns them into calls on `get_ipython()`.
    """
    return tuple(_magics(tree))


def _magics(tree: ast.AST) -> Iterator[tuple[str, str]]:
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        owner, arguments = node.func.value, [a.value if isinstance(a, ast.Constant) else "" for a in node.args]
        if not (isinstance(owner, ast.Call) and dotted(owner.func) == "get_ipython"):
            continue
        words = [str(argument) for argument in arguments]
        if node.func.attr in ("run_line_magic", "run_cell_magic") and words:
            yield words[0], " ".join(words[1:])
        elif node.func.attr in ("system", "getoutput") and words:
            yield "!", words[0]
