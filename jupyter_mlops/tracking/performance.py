"""How good predictions were, with intervals: of cases whose labels have arrived."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from jupyter_mlops.errors import InvalidInputError
from jupyter_mlops.tracking.intervals import CONFIDENCE, Interval, auc_interval, bootstrap, mean_interval, wilson
from jupyter_mlops.tracking.labels import LabelledCases

KINDS = ("binary", "multiclass", "regression")


@dataclass(frozen=True)
class Performance:
    """One metric.

    :param cases: labelled cases that it is computed from.
    :param coverage: their share of the predicted cases.
    :param estimated: whether labels were lacking and the value is an estimate.
    :param reason: why there is no value, or which assumption it depends on.
    """

    metric: str
    value: float
    low: float
    high: float
    cases: int
    coverage: float = 1.0
    estimated: bool = False
    reason: str = ""

    def to_dict(self) -> dict[str, Any]:
        """JSON; NaN as a text."""
        return {
            name: str(value) if isinstance(value, float) and not math.isfinite(value) else value
            for name, value in asdict(self).items()
        }


def performance(
    cases: LabelledCases, kind: str, positive: Any = True, confidence: float = CONFIDENCE
) -> list[Performance]:
    """The metrics of labelled cases.

    :param kind: `binary`, `multiclass` or `regression`.
    :param positive: the label of the positive class.
    :raises InvalidInputError: for an unknown kind, a number that is none, a score outside of 0 and 1.
    """
    if kind not in KINDS:
        remedy = f"Use one of: {', '.join(KINDS)}."
        raise InvalidInputError(f"no kind of prediction is called `{kind}`", field="kind", remedy=remedy)
    measure = {"binary": _binary, "multiclass": _multiclass, "regression": _regression}[kind]
    intervals = measure(cases, positive, confidence)
    return [
        Performance(name, interval.value, interval.low, interval.high, len(cases.keys), cases.coverage)
        for name, interval in intervals.items()
    ]


def _binary(cases: LabelledCases, positive: Any, confidence: float) -> dict[str, Interval]:
    import numpy as np

    labels = np.array([label == positive for label in cases.labels], bool)
    values = np.array([value == positive for value in cases.values], bool)
    hits = int((labels & values).sum())
    result = {
        "accuracy": wilson(int((labels == values).sum()), len(labels), confidence),
        "precision": wilson(hits, int(values.sum()), confidence),
        "recall": wilson(hits, int(labels.sum()), confidence),
        "f1": bootstrap(lambda rows: f1_score(labels[rows], values[rows]), len(labels), confidence),
    }
    if cases.scores and all(score is not None for score in cases.scores):
        scores = probabilities([float(score) for score in cases.scores if score is not None])
        clipped = np.clip(scores, 1e-15, 1 - 1e-15)
        result["roc_auc"] = auc_interval(labels, scores, confidence)
        result["log_loss"] = mean_interval(-np.log(np.where(labels, clipped, 1 - clipped)), confidence)
        result["brier"] = mean_interval((scores - labels) ** 2, confidence)
    return result


def f1_score(labels: Any, values: Any) -> float:
    """Harmonic mean of precision and recall of boolean arrays; NaN without any positive."""
    hits, positives = int((labels & values).sum()), int(labels.sum()) + int(values.sum())
    return 2 * hits / positives if positives else math.nan


def probabilities(scores: Sequence[float]) -> Any:
    """The scores as an array. Raises InvalidInputError if one is not between 0 and 1."""
    import numpy as np

    array = np.asarray(scores, float)
    if len(array) and not bool(((array >= 0) & (array <= 1)).all()):
        raise InvalidInputError(
            "a score is not a number from 0 to 1", field="score", remedy="Give the probability of the positive class."
        )
    return array


def _multiclass(cases: LabelledCases, positive: Any, confidence: float) -> dict[str, Interval]:
    import numpy as np

    classes = {value: code for code, value in enumerate(dict.fromkeys([*cases.labels, *cases.values]))}
    labels = np.array([classes[label] for label in cases.labels], int)
    values = np.array([classes[value] for value in cases.values], int)

    def macro(score: Callable[[Any, Any], float]) -> Callable[[Any], float]:
        def of_rows(rows: Any) -> float:
            parts = [score(labels[rows] == code, values[rows] == code) for code in range(len(classes))]
            finite = [part for part in parts if math.isfinite(part)]
            return sum(finite) / len(finite) if finite else math.nan

        return of_rows

    return {
        "accuracy": wilson(int((labels == values).sum()), len(labels), confidence),
        "macro_f1": bootstrap(macro(f1_score), len(labels), confidence),
    }


def _regression(cases: LabelledCases, positive: Any, confidence: float) -> dict[str, Interval]:
    import numpy as np

    try:
        errors = np.array(cases.values, float) - np.array(cases.labels, float)
    except (TypeError, ValueError) as error:
        raise InvalidInputError(
            f"a label or prediction is not a number: {error}", field="labels", remedy="Use the kind `multiclass`."
        ) from error
    square = mean_interval(errors**2, confidence)
    return {
        "mae": mean_interval(np.abs(errors), confidence),
        "rmse": Interval(*(_root(part) for part in (square.value, square.low, square.high))),
    }


def _root(value: float) -> float:
    return math.sqrt(value) if value > 0 or math.isnan(value) else 0.0
