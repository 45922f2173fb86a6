"""Shares of a change of a metric among the causes that may have made it, by Shapley values.

A *coalition* is the set of causes taken from the later run; the rest is as in the earlier one. A share is the mean,
over all orders in which the causes can be introduced, of the change that a cause makes when it is introduced
(L. S. Shapley, A value for n-person games, 1953). The shares therefore sum to the change.

A coalition without a value, such as one that can't run, is passed over: only orders that avoid it count. If every order
meets one, the causes that can't be introduced one by one share jointly.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, permutations
from statistics import fmean

Coalition = frozenset[str]
MAX_CAUSES = 6  # 720 orders
CONFIDENCE = 0.95
NEGLIGIBLE = 1e-12  # of the values: a difference that floating-point arithmetic makes


@dataclass(frozen=True)
class Share:
    """The part of a change that a cause made.

    :param causes: one, or several that act only together.
    :param noise: the standard error of the share.
    :param limit: what noise alone would hardly exceed, at `CONFIDENCE` for all shares together.
    """

    causes: tuple[str, ...]
    value: float
    noise: float = 0.0
    limit: float = 0.0

    @property
    def is_within_noise(self) -> bool:
        return abs(self.value) <= self.limit


@dataclass(frozen=True)
class Attribution:
    """A change and its shares, which sum to it.

    :param deviation: the standard deviation of a single value, estimated from all that were repeated.
    :param freedom: its degrees of freedom.
    :param orders: how many of the possible orders had a value at every step.
    """

    before: float
    after: float
    shares: tuple[Share, ...]
    deviation: float
    freedom: int
    orders: int

    @property
    def change(self) -> float:
        return self.after - self.before


def coalitions(causes: Sequence[str]) -> list[Coalition]:
    """All sets of causes, small ones first."""
    sets = [frozenset(c for bit, c in enumerate(causes) if mask >> bit & 1) for mask in range(1 << len(causes))]
    return sorted(sets, key=lambda coalition: (len(coalition), sorted(coalition)))


def attribute(causes: Sequence[str], values: Mapping[Coalition, Sequence[float]]) -> Attribution:
    """Share the change between no cause and all causes.

    :param values: the repeated values of each coalition; [] or missing if there is none.
    :raises ValueError: the two ends have no value, or there are too many causes.
    """
    if len(causes) > MAX_CAUSES:
        raise ValueError(f"{len(causes)} causes; the maximum is {MAX_CAUSES}")
    samples = {coalition: tuple(values[coalition]) for coalition in coalitions(causes) if values.get(coalition)}
    empty, full = Coalition(), Coalition(causes)
    if empty not in samples or full not in samples:
        raise ValueError("the ends have no value")
    deviation, freedom = pooled_deviation(list(samples.values()))
    means = {coalition: fmean(sample) for coalition, sample in samples.items()}
    weights, orders = _weights(tuple(causes), means.keys())
    quantile = _quantile(freedom, len(weights)) if deviation else 0.0
    floor = NEGLIGIBLE * max(abs(mean) for mean in means.values())
    shares = []
    for group, weight in weights.items():
        value = math.fsum(factor * means[coalition] for coalition, factor in weight.items())
        variance = sum(factor**2 / len(samples[coalition]) for coalition, factor in weight.items())
        noise = deviation * math.sqrt(variance)
        shares.append(Share(group, value, noise, max(quantile * noise, floor)))
    return Attribution(means[empty], means[full], tuple(shares), deviation, freedom, orders)


def pooled_deviation(samples: Sequence[Sequence[float]]) -> tuple[float, int]:
    """The standard deviation of a single value, from samples with separate means, and its degrees of freedom."""
    freedom = sum(len(sample) - 1 for sample in samples)
    squares = math.fsum((value - fmean(sample)) ** 2 for sample in samples if len(set(sample)) > 1 for value in sample)
    return (math.sqrt(squares / freedom) if freedom else 0.0), freedom


def _weights(
    causes: tuple[str, ...], present: Collection[Coalition]
) -> tuple[dict[tuple[str, ...], dict[Coalition, float]], int]:
    """For each cause, or group of causes that acts jointly, the factor of each coalition's value in its share; and the
    number of orders that count."""
    chains = [_chain(order, present) for order in permutations(causes)]
    longest = max(map(len, chains))
    finest = [chain for chain in chains if len(chain) == longest]
    groups = _joined(causes, [after - before for chain in finest for before, after in pairwise(chain)])
    weights: dict[tuple[str, ...], dict[Coalition, float]] = {group: {} for group in groups}
    for chain in finest:
        for before, after in pairwise(chain):
            group = next(group for group in groups if after - before <= set(group))
            weight = weights[group]
            weight[after] = weight.get(after, 0.0) + 1.0 / len(finest)
            weight[before] = weight.get(before, 0.0) - 1.0 / len(finest)
    return weights, len(finest)


def _chain(order: Sequence[str], present: Collection[Coalition]) -> list[Coalition]:
    """The coalitions with a value that an order passes through."""
    steps = [frozenset(order[:length]) for length in range(len(order) + 1)]
    return [step for step in steps if step in present]


def _joined(causes: Sequence[str], steps: Sequence[Coalition]) -> list[tuple[str, ...]]:
    """The finest partition of the causes in which no step crosses a border."""
    parts = [{cause} for cause in causes]
    for step in steps:
        touched = [part for part in parts if part & step]
        parts = [part for part in parts if not part & step] + [set().union(*touched)]
    return sorted(
        (tuple(cause for cause in causes if cause in part) for part in parts), key=lambda p: causes.index(p[0])
    )


def _quantile(freedom: int, shares: int) -> float:
    """The two-sided quantile of Student's t distribution, with Bonferroni's correction for the number of shares."""
    from scipy.special import stdtrit

    return float(stdtrit(max(freedom, 1), 1.0 - (1.0 - CONFIDENCE) / (2 * max(shares, 1))))
