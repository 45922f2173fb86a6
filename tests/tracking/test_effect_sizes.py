"""Effect sizes are those of SciPy where it has them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon
from scipy.stats import ks_2samp, wasserstein_distance

from jupyter_mlops.execution.agent.profiles import profile
from jupyter_mlops.tracking.comparison import compare
from jupyter_mlops.tracking.effect_sizes import (
    expected_stability_index,
    jensen_shannon,
    largest_distance,
    stability_index,
    total_variation,
)  # fmt: skip


@pytest.mark.parametrize("seed", range(5))
def test_distances_of_counts(seed: int) -> None:
    rng = np.random.default_rng(seed)
    first, second = rng.integers(0, 50, 30), rng.integers(0, 50, 30)
    assert jensen_shannon(first, second) == pytest.approx(jensenshannon(first, second))
    values = np.arange(30)
    exact = ks_2samp(np.repeat(values, first), np.repeat(values, second)).statistic
    assert largest_distance(first, second) == pytest.approx(exact)
    assert total_variation(first, first) == 0 == jensen_shannon(first, first)


@pytest.mark.parametrize("shift", [0.0, 0.1, 1.0])
def test_distances_of_profiles(shift: float) -> None:
    rng = np.random.default_rng(1)
    first, second = rng.normal(size=20_000), rng.normal(size=20_000) + shift
    reference = profile({"x": first})
    effects = compare(reference, profile({"x": second}, reference)).columns["x"].effects
    exact = ks_2samp(first, second).statistic
    assert effects["ks"] <= exact + 1e-12 and effects["ks"] == pytest.approx(exact, abs=1 / 128)
    assert effects["wasserstein"] == pytest.approx(wasserstein_distance(first, second), abs=0.01)


def test_the_stability_index_without_drift_is_as_large_as_expected() -> None:
    rng = np.random.default_rng(2)
    values = [
        stability_index(rng.multinomial(2000, [0.05] * 20), rng.multinomial(1000, [0.05] * 20)) for _ in range(200)
    ]
    assert np.mean(values) == pytest.approx(expected_stability_index(20, 2000, 1000), rel=0.1)
    assert stability_index([10, 0], [0, 10]) < 100
