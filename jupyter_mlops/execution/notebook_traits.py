"""What a notebook may observe, as far as its text shows: identity, shared memory, the backend of figures. Pure."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable

from jupyter_mlops.analysis.magics import to_python

NAMES_AXES = re.compile(
    r"\.names?\s*=[^=]|set_names|rename_axis|setattr|\b(index|columns)\.rename"
    r"|\.(index|columns)\s+is\b|\bis\s+(not\s+)?[\w.\[\]'\"]+\.(index|columns)\b"
)
MEMORY = re.compile(r"share_memory|shares_memory|\.base\b|__array_interface__|byte_bounds|owndata|\.ctypes\b|data_ptr")
BACKEND = re.compile(
    r"interactive\b|\bFigure\(|get_backend|_backend_mod|flush_figures|matplotlib_inline|\brc_params|rcParams\b(?!\s*(\[|\.update))"
    r"|\b(ion|ioff|xkcd|rc_context)\(|\bstyle\.context\(|\bseaborn\.objects\b"
)

FINALIZERS = re.compile(r"__del__|weakref|\bfinalize|\bgc\b|getrefcount|tracemalloc")


def axes_apart(sources: Iterable[str]) -> bool:
    """Whether pandas objects that share an index may be transferred separately.

    Sharing is visible only if an index is renamed, or its identity is compared. Frames derived from each other always
    share their index, and would all have to be transferred as one.

    :param sources: the texts of the notebook's cells and of the modules beside it.
    """
    return not any(NAMES_AXES.search(s) for s in sources)


def memory_seen(sources: Iterable[str]) -> bool:
    """Whether the notebook checks for shared memory, so that pandas' copies on write would be visible."""
    return any(MEMORY.search(s) for s in sources)


def finalizes(sources: Iterable[str]) -> bool:
    """Whether the notebook may notice that an object is deleted, or how many there are.

    :param sources: the texts of the notebook's cells and of the modules beside it.
    """
    return any(FINALIZERS.search(s) for s in sources)


def backend_seen(sources: Iterable[str]) -> bool:
    """Whether the notebook may read matplotlib's backend or its interactive mode, which the first figure changes."""
    return any(BACKEND.search(s) for s in sources)


def identity_seen(sources: Iterable[str]) -> bool:
    """Whether the notebook compares the identity of objects, other than None and other singletons: then equal numbers
    and texts are not interchangeable.
    """
    return any(_asks_identity(source) for source in sources if " is " in source)


def _asks_identity(source: str) -> bool:
    try:
        tree = ast.parse(to_python(source))
    except SyntaxError:
        return False
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            for number, operator in enumerate(node.ops):
                if isinstance(operator, ast.Is | ast.IsNot) and not any(map(_single, sides[number : number + 2])):
                    return True
    return False


def _single(node: ast.expr) -> bool:
    """Whether the value of an expression is a singleton in every process: None, True, a type."""
    if isinstance(node, ast.Constant):
        return node.value is None or isinstance(node.value, bool) or node.value is ...
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "type"
