"""Two series over the same inputs, compared pair by pair."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import fmean, stdev
from typing import Any

CONFIDENCE = 0.95


@dataclass(frozen=True)
class PairedDifference:
    """How the second series differs from the first.

    :param mean: of the differences, second minus first; None without pairs.
    :param low, high: its confidence interval, by Student's t distribution; None with fewer than two pairs.
    :param higher, lower, equal: in how many pairs the second value is so.
    """

    pairs: int
    mean: float | None
    low: float | None
    high: float | None
    higher: int
    lower: int
    equal: int

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def paired_difference(first: Sequence[float], second: Sequence[float]) -> PairedDifference:
    """Compare two series of the same length. Values must be finite."""
    differences = [after - before for before, after in zip(first, second, strict=True)]
    pairs = len(differences)
    counts = (sum(d > 0 for d in differences), sum(d < 0 for d in differences), sum(d == 0 for d in differences))
    if not pairs:
        return PairedDifference(0, None, None, None, *counts)
    mean = fmean(differences)
    if pairs == 1:
        return PairedDifference(1, mean, None, None, *counts)
    from scipy.special import stdtrit

    margin = float(stdtrit(pairs - 1, 0.5 + CONFIDENCE / 2)) * stdev(differences) / math.sqrt(pairs)
    return PairedDifference(pairs, mean, mean - margin, mean + margin, *counts)
