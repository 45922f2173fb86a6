"""The metrics of a run: the points that its blocks logged, in order, and the last value of each name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jupyter_mlops.execution.agent.points import MOST

Point = list[Any]  # name, value, step, seconds since 1970; "nan", "inf" and "-inf" are texts


class RunMetrics:
    """Collects the points of committed blocks, within bounds.

    :ivar last: name -> its last value.
    :ivar points: in the order in which Run All logs them.
    """

    def __init__(self, last: dict[str, Any], points: list[Point]) -> None:
        self.last, self.points = last, points
        self.points_left_out = self.names_left_out = 0

    def add(self, metrics: Mapping[str, Any], logged: Mapping[str, Any]) -> None:
        """Add what a block logged.

        :param metrics: its last values.
        :param logged: as the agent reports it; {} for a result from before points were kept.
        """
        points = logged.get("points", ())
        room = MOST - len(self.points)
        self.points += [list(point) for point in points[:room]]
        self.points_left_out += max(0, len(points) - room) + logged.get("left_out", 0)
        self.names_left_out += logged.get("names_left_out", 0)
        for name, value in metrics.items():
            if name in self.last or len(self.last) < MOST:
                self.last[name] = value
            else:
                self.names_left_out += 1

    def notes(self) -> list[str]:
        """Sentences about what was left out."""
        notes = []
        if self.points_left_out:
            notes.append(
                f"a run keeps {MOST:,} points of metrics: {self.points_left_out:,} more were left out; the last value "
                "of each metric is kept"
            )
        if self.names_left_out:
            notes.append(f"a run keeps {MOST:,} metrics: values of others were left out {self.names_left_out:,} times")
        return notes
