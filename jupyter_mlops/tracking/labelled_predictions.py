"""Predictions of a run with the labels known so far: metrics, estimates where labels lack, and gaps between groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from jupyter_mlops.errors import InvalidInputError
from jupyter_mlops.tracking.bias import BiasReport, bias
from jupyter_mlops.tracking.comparison import Comparison
from jupyter_mlops.tracking.estimated_performance import calibrate_scores, estimate_binary
from jupyter_mlops.tracking.label_values import kind_of
from jupyter_mlops.tracking.labels import Label, LabelledCases, Prediction, join_labels
from jupyter_mlops.tracking.performance import Performance, performance
from jupyter_mlops.tracking.prediction_table import PredictedCases

FULL = 0.8  # coverage from which a run's cases are a reference for estimates


@dataclass(frozen=True)
class LabelledPredictions:
    """The cases of a run.

    :param joined: those that have a label.
    :param kind: `binary`, `multiclass` or `regression`.
    :param positive: the label of the positive class; None without one.
    """

    cases: PredictedCases
    joined: LabelledCases
    kind: str
    positive: Any

    @property
    def unlabelled(self) -> int:
        return len(self.cases.keys) - len(self.joined.keys)

    @property
    def is_reference(self) -> bool:
        """Whether estimates may be calibrated on the labelled cases: labels of a few cases may be of special ones."""
        return self.kind == "binary" and bool(self.cases.scores) and self.joined.coverage >= FULL

    def metrics(self) -> list[Performance]:
        """Of the labelled cases; none without any."""
        return performance(self.joined, self.kind, self.positive) if self.joined.keys else []

    def estimates(
        self, references: Sequence[LabelledPredictions], comparison: Comparison | None = None
    ) -> list[Performance]:
        """What is to be expected of the cases without a label.

        :param references: earlier runs whose labelled cases calibrate the scores.
        :param comparison: of the inputs with those of the reference.
        :raises InvalidInputError: the references have too few cases.
        """
        scores = [score for part in references for score in part.joined.scores if score is not None]
        labels = [label == part.positive for part in references for label in part.joined.labels]
        labelled = set(self.joined.keys)
        rows = [number for number, key in enumerate(self.cases.keys) if key not in labelled]
        return estimate_binary(
            calibrate_scores(scores, labels), [self.cases.scores[number] for number in rows],
            [self.cases.values[number] == self.positive for number in rows], comparison,
        )  # fmt: skip

    def bias(self) -> BiasReport:
        """Selection rates of all cases, the other rates of the labelled ones. Raises InvalidInputError."""
        if self.kind != "binary":
            raise InvalidInputError(
                "gaps between groups need predictions of two classes", field="by",
                remedy="Name the class that counts as positive.",
            )  # fmt: skip
        cases, joined = self.cases, self.joined
        every = bias([value == self.positive for value in cases.values], None, cases.groups)
        rows = {key: number for number, key in enumerate(cases.keys)}
        if not joined.keys:
            return every
        groups = {name: [column[rows[str(key)]] for key in joined.keys] for name, column in cases.groups.items()}
        scores = [score for score in joined.scores if score is not None]
        labelled = bias(
            [value == self.positive for value in joined.values], [label == self.positive for label in joined.labels],
            groups, scores if len(scores) == len(joined.keys) else None,
        )  # fmt: skip
        return BiasReport(
            (*every.rates, *(rate for rate in labelled.rates if rate.rate != "selection_rate")),
            (*every.gaps, *(gap for gap in labelled.gaps if gap.rate != "selection_rate")),
        )


def labelled_predictions(
    cases: PredictedCases, at: float, labels: Mapping[str, Sequence[Label]], positive: Any = None
) -> LabelledPredictions:
    """The cases of a run, joined with the labels.

    :param at: when they were predicted; seconds since 1970.
    :param labels: those of each key, in the order in which they were received.
    :param positive: the label of the positive class; None: to be concluded from labels and predictions.
    :raises InvalidInputError: the frame has scores alone, and it is not clear what they are the probability of.
    """
    of_cases = [label for key in cases.keys for label in labels.get(key, ())]
    values = {label.value for label in of_cases} or {label.value for history in labels.values() for label in history}
    kind, positive = kind_of(values, cases.values, positive)
    if kind != "binary" and not cases.values:
        raise InvalidInputError(
            "there are scores, and labels that are neither 0 and 1 nor true and false", field="positive",
            remedy="Name the label of the positive class, or the column with the predictions.",
        )  # fmt: skip
    if kind == "binary":
        cases = cases.with_classes(positive)
    moment = datetime.fromtimestamp(at, UTC)
    scores: Sequence[float | None] = cases.scores or [None] * len(cases.keys)
    predictions = (
        Prediction(*row) for row in zip(cases.keys, cases.values, [moment] * len(scores), scores, strict=True)
    )
    return LabelledPredictions(cases, join_labels(predictions, of_cases), kind, positive)
