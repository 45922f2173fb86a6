"""Confidence-based performance estimation (CBPE): how good predictions probably are, before their labels arrive.

Scores are calibrated on labelled reference cases by isotonic regression. A calibrated score is the probability of the
positive class, so each case adds its probability to the cells of an expected confusion matrix (Kuleba and others,
NannyML, 2022). This holds only as long as a score means what it meant in the reference: no concept drift. Where inputs
leave the reference's range it is switched off, with the reason.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from jupyter_mlops.errors import InvalidInputError
from jupyter_mlops.tracking.comparison import Comparison
from jupyter_mlops.tracking.intervals import CONFIDENCE, bootstrap
from jupyter_mlops.tracking.performance import Performance, probabilities

ASSUMPTION = "an estimate: right only if a score still means what it meant in the reference (no concept drift)"
MOST_OUTSIDE = 0.05  # share of scores outside of the reference's range
LEAST_REFERENCE = 100
# Findings that take inputs out of the reference's support: a calibration says nothing there.
OUT_OF_SUPPORT = frozenset({"unit", "swapped", "retyped", "removed", "constant", "empty"})


@dataclass(frozen=True)
class ScoreCalibration:
    """A non-decreasing function from scores to probabilities: steps with straight lines between.

    :param scores: ascending.
    """

    scores: tuple[float, ...]
    chances: tuple[float, ...]

    def __call__(self, scores: Any) -> Any:
        import numpy as np

        return np.interp(scores, self.scores, self.chances)


def calibrate_scores(scores: Sequence[float], labels: Sequence[bool]) -> ScoreCalibration:
    """Isotonic regression by pooling adjacent violators, cases of one score counted together.

    :raises InvalidInputError: if there are too few cases, or only one class.
    """
    import numpy as np

    array, truth = probabilities(scores), np.asarray(labels, bool)
    if len(array) < LEAST_REFERENCE or truth.all() or not truth.any():
        raise InvalidInputError(
            f"{len(array)} reference cases with {int(truth.sum())} positives can't calibrate scores", field="reference",
            remedy=f"Give at least {LEAST_REFERENCE} labelled cases, with each class among them.",
        )  # fmt: skip
    distinct, places = np.unique(array, return_inverse=True)
    weights = np.bincount(places)
    means = np.bincount(places, truth) / weights
    blocks: list[list[float]] = []  # mean, weight, first and last position
    for position, (mean, weight) in enumerate(zip(means.tolist(), weights.tolist(), strict=True)):
        blocks.append([mean, weight, position, position])
        while len(blocks) > 1 and blocks[-2][0] >= blocks[-1][0]:
            upper = blocks.pop()
            lower = blocks[-1]
            total = lower[1] + upper[1]
            blocks[-1] = [(lower[0] * lower[1] + upper[0] * upper[1]) / total, total, lower[2], upper[3]]
    points: list[tuple[float, float]] = []
    for mean, _, first, last in blocks:
        points += [(float(distinct[int(place)]), mean) for place in dict.fromkeys((first, last))]
    return ScoreCalibration(tuple(score for score, _ in points), tuple(chance for _, chance in points))


def estimate_binary(
    calibration: ScoreCalibration, scores: Sequence[float], values: Sequence[bool],
    comparison: Comparison | None = None, confidence: float = CONFIDENCE,
) -> list[Performance]:  # fmt: skip
    """Accuracy, precision, recall, F1 and ROC AUC that are expected of predictions without labels.

    The interval is that of drawing other cases; it does not cover a calibration that no longer holds.

    :param values: which cases were predicted as positive.
    :param comparison: of the inputs with the reference's; findings that leave the support switch the estimate off.
    """
    import numpy as np

    array, predicted = probabilities(scores), np.asarray(values, bool)
    reason = support_reason(calibration, array, comparison)
    metrics = ("accuracy", "precision", "recall", "f1", "roc_auc")
    if reason:
        nan = math.nan
        return [Performance(metric, nan, nan, nan, len(array), 0.0, True, reason) for metric in metrics]
    chances = calibration(array)
    result = []
    for metric in metrics:
        interval = bootstrap(_statistic(metric, chances, predicted, array), len(array), confidence, draws=100)
        result.append(
            Performance(metric, interval.value, interval.low, interval.high, len(array), 0.0, True, ASSUMPTION)
        )
    return result


def support_reason(calibration: ScoreCalibration, scores: Any, comparison: Comparison | None) -> str:
    """Why there can be no estimate; an empty text if there can."""
    if not len(scores):
        return "there are no predictions"
    low, high = calibration.scores[0], calibration.scores[-1]
    outside = float(((scores < low) | (scores > high)).mean())
    if outside > MOST_OUTSIDE:
        return f"{100 * outside:.3g}% of the scores lie outside of the reference's, {low:.3g} to {high:.3g}"
    for finding in comparison.findings if comparison else ():
        if finding.kind in OUT_OF_SUPPORT:
            return f"the inputs left the reference's range: {finding.text}"
        if finding.kind == "distribution" and finding.size > 0.5:
            return f"the inputs left the reference's range: {finding.text}"
    return ""


def _statistic(metric: str, chances: Any, predicted: Any, scores: Any) -> Any:
    """The expected metric as a function of the positions of rows."""

    def cells(rows: Any) -> tuple[float, float, float, float]:
        chance, positive = chances[rows], predicted[rows]
        hits, misses = float(chance[positive].sum()), float(chance[~positive].sum())
        return hits, float(positive.sum()) - hits, misses, float((~positive).sum()) - misses

    def of_rows(rows: Any) -> float:
        if metric == "roc_auc":
            return expected_auc(chances[rows], scores[rows])
        hits, false_alarms, misses, rejections = cells(rows)
        above, below = {
            "accuracy": (hits + rejections, hits + rejections + false_alarms + misses),
            "precision": (hits, hits + false_alarms),
            "recall": (hits, hits + misses),
            "f1": (2 * hits, 2 * hits + false_alarms + misses),
        }[metric]
        return above / below if below else math.nan

    return of_rows


def expected_auc(chances: Any, scores: Any) -> float:
    """ROC AUC of cases that are positive with a probability: pairs weighted by it, equal scores counted as half."""
    import numpy as np

    distinct, places = np.unique(scores, return_inverse=True)
    positive = np.bincount(places, chances, len(distinct))
    negative = np.bincount(places, 1 - chances, len(distinct))
    below = np.cumsum(negative) - negative
    pairs = positive.sum() * negative.sum()
    return float((positive * (below + negative / 2)).sum() / pairs) if pairs else math.nan


def estimate_accuracy(
    calibrations: Sequence[ScoreCalibration], scores: Any, confidence: float = CONFIDENCE
) -> Performance:
    """Expected accuracy of the most probable class, from one calibration a class (one against the rest).

    :param scores: a row for each case, a column for each class.
    """
    import numpy as np

    table = np.asarray(scores, float)
    calibrated = np.column_stack([calibration(table[:, i]) for i, calibration in enumerate(calibrations)])
    totals = calibrated.sum(axis=1, keepdims=True)
    calibrated = np.divide(calibrated, totals, out=np.full_like(calibrated, 1 / table.shape[1]), where=totals > 0)
    of_choice = calibrated[np.arange(len(table)), table.argmax(axis=1)]
    interval = bootstrap(lambda rows: float(of_choice[rows].mean()), len(table), confidence, draws=100)
    return Performance("accuracy", interval.value, interval.low, interval.high, len(table), 0.0, True, ASSUMPTION)
