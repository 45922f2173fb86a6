"""Keys and labels in one form, whichever file they come from: CSV has texts where Parquet has numbers and times."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from jupyter_mlops.errors import InvalidInputError

Scalar = bool | int | float | str
MISSING = frozenset({"", "nan", "NaN", "<NA>", "NaT"})  # as csv and pandas write values that are missing
WHOLE = re.compile(r"([+-]?\d+)\.0+")
INTEGER = re.compile(r"[+-]?(0|[1-9]\d{0,17})")
DECIMAL = re.compile(r"[+-]?((0|[1-9]\d*)(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?")
MIDNIGHT = re.compile(r"(\d{4}-\d\d-\d\d)[ T]00:00:00")
POSITIVE = frozenset({"yes", "y", "positive", "pos"})
MOST_CLASSES = 20  # of whole numbers that are classes
BOOLEANS = {"true": True, "false": False}


def key_text(value: Any) -> str | None:
    """A key as a text: 7, 7.0 and "7" are one key, and so are a day and its midnight. None: it is missing."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    text = value.isoformat(" ") if isinstance(value, datetime) else str(value).strip()
    if text in MISSING:
        return None
    match = WHOLE.fullmatch(text) or MIDNIGHT.fullmatch(text)
    return match.group(1) if match else text


def plain_value(value: Any) -> Scalar | None:
    """A label or a prediction as a boolean, number or text. None: it is missing."""
    if isinstance(value, str):
        return _of_text(value.strip())
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, datetime | date | bytes | list | dict):
        return str(value)
    try:
        number = float(value)
    except (TypeError, ValueError):
        return str(value)
    return None if math.isnan(number) else number


def _of_text(text: str) -> Scalar | None:
    if text in MISSING:
        return None
    if text.lower() in BOOLEANS:
        return BOOLEANS[text.lower()]
    if INTEGER.fullmatch(text):
        return int(text)
    return float(text) if DECIMAL.fullmatch(text) or text.lstrip("+-") in ("inf", "Infinity") else text


@dataclass(frozen=True)
class LabelRows:
    """The labels of a file, one for each key.

    :param rows: key and label; a label that is None takes an earlier one back.
    :param repeated: rows that say what an earlier row of the file says.
    :param contradicting: keys with several labels in the file; the last one counts.
    """

    rows: tuple[tuple[str, Scalar | None], ...]
    repeated: int = 0
    contradicting: int = 0


def label_rows(keys: Sequence[Any], labels: Sequence[Any], key: str, label: str, where: str) -> LabelRows:
    """The labels of a table.

    :param key: name of the column of `keys`, for errors; `label`: of `labels`.
    :raises InvalidInputError: a row has no key or an infinite label, or there is no row.
    """
    result: dict[str, Scalar | None] = {}
    repeated = 0
    contradicted: set[str] = set()
    for number, (raw_key, raw_label) in enumerate(zip(keys, labels, strict=True), 1):
        text, value = key_text(raw_key), plain_value(raw_label)
        if text is None:
            raise InvalidInputError(
                f"row {number} has no {key!r}", where=where, field="key", remedy="Give each row a key, or leave it out."
            )
        if isinstance(value, float) and math.isinf(value):
            raise InvalidInputError(
                f"the {label!r} of row {number} is infinite", where=where, field="label",
                remedy="Give a finite number, or nothing where the label is not known.",
            )  # fmt: skip
        if text in result:
            if result[text] == value:
                repeated += 1
            else:
                contradicted.add(text)
            del result[text]  # the last row counts, also for the order
        result[text] = value
    if not result:
        raise InvalidInputError("there are no labels", where=where, remedy="Give a row for each case.")
    return LabelRows(tuple(result.items()), repeated, len(contradicted))


def kind_of(
    labels: Iterable[Scalar | None], values: Iterable[Scalar | None], positive: Scalar | None
) -> tuple[str, Any]:
    """What is predicted (`binary`, `multiclass` or `regression`), and the label of the positive class.

    Booleans, 0 and 1 are binary; so are two texts if one is `yes` or `positive`. Numbers with fractions, or of
    more than 20 values, are regression.

    :param positive: what a person named; None for nothing.
    """
    if positive is not None:
        return "binary", positive
    counts = Counter(value for value in (*labels, *values) if value is not None)
    texts = [value for value in counts if isinstance(value, str)]
    if not texts and all(value in (0, 1) for value in counts):
        return "binary", 1
    agreed = [text for text in texts if text.casefold() in POSITIVE]
    if len(counts) <= 2 and len(texts) == len(counts) and len(agreed) == 1:
        return "binary", agreed[0]
    if texts or (len(counts) <= MOST_CLASSES and all(float(value).is_integer() for value in counts)):
        return "multiclass", None
    return "regression", None
