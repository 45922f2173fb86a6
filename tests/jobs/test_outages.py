"""The database is locked or gone while a run goes on: the run completes, and is written down once."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlops.db import database
from jupyter_mlops.errors import DatabaseError
from jupyter_mlops.jobs import run_log
from jupyter_mlops.jobs.workspace import Workspace
from jupyter_mlops.service import jobs, runs
from tests.databases import PrivatePostgresql, postgresql_programs, postgresql_server
from tests.jobs.workspace import opened, wait_until, write_notebook

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

# A worker whose leases are short, and which does not wait long for a lock.
WORKER = """
import sys
from jupyter_mlops import service
from jupyter_mlops.config import RunConfig
from jupyter_mlops.db import database
database.PATIENCE = 0.5
service.serve_worker(
    RunConfig(lease=float(sys.argv[1]), jobs=1, pool_size=1, stop_patience=2.0),
    lambda: print("ready", file=sys.stderr, flush=True)
)
"""


@contextlib.contextmanager
def working(home: Path, url: str, lease: float) -> Iterator[subprocess.Popen[str]]:
    env = {**os.environ, "JUPYTER_MLOPS_HOME": str(home), "JUPYTER_MLOPS_DATABASE": url}
    with (home / "stderr").open("w+") as log:
        process = subprocess.Popen([sys.executable, "-c", WORKER, str(lease)], env=env, stderr=log, text=True)
        try:
            wait_until(lambda: "ready" in (home / "stderr").read_text() or process.poll() is not None)
            assert process.poll() is None, (home / "stderr").read_text()
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                process.wait(90)


def begun(space: Workspace, tmp_path: Path) -> tuple[str, Path]:
    """A run that is in its second step, which waits to be let on; each time that it is over is a line in a file."""
    did, go = tmp_path / "did.txt", tmp_path / "go"
    note = f"with open({str(did)!r}, 'a') as f: f.write"
    book = write_notebook(
        tmp_path / "nb.ipynb",
        "# tags: step:first\nfirst = 'first'\nprint(first)",
        f"# tags: step:second\nimport os, time\nwhile not os.path.exists({str(go)!r}): time.sleep(0.05)\n"
        f"{note}(first + ' second\\n')\nprint('over')",
    )
    jobs.publish(space, book, "job")
    jobs.set_policies(space, "job", {"environment": "live"})
    run_id: str = runs.start(space, "job")["id"]
    wait_until(lambda: any(s["name"] == "second" and s["state"] == "running" for s in runs.run(space, run_id)["steps"]))
    return run_id, go


def executed(space: Workspace, run_id: str) -> bool:
    """Whether all cells have run, as the log tells, which is no matter of the database."""
    return "step second: completed" in log_text(space, run_id)


def log_text(space: Workspace, run_id: str) -> str:
    log = space.home / "runs" / run_id / run_log.NAME
    return run_log.LogText().of(run_log.read(log)[0])


def ended(space: Workspace, run_id: str) -> dict[str, Any]:
    return wait_until(lambda: (run := runs.run(space, run_id))["finished"] and run, 90.0)  # type: ignore[no-any-return]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("UV_OFFLINE", "1")
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


@pytest.fixture
def postgresql_that_stops() -> Iterator[PrivatePostgresql]:
    if postgresql_programs() is None:
        pytest.skip("PostgreSQL's server is not installed")
    with postgresql_server() as server:
        yield server


def test_a_lock_that_outlasts_the_lease(home: Path, tmp_path: Path) -> None:
    url = f"sqlite:///{home / 'mlops.sqlite'}"
    with opened(home) as space, working(home, url, lease=2.0):
        run_id, go = begun(space, tmp_path)
        other = sqlite3.connect(home / "mlops.sqlite", isolation_level=None)
        other.execute("BEGIN EXCLUSIVE")
        locked = time.monotonic()
        go.touch()
        wait_until(lambda: executed(space, run_id))
        wait_until(lambda: time.monotonic() - locked > 5.0)
        assert runs.run(space, run_id)["state"] == "running"
        other.execute("COMMIT")
        other.close()
        run = ended(space, run_id)
        assert (run["state"], run["attempt"], run["error"]) == ("completed", 1, None), run
        assert space.queue.run(run_id).recoveries == 0
        assert (tmp_path / "did.txt").read_text() == "first second\n"
        assert runs.follow(space, runs.start(space, "job")["id"])["state"] == "completed"  # the worker goes on


def test_a_server_that_is_gone_for_less_than_the_lease(
    home: Path, tmp_path: Path, postgresql_that_stops: PrivatePostgresql
) -> None:
    server = postgresql_that_stops
    with opened(home, database=server.url) as space, working(home, server.url, lease=60.0):
        run_id, go = begun(space, tmp_path)
        server.stop()
        with pytest.raises(DatabaseError) as caught:
            runs.run(space, run_id)
        assert server.folder.name in caught.value.where and caught.value.remedy
        go.touch()
        wait_until(lambda: executed(space, run_id))
        server.start()
        run = ended(space, run_id)
        assert (run["state"], run["attempt"], run["error"]) == ("completed", 1, None), run
        assert space.queue.run(run_id).recoveries == 0
        assert (tmp_path / "did.txt").read_text() == "first second\n"


def test_a_server_that_is_gone_for_longer_than_the_lease(
    home: Path, tmp_path: Path, postgresql_that_stops: PrivatePostgresql
) -> None:
    """The run is let go of, since another worker might have it by then, and is taken up where it was."""
    server = postgresql_that_stops
    with opened(home, database=server.url) as space, working(home, server.url, lease=2.0):
        run_id, go = begun(space, tmp_path)
        server.stop()
        wait_until(lambda: "stopped" in log_text(space, run_id))
        server.start()
        go.touch()
        run = ended(space, run_id)
        assert (run["state"], run["attempt"], run["error"]) == ("completed", 1, None), run
        assert (tmp_path / "did.txt").read_text() == "first second\n"
        assert [(s["name"], s["state"]) for s in run["steps"]] == [("first", "cached"), ("second", "completed")]


def test_a_run_without_a_worker_waits_for_the_lock(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "BUSY_TIMEOUT_S", 0.5)
    did, at = tmp_path / "did.txt", home / "mlops.sqlite"
    lock = f"""
