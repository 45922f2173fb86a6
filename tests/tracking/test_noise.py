"""The bounds of chance hold, and are not far from the exact probabilities."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import hypergeom

from jupyter_mlops.tracking.noise import detectable_distance, distance_chance, share_chance


@given(st.integers(1, 400), st.integers(1, 400), st.data())
def test_the_bound_of_a_share_is_never_below_the_exact_probability(rows: int, others: int, data: st.DataObject) -> None:
    count, other = data.draw(st.integers(0, rows)), data.draw(st.integers(0, others))
    joint = count + other
    law = hypergeom(rows + others, joint, rows)
    exact = law.sf(count - 1) if count * others >= other * rows else law.cdf(count)
    bound = share_chance(count, rows, other, others)
    assert bound >= min(1.0, 2 * exact) * (1 - 1e-9)
    if exact < 1e-4:
        assert bound <= 2 * exact * 3


def test_shares_of_large_samples() -> None:
    assert share_chance(10_000, 1_000_000, 10_000, 1_000_000) == 1.0
    assert share_chance(10_000, 1_000_000, 11_000, 1_000_000) < 1e-10
    assert share_chance(0, 0, 3, 10) == 1.0
    assert share_chance(0, 10_000_000, 10_000_000, 10_000_000) == 0.0


@pytest.mark.parametrize(("rows", "others"), [(20, 20), (35, 1000), (500, 500)])
def test_distances_of_one_distribution_stay_below_their_bound(rows: int, others: int) -> None:
    rng = np.random.default_rng(0)
    reach = detectable_distance(0.05, rows, others)
    grid = np.linspace(0, 1, 200)
    beyond = 0
    for _ in range(400):
        first, second = np.sort(rng.random(rows)), np.sort(rng.random(others))
        distance = np.abs(np.searchsorted(first, grid) / rows - np.searchsorted(second, grid) / others).max()
        beyond += distance >= reach
    assert beyond <= 0.05 * 400


def test_the_detectable_distance_is_where_the_chance_is_reached() -> None:
    reach = detectable_distance(1e-4, 1000, 3000)
    assert distance_chance(reach, 1000, 3000) == pytest.approx(1e-4)
    assert detectable_distance(1e-4, 3, 3) == 1.0
    assert distance_chance(1.0, 0, 5) == 1.0 and math.isclose(detectable_distance(0.1, 0, 5), 1.0)
