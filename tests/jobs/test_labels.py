"""Labels stored and joined at the level of the service: runs with predictions, without executing anything."""

from __future__ import annotations

import csv
import io
import json
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlops.errors import InvalidInputError, NotFoundError
from jupyter_mlops.jobs.retention import wanted_objects
from jupyter_mlops.jobs.run_data import Prediction, RunData, put_run_data
from jupyter_mlops.jobs.workspace import Workspace
from jupyter_mlops.service import gates, labels
from jupyter_mlops.service.performance import performance
from tests.registry.space import build, copied, ran

HOSTILE = 'a"b\n$(id) ü'
pytestmark = pytest.mark.timeout(120)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("labelled"), 1)


@pytest.fixture
def space(built: Path, tmp_path: Path) -> Iterator[Workspace]:
    """A workspace with the job `churn`, without runs."""
    with copied(built, tmp_path / "copy") as space:
        yield space


def keep(
    space: Workspace, rows: Sequence[Sequence[Any]], header: Sequence[str] = ("id", "prediction", "score", "sex"),
    *, key: str = "id", variable: str = "scored",
) -> str:  # fmt: skip
    """A completed run that kept these predictions. Returns its id."""
    run_id = ran(space, "v1")
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([header, *rows])
    digest = space.store.put(text.getvalue().encode())
    prediction = Prediction("fit", variable, key, len(rows), digest, "csv")
    with space.db.write() as c:
        put_run_data(c, run_id, RunData(predictions=[prediction]))
    return run_id


def scored(first: int, count: int) -> tuple[list[list[Any]], list[dict[str, Any]]]:
    """Calibrated scores of so many cases, and their labels. Women are selected less often."""
    draw = random.Random(first)
    rows, truth = [], []
    for number in range(first, first + count):
        score, sex = round(draw.random(), 3), "FM"[number % 2]
        rows.append([number, int(score > (0.7 if sex == "F" else 0.4)), score, sex])
        truth.append({"id": number, "churned": int(draw.random() < score)})
    return rows, truth


def metrics(run: dict[str, Any], *, estimated: bool = False) -> dict[str, Any]:
    return {m["metric"]: m["value"] for m in run["metrics"] if m["estimated"] == estimated}


def test_labels_arrive_are_corrected_and_taken_back(space: Workspace) -> None:
    run_id = keep(space, [[1, 1, 0.9, "F"], [2, 0, 0.2, "M"], [3, 1, 0.8, "F"], [4, 0, 0.1, "M"]])
    assert performance(space, "churn")["notes"] == ["no labels are known; `jupyter mlops labels JOB FILE` stores them"]
    first = labels.add_rows(
        space, "churn", [{"id": 1, "churned": 1}, {"id": "2.0", "churned": "1"}, {"id": 9, "churned": 0}]
    )
    assert (first["key"], first["label"], first["rows"], first["new"], first["corrected"]) == (
        "id",
        "churned",
        3,
        True,
        0,
    )
    [run] = performance(space, "churn")["runs"]
    assert (run["run"], run["kind"], run["labelled"], run["predictions"], run["coverage"]) == (
        run_id,
        "binary",
        2,
        4,
        0.5,
    )
    assert metrics(run)["accuracy"] == 0.5
    second = labels.add_rows(
        space, "churn", [{"id": 2, "churned": 0}, {"id": 1, "churned": None}, {"id": 3, "churned": True}]
    )
    assert (second["corrected"], second["unlabelled"]) == (2, 1)
    [run] = performance(space, "churn")["runs"]
    assert (run["labelled"], run["corrected"], metrics(run)["accuracy"]) == (2, 2, 1.0)


def test_the_same_labels_are_stored_once_and_kept(space: Workspace) -> None:
    rows = [{"id": 1, "churned": 1}]
    first, again = (
        labels.add_rows(space, "churn", rows, key="id", received="2026-03-01T00:00+00:00") for _ in range(2)
    )
    assert (first["new"], again["new"], first["id"]) == (True, False, again["id"])
    [entry] = labels.label_sets(space).of_job(space.catalog.job("churn").id)
    assert entry.digest in wanted_objects(space)
    assert json.loads(space.store.get(entry.digest)) == {"format": 1, "rows": [["1", 1]]}


