"""Values whose deletion can't be noticed: figures, arrays, frames, fitted models, and collections of these."""

from __future__ import annotations

import sys
from typing import Any

from .objects import is_kind, is_watched

# Packages whose objects are only memory. Left out of them is what has `__del__`, and what a front end shows.
PACKAGES = frozenset("altair matplotlib mpl_toolkits plotly seaborn sklearn statsmodels".split())
CLASSES = {
    "numpy": ("ndarray", "generic"),
    "pandas": ("DataFrame", "Series", "Index"),
    "scipy.sparse": ("sparray", "spmatrix"),
}
ATOMIC = (str, bytes, int, float, complex, bool, type(None), range, slice)
MOST = 100_000  # items of a collection that are looked at
DEPTH = 3  # of collections in collections


def dead_among(names: Any, namespace: Any, alive: Any) -> set[str]:
    """The variables among these that no later block needs, and whose values are disposable.

    :param alive: names that a later block may need; None for all.
    """
    if alive is None:
        return set()
    variables = {name for name in names if not name.startswith("@")}
    return {name for name in variables.difference(alive) if is_disposable(namespace[name])}


def is_disposable(value: Any, depth: int = DEPTH) -> bool:
    """Whether deleting a value calls nothing, closes nothing and frees only memory, as far as its classes show.

    Atomic values alone are not: they cost nothing to keep.
    """
    kind = type(value)
    if is_kind(value, (tuple, list, dict)) and kind in (tuple, list, dict):
        items = [*value.values()] if kind is dict else value
        if not depth or len(items) > MOST or not len(items):
            return False
        others = [item for item in items if type(item) not in ATOMIC]
        return bool(others or len(items) > 1000) and all(is_disposable(item, depth - 1) for item in others)
    if is_watched(value) or getattr(kind, "__del__", None) is not None:
        return False
    if kind.__module__.split(".")[0] in PACKAGES:
        return not kind.__module__.startswith("matplotlib.animation") and "Widget" not in kind.__name__
    for module, names in CLASSES.items():
        loaded = sys.modules.get(module)
        if loaded is not None and any(is_kind(value, getattr(loaded, name, ())) for name in names):
            return _is_memory(value, kind, depth)
    return False


def _is_memory(value: Any, kind: Any, depth: int) -> bool:
    package = kind.__module__.split(".")[0]
    if package not in ("numpy", "pandas", "scipy") or kind.__name__ == "memmap":
        return False
    if package != "numpy" or not value.dtype.hasobject:
        return True
    if not depth or value.size > MOST or not value.shape:
        return False
    return all(type(item) in ATOMIC or is_disposable(item, depth - 1) for item in value.ravel().tolist())
