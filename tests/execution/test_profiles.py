"""Profiles of frames: right counts of every kind of column, bounded, mergeable, and nothing in the frame changes."""

from __future__ import annotations

import json
import pickle
import sys
from collections import Counter
from contextlib import suppress
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

with suppress(ImportError):
    import pyarrow  # noqa: F401

from jupyter_mlops.execution.agent.profile_merge import merge
from jupyter_mlops.execution.agent.profiles import LIMITS, is_frame, profile, profile_slices
from jupyter_mlops.execution.agent.sketches import Distinct, estimate, mix, quantile_edges, unpacked
from tests.execution.frame_profiles import ROWS, column_cases, table


def only_column(frame: Any, **options: Any) -> dict[str, Any]:
    [column] = profile(frame, **options)["columns"]
    return dict(column)


@pytest.mark.parametrize("name", column_cases())
def test_each_kind_of_column(name: str) -> None:
    series, kind, missing = column_cases()[name]
    frame = pd.DataFrame({"x": series})
    column = only_column(frame)
    assert (column["kind"], column["missing"]) == (kind, missing)
    json.dumps(column, allow_nan=False)
    with suppress(TypeError):
        if kind in ("text", "boolean", "integer", "numeric") and name != "huge integers":
            assert column["distinct"]["count"] == series.nunique()


@pytest.mark.parametrize("name", [name for name in column_cases() if name != "objects"])
def test_the_frame_is_left_as_it_was(name: str) -> None:
    frame = pd.DataFrame({"x": column_cases()[name][0], "y": range(ROWS), "z": [0.5] * ROWS})
    frame["late"] = 1  # a block of its own, that consolidation would join with `y`
    before, blocks = pickle.dumps(frame), len(frame._mgr.blocks)
    attributes = set(vars(frame)), set(vars(frame.columns)), set(frame.columns._cache)
    profile(frame)
    assert pickle.dumps(frame) == before
    assert len(frame._mgr.blocks) == blocks
    assert (set(vars(frame)), set(vars(frame.columns)), set(frame.columns._cache)) == attributes


def test_counts_of_numbers() -> None:
    values = [0.0, -0.0, -1.5, 2.0, 2.0, float("nan"), float("inf"), float("-inf")] * 10
    numbers = only_column({"x": np.array(values)})
    assert numbers["missing"] == 10
    found = numbers["numbers"]
    assert (found["finite"], found["infinite"], found["zero"], found["negative"], found["whole"]) == (
        50,
        [10, 10],
        20,
        10,
        40,
    )
    assert sum(found["counts"]) == 50
    assert numbers["distinct"]["count"] == 5


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False, width=32), min_size=1, max_size=300))
def test_every_number_is_counted_once_and_no_extreme_is_told(values: list[float]) -> None:
    ordered = np.sort(np.array(values, float))
    edges = quantile_edges(ordered, 128, 5)
    numbers = only_column({"x": np.array(values, float)})["numbers"]
    assert sum(numbers["counts"]) == len(values) == numbers["finite"]
    assert numbers["edges"] == sorted(set(edges))
    for edge in edges:
        beyond = min(int((ordered <= edge).sum()), int((ordered > edge).sum()))
        nearest = ordered[np.argmin(np.abs(ordered - edge))]
        assert beyond >= 5 or int((ordered == nearest).sum()) >= 5
    if len(values) < 5:
        assert edges == [] and set(numbers["quantiles"]) == {None}


def test_extremes_only_where_they_are_asked_for() -> None:
    values = np.concatenate([np.linspace(0, 1, 100), [123456.75]])
    assert "123456" not in json.dumps(profile({"x": values}))
    numbers = only_column({"x": values}, limits={"extremes": True})["numbers"]
    assert numbers["extremes"] == [0.0, 123456.75]


def test_rare_categories_are_not_named() -> None:
    frame = pd.DataFrame({"name": ["common"] * 20 + ["rare"] * 4 + ["five"] * 5})
    column = only_column(frame)
    assert column["texts"]["top"] == [["common", 20], ["five", 5]] and column["texts"]["other"] == 4
    assert only_column(frame, limits={"exact": True})["texts"]["top"][2] == ["rare", 4]
    reference = profile(pd.DataFrame({"name": ["rare"] * 50}))
    assert "rare" not in str(only_column(frame, reference=reference))


