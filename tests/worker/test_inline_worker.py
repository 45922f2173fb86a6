"""Runs that a command does itself, where no worker is."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from jupyter_mlops.jobs.run_queue import RunQueue
from jupyter_mlops.jobs.workspace import Workspace
from jupyter_mlops.service import batches, jobs, runs
from jupyter_mlops.worker import notifier
from tests.jobs.workspace import CLI, opened, wait_until, working, write_notebook

pytestmark = pytest.mark.timeout(240)
CELLS = (
    "# tags: parameters\nseconds: float = 0.0",
    "# tags: step:a\nimport time\nprint('begun', flush=True)\ntime.sleep(seconds)",
)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("JUPYTER_MLOPS_HOME", str(tmp_path))
    with opened(tmp_path) as space:
        jobs.publish(space, write_notebook(tmp_path / "work" / "job.ipynb", *CELLS))
    return tmp_path


@pytest.fixture
def space(home: Path) -> Iterator[Workspace]:
    with opened(home) as made:
        yield made


def test_a_run_whose_worker_is_gone_goes_on_here(space: Workspace) -> None:
    run = runs.start(space, "job")["id"]
    assert RunQueue(space.db, lease=3.0).claim("gone") is not None
    assert runs.follow(space, run)["state"] == "completed"


def test_a_batch_goes_on_here_when_its_worker_is_gone(space: Workspace) -> None:
    made = batches.sweep(space, "job", {"seconds": ["0", "0.1"]})
    assert RunQueue(space.db, lease=3.0).claim("gone") is not None
    assert batches.wait_for_batch(space, made["batch"])["states"] == {"completed": 2}


def test_people_are_told_of_what_came_of_a_run_here_too(space: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    monkeypatch.setattr(notifier, "send", lambda address, title, body, facts: told.append(facts["event"]))
    wanted = {"notify": ["http://127.0.0.1:1/hook"], "notify_on": ["failure", "recovery", "first-success"]}
    jobs.set_policies(space, "job", wanted)
    for seconds in (-1.0, 0.0, 0.0, -1.0, 0.0):
        runs.follow(space, runs.start(space, "job", {"seconds": seconds})["id"])
    assert told == ["failure", "first-success", "failure", "recovery"]


def test_as_many_at_once_as_was_said(space: Workspace) -> None:
    made = batches.sweep(space, "job", {"seconds": ["1.5", "1.6"]}, concurrency=2)
    seen = []
    space.config.jobs = 2
    batches.wait_for_batch(space, made["batch"], lambda event: seen.append(event["event"]))
    finished = [runs.run(space, run) for run in made["ids"]]
    assert max(r["started"] for r in finished) < min(r["finished"] for r in finished)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("with_worker", [False, True])
def test_a_signal_stops_the_whole_batch(home: Path, number: signal.Signals, with_worker: bool) -> None:
    with opened(home) as space, _maybe_working(home, with_worker):
        words = ["sweep", "job", "-p", "seconds", "60,61,62", "--json"]
        process = subprocess.Popen([*CLI, *words], env=dict(os.environ), stdout=subprocess.PIPE, text=True)
        wait_until(lambda: any(r["state"] == "running" for r in runs.runs(space)))
        process.send_signal(number)
        out, _ = process.communicate(timeout=60)
        assert process.returncode == 1
        assert json.loads(out)["states"] == {"stopped": 3}
        assert {r["state"] for r in runs.runs(space)} == {"stopped"}


def test_a_signal_to_a_command_that_waits_for_its_turn_leaves_nothing_queued(home: Path) -> None:
    with opened(home) as space:
        first = runs.start(space, "job")["id"]
        assert space.queue.claim("somebody") is not None  # the job has one run at once
        process = subprocess.Popen([*CLI, "run", "job", "--json"], env=dict(os.environ), stdout=subprocess.PIPE)
        (second,) = wait_until(lambda: [r["id"] for r in runs.runs(space) if r["id"] != first])
        wait_until(lambda: process.poll() is None)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
        assert process.returncode
        assert runs.run(space, second)["state"] == "stopped"


def _maybe_working(home: Path, so: bool) -> object:
    import contextlib

    return working(home) if so else contextlib.nullcontext()
