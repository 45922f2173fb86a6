"""Champion and challenger on the same inputs."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import insert

from jupyter_mlops.db import tables as t
from jupyter_mlops.errors import ConflictError, NotFoundError
from jupyter_mlops.jobs.workspace import Workspace
from jupyter_mlops.registry.run_pairs import Trial, differences, mean_differences, pair, read_inputs
from jupyter_mlops.service import challenges, promotions
from tests.registry.space import ran


def trial(run: str, at: float, n: int, inputs: dict[str, str] | None = None, **metrics: Any) -> Trial:
    return Trial(run, at, {"n": n}, metrics, inputs)


A, B = {"in.csv": "a"}, {"in.csv": "b"}


@pytest.mark.parametrize(
    ("candidates", "champions", "pairs"),
    [
        ([], [], []),
        ([trial("a", 1, 1)], [trial("x", 1, 2)], []),
        ([trial("a", 1, 1), trial("b", 2, 1)], [trial("x", 1, 1), trial("y", 2, 1)], [("b", "y")]),
        ([trial("a", 1, 1), trial("b", 2, 2)], [trial("x", 1, 1), trial("y", 2, 2)], [("b", "y"), ("a", "x")]),
        ([trial("a", 1, 1, A), trial("b", 2, 1, B)], [trial("x", 1, 1, A), trial("y", 9, 1, {})], [("a", "x")]),
        ([trial("a", 1, 1, A), trial("b", 2, 1, B)], [trial("x", 1, 1, B), trial("y", 2, 1, A)],
         [("b", "x"), ("a", "y")]),
        ([trial("a", 1, 1, A)], [trial("x", 1, 1, B)], [("a", "x")]),
        ([trial("a", 1, 1, A)], [trial("x", 1, 1, None)], [("a", "x")]),
        ([trial("a", 1, 1, A)], [trial("x", 1, 2, A)], []),
    ],
)  # fmt: skip
def test_pairs(candidates: list[Trial], champions: list[Trial], pairs: list[tuple[str, str]]) -> None:
    assert [(p.candidate.run, p.champion.run) for p in pair(candidates, champions)] == pairs


def test_inputs_that_differ_are_named() -> None:
    [both] = pair([trial("a", 1, 1, {"in.csv": "a", "new": "n"})], [trial("x", 1, 1, {"in.csv": "b"})])
    assert both.different_inputs == ["in.csv", "new"]
    [same] = pair([trial("a", 1, 1, A)], [trial("x", 1, 1, A)])
    assert same.different_inputs == []
    [unknown] = pair([trial("a", 1, 1)], [trial("x", 1, 1, A)])
    assert unknown.different_inputs is None


def test_differences_are_of_numbers() -> None:
    [both] = pair(
        [trial("a", 1, 1, auc=0.5, loss=float("nan"), note="x", flag=True, only=1)],
        [trial("x", 1, 1, auc=0.25, loss=1.0, note="y", flag=False)],
    )
    rows = differences(both)
    assert {row["name"]: row["difference"] for row in rows} == {
        "auc": 0.25, "loss": None, "note": None, "flag": None, "only": None,
    }  # fmt: skip
    json.dumps(rows, allow_nan=False)
    assert mean_differences([both, both]) == [{"name": "auc", "mean_difference": 0.25, "pairs": 2}]


@pytest.mark.parametrize(
    "capsule",
    [None, [], {}, {"format": 2, "steps": {}}, {"format": 1}, {"format": 1, "steps": {"a": 3}},
     {"format": 1, "steps": {"a": {"files": {"x": {}}}}}],
)  # fmt: skip
def test_a_capsule_that_can_not_be_read_says_nothing(capsule: Any) -> None:
    assert read_inputs(capsule) is None


def test_a_capsule_has_the_files_of_all_steps() -> None:
    files = {"in.csv": {"digest": "a", "bytes": 1, "kept": True, "inside": True}}
    capsule = {
        "format": 1,
        "steps": {"load": {"files": files}, "fit": {"files": {"/etc/x": {"digest": "b"}}}, "end": {}},
    }
    assert read_inputs(capsule) == {"in.csv": "a", "/etc/x": "b"}


def test_versions_are_compared_by_runs_with_the_same_parameters(space: Workspace) -> None:
    promotions.promote(space, "churn", "v1")
    ran(space, "v1", {"accuracy": 0.5}, parameters={"n": 5})
    champion = ran(space, "v1", {"accuracy": 0.8})
    challenger = ran(space, "v2", {"accuracy": 0.9, "auc": 0.7}, parameters={"n": 1})  # the default of the other
    ran(space, "v2", {"accuracy": 0.1}, parameters={"n": 7})
    told = challenges.compare(space, "churn", "v2")
    [both] = told["pairs"]
    assert (told["candidate"], told["champion"], told["same_parameters"]) == ("v2", "v1", True)
    assert (both["candidate_run"], both["champion_run"], both["parameters"]) == (challenger, champion, {"n": 1})
    assert both["same_inputs"] is None
    assert both["metrics"][0] == {"name": "accuracy", "candidate": 0.9, "champion": 0.8, "difference": 0.9 - 0.8}


def test_without_common_parameters_the_latest_runs_are_compared_and_it_is_said(space: Workspace) -> None:
    ran(space, "v1", {"accuracy": 0.5}, parameters={"n": 5})
    ran(space, "v2", {"accuracy": 0.6}, parameters={"n": 6})
    told = challenges.compare(space, "churn", "v2", "v1")
    assert (told["same_parameters"], len(told["pairs"]), told["means"]) == (False, 1, [])


@pytest.mark.parametrize(
    ("candidate", "champion", "kind", "message"),
    [("v9", "v1", NotFoundError, "no version v9"), ("v1", "production", NotFoundError, "no version @production"),
     ("v2", "v1", ConflictError, "v2 has no completed run"), ("v1", "v2", ConflictError, "v2 has no completed run")],
)  # fmt: skip
def test_bad_comparisons(space: Workspace, candidate: str, champion: str, kind: type[Exception], message: str) -> None:
    ran(space, "v1", {"accuracy": 0.5})
    with pytest.raises(kind, match=message):
        challenges.compare(space, "churn", candidate, champion)


@pytest.fixture
def capsules(space: Workspace) -> Callable[[str, dict[str, str]], None]:
    """Records what a run read."""

    def record(run: str, files: dict[str, str]) -> None:
        steps = {"fit": {"files": {path: {"digest": digest} for path, digest in files.items()}}}
        digest = space.store.put(json.dumps({"format": 1, "run": run, "steps": steps}).encode())
        with space.db.write() as c:
            c.execute(insert(t.run_capsule).values(run_id=run, digest=digest))

    return record


def test_runs_that_read_the_same_files_are_paired(
    space: Workspace, capsules: Callable[[str, dict[str, str]], None]
) -> None:  # fmt: skip
    runs = {}
    for version in ("v1", "v2"):
        for day in ("monday", "tuesday"):
            runs[version, day] = ran(space, version, {"accuracy": 0.5})
            capsules(runs[version, day], {"in.csv": day})
    ran(space, "v1", {"accuracy": 0.1})  # later, and not recorded
    told = challenges.compare(space, "churn", "v2", "v1")
    assert [(p["candidate_run"], p["champion_run"], p["same_inputs"]) for p in told["pairs"]] == [
        (runs["v2", "tuesday"], runs["v1", "tuesday"], True), (runs["v2", "monday"], runs["v1", "monday"], True),
    ]  # fmt: skip
    capsules(ran(space, "v3", {"accuracy": 0.7}), {"in.csv": "friday", "more.csv": "m"})
    [both] = challenges.compare(space, "churn", "v3", "v2")["pairs"]
    assert (both["same_inputs"], both["different_inputs"]) == (False, ["in.csv", "more.csv"])
