"""Paired differences, against SciPy."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from jupyter_mlops.tracking.paired import paired_difference


def test_a_series_compared_with_itself() -> None:
    assert paired_difference([0.1, 0.2, 0.3], [0.1, 0.2, 0.3]).to_dict() == {
        "pairs": 3, "mean": 0.0, "low": 0.0, "high": 0.0, "higher": 0, "lower": 0, "equal": 3,
    }  # fmt: skip


@pytest.mark.parametrize(("first", "second", "mean"), [([], [], None), ([1.0], [3.0], 2.0)])
def test_fewer_than_two_pairs_have_no_interval(first: list[float], second: list[float], mean: float | None) -> None:
    result = paired_difference(first, second)
    assert (result.pairs, result.mean, result.low, result.high) == (len(first), mean, None, None)


def test_series_of_different_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="longer"):
        paired_difference([1.0], [1.0, 2.0])


@given(st.lists(st.tuples(st.floats(-100, 100), st.floats(-100, 100)), min_size=3, max_size=30))
def test_the_interval_is_that_of_a_t_test(pairs: list[tuple[float, float]]) -> None:
    first, second = zip(*pairs, strict=True)
    result = paired_difference(first, second)
    differences = [b - a for a, b in pairs]
    if len(set(differences)) < 2:
        return
    expected = stats.ttest_1samp(differences, 0.0).confidence_interval(0.95)
    assert (result.low, result.high) == (
        pytest.approx(expected.low, abs=1e-7), pytest.approx(expected.high, abs=1e-7),
    )  # fmt: skip
    assert result.higher + result.lower + result.equal == len(pairs)
