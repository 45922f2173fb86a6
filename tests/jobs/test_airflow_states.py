"""Airflow's answers as runs: one table of states, and pure functions."""

from __future__ import annotations

from typing import Any

import pytest

from jupyter_mlops.jobs.airflow_states import (
    RUN_STATES,
    TASK_STATES,
    described_version,
    external_run,
    run_name,
    steps_of,
)
from jupyter_mlops.states import RUN_STATES as OURS
from tests.jobs.airflow import dag_run, task

STEPS = {"load": 1, "fit, all": 4, "report": 7}


def states(run_state: str, *task_states: str | None) -> dict[str, str]:
    tasks = [task(name, state=state) for name, state in zip(STEPS, task_states, strict=False)]
    run = external_run("http://a", dag_run(state=run_state), tasks, STEPS)
    return {step["name"]: step["state"] for step in run.steps}


@pytest.mark.parametrize(
    ("raw", "state"),
    [("queued", "running"), ("running", "running"), ("success", "completed"), ("failed", "failed")],
)
def test_states_of_runs(raw: str, state: str) -> None:
    run = external_run("http://a", dag_run(state=raw), [], STEPS)
    assert run.state == state
    assert (run.finished is None) == (state == "running")
    assert (run.error is not None) == (state == "failed")
    assert run.state != "queued", "a worker would take it for a run of its own"


def test_every_state_of_airflow_is_in_the_table() -> None:
    assert set(RUN_STATES) == {"queued", "running", "success", "failed"}
    assert set(TASK_STATES) >= {
        None, "removed", "scheduled", "queued", "running", "success", "restarting", "failed", "up_for_retry",
        "up_for_reschedule", "upstream_failed", "skipped", "deferred",
    }  # fmt: skip
    assert set(RUN_STATES.values()) <= set(OURS) - {"queued"}


@pytest.mark.parametrize(
    ("raw", "during", "after"),
    [
        (None, "queued", "skipped"),
        ("scheduled", "queued", "skipped"),
        ("queued", "queued", "skipped"),
        ("up_for_retry", "queued", "skipped"),
        ("running", "running", "stopped"),
        ("deferred", "running", "stopped"),
        ("success", "completed", "completed"),
        ("failed", "failed", "failed"),
        ("upstream_failed", "skipped", "skipped"),
        ("skipped", "skipped", "skipped"),
        ("removed", "skipped", "skipped"),
        ("of_another_release", "queued", "skipped"),
    ],
)
def test_states_of_tasks(raw: str | None, during: str, after: str) -> None:
    assert states("running", raw)["load"] == during
    assert states("failed", raw)["load"] == after


def test_a_run() -> None:
    tasks = [
        task("collect", state="failed", end="2026-01-31T06:02:00Z"),
        task("report", state="upstream_failed", attempts=0),
        task("fit_all", title="fit, all", state="failed", attempts=3, seconds=12.5, end="2026-01-31T06:01:00Z"),
        task("load", state="success", seconds=1.5),
    ]
    run = external_run("https://a/x", dag_run(state="failed", conf={"n": 4}), tasks, STEPS)
    assert [(s["name"], s["state"], s["attempts"], s["seconds"]) for s in run.steps] == [
        ("load", "completed", 1, 1.5), ("fit, all", "failed", 3, 12.5), ("report", "skipped", 0, 0.0),
    ]  # fmt: skip
    assert run.error is not None
    assert (run.error["step"], run.error["evalue"]) == (
        "fit, all",
        "the task 'fit, all' failed in Airflow; its log says why",
    )
    assert run.steps[2]["why"] == ["Airflow: upstream_failed"]
    assert (run.started, run.finished, run.slot) == (1769839201.0, 1769839320.0, 1769839200.0)
    assert (run.engine, run.parameters, run.source) == ("airflow", {"n": 4}, "api")
    assert run.engine_url == "https://a/x/dags/churn/runs/scheduled__2026-01-31T06%3A00%3A00%2B00%3A00"


@pytest.mark.parametrize(
    ("changes", "slot"),
    [
        ({}, 1769839200.0),
        ({"run_type": "backfill"}, 1769839200.0),
        ({"run_type": "manual"}, None),
        ({"run_type": "asset_triggered", "logical_date": None}, None),
        ({"logical_date": None, "run_after": "2026-01-31T07:00:00+01:00"}, 1769839200.0),
    ],
)
def test_slots(changes: dict[str, Any], slot: float | None) -> None:
    assert external_run("http://a", dag_run(**changes), [], STEPS).slot == slot


def test_steps_of_a_shared_task() -> None:
    assert steps_of(task("a", title="load, report"), STEPS) == ["load", "report"]
    assert steps_of(task("a", title="fit, all"), STEPS) == ["fit, all"]
    assert steps_of(task("collect"), STEPS) == []
    run = external_run("http://a", dag_run(), [task("a", title="load, report", seconds=3.0)], STEPS)
    assert [(s["name"], s["seconds"]) for s in run.steps] == [("load", 1.5), ("report", 1.5)]


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("churn v3: the message", 3), ("churn v3, churn.ipynb", 3), ("my job v2 v12: x", 12), ("churn v3", 3),
        ("churn", None), ("", None), (None, None), ("churn v3x", None), ("rev: churn v3", None),
    ],
)  # fmt: skip
def test_versions_in_descriptions(text: str | None, version: int | None) -> None:
    assert described_version(text) == version


@pytest.mark.parametrize("key", ["dag_id", "dag_run_id", "state"])
def test_what_is_not_airflows_answer(key: str) -> None:
    answer = {name: value for name, value in dag_run().items() if name != key}
    with pytest.raises(KeyError):
        external_run("http://a", answer, [], STEPS)
    with pytest.raises((KeyError, ValueError)):
        external_run("http://a", dag_run(state="paused"), [], STEPS)


def test_the_name_is_that_of_the_artifacts() -> None:
    assert run_name("churn", "manual__2026-01-31T06:00:00+00:00") == "churn.manual__2026-01-31T06:00:00+00:00"
    assert run_name("churn", "my run/ünï") == "churn.my_run__n_"