import sqlite3, subprocess, sys
holder = subprocess.Popen([sys.executable, "-c", '''
import sqlite3, time
c = sqlite3.connect({str(at)!r}, isolation_level=None)
c.execute("BEGIN EXCLUSIVE")
print("locked", flush=True)
time.sleep(4)
'''], stdout=subprocess.PIPE, text=True)
assert holder.stdout.readline() == "locked\\n"
open({str(did)!r}, "a").write("once\\n")
"""
    with opened(home, lease=2.0) as space:
        jobs.publish(space, write_notebook(tmp_path / "nb.ipynb", lock), "job")
        run = runs.follow(space, runs.start(space, "job")["id"])
        assert (run["state"], run["attempt"]) == ("completed", 1), run
    assert did.read_text() == "once\n"


def test_a_locked_database_is_told_to_who_asks(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "BUSY_TIMEOUT_S", 0.2)
    with opened(home) as space:
        jobs.publish(space, write_notebook(tmp_path / "nb.ipynb", "print(1)"), "job")
        other = sqlite3.connect(home / "mlops.sqlite", isolation_level=None)
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(DatabaseError, match="locked") as caught:
            runs.start(space, "job")
        assert str(home) in caught.value.where and "locked by another program" in caught.value.remedy
        other.execute("ROLLBACK")
        other.close()
        assert runs.start(space, "job")["state"] == "queued"


def test_a_worker_that_is_stopped_while_the_server_is_gone_ends_in_time(
    home: Path, tmp_path: Path, postgresql_that_stops: PrivatePostgresql
) -> None:
    server = postgresql_that_stops
    with opened(home, database=server.url) as space:
        with working(home, server.url, lease=2.0) as process:
            run_id, go = begun(space, tmp_path)
            server.stop()
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0
        server.start()
        go.touch()
        with working(home, server.url, lease=2.0):
            assert ended(space, run_id)["state"] == "completed"
