"""The predictions of a run: keys, predicted values, scores and groups, from the columns of its frame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from jupyter_mlops.errors import InvalidInputError
from jupyter_mlops.tracking.label_values import Scalar, key_text, plain_value
from jupyter_mlops.tracking.table_file import Table

PREDICTION_NAMES = ("prediction", "predictions", "predicted", "y_pred", "yhat", "y_hat", "pred")
SCORE_NAMES = ("score", "scores", "probability", "probabilities", "proba", "prob", "y_proba", "y_score", "p")
THRESHOLD = 0.5
NO_GROUP = "(missing)"


@dataclass(frozen=True)
class PredictionColumns:
    """What the columns of predictions are called.

    :param key: the column that identifies a row.
    :param prediction: of the predicted values; "": a usual name.
    :param score: of the probabilities of the positive class; "": a usual name.
    :param groups: columns to compare groups by.
    """

    key: str
    prediction: str = ""
    score: str = ""
    groups: tuple[str, ...] = ()


@dataclass(frozen=True)
class PredictedCases:
    """One row for each key, in order; of a key that is repeated, the last row.

    :param values: predicted values; empty if the frame has scores alone.
    :param scores: probabilities of the positive class; empty if there are none.
    :param groups: column -> group of each case.
    :param repeated: rows whose key a later row has.
    """

    keys: tuple[str, ...]
    values: tuple[Scalar, ...]
    scores: tuple[float, ...]
    groups: Mapping[str, tuple[str, ...]]
    repeated: int = 0
    notes: tuple[str, ...] = ()

    def with_classes(self, positive: Any) -> PredictedCases:
        """With predicted classes: where the frame has scores alone, positive from a score of 0.5."""
        if self.values:
            return self
        negative = 0 if positive == 1 else f"not {positive}"
        values = tuple(positive if score >= THRESHOLD else negative for score in self.scores)
        note = f"it has scores alone: a case counts as positive from {THRESHOLD}"
        return replace(self, values=values, notes=(*self.notes, note) if values else self.notes)


def predicted_cases(table: Table, columns: PredictionColumns, where: str) -> PredictedCases:
    """The cases in a table of predictions.

    :param where: the run, for errors.
    :raises InvalidInputError: a column is missing, or a score is not a number from 0 to 1.
    """
    notes: list[str] = []
    keys = [key_text(value) for value in table.column(columns.key, "key", where)]
    prediction = _column(table, columns.prediction, PREDICTION_NAMES, "prediction", where)
    score = _column(table, columns.score, SCORE_NAMES, "score", where)
    values = [plain_value(value) for value in table.columns[prediction]] if prediction else []
    raw_scores = [plain_value(value) for value in table.columns[score]] if score else []
    if score and any(not _is_probability(value) for value in raw_scores if value is not None):
        if columns.score or not prediction:
            raise InvalidInputError(
                f"{score!r} has values that are not numbers from 0 to 1", where=where, field="score",
                remedy="Name the column with the probability of the positive class.",
            )  # fmt: skip
        notes.append(f"{score!r} is not taken for scores: it has values that are not numbers from 0 to 1")
        raw_scores = []
    if not values and not raw_scores:
        raise InvalidInputError(
            "it is not clear which column has the predictions", where=where, field="prediction",
            remedy=f"Name one of its columns for predictions or scores: {', '.join(table.names[:20])}.",
        )  # fmt: skip
    groups = {
        name: [key_text(v) or NO_GROUP for v in table.column(name, "groups", where, "by")] for name in columns.groups
    }
    rows: dict[str, int] = {}
    repeated = incomplete = 0
    for number, key in enumerate(keys):
        if key is None or (values and values[number] is None) or (raw_scores and raw_scores[number] is None):
            incomplete += 1
            continue
        repeated += key in rows
        rows[key] = number
    if incomplete:
        notes.append(f"{incomplete:,} of {table.rows:,} rows lack a key, a prediction or a score, and do not count")
    return PredictedCases(
        tuple(rows), tuple(_picked(values, rows)), tuple(float(value) for value in _picked(raw_scores, rows)),
        {name: tuple(column[number] for number in rows.values()) for name, column in groups.items()},
        repeated, tuple(notes),
    )  # fmt: skip


def _picked(column: Sequence[Scalar | None], rows: Mapping[str, int]) -> list[Scalar]:
    values = [column[number] for number in rows.values()] if column else []
    return [value for value in values if value is not None]


def _is_probability(value: Scalar | None) -> bool:
    return isinstance(value, bool | int | float) and 0 <= value <= 1


def _column(table: Table, name: str, usual: Sequence[str], purpose: str, where: str) -> str:
    """The column of that name; without a name, the first that is usual, or "". Raises InvalidInputError."""
    if name:
        table.column(name, purpose, where)
        return name
    by_name = {column.lower(): column for column in reversed(table.names)}
    return next((by_name[candidate] for candidate in usual if candidate in by_name), "")
