"""Comparisons find what is different, say nothing where nothing is, and never take few rows for many."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest

from jupyter_mlops.execution.agent.profiles import profile
from jupyter_mlops.tracking.comparison import compare
from jupyter_mlops.tracking.drift_finding import KINDS
from jupyter_mlops.tracking.frame_tests import RunTimes, row_number
from tests.tracking.frames import FAULTS, compared, customers, pairs_of, wide


@pytest.mark.parametrize("name", FAULTS)
def test_each_fault_is_found(name: str) -> None:
    fault = FAULTS[name]
    result = compared(customers(3000, 1), fault.apply(customers(3000, 2), np.random.default_rng(0)))
    assert [f for f in result.findings if f.kind in fault.kinds and f.column == fault.column]
    assert {finding.kind for finding in result.findings} <= set(KINDS)
    json.dumps(result.to_dict(), allow_nan=False)


@pytest.mark.parametrize(
    ("rows", "numbers", "texts", "categories", "times"),
    [(2000, 3, 2, 200, 12), (2000, 20, 20, 12, 6), (500, 20, 20, 50, 6), (35, 5, 5, 5, 30)],
)
def test_without_drift_nothing_is_said(rows: int, numbers: int, texts: int, categories: int, times: int) -> None:
    alarms = [
        pairs_of(compared(*(wide(rows, numbers, texts, categories, 2 * seed + i) for i in range(2))))
        for seed in range(times)
    ]
    assert alarms == [[]] * times


def test_the_same_data_has_the_same_verdict_however_often_it_is_compared() -> None:
    first, second = customers(3000, 1), FAULTS["shift"].apply(customers(3000, 2), np.random.default_rng(0))
    results = {json.dumps(compared(first, second).to_dict()) for _ in range(3)}
    assert len(results) == 1


def test_a_part_of_the_rows_has_the_verdict_of_all() -> None:
    frame = wide(20_000, 10, 10, 20, 0)
    assert pairs_of(compared(frame, frame.sample(frac=0.05, random_state=0), earlier_rows=[1000] * 9)) == []
    assert pairs_of(compared(frame, frame)) == []


def test_few_rows_are_shown_with_less_power() -> None:
    reference = wide(3000, 4, 0, 0, 0)
    few, many = reference.iloc[:35] + 0.3, wide(3000, 4, 0, 0, 1) + 0.3
    small, large = compared(reference, few, earlier_rows=[35] * 20), compared(reference, many)
    assert ("distribution", "n0") not in pairs_of(small) and ("distribution", "n0") in pairs_of(large)
    assert small.columns["n0"].power == "low" and small.columns["n0"].detectable > 0.3
    assert "35 rows are few" in small.notes[0]


def test_the_reference_is_not_read_again() -> None:
    reference = json.loads(json.dumps(profile(customers(2000, 1))))
    assert pairs_of(compare(reference, profile(customers(2000, 2), reference))) == []


@pytest.mark.parametrize(
    ("before", "now", "findings"),
    [
        ([1.0, 2.0] * 500, [None] * 1000, [("missing", "x")]),
        ([None] * 1000, [1.0, 2.0] * 500, [("missing", "x")]),
        (["a", "b"] * 500, [1, 2] * 500, [("retyped", "x")]),
        ([5] * 1000, [5] * 1000, []),
        ([5] * 1000, [6] * 1000, [("distribution", "x")]),
        ([5.5] * 1000, [5.5] * 990 + [7.5] * 10, []),
        ([1.5, 2.5] * 500, [1.5, 2.5] * 490 + [float("inf")] * 20, [("infinite", "x")]),
        ([1.5, 2.5] * 500, [-1.5, 2.5] * 500, [("distribution", "x"), ("sign", "x")]),
        ([True, False] * 500, [True] * 1000, [("constant", "x")]),
        ([True, False] * 500, [True, True, True, False] * 250, [("categories", "x")]),
        ([[1]] * 1000, [[2]] * 1000, []),
        ([1, 2] * 500, [], [("empty", "")]),
        ([], [1, 2] * 500, []),
        ([], [], []),
    ],
)
def test_edges(before: list[Any], now: list[Any], findings: list[tuple[str, str]]) -> None:
    result = compared(pd.DataFrame({"x": before}), pd.DataFrame({"x": now}))
    assert sorted(pairs_of(result)) == sorted(findings)


def test_columns_with_hostile_and_equal_names() -> None:
    names = ['a"\n$(rm -rf /)`', "名前", "x", "x"]
    frame = pd.DataFrame(np.random.default_rng(0).normal(size=(1000, 4)), columns=names)
    moved = frame.copy()
    moved.iloc[:, 3] += 1
    assert {column for _, column in pairs_of(compared(frame, moved))} == {"x (2)"}
    moved.iloc[:, 0] += 1
    assert {column for _, column in pairs_of(compared(frame, moved))} == {names[0], "x (2)"}


@pytest.mark.parametrize(
    ("earlier", "now", "kind"),
    [
        ([], 1900, None), ([], 2100, "rows"), ([], 0, "empty"), ([1000, 1010] * 5, 1150, None),
        ([1000, 1010] * 5, 700, "rows"), ([500, 1000, 2000] * 4, 2500, None), ([1000] * 7, 1900, None),
    ],
)  # fmt: skip
def test_the_number_of_rows(earlier: list[int], now: int, kind: str | None) -> None:
    findings = row_number({"rows": 1000}, {"rows": now}, earlier)
    assert [finding.kind for finding in findings] == ([kind] if kind else [])


@pytest.mark.parametrize(("advance", "lag", "stale"), [(1, 0, False), (0, 0, True), (0, 400, False), (1, 400, False)])
def test_freshness(advance: int, lag: int, stale: bool) -> None:
    now = datetime(2026, 3, 2, tzinfo=UTC)
    last = pd.Timestamp("2026-03-01") - pd.Timedelta(days=lag)
    days = last - pd.to_timedelta(np.arange(1000) % 30, unit="D")
    times = RunTimes(now - timedelta(days=3), now)
    before = pd.DataFrame({"day": days - pd.Timedelta(days=2)})
    after = pd.DataFrame({"day": before["day"] + pd.Timedelta(days=3 * advance)})
    assert (("stale", "day") in pairs_of(compared(before, after, times=times))) is stale


@pytest.mark.parametrize("format_", [{}, {"columns": []}])
def test_columns_that_only_one_side_has(format_: dict[str, Any]) -> None:
    reference = profile(customers(500, 1))
    current = {**reference, **format_, "columns": []}
    assert {kind for kind, _ in pairs_of(compare(reference, current))} == {"removed"}
    assert {kind for kind, _ in pairs_of(compare(current, reference))} == {"added"}
    unread = {**current, "reason": "numpy is not loaded in the kernel"}
    assert pairs_of(compare(reference, unread)) == []
    assert "numpy is not loaded" in compare(reference, unread).notes[0]