def test_a_category_of_the_reference_is_counted_however_many_are_more_frequent() -> None:
    reference = profile(pd.DataFrame({"x": ["seldom"] * 10}))
    frame = pd.DataFrame({"x": [f"c{i}" for i in range(200) for _ in range(7)] + ["seldom"] * 6})
    assert ["seldom", 6] in only_column(frame, reference=reference)["texts"]["top"]


def test_values_are_counted_between_the_edges_of_the_reference() -> None:
    first, second = table(2000), table(2000, seed=1)
    reference = profile(first)
    current = profile(second, reference)
    for before, after in zip(reference["columns"], current["columns"], strict=True):
        if "numbers" in before:
            edges = np.array(before["numbers"]["edges"])
            assert after["numbers"]["edges"] == before["numbers"]["edges"]
            expected = np.bincount(np.searchsorted(edges, second[before["name"]]), minlength=len(edges) + 1)
            assert after["numbers"]["counts"] == expected.tolist()


def merged_parts(frame: pd.DataFrame, cut: int, limits: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    reference = profile(frame, limits=limits)
    parts = [profile(part, reference, limits) for part in (frame.iloc[:cut], frame.iloc[cut:])]
    return merge(*parts), profile(frame, reference, limits)


@settings(max_examples=30)
@given(st.integers(0, 400), st.integers(0, 5))
def test_a_merged_profile_counts_as_the_profile_of_all_rows(cut: int, seed: int) -> None:
    merged, complete = merged_parts(table(400, seed), cut, {"exact": True})
    assert merged["rows"] == complete["rows"]
    for part, expected in zip(merged["columns"], complete["columns"], strict=True):
        assert part["missing"] == expected["missing"]
        assert part["distinct"]["registers"] == expected["distinct"]["registers"]
        if "numbers" in expected:
            for key in ("finite", "infinite", "zero", "negative", "whole", "edges", "counts"):
                assert part["numbers"][key] == expected["numbers"][key]
            assert part["numbers"]["mean"] == pytest.approx(expected["numbers"]["mean"])
            assert part["numbers"]["squares"] == pytest.approx(expected["numbers"]["squares"])
        if "texts" in expected:
            assert part["texts"] == expected["texts"]
            assert part["distinct"]["count"] == expected["distinct"]["count"]


def test_what_can_not_be_merged_is_refused() -> None:
    first = profile(table())
    with pytest.raises(ValueError, match="other edges"):
        merge(first, profile(table(seed=1)))
    with pytest.raises(ValueError, match="different columns"):
        merge(first, profile(table()[["age"]]))
    with pytest.raises(ValueError, match="unknown format"):
        merge(first, {**first, "format": 2})


@pytest.mark.parametrize("number", [0, 1, 10, 1000, 50_000, 1_000_000])
def test_distinct_values_are_estimated_within_three_errors(number: int) -> None:
    sketch = Distinct(10)
    sketch.add(mix(np.arange(number, dtype=np.uint64)))
    assert abs(estimate(sketch.registers()) - number) <= 3 * 0.0325 * number + 0.5


@pytest.mark.parametrize("number", [3, 20_000, 100_000])
def test_texts_of_many_rows_are_counted_as_pandas_counts_them(number: int) -> None:
    codes = np.random.default_rng(0).integers(0, number, 300_000)
    codes[200_000:] += 50_000  # later parts have other texts
    values = pd.Series([f"c{code}" for code in codes]).mask(codes % 7 == 0)
    column = only_column(pd.DataFrame({"x": values}))
    expected = values.value_counts()
    assert column["missing"] == int(values.isna().sum())
    assert column["distinct"]["count"] == len(expected)
    assert all(expected[name] == count for name, count in column["texts"]["top"])
    assert column["texts"]["other"] == int(expected.sum()) - sum(count for _, count in column["texts"]["top"])


def test_duplicated_rows_and_names() -> None:
    frame = pd.DataFrame([[1, "a", 1.5], [1, "a", 1.5], [1, "b", 1.5], [1, "a", 1.5]], columns=["x", "x", ("y", 1)])
    document = profile(frame)
    assert document["duplicates"] == 2
    assert [(c["name"], c.get("copy", 0)) for c in document["columns"]] == [("x", 0), ("x", 1), ("y / 1", 0)]


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame(),
        pd.DataFrame({"x": []}),
        pd.DataFrame(index=range(3)),
        np.zeros((0, 2)),
        np.zeros((3, 0)),
        {},
        {"x": np.array([])},
        table().iloc[:0],
    ],
)
def test_empty_frames(frame: Any) -> None:
    document = profile(frame)
    json.dumps(document, allow_nan=False)
    again = profile(frame, document)
    assert merge(document, again)["rows"] == 2 * document["rows"]


