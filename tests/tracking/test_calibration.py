"""Calibrated alarms: no more than promised, and they come where something changed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlops.tracking.calibration import LEAST_RUNS, Calibration, alarms, calibrate, e_value, score
from tests.benchmarks.alarm_rate import LAWS, false_alarms
from tests.tracking.frames import FAULTS, compared, customers


@pytest.mark.parametrize("law", LAWS)
def test_at_most_one_false_alarm_a_year(law: str) -> None:
    assert false_alarms(law, 100, 40) <= 1


@pytest.mark.parametrize("runs", [20, 100, 1000])
@pytest.mark.parametrize("level", [0.5, 0.05, 0.0014])
def test_a_bet_wins_nothing_on_average(runs: int, level: float) -> None:
    ranks = np.arange(1, runs + 1) / runs
    assert np.mean([e_value(float(p), level) for p in ranks]) <= 1


def test_a_change_is_an_alarm_at_once_where_history_is_long() -> None:
    rng = np.random.default_rng(0)
    calibration = calibrate(rng.random(800).tolist())
    assert calibration.threshold is not None and calibration.threshold < 1
    assert calibration.add(5.0)[1]
    assert not calibration.add(0.5)[1]


def test_a_short_history_needs_several_runs_and_says_so() -> None:
    calibration = calibrate(np.random.default_rng(1).random(25).tolist())
    assert calibration.ready and calibration.threshold is None
    runs = 0
    alarm = False
    while not alarm and runs < 20:
        calibration, alarm = calibration.add(5.0 + runs)
        runs += 1
    assert alarm and 1 < runs <= 8


def test_without_history_there_is_no_verdict() -> None:
    calibration = calibrate([1.0] * (LEAST_RUNS - 1))
    assert not calibration.ready and calibration.threshold is None
    assert calibration.add(1e9)[1] is False
    assert alarms([]) == [] and alarms([1.0] * 1000) == []


@given(st.lists(st.floats(allow_nan=True), max_size=60))
def test_any_scores_are_taken(scores: list[float]) -> None:
    calibration = calibrate(scores)
    assert list(calibration.scores) == sorted(calibration.scores)
    assert isinstance(calibration, Calibration)
    assert alarms(scores) == alarms(scores)


def test_the_score_of_a_comparison() -> None:
    quiet = compared(customers(2000, 1), customers(2000, 2))
    loud = compared(customers(2000, 1), FAULTS["shift"].apply(customers(2000, 2), np.random.default_rng(0)))
    assert score(quiet) < 2 < score(loud)
