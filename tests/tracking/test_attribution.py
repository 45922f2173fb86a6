"""Shares of a change: tables of small games, and what holds for every game."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlops.tracking.attribution import attribute, coalitions, pooled_deviation

CAUSES = ("code", "data", "environment", "parameters")


def game(**values: float | None) -> dict[frozenset[str], list[float]]:
    """Coalition, as its causes' initials, -> value: `_`, `c`, `d`, `cd`."""
    names = {name[0]: name for name in CAUSES}
    return {
        frozenset(names[letter] for letter in key.strip("_")): [] if value is None else [value]
        for key, value in values.items()
    }


@pytest.mark.parametrize(
    ("values", "shares"),
    [
        (game(_=1.0, c=3.0, d=1.0, cd=3.0), {("code",): 2.0, ("data",): 0.0}),
        (game(_=1.0, c=2.0, d=4.0, cd=5.0), {("code",): 1.0, ("data",): 3.0}),
        (game(_=0.0, c=0.0, d=0.0, cd=1.0), {("code",): 0.5, ("data",): 0.5}),
        (game(_=0.0, c=None, d=4.0, cd=5.0), {("code",): 1.0, ("data",): 4.0}),
        (game(_=0.0, c=None, d=None, cd=5.0), {("code", "data"): 5.0}),
    ],
    ids=["one alone", "additive", "only together", "one order is possible", "no order is possible"],
)
def test_shares_of_two_causes(values: dict[frozenset[str], list[float]], shares: dict[tuple[str, ...], float]) -> None:
    result = attribute(("code", "data"), values)
    assert {share.causes: share.value for share in result.shares} == pytest.approx(shares)


def test_causes_that_act_only_together_share_and_the_third_has_its_own() -> None:
    values = game(_=0.0, c=None, d=None, e=1.0, cd=5.0, ce=None, de=None, cde=6.0)
    result = attribute(("code", "data", "environment"), values)
    assert {share.causes: share.value for share in result.shares} == {("code", "data"): 5.0, ("environment",): 1.0}


def test_without_a_cause_there_are_no_shares() -> None:
    result = attribute((), {frozenset(): [1.0, 2.0, 3.0]})
    assert (result.shares, result.change, result.deviation) == ((), 0.0, 1.0)


def test_ends_without_a_value_are_refused() -> None:
    with pytest.raises(ValueError, match="ends"):
        attribute(("code",), {frozenset(): [1.0]})
    with pytest.raises(ValueError, match="causes"):
        attribute(tuple("abcdefg"), {})


numbers = st.floats(-1e6, 1e6)


@given(st.data(), st.integers(1, 4))
def test_shares_sum_to_the_change(data: st.DataObject, size: int) -> None:
    causes = CAUSES[:size]
    values = {coalition: data.draw(st.lists(numbers, max_size=3)) for coalition in coalitions(causes)}
    for end in (frozenset[str](), frozenset(causes)):
        values[end] = values[end] or [data.draw(numbers)]
    result = attribute(causes, values)
    scale = max(1.0, *(abs(value) for sample in values.values() for value in sample))
    assert math.fsum(share.value for share in result.shares) == pytest.approx(result.change, abs=1e-9 * scale)
    assert sorted(cause for share in result.shares for cause in share.causes) == sorted(causes)


@given(st.data(), st.integers(2, 4))
def test_a_cause_without_any_effect_has_no_share(data: st.DataObject, size: int) -> None:
    causes = CAUSES[:size]
    values: dict[frozenset[str], list[float]] = {}
    for coalition in coalitions(causes):
        rest = coalition - {causes[0]}
        values[coalition] = values[rest] if rest in values else [data.draw(numbers)]
    share = next(share for share in attribute(causes, values).shares if share.causes == causes[:1])
    assert share.is_within_noise


def test_a_deviation_is_estimated_within_samples() -> None:
    assert pooled_deviation([[1.0, 3.0], [101.0, 103.0], [7.0]]) == (pytest.approx(math.sqrt(2.0)), 2)
    assert pooled_deviation([[5.0], [6.0]]) == (0.0, 0)
    assert pooled_deviation([[0.1] * 3]) == (0.0, 2)


def test_noise_is_said_to_be_noise_as_often_as_promised_and_an_effect_is_seen() -> None:
    """1,000 games of two causes, as `why` plays them: four values of each end, two of each hybrid."""
    source = random.Random(7)
    wrong = missed = 0
    for _ in range(1000):
        values = {c: [source.gauss(0.0, 1.0) for _ in range(4 if len(c) != 1 else 2)] for c in coalitions(CAUSES[:2])}
        wrong += any(not share.is_within_noise for share in attribute(CAUSES[:2], values).shares)
        shifted = {c: [v + 8.0 * ("data" in c) for v in sample] for c, sample in values.items()}
        shares = {share.causes: share for share in attribute(CAUSES[:2], shifted).shares}
        missed += shares["data",].is_within_noise
    assert wrong <= 65  # 50 are promised; three standard deviations of the number are 21
    assert missed <= 5
