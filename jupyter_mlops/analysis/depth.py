"""How deep code is nested: what walks a tree goes one level of calls deeper, or several, with each of its levels."""

from __future__ import annotations

import ast

DEEPEST = 200  # levels; a chain of methods has two for each of them


def parsed(python: str) -> ast.Module:
    """The tree of a piece of Python. Raises SyntaxError for what is none, and for what is nested too deeply to be
    walked through."""
    try:
        tree = ast.parse(python)
    except (ValueError, RecursionError, MemoryError, OverflowError) as error:
        raise too_deep() if isinstance(error, RecursionError | MemoryError) else SyntaxError(str(error)) from None
    require_shallow(tree)
    return tree


def require_shallow(tree: ast.AST) -> None:
    """Raise SyntaxError if a tree has more than `DEEPEST` levels."""
    level: list[ast.AST] = [tree]
    for _ in range(DEEPEST):
        level = [child for node in level for child in ast.iter_child_nodes(node)]
        if not level:
            return
    raise too_deep()


def too_deep() -> SyntaxError:
    return SyntaxError("nested too deeply to be looked through")
