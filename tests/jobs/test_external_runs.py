"""Runs of other engines as rows: what counts when two sources tell of one run, and which store is read when."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from jupyter_mlops.db.database import Database
from jupyter_mlops.errors import StoreError
from jupyter_mlops.jobs.artifact_runs import ABANDONED_S, collected_run, uncollected_run
from jupyter_mlops.jobs.catalog import Catalog
from jupyter_mlops.jobs.external_runs import ExternalRun, ExternalRuns, RecordedRun, supersedes
from jupyter_mlops.jobs.run_queue import RunQueue
from jupyter_mlops.jobs.run_stores import LEASE_S, LONGEST_WAIT_S, RunStores, wait_after
from tests.jobs.clock import Clock

RUNNING = ExternalRun("airflow", "r1", "running", 100.0, None)
DONE = ExternalRun("airflow", "r1", "completed", 100.0, 160.0)


def recorded(run: ExternalRun, **changes: Any) -> RecordedRun:
    return replace(RecordedRun("id", run.state, run.finished, run.source, run.fingerprint), **changes)


@pytest.mark.parametrize(
    ("run", "known", "counts"),
    [
        (RUNNING, None, True),
        (RUNNING, recorded(RUNNING), False),
        (replace(RUNNING, steps=({"name": "a", "state": "running"},)), recorded(RUNNING), True),
        (DONE, recorded(RUNNING), True),
        (DONE, recorded(DONE), False),
        (RUNNING, recorded(DONE), False),
        (replace(RUNNING, started=161.0), recorded(DONE), True),  # the engine repeats it
        (replace(DONE, finished=170.0), recorded(DONE), True),
        (replace(DONE, source="api"), recorded(DONE), False),  # artifacts are verified
        (DONE, recorded(replace(DONE, source="api")), True),
        (replace(DONE, source="api"), recorded(RUNNING), True),  # it was never collected
        (RUNNING, recorded(replace(DONE, source="api")), False),
        (DONE, recorded(DONE, fingerprint=""), True),  # from before fingerprints
    ],
)
def test_what_counts(run: ExternalRun, known: RecordedRun | None, counts: bool) -> None:
    assert supersedes(run, known) == counts


def test_two_sources_tell_of_one_run(database_url: str) -> None:
    db = Database(database_url)
    catalog, external, queue = Catalog(db), ExternalRuns(db), RunQueue(db)
    job = catalog.ensure_job("churn")
    version, _ = catalog.add_version(job, "d1")
    api = replace(RUNNING, source="api", engine_url="https://a/x")
    external.record("airflow-1", job.id, version.id, api, "", "airflow+https://a")
    found = external.recorded(DONE, job.id, "/artifacts")
    assert found is not None
    assert (found.id, found.source, found.state) == ("airflow-1", "api", "running")
    external.record(found.id, job.id, version.id, DONE, "", "/artifacts")
    [run] = queue.runs(job_id=job.id)
    assert (run.id, run.state, run.engine, run.engine_url) == ("airflow-1", "completed", "airflow", "")
    assert external.settled("/artifacts", 161.0) == {"r1"}
    assert external.settled("/artifacts", 160.0) == set()
    assert external.settled("/elsewhere", 161.0) == set()
    other = replace(DONE, engine_run="r2")
    assert external.recorded(other, job.id, "/artifacts") is None
    db.close()


def test_a_running_run_of_another_engine_is_nobodys_to_claim(database_url: str) -> None:
    db = Database(database_url)
    catalog, queue = Catalog(db), RunQueue(db)
    job = catalog.ensure_job("churn")
    version, _ = catalog.add_version(job, "d1")
    ExternalRuns(db).record("airflow-1", job.id, version.id, RUNNING, "", "/artifacts")
    assert not queue.has_claimable()
    assert queue.claim("w") is None
    db.close()


RESULT: dict[str, Any] = {
    "engine": "airflow", "state": "completed", "started": 1.0, "finished": 2.0, "parameters": {}, "metrics": {},
    "error": None, "notes": [], "steps": [],
}  # fmt: skip


@pytest.mark.parametrize(
    "changes",
    [
        {"state": "queued"},
        {"state": "running"},
        {"state": ["completed"]},
        {"started": "x"},
        {"engine": None, "steps": 3},
    ],
)
def test_a_result_that_is_none_of_ours(changes: dict[str, Any]) -> None:
    made = {**RESULT, **changes}
    if changes.get("engine", "") is None:
        del made["metrics"]
    with pytest.raises(StoreError, match="not one of ours"):
        collected_run("r1", made)


def test_a_run_goes_on_until_a_day_without_a_sign() -> None:
    steps = [
        {"step": "fit", "state": "running", "started": 1010.0, "attempt": 2},
        {"step": "load", "state": "completed", "started": 1000.0, "finished": 1005.0, "seconds": 5.0},
    ]
    description = {"engine": "slurm", "scheduled_time": "2026-01-31T06:00:00+01:00", "parameters": {"n": 1}}
    run = uncollected_run("r1", description, steps, 1010.0 + ABANDONED_S)
    assert (run.state, run.started, run.finished, run.slot) == ("running", 1000.0, None, 1769835600.0)
    assert [(s["name"], s["state"], s["attempts"]) for s in run.steps] == [
        ("load", "completed", 1),
        ("fit", "running", 2),
    ]
    lost = uncollected_run("r1", description, steps, 1011.0 + ABANDONED_S)
    assert (lost.state, lost.finished, lost.steps[1]["state"]) == ("failed", 1010.0, "failed")
    assert lost.error is not None
    assert "never collected; last was fit" in lost.error["evalue"]


@pytest.mark.parametrize(
    "steps", [[{"state": "running"}], [{"step": "a", "started": "soon"}], [{"step": "a", "attempt": "x"}]]
)
def test_steps_that_are_none_of_ours(steps: list[dict[str, Any]]) -> None:
    with pytest.raises(StoreError, match="not one of ours"):
        uncollected_run("r1", {}, steps, 0.0)


# -- which store is read when


@pytest.mark.parametrize(
    ("failures", "every", "wait"),
    [(0, 60.0, 60.0), (1, 60.0, 120.0), (3, 60.0, 480.0), (6, 60.0, LONGEST_WAIT_S), (10_000, 60.0, LONGEST_WAIT_S),
     (1, 86400.0, 86400.0)],
)  # fmt: skip
def test_the_wait_grows(failures: int, every: float, wait: float) -> None:
    assert wait_after(failures, every) == wait


def test_a_store_is_read_by_one_worker_at_a_time(database_url: str) -> None:
    db, clock = Database(database_url), Clock()
    one, two = RunStores(db, 60.0, clock), RunStores(db, 60.0, clock)
    lease = one.claim(["/a"])
    assert lease is not None
    assert two.claim(["/a"]) is None
    second = two.claim(["/a", "/b"])
    assert second is not None
    assert second.location == "/b"
    one.release(lease)
    assert two.claim(["/a"]) is None, "it was just read"
    clock.go(60.0)
    assert two.claim(["/a"]) is not None
    db.close()


def test_the_lease_of_a_worker_that_died_runs_out(database_url: str) -> None:
    db, clock = Database(database_url), Clock()
    stores = RunStores(db, 60.0, clock)
    dead = stores.claim(["/a"])
    assert dead is not None
    clock.go(LEASE_S + 1)
    lease = stores.claim(["/a"])
    assert lease is not None
    stores.release(dead, "too late")
    assert stores.claim(["/a"]) is None
    stores.release(lease)
    assert stores.next_due(["/a"]) == clock.now + 60.0
    db.close()


def test_a_store_that_fails_is_read_less_often_until_it_answers(database_url: str) -> None:
    db, clock = Database(database_url), Clock()
    stores = RunStores(db, 60.0, clock)
    waits = []
    for _ in range(3):
        lease = stores.claim(["/a"])
        assert lease is not None
        stores.release(lease, "no answer")
        due = stores.next_due(["/a"])
        assert due is not None
        waits.append(due - clock.now)
        clock.go(waits[-1])
    assert waits == [120.0, 240.0, 480.0]
    lease = stores.claim(["/a"])
    assert lease is not None
    assert lease.failures == 3
    stores.release(lease)
    assert stores.next_due(["/a"]) == clock.now + 60.0
    assert stores.next_due([]) is None
    db.close()