def test_arrays_and_dictionaries() -> None:
    array = np.arange(20.0).reshape(10, 2)
    assert [column["name"] for column in profile(array)["columns"]] == ["0", "1"]
    record = np.array([(1, 2.5)] * 6, dtype=[("a", "i4"), ("b", "f8")])
    assert [column["kind"] for column in profile(record)["columns"]] == ["integer", "numeric"]
    loose = {"a": [1, None, 3], "b": ["x", "y", "x"], "c": np.array(["x", "y", "z"]), "d": pd.Series([1, 2, 3])}
    assert [column["kind"] for column in profile(loose)["columns"]] == ["integer", "text", "text", "integer"]


@pytest.mark.parametrize("value", [None, 3, "text", [1, 2], np.zeros(3), object(), {"a": 1}, {"a": [1], "b": [1, 2]}])
def test_what_is_no_frame_is_refused(value: Any) -> None:
    assert not is_frame(value)
    with pytest.raises(TypeError):
        profile(value)


def test_wide_frames_stay_bounded() -> None:
    frame = pd.DataFrame(np.random.default_rng(0).normal(size=(400, 10_003)))
    document = profile(frame)
    assert (len(document["columns"]), document["omitted"]) == (10_000, 3)
    assert len(json.dumps(document)) < 32_000_000


def test_a_frame_beyond_the_budget_is_sampled_and_says_so() -> None:
    frame = table(1000)
    document = profile(frame, limits={"cells": 1000})
    assert document["rows"] == 1000 and document["sampled"] == {"rows": 250, "every": 4}
    assert sum(document["columns"][0]["numbers"]["counts"]) == 250


def test_long_categories_are_cut_and_stay_apart() -> None:
    texts = ["x" * 200 + str(i) for i in range(2) for _ in range(6)]
    top = only_column(pd.DataFrame({"x": texts}))["texts"]["top"]
    assert len(top) == 2 and all(len(name) <= 80 for name, _ in top)


def test_slices() -> None:
    frame = table(600)
    slices = profile_slices(frame, "country")
    assert {name: part["rows"] for name, part in slices.items()} == dict(Counter(frame["country"]))
    assert profile_slices(frame, "country", slices)["US"] == slices["US"]
    with pytest.raises(TypeError, match="no categories"):
        profile_slices(frame, "age")


def test_without_numpy_only_the_rows_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    frame = table(20)
    monkeypatch.delitem(sys.modules, "numpy")
    document = profile(frame)
    assert document["rows"] == 20 and "numpy" in document["reason"]


def test_the_same_frame_has_the_same_profile() -> None:
    assert json.dumps(profile(table())) == json.dumps(profile(table()))
    assert LIMITS["smallest"] == 5


@pytest.mark.parametrize("library", ["polars", "pyarrow"])
def test_other_libraries_profile_the_same(library: str) -> None:
    module = pytest.importorskip(library)
    frame = table()
    frame.loc[3, "country"] = None
    other = module.from_pandas(frame) if library == "polars" else module.Table.from_pandas(frame)
    expected = profile(frame)
    document = profile(other)
    for before, after in zip(expected["columns"], document["columns"], strict=True):
        assert {**before, "dtype": ""} == {**after, "dtype": ""}
    sampled = profile(other, limits={"cells": 400})
    assert sampled["sampled"] == {"rows": 100, "every": 5}


def test_registers_are_as_many_as_the_precision_says() -> None:
    assert len(unpacked(only_column({"x": np.arange(9)})["distinct"]["registers"])) == 1024
