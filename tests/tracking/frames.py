"""Frames without drift, and seeded faults: one column of a frame changed in one of twelve ways."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from jupyter_mlops.execution.agent.profiles import profile
from jupyter_mlops.tracking.comparison import Comparison, compare

Frame = pd.DataFrame


def wide(rows: int, numbers: int, texts: int, categories: int, seed: int) -> Frame:
    """Columns of one distribution: normal, skewed, counts, with missing values; and categories of uneven size."""
    rng = np.random.default_rng(seed)
    columns: dict[str, Any] = {}
    for i in range(numbers):
        kind = i % 4
        if kind == 0:
            values = rng.normal(size=rows)
        elif kind == 1:
            values = rng.lognormal(size=rows)
        elif kind == 2:
            values = rng.poisson(2, rows).astype(float)
        else:
            values = np.where(rng.random(rows) < 0.1, np.nan, rng.exponential(size=rows))
        columns[f"n{i}"] = values
    for i in range(texts):
        weights = 1 / np.arange(1, categories + 1) ** (i % 3 / 2)
        codes = rng.choice(categories, rows, p=weights / weights.sum())
        columns[f"t{i}"] = pd.Categorical.from_codes(codes, [f"c{j:03d}" for j in range(categories)])
    return pd.DataFrame(columns)


def customers(rows: int, seed: int) -> Frame:
    """A frame as a step reads it: identifiers, numbers in units, categories, dates, free text."""
    rng = np.random.default_rng(seed)
    words = np.array(["alpha", "beta", "gamma", "delta", "omega", "kappa"])
    return pd.DataFrame(
        {
            "id": rng.permutation(10 * rows)[:rows],
            "age": rng.normal(42, 12, rows).clip(18, 95).round(),
            "income": rng.lognormal(10, 0.5, rows),
            "celsius": rng.normal(15, 8, rows),
            "visits": rng.poisson(3, rows),
            "country": rng.choice(["US", "GB", "DE", "FR", "JP"], rows, p=[0.4, 0.25, 0.15, 0.12, 0.08]),
            "plan": rng.choice(["free", "pro", "team"], rows, p=[0.7, 0.2, 0.1]),
            "active": rng.random(rows) < 0.6,
            "note": [" ".join(rng.choice(words, 4)) + f" {i}" for i in range(rows)],
            "signup": pd.Timestamp("2026-01-01") + pd.to_timedelta(rng.integers(0, 90 * 86400, rows), unit="s"),
        }
    )


@dataclass(frozen=True)
class Fault:
    """A change of a frame, and the finding that has to come of it.

    :param kinds: kinds of findings of which one is right.
    :param column: the column that has to be named; empty for the frame.
    """

    apply: Callable[[Frame, np.random.Generator], Frame]
    kinds: frozenset[str]
    column: str


def _set(name: str, change: Callable[[Any, np.random.Generator], Any]) -> Callable[[Frame, np.random.Generator], Frame]:
    return lambda frame, rng: frame.assign(**{name: change(frame[name], rng)})


def _fault(column: str, kinds: str, change: Callable[[Any, np.random.Generator], Any]) -> Fault:
    return Fault(_set(column, change), frozenset(kinds.split("|")), column)


FAULTS: Mapping[str, Fault] = {
    "missing": _fault("income", "missing", lambda s, rng: s.where(rng.random(len(s)) > 0.05)),
    "new category": _fault(
        "country", "new category", lambda s, rng: s.mask(s.eq("GB") & (rng.random(len(s)) < 0.2), "UK")
    ),
    "vanished category": _fault("country", "vanished category", lambda s, _: s.where(s.ne("JP"), "FR")),
    "unit x1000": _fault("income", "unit", lambda s, _: s * 1000),
    "unit x100": _fault("celsius", "unit", lambda s, _: s * 100),
    "Fahrenheit": _fault("celsius", "unit", lambda s, _: s * 1.8 + 32),
    "constant": _fault("visits", "constant", lambda s, _: s * 0 + 3),
    "shift": _fault("age", "distribution", lambda s, _: s + 4),
    "filled with 0": _fault("celsius", "distribution|sign", lambda s, rng: s.mask(rng.random(len(s)) < 0.08, 0)),
    "swapped": Fault(
        lambda frame, _: frame.assign(age=frame["celsius"], celsius=frame["age"]), frozenset({"swapped"}), "age"
    ),
    "removed": Fault(lambda frame, _: frame.drop(columns="plan"), frozenset({"removed"}), "plan"),
    "renamed": Fault(lambda frame, _: frame.rename(columns={"plan": "tier"}), frozenset({"renamed"}), "tier"),
    "retyped": _fault("visits", "retyped", lambda s, _: s.astype(str)),
    "rows": Fault(lambda frame, _: frame.iloc[: len(frame) // 3], frozenset({"rows"}), ""),
    "duplicates": Fault(
        lambda frame, _: pd.concat([frame, frame.iloc[: len(frame) // 10]]), frozenset({"duplicates"}), ""
    ),
    "padded text": _fault("note", "text", lambda s, rng: s.mask(rng.random(len(s)) < 0.3, s + " ")),
    "longer text": _fault("note", "text", lambda s, _: s + " and more"),
}


def compared(reference: Frame, current: Frame, **options: Any) -> Comparison:
    """Both frames profiled and compared."""
    before = profile(reference)
    return compare(before, profile(current, before), **options)


def pairs_of(comparison: Comparison) -> list[tuple[str, str]]:
    """Kind and column of each finding."""
    return [(finding.kind, finding.column) for finding in comparison.findings]
