"""How different two distributions are, from their counts in the same bins. For people; findings use `noise`."""

from __future__ import annotations

import math
from collections.abc import Sequence

Counts = Sequence[float]


def shares(counts: Counts) -> list[float]:
    total = sum(counts)
    return [count / total for count in counts] if total else [0.0] * len(counts)


def stability_index(reference: Counts, current: Counts) -> float:
    """Population stability index. Half a row is added to each bin, so that empty bins stay finite."""
    first = shares([count + 0.5 for count in reference])
    second = shares([count + 0.5 for count in current])
    return sum((b - a) * math.log(b / a) for a, b in zip(first, second, strict=True))


def expected_stability_index(bins: int, rows: int, others: int) -> float:
    """What the index is on average for two samples of one distribution."""
    return (bins - 1) * (1 / rows + 1 / others) if rows and others else math.inf


def jensen_shannon(reference: Counts, current: Counts) -> float:
    """Jensen–Shannon distance, natural logarithm: the square root of the divergence, as SciPy's."""
    divergence = 0.0
    for a, b in zip(shares(reference), shares(current), strict=True):
        middle = (a + b) / 2
        divergence += (a * math.log(a / middle) if a else 0.0) + (b * math.log(b / middle) if b else 0.0)
    return math.sqrt(max(divergence, 0.0) / 2)


def total_variation(reference: Counts, current: Counts) -> float:
    """Half the sum of absolute differences of shares: the share of rows that would have to change."""
    return sum(abs(a - b) for a, b in zip(shares(reference), shares(current), strict=True)) / 2


def largest_distance(reference: Counts, current: Counts) -> float:
    """Kolmogorov–Smirnov distance at the edges of the bins; at most that of the values themselves."""
    distance = height = 0.0
    for a, b in zip(shares(reference), shares(current), strict=True):
        height += b - a
        distance = max(distance, abs(height))
    return distance


def wasserstein(reference: Sequence[float | None], current: Sequence[float | None]) -> float | None:
    """Mean distance of the quantiles that both have: the Wasserstein distance without the outer 1/32 on each side."""
    pairs = [(a, b) for a, b in zip(reference, current, strict=True) if a is not None and b is not None]
    return sum(abs(a - b) for a, b in pairs) / len(pairs) if pairs else None
