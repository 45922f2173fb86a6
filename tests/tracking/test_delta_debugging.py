"""The smallest set of changes with an effect, for planted sets."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlops.tracking.delta_debugging import minimize


def minimal(changes: Sequence[int], culprits: set[int], tried: list[frozenset[int]] | None = None) -> tuple[int, ...]:
    """The result for changes of which these are needed for the effect."""

    def trial(sets: Sequence[frozenset[int]]) -> list[bool]:
        if tried is not None:
            tried.extend(sets)
        return [culprits <= candidate for candidate in sets]

    *_, last = minimize(changes, trial)
    return last


@pytest.mark.parametrize(
    ("number", "culprits"),
    [(1, {0}), (2, {0}), (2, {0, 1}), (3, {1}), (8, {7}), (8, {0, 7}), (9, {2, 3, 8}), (16, set(range(16)))],
)
def test_a_planted_set_is_isolated(number: int, culprits: set[int]) -> None:
    assert set(minimal(range(number), culprits)) == culprits


@given(st.integers(1, 24), st.data())
def test_the_result_is_the_planted_set_and_nothing_is_tried_twice(number: int, data: st.DataObject) -> None:
    culprits = data.draw(st.sets(st.integers(0, number - 1), min_size=1))
    tried: list[frozenset[int]] = []
    assert set(minimal(range(number), culprits, tried)) == culprits
    assert len(tried) == len(set(tried)) and frozenset() not in tried


def test_one_of_64_takes_few_trials() -> None:
    tried: list[frozenset[int]] = []
    assert minimal(range(64), {37}, tried) == (37,)
    assert len(tried) <= 12


@given(st.integers(2, 12), st.data())
def test_without_any_one_of_the_result_the_effect_is_gone(number: int, data: st.DataObject) -> None:
    """Also where some sets can't be tried: they count as without effect."""
    effective = data.draw(st.sets(st.frozensets(st.integers(0, number - 1), min_size=1), max_size=6))
    everything = frozenset(range(number))

    def has_effect(candidate: frozenset[int]) -> bool:
        return candidate == everything or candidate in effective

    *_, last = minimize(range(number), lambda sets: [has_effect(candidate) for candidate in sets])
    assert has_effect(frozenset(last))
    assert len(last) == 1 or not any(has_effect(frozenset(last) - {change}) for change in last)
