"""A server is not ended as idle while it is needed, and what runs when it ends is handed back."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlops.config import RunConfig
from jupyter_mlops.server.activity import is_needed
from jupyter_mlops.service import runs
from jupyter_mlops.service.jobs import open_workspace
from tests.jobs.workspace import wait_until
from tests.servers import Server, server

NOW = 1_800_000_000.0
IDLE = {"supervised": True, "doing": [], "running": 0, "queued": 0}


@pytest.mark.parametrize(
    ("worker", "states", "next_due", "needed"),
    [
        (None, ["queued"], NOW, False),
        ({**IDLE, "supervised": False, "doing": ["a"]}, ["running"], NOW, False),
        (IDLE, [], None, False),
        ({"kept": True, "running": 1}, [], None, True),  # a worker of an earlier version
        ({"kept": False, "running": 1}, [], None, False),
        (IDLE, ["running"], None, False),  # of a worker elsewhere
        (IDLE, ["queued"], None, True),
        ({**IDLE, "doing": ["a"]}, ["running"], None, True),
        ({**IDLE, "running": 1}, [], None, True),
        ({**IDLE, "queued": 1}, [], None, True),
        (IDLE, [], NOW + 899, True),
        (IDLE, [], NOW - 10, True),
        (IDLE, [], NOW + 901, False),
    ],
)
def test_when_a_server_is_needed(worker: Any, states: list[str], next_due: float | None, needed: bool) -> None:
    assert is_needed(worker, states, next_due, NOW, 900.0) is needed


# Jupyter Server looks for activity once a minute: here, twice a second.
IMPATIENT = """
from tornado import ioloop

callback = ioloop.PeriodicCallback
ioloop.PeriodicCallback = lambda function, milliseconds: callback(function, min(milliseconds, 500))
c.ServerApp.shutdown_no_activity_timeout = 15
"""


def state_of(home: Path, run_id: str) -> str:
    space = open_workspace(RunConfig(home=str(home)))
    try:
        return space.queue.run(run_id).state
    finally:
        space.close()


def is_released(home: Path, run_id: str) -> bool:
    """Whether any worker may take the run over now."""
    space = open_workspace(RunConfig(home=str(home)))
    try:
        run = space.queue.run(run_id)
        return run.state == "running" and run.lease_until is not None and run.lease_until < time.time()
    finally:
        space.close()


def with_run(rest: Server, seconds: int) -> str:
    """Start a run of so many seconds, and wait until its cell runs."""
    rest.write("long.ipynb", (f"import time\nopen('begun', 'w').close()\ntime.sleep({seconds})", "step:a"))
    run_id: str = rest.post("runs", {"notebook": "long.ipynb"})["id"]
    wait_until(lambda: (rest.root / "begun").exists(), 90.0)
    return run_id


@pytest.mark.kernel
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_an_idle_server_ends_after_its_run_and_not_before(tmp_path: Path) -> None:
    with server(tmp_path, config=IMPATIENT) as rest:
        run_id = with_run(rest, 30)
        rest.process.wait(240)
        assert state_of(rest.home, run_id) == "completed"


@pytest.mark.kernel
@pytest.mark.slow
@pytest.mark.exhaustive  # a cron slot is up to a minute away; test_when_a_server_is_needed has the rule
@pytest.mark.timeout(600)
def test_a_schedule_that_is_due_soon_keeps_the_server(tmp_path: Path) -> None:
    with server(tmp_path, config=IMPATIENT) as rest:
        rest.write("often.ipynb", ("print(1)", "step:a"))
        rest.post("jobs/often/versions", {"notebook": "often.ipynb"})
        rest.post("schedules", {"job": "often", "cron": "* * * * *"}, 201)
        space = open_workspace(RunConfig(home=str(rest.home)))
        wait_until(lambda: bool(runs.runs(space, job="often")), 240.0)  # nobody asks the server for a minute
        space.close()
        assert rest.process.poll() is None


@pytest.mark.kernel
@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("number", [pytest.param(signal.SIGTERM, marks=pytest.mark.exhaustive), signal.SIGKILL])
def test_a_run_is_handed_back_when_its_server_ends(tmp_path: Path, number: int) -> None:
    config = "c.RunConfig.unwatched = 2.0"
    with server(tmp_path, config=config) as rest:
        run_id = with_run(rest, 600)
        os.kill(rest.process.pid, number)
        rest.process.wait(60)
        wait_until(lambda: is_released(rest.home, run_id), 120.0)
    (rest.root / "begun").unlink()
    with server(tmp_path, config="c.RunConfig.unwatched = 2.0") as rest:
        wait_until(lambda: (rest.root / "begun").exists(), 90.0)
        assert rest.get(f"runs/{run_id}")["state"] == "running"
        assert rest.ask("POST", f"runs/{run_id}/stop").status == 200
