"""String literals of a cell that are data, without docstrings and f-string formats."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import lru_cache

from jupyter_mlops.pipeline.checks.calls import CACHE_SIZE

_SHELL = frozenset({"system", "getoutput", "run_line_magic", "run_cell_magic"})


@lru_cache(CACHE_SIZE)
def strings(tree: ast.Module) -> tuple[str, ...]:
    """Each string literal once, in order; of an f-string, the leading text. Shell lines and magics are split into
    words.

    Shell lines and magics give the words they are made of.
    """
    return tuple(_strings(tree))


def _strings(tree: ast.Module) -> Iterator[str]:
    documents = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in _ordered(tree):
        if isinstance(node, ast.Call) and _is_shell(node):
            yield from _words(node)
        elif isinstance(node, ast.JoinedStr):
            head = node.values[0] if node.values else None
            if isinstance(head, ast.Constant) and isinstance(head.value, str):
                yield head.value
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documents:
            yield node.value


def _ordered(node: ast.AST) -> Iterator[ast.AST]:
    yield node
    if isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Call) and _is_shell(node)):
        return
    for child in ast.iter_child_nodes(node):
        yield from _ordered(child)


def _is_shell(call: ast.Call) -> bool:
    function = call.func
    return (
        isinstance(function, ast.Attribute)
        and function.attr in _SHELL
        and isinstance(function.value, ast.Call)
        and isinstance(function.value.func, ast.Name)
        and function.value.func.id == "get_ipython"
    )


def _words(call: ast.Call) -> Iterator[str]:
    for argument in call.args:
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
            for word in argument.value.split():
                yield word.strip("'\"`;,()")
