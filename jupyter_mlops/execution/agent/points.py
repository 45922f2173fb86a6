"""The points of metrics that a block logs, until its end. `jupyter_mlops.log_metric` calls `record`."""

from __future__ import annotations

import math
from typing import Any

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
