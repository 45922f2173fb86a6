"""Frames of every kind, for the tests of profiles."""

from __future__ import annotations

import datetime
import decimal
import sys
from typing import Any

import numpy as np
import pandas as pd

ROWS = 60


def column_cases() -> dict[str, tuple[Any, str, int]]:
    """Name -> a column of pandas with ROWS rows, the kind that its profile says, and how many values are missing."""
    numbers = list(range(ROWS))
    words = ["red", "green", "blue"] * (ROWS // 3)
    gap = [None, *words[1:]]
    day = pd.Timestamp("2026-03-01")
    cases = {
        "integers": (pd.Series(numbers), "integer", 0),
        "unsigned": (pd.Series(numbers, dtype="uint8"), "integer", 0),
        "floats": (pd.Series([0.5, float("nan"), *numbers[2:]]), "numeric", 1),
        "float32": (pd.Series(numbers, dtype="float32"), "numeric", 0),
        "float16": (pd.Series(numbers, dtype="float16"), "numeric", 0),
        "infinite": (pd.Series([float("inf"), float("-inf"), *numbers[2:]]), "numeric", 0),
        "nullable integers": (pd.Series([None, *numbers[1:]], dtype="Int64"), "integer", 1),
        "nullable floats": (pd.Series([None, *numbers[1:]], dtype="Float64"), "numeric", 1),
        "booleans": (pd.Series([True, False] * (ROWS // 2)), "boolean", 0),
        "nullable booleans": (pd.Series([None, *[True] * (ROWS - 1)], dtype="boolean"), "boolean", 1),
        "object booleans": (pd.Series([None, *[True] * (ROWS - 1)], dtype=object), "boolean", 1),
        "text": (pd.Series(gap), "text", 1),
        "object text": (pd.Series(gap, dtype=object), "text", 1),
        "string": (pd.Series(gap, dtype="string"), "text", 1),
        "categories": (pd.Series(gap, dtype="category"), "text", 1),
        "unused category": (pd.Series(pd.Categorical(words, categories=["red", "green", "blue", "never"])), "text", 0),
        "sparse": (pd.Series(pd.arrays.SparseArray([0.0] * (ROWS - 1) + [1.0])), "numeric", 0),
        "times": (pd.Series([pd.NaT, *[day] * (ROWS - 1)]), "datetime", 1),
        "times with zone": (pd.Series([day.tz_localize("Europe/Paris")] * ROWS), "datetime", 0),
        "dates": (pd.Series([datetime.date(1, 1, 1), *[datetime.date(2026, 3, 1)] * (ROWS - 1)]), "datetime", 0),
        "far times": (pd.Series([datetime.datetime(9999, 12, 31)] * ROWS, dtype=object), "datetime", 0),
        "periods": (pd.Series(pd.period_range("2026-01", periods=ROWS, freq="M")), "datetime", 0),
        "durations": (pd.Series(pd.to_timedelta(numbers, unit="s")), "numeric", 0),
        "decimals": (pd.Series([decimal.Decimal(1), None] * (ROWS // 2)), "numeric", ROWS // 2),
        "huge integers": (pd.Series([10**400, *numbers[1:]], dtype=object), "integer", 0),
        "lists": (pd.Series([[1], None] * (ROWS // 2)), "other", ROWS // 2),
        "mixed": (pd.Series([1, "a"] * (ROWS // 2), dtype=object), "text", 0),
        "objects": (pd.Series([object()] * ROWS), "other", 0),
        "all None": (pd.Series([None] * ROWS, dtype=object), "empty", ROWS),
        "all NaN": (pd.Series([float("nan")] * ROWS), "numeric", ROWS),
        "bytes": (pd.Series([b"\xff", b"a"] * (ROWS // 2)), "text", 0),
        "hostile": (pd.Series(['"\n$(rm -rf /)', "\ud800", "名前\x00"] * (ROWS // 3), dtype=object), "text", 0),
        "complex": (pd.Series([1j] * ROWS), "other", 0),
        "intervals": (pd.Series(pd.interval_range(0, ROWS)), "other", 0),
    }
    if "pyarrow" in sys.modules:
        cases |= {
            "arrow text": (pd.Series(gap, dtype="string[pyarrow]"), "text", 1),
            "arrow integers": (pd.Series([None, *numbers[1:]], dtype="int64[pyarrow]"), "integer", 1),
            "arrow times": (pd.Series([None, *[day] * (ROWS - 1)], dtype="timestamp[us][pyarrow]"), "datetime", 1),
        }
    return cases


def table(rows: int = 500, seed: int = 0) -> pd.DataFrame:
    """A small frame of numbers, categories and times."""
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "age": rng.normal(40, 10, rows),
            "count": rng.poisson(3, rows),
            "country": rng.choice(["US", "GB", "DE"], rows, p=[0.6, 0.3, 0.1]),
            "day": pd.Timestamp("2026-03-01") + pd.to_timedelta(rng.integers(0, 30 * 86400, rows), unit="s"),
        }
    )
