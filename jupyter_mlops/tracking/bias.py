"""Bias: how selection and errors differ between groups of people, with intervals. A small group is never an alarm."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any

from jupyter_mlops.errors import InvalidInputError
from jupyter_mlops.tracking.intervals import CONFIDENCE, Interval, normal_quantile, share_difference, wilson
from jupyter_mlops.tracking.performance import probabilities

LEAST_GROUP = 30
PRACTICAL = 0.1
RATES = ("selection_rate", "tpr", "fpr", "precision")


@dataclass(frozen=True)
class GroupRate:
    """One rate of one group.

    :param group: values of the attributes, such as `F` or `F, 18-25`.
    :param cases: cases that the rate is a share of: of the TPR, the positive ones.
    :param small: whether the group is too small to be compared.
    """

    attribute: str
    group: str
    rate: str
    interval: Interval
    cases: int
    small: bool


@dataclass(frozen=True)
class Gap:
    """The largest difference of a rate between two groups that are large enough.

    :param alarm: whether the gap is beyond the practical size and its interval, corrected for all pairs of groups,
        excludes 0.
    """

    attribute: str
    rate: str
    highest: str
    lowest: str
    interval: Interval
    alarm: bool

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class BiasReport:
    rates: tuple[GroupRate, ...]
    gaps: tuple[Gap, ...]


def bias(
    predictions: Sequence[bool], labels: Sequence[bool] | None, groups: Mapping[str, Sequence[Any]],
    scores: Sequence[float] | None = None, *, least_group: int = LEAST_GROUP, practical: float = PRACTICAL,
    confidence: float = CONFIDENCE,
) -> BiasReport:  # fmt: skip
    """Rates and gaps by each attribute, and by each two attributes together.

    :param predictions: which cases were selected.
    :param labels: which are positive; without them only the selection rate is known.
    :param groups: attribute -> value of each case.
    :param scores: probabilities, for the calibration gap.
    """
    import numpy as np

    selected = np.asarray(predictions, bool)
    truth = None if labels is None else np.asarray(labels, bool)
    for name, values in [("labels", labels), ("scores", scores), *groups.items()]:
        if values is not None and len(values) != len(selected):
            raise InvalidInputError(
                f"`{name}` has {len(values)} values for {len(selected)} predictions", field=name,
                remedy="Give one value for each prediction.",
            )  # fmt: skip
    attributes: dict[str, Sequence[str]] = {name: [str(value) for value in values] for name, values in groups.items()}
    for first, second in combinations(groups, 2):
        joined = zip(attributes[first], attributes[second], strict=True)
        attributes[f"{first}, {second}"] = [f"{a}, {b}" for a, b in joined]
    rates: list[GroupRate] = []
    gaps: list[Gap] = []
    for attribute, values in attributes.items():
        members = {group: np.flatnonzero(np.asarray(values, object) == group) for group in sorted(set(values))}
        counted = _counts(members, selected, truth)
        for rate in RATES:
            if rate in counted:
                rates += _rates(attribute, rate, counted[rate], least_group, confidence)
                gaps += _gap(attribute, rate, counted[rate], least_group, practical, confidence)
        if truth is not None and scores is not None:
            errors = probabilities(scores) - truth
            gaps += _calibration_gap(attribute, members, errors, least_group, practical, confidence)
    return BiasReport(tuple(rates), tuple(gaps))


def _counts(members: Mapping[str, Any], selected: Any, truth: Any) -> dict[str, dict[str, tuple[int, int]]]:
    """Rate -> group -> how many of how many."""
    result: dict[str, dict[str, tuple[int, int]]] = {"selection_rate": {}}
    for group, rows in members.items():
        chosen = selected[rows]
        result["selection_rate"][group] = int(chosen.sum()), len(rows)
        if truth is not None:
            positive = truth[rows]
            hits = int((chosen & positive).sum())
            result.setdefault("tpr", {})[group] = hits, int(positive.sum())
            result.setdefault("fpr", {})[group] = int((chosen & ~positive).sum()), int((~positive).sum())
            result.setdefault("precision", {})[group] = hits, int(chosen.sum())
    return result


def _rates(
    attribute: str, rate: str, counts: Mapping[str, tuple[int, int]], least: int, confidence: float
) -> list[GroupRate]:
    return [
        GroupRate(attribute, group, rate, wilson(hits, total, confidence), total, total < least)
        for group, (hits, total) in counts.items()
    ]


def _gap(
    attribute: str, rate: str, counts: Mapping[str, tuple[int, int]], least: int, practical: float, confidence: float
) -> list[Gap]:
    large = {group: pair for group, pair in counts.items() if pair[1] >= least}
    if len(large) < 2:
        return []
    ordered = sorted(large, key=lambda group: large[group][0] / large[group][1])
    lowest, highest = ordered[0], ordered[-1]
    pairs = len(large) * (len(large) - 1) / 2
    # The largest of all pairs was chosen: its interval is that of Bonferroni.
    interval = share_difference(large[highest], large[lowest], 1 - (1 - confidence) / pairs)
    alarm = interval.low > 0 and interval.value >= practical
    return [Gap(attribute, rate, highest, lowest, interval, alarm)]


def _calibration_gap(
    attribute: str, members: Mapping[str, Any], errors: Any, least: int, practical: float, confidence: float
) -> list[Gap]:
    """The difference of the mean of score minus label: scores that promise more to one group than to another.

    :param errors: score minus label of each case.
    """
    import numpy as np

    large = {group: errors[rows] for group, rows in members.items() if len(rows) >= least}
    if len(large) < 2:
        return []
    ordered = sorted(large, key=lambda group: float(large[group].mean()))
    lowest, highest = large[ordered[0]], large[ordered[-1]]
    pairs = len(large) * (len(large) - 1) / 2
    spread = math.sqrt(sum(float(np.var(part, ddof=1)) / len(part) for part in (lowest, highest)))
    value = float(highest.mean() - lowest.mean())
    reach = normal_quantile(1 - (1 - confidence) / pairs) * spread
    interval = Interval(value, value - reach, value + reach)
    alarm = interval.low > 0 and value >= practical
    return [Gap(attribute, "calibration", ordered[-1], ordered[0], interval, alarm)]
