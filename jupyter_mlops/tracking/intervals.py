"""Intervals of shares, of areas under a curve and of anything that can be computed again from drawn rows."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

CONFIDENCE = 0.95
DRAWS = 500


@dataclass(frozen=True)
class Interval:
    """A value with the bounds that its confidence promises."""

    value: float
    low: float
    high: float

    @property
    def width(self) -> float:
        return self.high - self.low


def normal_quantile(confidence: float) -> float:
    """The two-sided quantile of the normal distribution."""
    return NormalDist().inv_cdf(0.5 + confidence / 2)


def wilson(successes: float, trials: float, confidence: float = CONFIDENCE) -> Interval:
    """The share of successes with Wilson's interval (1927). Without trials everything is possible."""
    if not trials:
        return Interval(math.nan, 0.0, 1.0)
    z, share = normal_quantile(confidence), successes / trials
    scale = 1 + z * z / trials
    middle = (share + z * z / (2 * trials)) / scale
    reach = z / scale * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    return Interval(share, max(0.0, middle - reach), min(1.0, middle + reach))


def share_difference(
    first: tuple[float, float], second: tuple[float, float], confidence: float = CONFIDENCE
) -> Interval:
    """The difference of two shares, (successes, trials) each: Newcombe's interval from two of Wilson's (1998)."""
    a, b = wilson(*first, confidence), wilson(*second, confidence)
    if math.isnan(a.value) or math.isnan(b.value):
        return Interval(math.nan, -1.0, 1.0)
    difference = a.value - b.value
    low = difference - math.hypot(a.value - a.low, b.high - b.value)
    high = difference + math.hypot(a.high - a.value, b.value - b.low)
    return Interval(difference, max(-1.0, low), min(1.0, high))


def bootstrap(
    statistic: Callable[[Any], float], size: int, confidence: float = CONFIDENCE, draws: int = DRAWS, seed: int = 0
) -> Interval:
    """Percentile bootstrap: the statistic of the rows, and of rows drawn with replacement. The seed is fixed.

    :param statistic: takes the positions of rows.
    """
    import numpy as np

    if not size:
        return Interval(math.nan, math.nan, math.nan)
    rng = np.random.default_rng(seed)
    value = statistic(np.arange(size))
    drawn = [statistic(rng.integers(0, size, size)) for _ in range(draws)]
    finite = [result for result in drawn if math.isfinite(result)]
    if len(finite) < draws / 2:
        return Interval(value, math.nan, math.nan)
    low, high = np.quantile(finite, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Interval(value, float(low), float(high))


def mean_interval(values: Any, confidence: float = CONFIDENCE) -> Interval:
    """The mean of an array with the interval of the normal approximation."""
    import numpy as np

    size = len(values)
    if size < 2:
        mean = float(values[0]) if size else math.nan
        return Interval(mean, math.nan, math.nan)
    mean, error = float(np.mean(values)), float(np.std(values, ddof=1)) / math.sqrt(size)
    reach = normal_quantile(confidence) * error
    return Interval(mean, mean - reach, mean + reach)


def auc_interval(labels: Any, scores: Any, confidence: float = CONFIDENCE) -> Interval:
    """Area under the ROC curve with DeLong's interval, by midranks (Sun and Xu, 2014). NaN where one class lacks."""
    import numpy as np

    positive = np.asarray(scores, float)[np.asarray(labels, bool)]
    negative = np.asarray(scores, float)[~np.asarray(labels, bool)]
    m, n = len(positive), len(negative)
    if not m or not n:
        return Interval(math.nan, math.nan, math.nan)
    joint = _midranks(np.concatenate([positive, negative]))
    of_positive = (joint[:m] - _midranks(positive)) / n
    of_negative = 1 - (joint[m:] - _midranks(negative)) / m
    area = float(of_positive.mean())
    if m < 2 or n < 2:
        return Interval(area, math.nan, math.nan)
    error = math.sqrt(float(of_positive.var(ddof=1)) / m + float(of_negative.var(ddof=1)) / n)
    reach = normal_quantile(confidence) * error
    return Interval(area, max(0.0, area - reach), min(1.0, area + reach))


def _midranks(values: Any) -> Any:
    """Ranks from 1; equal values share the mean of theirs."""
    import numpy as np

    ordered = np.sort(values)
    return (np.searchsorted(ordered, values, "left") + np.searchsorted(ordered, values, "right") + 1) / 2
