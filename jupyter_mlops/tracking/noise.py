"""How far two samples of one distribution may differ by chance. Bounds that hold for every sample size.

Nothing here is asymptotic: the bounds of shares are those of the hypergeometric distribution (the law of a count in
one of two samples, given the count in both), the bound of a largest distance is that of Dvoretzky, Kiefer, Wolfowitz
and Massart for two samples. Both hold for discrete data, and for bins that were chosen from either sample.
"""

from __future__ import annotations

import math

# P(D >= t) <= C exp(-2 t² nm / (n + m)). C = 2 holds for equal sizes from 458 on, C = e for smaller ones: Wei and
# Dudley, Two-sample Dvoretzky–Kiefer–Wolfowitz inequalities, Statistics and Probability Letters 82 (2012).
DKW = math.e


def distance_chance(distance: float, rows: int, others: int) -> float:
    """Bound of the probability of a largest distance of two empirical distribution functions."""
    if not rows or not others:
        return 1.0
    return min(1.0, DKW * math.exp(-2 * distance**2 * rows * others / (rows + others)))


def detectable_distance(chance: float, rows: int, others: int) -> float:
    """The smallest distance whose probability is below `chance`; at most 1."""
    if not rows or not others:
        return 1.0
    return min(1.0, math.sqrt(math.log(DKW / chance) * (rows + others) / (2 * rows * others)))


def share_chance(count: int, rows: int, other: int, others: int) -> float:
    """Bound of the probability that a count of `rows` and one of `others` differ as much, in either direction.

    The tail of a hypergeometric distribution is at most its first term, times the geometric series of the quotient
    of the first two terms, since later quotients are smaller.
    """
    if not rows or not others:
        return 1.0
    if count * others < other * rows:  # the side whose upper tail is meant comes first
        count, rows, other, others = other, others, count, rows
    joint = count + other
    quotient = (rows - count) * other / ((count + 1) * (others - other + 1))
    if quotient >= 1:
        return 1.0
    term = _log_choose(rows, count) + _log_choose(others, other) - _log_choose(rows + others, joint)
    return min(1.0, 2 * math.exp(min(term, 0.0)) / (1 - quotient))


def _log_choose(total: int, part: int) -> float:
    """Logarithm of the number of ways to choose a part."""
    return math.lgamma(total + 1) - math.lgamma(part + 1) - math.lgamma(total - part + 1)