def test_what_was_known_on_a_day(space: Workspace) -> None:
    keep(space, [[1, 1, 0.9, "F"], [2, 0, 0.2, "M"]])
    now, past = "", "2026-03-01"
    labels.add_rows(space, "churn", [{"id": 1, "churned": 0}], received=past)
    labels.add_rows(space, "churn", [{"id": 1, "churned": 1}], received=now)
    [run] = performance(space, "churn")["runs"]
    assert (run["corrected"], metrics(run)["accuracy"]) == (1, 1.0)
    with pytest.raises(NotFoundError, match="no completed run kept predictions by the end of 2026-03-01"):
        performance(space, "churn", as_of=past)
    sets = labels.label_sets(space)
    job = space.catalog.job("churn").id
    cut = sets.of_job(job)[0].received
    assert [label.value for label in sets.labels(sets.of_job(job, cut))] == [0]
    assert [label.value for label in sets.labels(sets.of_job(job))] == [0, 1]


def test_metrics_are_estimated_where_labels_lack(space: Workspace) -> None:
    rows, truth = scored(0, 2000)
    keep(space, rows)
    labels.add_rows(space, "churn", truth)
    later, arriving = scored(2000, 2000)
    keep(space, later)
    [old, new] = performance(space, "churn")["runs"]
    assert (old["coverage"], new["coverage"], metrics(new)) == (1.0, 0.0, {})
    estimates = metrics(new, estimated=True)
    assert set(estimates) == {"accuracy", "precision", "recall", "f1", "roc_auc"}
    assert "no concept drift" in new["metrics"][0]["reason"]
    assert metrics(old, estimated=True) == {}
    labels.add_rows(space, "churn", arriving)
    [_, new] = performance(space, "churn")["runs"]
    assert {name: metrics(new)[name] for name in estimates} == pytest.approx(estimates, abs=0.06)
    assert [run["run"] for run in performance(space, "churn", last=1)["runs"]] == [new["run"]]


def test_no_estimate_without_a_reference(space: Workspace) -> None:
    keep(space, [[1, 1, 0.9, "F"], [2, 0, 0.2, "M"]])
    [run] = performance(space, "churn")["runs"]
    assert run["metrics"] == []
    assert "no estimate: no earlier runs with nearly all labels" in run["notes"][0]


def test_groups_are_compared(space: Workspace) -> None:
    rows, truth = scored(0, 2000)
    keep(space, [*rows, [9999, 1, 0.9, "X"]])
    [run] = performance(space, "churn", by=["sex"])["runs"]
    assert {gap["rate"] for gap in run["gaps"]} == {"selection_rate"}, "nothing else is known without labels"
    labels.add_rows(space, "churn", truth)
    [run] = performance(space, "churn", by=["sex"])["runs"]
    gaps = {gap["rate"]: gap for gap in run["gaps"]}
    assert set(gaps) == {"selection_rate", "tpr", "fpr", "precision", "calibration"}
    gap = gaps["selection_rate"]
    expected = sum(r[1] for r in rows if r[3] == "M") / 1000 - sum(r[1] for r in rows if r[3] == "F") / 1000
    assert gap["value"] == pytest.approx(expected)
    assert (gap["highest"], gap["lowest"], gap["alarm"], gap["smallest"]) == ("M", "F", True, 1)
    assert [(r["cases"], r["small"]) for r in run["rates"] if r["group"] == "X"] == [(1, True)]


def test_gates_measure_gaps(space: Workspace) -> None:
    rows, truth = scored(0, 2000)
    keep(space, rows)

    def state(expression: str) -> tuple[str, str]:
        number = gates.add(space, "churn", expression)["number"]
        [gate] = gates.check(space, "churn")["gates"]
        gates.remove(space, "churn", number)
        return gate["state"], " ".join(gate.get("reasons", ()))

    assert state("gap(selection_rate, sex) < 0.1")[0] == "failed"
    assert state("gap(selection_rate, scored.sex) < 0.5")[0] == "passed"
    for expression, reason in (
        ("gap(tpr, sex) < 0.1", "no labels of the predictions"), ("gap(auc, sex) < 0.1", "use one of: selection_rate"),
        ("gap(selection_rate, age) < 0.1", "no column 'age'"), ("gap(fpr, other.sex) < 0.1", "no predictions 'other'"),
        ("gap(selection_rate, id) < 0.1", "fewer than two groups of 'id' have 30 cases"),
    ):  # fmt: skip
        verdict, text = state(expression)
        assert verdict == "undecided"
        assert reason in text
    labels.add_rows(space, "churn", truth)
    assert state("gap(tpr, sex) < 0.1")[0] == "failed"
    assert state("gap(precision, sex) < 0.9")[0] == "passed"


