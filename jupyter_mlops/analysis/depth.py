"""The nesting depth of code. Every function that walks a syntax tree recurses once or more per level."""

from __future__ import annotations

import ast

DEEPEST = 200  # levels; a chain of methods has two for each of them


def parsed(python: str) -> ast.Module:
    """Parse Python code. Raises SyntaxError if it is invalid, or nested too deeply to be walked."""
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
    return SyntaxError("nested too deeply to be analyzed")
