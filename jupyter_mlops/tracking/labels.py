"""Predictions and the labels that arrive later: repeated, corrected, and never for all."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from jupyter_mlops.errors import InvalidInputError

Key = Hashable


@dataclass(frozen=True)
class Prediction:
    """What a run said of one case.

    :param score: probability of the positive class; None for a class or number alone.
    """

    key: Key
    value: Any
    at: datetime
    score: float | None = None


@dataclass(frozen=True)
class Label:
    """What was true of one case, as it was known from `received` on."""

    key: Key
    value: Any
    received: datetime


@dataclass(frozen=True)
class LabelledCases:
    """The predictions with a label, as of a time.

    :param predictions: number of predicted cases.
    :param repeated: predictions of a case that had an earlier one; the latest counts.
    :param corrected: cases whose label changed.
    :param unmatched: labels of cases that were never predicted.
    """

    keys: tuple[Key, ...]
    labels: tuple[Any, ...]
    values: tuple[Any, ...]
    scores: tuple[float | None, ...]
    predictions: int
    repeated: int = 0
    corrected: int = 0
    unmatched: int = 0
    notes: tuple[str, ...] = field(default=())

    @property
    def coverage(self) -> float:
        """Share of the predicted cases that have a label."""
        return len(self.keys) / self.predictions if self.predictions else 0.0


def join_labels(
    predictions: Iterable[Prediction], labels: Iterable[Label], as_of: datetime | None = None
) -> LabelledCases:
    """The cases that have a prediction and a label.

    Of several labels of a case, the one that was received last counts; of equal times, the later one in the sequence.
    A label that is None takes an earlier label back.

    :param as_of: what was known at this time: later predictions and labels are left out.
    """
    predicted: dict[Key, Prediction] = {}
    repeated = 0
    for prediction in sorted(_until(predictions, "at", as_of), key=lambda item: item.at):
        repeated += prediction.key in predicted
        predicted[prediction.key] = prediction
    known_labels: dict[Key, Any] = {}
    changed: set[Key] = set()
    for label in sorted(_until(labels, "received", as_of), key=lambda item: item.received):
        if label.key in known_labels and known_labels[label.key] != label.value:
            changed.add(label.key)
        known_labels[label.key] = label.value
    pairs = [(p, known_labels[key]) for key, p in predicted.items() if known_labels.get(key) is not None]
    return LabelledCases(
        tuple(p.key for p, _ in pairs), tuple(label for _, label in pairs), tuple(p.value for p, _ in pairs),
        tuple(p.score for p, _ in pairs), len(predicted), repeated, len(changed & predicted.keys()),
        len(known_labels.keys() - predicted.keys()),
    )  # fmt: skip


def _until(items: Iterable[Any], name: str, as_of: datetime | None) -> list[Any]:
    rows = list(items)
    for row in rows:
        moment = getattr(row, name)
        if moment.tzinfo is None:
            raise InvalidInputError(
                f"the time {moment.isoformat()} of `{row.key}` has no time zone", field=name,
                remedy="Give times with a zone, such as 2026-03-01T00:00:00Z.",
            )  # fmt: skip
    return rows if as_of is None else [row for row in rows if getattr(row, name) <= as_of]


def labels_of(frame: Any, key: str, value: str, received: str | None, now: datetime) -> list[Label]:
    """Labels from a frame of pandas, as `labels.parquet` or a CSV file holds them.

    :param received: the column that says when a label was known; without it all are known since `now`.
    :raises InvalidInputError: if a column is not there, or a key is missing.
    """
    names: Sequence[str] = [str(name) for name in frame.columns]
    for column, purpose in ((key, "keys"), (value, "labels"), (received, "times")):
        if column is not None and column not in names:
            raise InvalidInputError(
                f"the labels have no column `{column}` with the {purpose}", field="labels",
                remedy=f"Name one of: {', '.join(names)}.",
            )  # fmt: skip
    if bool(frame[key].isna().any()):
        raise InvalidInputError(f"a row has no `{key}`", field="labels", remedy="Give each row a key, or leave it out.")
    times = [now] * len(frame) if received is None else _times(frame[received])
    values = frame[value].astype(object).where(frame[value].notna(), None)
    return [Label(*row) for row in zip(frame[key].tolist(), values.tolist(), times, strict=True)]


def _times(column: Any) -> list[datetime]:
    import pandas as pd

    try:
        times = pd.to_datetime(column, utc=True, format="ISO8601" if column.dtype.kind not in "Mm" else None)
    except (ValueError, TypeError) as error:
        raise InvalidInputError(
            f"`{column.name}` holds a text that is no time: {error}",
            field="labels",
            remedy="Write times as ISO 8601.",
        ) from error
    if bool(times.isna().any()):
        raise InvalidInputError(
            f"a row has no `{column.name}`", field="labels", remedy="Say for each label when it was received."
        )
    return [time.to_pydatetime() for time in times]
