"""Rates and gaps of groups: the numbers are Fairlearn's, and a gap of a few people is never an alarm."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from jupyter_mlops.errors import InvalidInputError
from jupyter_mlops.tracking.bias import bias

# MetricFrame(...).difference() of Fairlearn 0.15.0 for the cases below.
FAIRLEARN = {
    "sex": {"selection_rate": 0.1542266074, "tpr": 0.0837450012, "fpr": 0.1447600565, "precision": 0.0038970241},
    "age": {"selection_rate": 0.0639255702, "tpr": 0.1201559275, "fpr": 0.0349144772, "precision": 0.0121212121},
    "sex, age": {"selection_rate": 0.2233796296, "tpr": 0.2070979335, "fpr": 0.2364672365, "precision": 0.099078341},
}
TPR = {"F, old": 0.75, "F, young": 0.5476190476, "M, old": 0.7547169811, "M, young": 0.6964285714}


def cases() -> tuple[Any, Any, Any, dict[str, Any]]:
    rng = np.random.default_rng(7)
    sex, age = rng.choice(["F", "M"], 400), rng.choice(["old", "young"], 400)
    scores = np.clip(rng.random(400) * 0.8 + 0.15 * (sex == "M"), 0, 1)
    labels = rng.random(400) < scores
    return scores > 0.5, labels, scores, {"sex": sex, "age": age}


def test_gaps_are_those_of_fairlearn() -> None:
    selected, labels, scores, groups = cases()
    report = bias(selected, labels, groups, scores)
    gaps: dict[str, dict[str, float]] = {}
    for gap in report.gaps:
        if gap.rate != "calibration":
            gaps.setdefault(gap.attribute, {})[gap.rate] = gap.interval.value
    for attribute, expected in FAIRLEARN.items():
        assert gaps[attribute] == pytest.approx(expected, abs=1e-9)
    rates = {r.group: r.interval.value for r in report.rates if r.attribute == "sex, age" and r.rate == "tpr"}
    assert rates == pytest.approx(TPR, abs=1e-9)


def test_a_gap_is_an_alarm_only_beyond_its_interval_and_a_practical_size() -> None:
    selected, labels, _, groups = cases()
    alarms = {(gap.attribute, gap.rate) for gap in bias(selected, labels, groups).gaps if gap.alarm}
    assert ("sex", "selection_rate") in alarms and ("age", "selection_rate") not in alarms
    assert ("sex", "precision") not in alarms
    assert not any(gap.alarm for gap in bias(selected, labels, groups, practical=0.5).gaps)


def test_a_gap_of_two_groups_of_twelve_is_shown_and_no_alarm() -> None:
    report = bias([True] * 12 + [False] * 12, None, {"sex": ["F"] * 12 + ["M"] * 12})
    assert [(rate.group, rate.interval.value, rate.small) for rate in report.rates] == [
        ("F", 1.0, True),
        ("M", 0.0, True),
    ]
    assert report.gaps == ()
    assert report.rates[0].interval.low < 0.8


def test_without_a_difference_few_reports_have_an_alarm() -> None:
    rng = np.random.default_rng(0)
    alarms = 0
    for _ in range(200):
        groups = {"a": rng.choice(list("wxyz"), 600)}
        alarms += any(gap.alarm for gap in bias(rng.random(600) < 0.3, None, groups, practical=0.0).gaps)
    assert alarms <= 0.07 * 200


def test_scores_that_promise_too_much_to_one_group() -> None:
    rng = np.random.default_rng(1)
    sex = rng.choice(["F", "M"], 2000)
    chance = rng.random(2000) * 0.7
    labels = rng.random(2000) < chance
    [gap] = [
        g for g in bias(chance > 0.5, labels, {"sex": sex}, chance + 0.2 * (sex == "M")).gaps if g.rate == "calibration"
    ]
    assert (gap.highest, gap.lowest, gap.alarm) == ("M", "F", True)
    assert gap.interval.low < 0.2 < gap.interval.high


def test_empty_and_hostile_groups() -> None:
    assert bias([], None, {"x": []}).rates == ()
    assert bias([True], None, {}).gaps == ()
    names = ['"\n$(rm -rf /)', "名前", None, 1]
    report = bias([True, False] * 100, [True] * 200, {"x": names * 50})
    assert {rate.group for rate in report.rates} == {str(name) for name in names}
    assert all(math.isnan(rate.interval.value) for rate in report.rates if rate.rate == "fpr")


@pytest.mark.parametrize("field", ["labels", "scores", "sex"])
def test_values_of_another_length_are_refused(field: str) -> None:
    lengths = {"labels": 3, "scores": 3, "sex": 3, field: 2}
    with pytest.raises(InvalidInputError, match=f"`{field}` has 2 values for 3 predictions"):
        bias([True] * 3, [True] * lengths["labels"], {"sex": ["F"] * lengths["sex"]}, [0.5] * lengths["scores"])
