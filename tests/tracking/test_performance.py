"""Labels that come late, metrics with intervals, and estimates before: against sklearn, SciPy and NannyML."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest
from scipy.stats import bootstrap as scipy_bootstrap
from sklearn import metrics as sk
from sklearn.isotonic import IsotonicRegression

from jupyter_mlops.errors import InvalidInputError
from jupyter_mlops.tracking.estimated_performance import calibrate_scores, estimate_accuracy, estimate_binary
from jupyter_mlops.tracking.intervals import auc_interval, bootstrap, share_difference, wilson
from jupyter_mlops.tracking.labels import Label, LabelledCases, Prediction, join_labels, labels_of
from jupyter_mlops.tracking.performance import performance
from tests.tracking.frames import FAULTS, compared, customers

DAY = datetime(2026, 3, 1, tzinfo=UTC)
CAR_LOAN = json.loads((Path(__file__).parent / "car_loan.json").read_text())


def day(number: int) -> datetime:
    return DAY + timedelta(days=number)


PREDICTIONS = [Prediction(key, key in "ab", day(0), 0.5) for key in "abcd"]
LABELS = [
    Label("a", True, day(1)), Label("b", False, day(2)), Label("b", True, day(5)), Label("c", False, day(3)),
    Label("c", False, day(4)), Label("z", True, day(1)),
]  # fmt: skip


@pytest.mark.parametrize(
    ("as_of", "labels", "corrected", "coverage"),
    [
        (None, {"a": True, "b": True, "c": False}, 1, 0.75),
        (day(0), {}, 0, 0.0),
        (day(1), {"a": True}, 0, 0.25),
        (day(3), {"a": True, "b": False, "c": False}, 0, 0.75),
        (day(5), {"a": True, "b": True, "c": False}, 1, 0.75),
    ],
)
def test_what_was_known_on_a_day(as_of: Any, labels: dict[str, bool], corrected: int, coverage: float) -> None:
    cases = join_labels(PREDICTIONS, LABELS, as_of)
    assert dict(zip(cases.keys, cases.labels, strict=True)) == labels
    assert (cases.corrected, cases.coverage) == (corrected, coverage)


def test_the_order_in_which_labels_are_given_does_not_matter() -> None:
    assert join_labels(PREDICTIONS, LABELS[::-1]).labels == join_labels(PREDICTIONS, LABELS).labels


def test_repeated_predictions_and_labels_that_are_taken_back() -> None:
    again = [*PREDICTIONS, Prediction("a", False, day(2), 0.1)]
    cases = join_labels(again, [*LABELS, Label("c", None, day(9))])
    assert (cases.predictions, cases.repeated, cases.unmatched) == (4, 1, 1)
    assert dict(zip(cases.keys, cases.values, strict=True)) == {"a": False, "b": True}
    assert join_labels(again, LABELS, day(1)).values == (True,)


def test_no_predictions_and_no_labels() -> None:
    for cases in (join_labels([], []), join_labels([], LABELS), join_labels(PREDICTIONS, [])):
        assert cases.keys == () and cases.coverage == 0
        for result in (r for kind in ("binary", "multiclass", "regression") for r in performance(cases, kind)):
            assert math.isnan(result.value) and json.dumps(result.to_dict(), allow_nan=False)


def test_times_without_a_zone_are_refused() -> None:
    with pytest.raises(InvalidInputError, match="no time zone"):
        join_labels([Prediction("a", 1, datetime(2026, 1, 1))], [])


def test_labels_from_a_frame() -> None:
    frame = pd.DataFrame({"id": [1, 2], "truth": ["x", None], "at": ["2026-03-01", "2026-03-02T10:00:00+02:00"]})
    labels = labels_of(frame, "id", "truth", "at", DAY)
    assert [(label.key, label.value, label.received.hour) for label in labels] == [(1, "x", 0), (2, None, 8)]
    assert labels_of(frame, "id", "truth", None, DAY)[0].received == DAY
    for columns, message in (
        (("key", "truth", None), "no column `key`"), (("id", "y\n$(x)", None), "no column"),
        (("id", "truth", "truth"), "no"),
        (("truth", "id", None), "a row has no `truth`"),
    ):  # fmt: skip
        with pytest.raises(InvalidInputError, match=message.replace("$", r"\$")):
            labels_of(frame, *columns, DAY)


def cases_of(labels: Any, values: Any, scores: Any = None) -> LabelledCases:
    scores = [None] * len(labels) if scores is None else scores
    return LabelledCases(tuple(range(len(labels))), tuple(labels), tuple(values), tuple(scores), 2 * len(labels))


def test_binary_metrics_are_those_of_sklearn() -> None:
    rng = np.random.default_rng(0)
    scores = rng.random(400).round(2)
    labels, values = rng.random(400) < scores, scores > 0.6
    result = {r.metric: r for r in performance(cases_of(labels.tolist(), values.tolist(), scores.tolist()), "binary")}
    expected = {
        "accuracy": sk.accuracy_score(labels, values), "precision": sk.precision_score(labels, values),
        "recall": sk.recall_score(labels, values), "f1": sk.f1_score(labels, values),
        "roc_auc": sk.roc_auc_score(labels, scores), "log_loss": sk.log_loss(labels, np.clip(scores, 1e-15, 1 - 1e-15)),
        "brier": sk.brier_score_loss(labels, scores),
    }  # fmt: skip
    assert {name: r.value for name, r in result.items()} == pytest.approx(expected)
    assert all(r.low < r.value < r.high and r.coverage == 0.5 and not r.estimated for r in result.values())


def test_other_metrics_are_those_of_sklearn() -> None:
    rng = np.random.default_rng(1)
    truth = rng.choice(["a", "b", "c"], 300)
    guess = np.where(rng.random(300) < 0.7, truth, "a")
    result = {r.metric: r.value for r in performance(cases_of(truth.tolist(), guess.tolist()), "multiclass")}
    assert result["accuracy"] == pytest.approx(sk.accuracy_score(truth, guess))
    assert result["macro_f1"] == pytest.approx(sk.f1_score(truth, guess, average="macro"))
    numbers, near = rng.normal(size=200), rng.normal(size=200)
    result = {r.metric: r.value for r in performance(cases_of(numbers.tolist(), near.tolist()), "regression")}
    assert result["mae"] == pytest.approx(sk.mean_absolute_error(numbers, near))
    assert result["rmse"] == pytest.approx(sk.root_mean_squared_error(numbers, near))


@pytest.mark.parametrize(
    ("kind", "labels", "values", "scores", "message"),
    [
        ("ranking", [1], [1], None, "no kind of prediction"),
        ("regression", ["a"], [1.0], None, "not a number"),
        ("binary", [True], [True], [1.5], "from 0 to 1"),
        ("binary", [True], [True], [math.nan], "from 0 to 1"),
    ],
)
def test_bad_input(kind: str, labels: Any, values: Any, scores: Any, message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        performance(cases_of(labels, values, scores), kind)


@pytest.mark.parametrize(("hits", "trials"), [(0, 1), (1, 1), (3, 12), (50, 100), (999, 1000)])
def test_wilson_is_that_of_scipy(hits: int, trials: int) -> None:
    expected = binomtest(hits, trials).proportion_ci(method="wilson")
    interval = wilson(hits, trials)
    assert (interval.low, interval.high) == pytest.approx((expected.low, expected.high))


def test_intervals_cover_as_often_as_they_promise() -> None:
    rng = np.random.default_rng(2)
    truth = 0.5 * (1 + math.erf(0.5))  # of two normals that are sqrt(2) / 2 * sqrt(2) apart: P(X > Y)
    covered = differences = 0
    for _ in range(300):
        labels = np.repeat([True, False], [60, 90])
        scores = rng.normal(size=150) + labels * (0.5 * 2)
        interval = auc_interval(labels, scores)
        covered += interval.low <= truth <= interval.high
        first, second = rng.binomial(40, 0.3), rng.binomial(60, 0.2)
        difference = share_difference((first, 40), (second, 60))
        differences += difference.low <= 0.1 <= difference.high
    assert 0.91 <= covered / 300 <= 0.99
    assert 0.91 <= differences / 300 <= 0.99


def test_the_bootstrap_is_that_of_scipy() -> None:
    values = np.random.default_rng(3).exponential(size=200)
    ours = bootstrap(lambda rows: float(values[rows].mean()), 200, draws=2000)
    theirs = scipy_bootstrap(
        (values,), np.mean, method="percentile", n_resamples=2000, random_state=0
    ).confidence_interval
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=0.02)
    assert math.isnan(bootstrap(lambda rows: 0.0, 0).value)


def car_loan_reference() -> tuple[Any, Any]:
    scores, labels = [], []
    for hundredths, cases, repaid in CAR_LOAN["reference"]:
        scores += [hundredths / 100] * cases
        labels += [True] * repaid + [False] * (cases - repaid)
    return np.array(scores), np.array(labels)


def test_isotonic_calibration_is_that_of_sklearn() -> None:
    scores, labels = car_loan_reference()
    oracle = IsotonicRegression(out_of_bounds="clip").fit(scores, labels)
    grid = np.linspace(-0.1, 1.1, 500)
    assert calibrate_scores(scores, labels)(grid) == pytest.approx(oracle.predict(grid))


@pytest.mark.parametrize("start", CAR_LOAN["chunks"])
def test_estimates_are_those_of_nannyml_and_near_the_truth(start: str) -> None:
    chunk = CAR_LOAN["chunks"][start]
    scores = np.repeat([row[0] / 100 for row in chunk["cases"]], [row[2] for row in chunk["cases"]])
    values = np.repeat([row[1] == 1 for row in chunk["cases"]], [row[2] for row in chunk["cases"]])
    results = {r.metric: r for r in estimate_binary(calibrate_scores(*car_loan_reference()), scores, values)}
    assert {name: r.value for name, r in results.items()} == pytest.approx(chunk["estimated"], abs=1e-8)
    assert all(r.estimated and "concept drift" in r.reason for r in results.values())
    right = sum(row[3] if row[1] else row[2] - row[3] for row in chunk["cases"])
    assert results["accuracy"].value == pytest.approx(right / len(scores), abs=0.01)


def test_an_estimate_is_switched_off_with_its_reason() -> None:
    scores, labels = car_loan_reference()
    calibration = calibrate_scores(scores[scores < 0.9], labels[scores < 0.9])
    beyond = estimate_binary(calibration, np.full(50, 0.99), np.ones(50, bool))
    assert all(math.isnan(r.value) and "lie outside" in r.reason and r.estimated for r in beyond)
    assert "no predictions" in estimate_binary(calibration, [], [])[0].reason
    unit = compared(customers(1000, 1), FAULTS["unit x1000"].apply(customers(1000, 2), np.random.default_rng(0)))
    off = estimate_binary(calibration, [0.5] * 10, [True] * 10, unit)
    assert "left the reference's range" in off[0].reason and "income" in off[0].reason
    same = compared(customers(1000, 1), customers(1000, 2))
    assert not math.isnan(estimate_binary(calibration, [0.5] * 10, [True] * 10, same)[0].value)


@pytest.mark.parametrize("labels", [[True] * 200, [False] * 200, [True, False] * 10])
def test_a_reference_that_can_not_calibrate_is_refused(labels: list[bool]) -> None:
    with pytest.raises(InvalidInputError, match="can't calibrate"):
        calibrate_scores(np.linspace(0, 1, len(labels)), labels)


def test_expected_accuracy_of_several_classes() -> None:
    rng = np.random.default_rng(4)
    chances = rng.dirichlet([1, 1, 1], 20_000)
    truth = (chances.cumsum(axis=1) > rng.random((20_000, 1))).argmax(axis=1)
    half = slice(0, 10_000), slice(10_000, None)
    calibrations = [calibrate_scores(chances[half[0], i], truth[half[0]] == i) for i in range(3)]
    estimated = estimate_accuracy(calibrations, chances[half[1]])
    realised = float((chances[half[1]].argmax(axis=1) == truth[half[1]]).mean())
    assert estimated.value == pytest.approx(realised, abs=0.015) and estimated.estimated
