"""The points of metrics that a block logs, until its end. `jupyter_mlops.log_metric` calls `record`."""

from __future__ import annotations

import math
import numbers
import operator
from typing import Any

from .objects import is_kind

MOST = 10_000  # points of a block, and names

POINTS: list[list[Any]] = []  # [name, value, step, seconds since 1970]
LAST: dict[str, int | float | str] = {}  # name -> its last value
LEFT_OUT = {"points": 0, "names": 0}


def record(points: Any, at: float) -> None:
    """Note points: (name, number, step)."""
    for name, value, step in points:
        if len(POINTS) < MOST:
            POINTS.append([name, plain(value), step, at])
        else:
            LEFT_OUT["points"] += 1
        if name in LAST or len(LAST) < MOST:
            LAST[name] = plain(value)
        else:
            LEFT_OUT["names"] += 1


def numbers_among(namespace: Any, names: Any) -> dict[str, int | float | str]:
    """The numbers among these variables; those of a dictionary by `name.key`."""
    by_name: dict[str, int | float | str] = {}
    for name in names:
        value = namespace.get(name)
        items = value.items() if is_kind(value, dict) else [(None, value)]
        for key, item in items:
            number: Any = item.item() if getattr(item, "shape", None) == () and hasattr(item, "item") else item
            if not is_kind(number, numbers.Real) or is_kind(number, bool):
                continue
            label = name if key is None else f"{name}.{key}"
            by_name[label] = int(operator.index(number)) if is_kind(number, numbers.Integral) else plain(float(number))
    return by_name


def plain(value: Any) -> Any:
    """A number as JSON has it: "nan", "inf" and "-inf" are texts."""
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def clear() -> None:
    """A block begins."""
    POINTS.clear()
    LAST.clear()
    LEFT_OUT.update(points=0, names=0)


def report() -> tuple[dict[str, Any], dict[str, Any]]:
    """The last value of each name since `clear`, and the points with the numbers of those that were left out."""
    points = [list(point) for point in POINTS]
    logged = {"points": points, "left_out": LEFT_OUT["points"], "names_left_out": LEFT_OUT["names"]}
    return dict(LAST), logged if points else {}