@pytest.mark.parametrize(
    ("content", "choice", "field", "message"),
    [
        ("id,churned\n1,1\n", {"key": "customer"}, "key", "no column 'customer' with the key"),
        ("id,churned\n1,1\n", {"label": HOSTILE}, "label", "with the label"),
        ("customer,churned\n1,1\n", {}, "key", "no column 'id', the key of the predictions"),
        ("id,a,b\n1,1,2\n", {}, "label", "not clear which column has the labels"),
        ("id\n1\n", {}, "label", "not clear which column has the labels"),
        ("id,churned\n,1\n", {}, "key", "row 1 has no 'id'"), ("id,churned\n", {}, "", "there are no labels"),
        ("id,churned\n1,1\n", {"received": "9000-01-01"}, "received", "in the future"),
        ("id,churned\n1,1\n", {"received": "soon"}, "received", "'soon' is not a date or a time"),
        ("", {}, "", "empty"),
    ],
)  # fmt: skip
def test_bad_labels(space: Workspace, tmp_path: Path, content: str, choice: Any, field: str, message: str) -> None:
    keep(space, [[1, 1, 0.9, "F"]])
    path = tmp_path / "labels $(id) ü.csv"
    path.write_text(content)
    with pytest.raises(InvalidInputError, match=message) as error:
        labels.add_file(space, "churn", str(path), **choice)
    assert error.value.field == field
    assert error.value.remedy
    assert labels.label_sets(space).of_job(space.catalog.job("churn").id) == []


def test_files_and_jobs_that_are_not_there(space: Workspace, tmp_path: Path) -> None:
    for path in (tmp_path / "none.csv", tmp_path, "nul\0.csv"):
        with pytest.raises(InvalidInputError, match="can't be read"):
            labels.add_file(space, "churn", str(path))
    with pytest.raises(NotFoundError):
        labels.add_file(space, "chrun", str(tmp_path / "none.csv"))
    with pytest.raises(NotFoundError):
        performance(space, "chrun")
    with pytest.raises(NotFoundError, match="no completed run kept predictions"):
        performance(space, "churn")
    with pytest.raises(InvalidInputError, match="it is not known which column has the keys"):
        labels.add_rows(space, "churn", [{"id": 1, "churned": 1}])


@pytest.mark.parametrize(
    ("choice", "field"),
    [
        ({"prediction": "guess"}, "prediction"), ({"score": HOSTILE}, "score"), ({"by": ["age"]}, "by"),
        ({"last": 0}, "last"), ({"last": 201}, "last"), ({"by": list("abcdef")}, "by"), ({"as_of": "soon"}, "as_of"),
        ({"score": "id"}, "score"),
    ],
)  # fmt: skip
def test_bad_choices(space: Workspace, choice: Any, field: str) -> None:
    keep(space, [[7, 1, 0.9, "F"]])
    with pytest.raises(InvalidInputError) as error:
        performance(space, "churn", **choice)
    assert error.value.field == field


def test_predictions_without_a_key_or_in_several_variables(space: Workspace) -> None:
    keep(space, [[1, 1]], ("id", "prediction"), key="")
    with pytest.raises(InvalidInputError, match="they have no key"):
        performance(space, "churn")
    labels.add_rows(space, "churn", [{"id": 1, "churned": 1}], key="id")
    assert performance(space, "churn")["runs"][0]["labelled"] == 1, "the column that labels were joined by"
    assert performance(space, "churn", variable="scored")["runs"][0]["labelled"] == 1
    with pytest.raises(NotFoundError, match="no predictions 'other'"):
        performance(space, "churn", variable="other")


def test_an_earlier_run_that_can_not_be_read_is_a_note(space: Workspace) -> None:
    keep(space, [[1, 1]], ("id", "guess"))
    keep(space, [[1, 1, 0.9, "F"]])
    [old, new] = performance(space, "churn")["runs"]
    assert (old["kind"], new["kind"]) == (None, "binary")
    assert "not clear which column has the predictions" in old["notes"][0]


def test_keys_that_do_not_match_are_reported(space: Workspace) -> None:
    keep(space, [["c-1", 1, 0.9, "F"]])
    labels.add_rows(space, "churn", [{"id": 1, "churned": 1}])
    [note] = performance(space, "churn")["notes"]
    assert "labels have keys such as '1', predictions such as 'c-1'" in note


def test_other_kinds_of_predictions(space: Workspace) -> None:
    keep(space, [[1, 2.5], [2, 4.0]], ("id", "predicted"))
    labels.add_rows(space, "churn", [{"id": 1, "spend": 3.5}, {"id": 2, "spend": 4}])
    [run] = performance(space, "churn", by=["id"])["runs"]
    assert (run["kind"], metrics(run)["mae"]) == ("regression", 0.5)
    assert "gaps between groups need predictions of two classes" in run["notes"][0]
