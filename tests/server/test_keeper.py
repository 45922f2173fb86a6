"""The worker that a server keeps."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from tests.servers import server

pytestmark = pytest.mark.kernel


def test_a_worker_is_started_again_and_ends_with_its_server(tmp_path: Path) -> None:
    with server(tmp_path) as made:

        def worker(other_than: int = 0) -> int:
            until = time.monotonic() + 60
            while time.monotonic() < until:
                told = made.get("worker")
                if told["running"] and told["facts"]["pid"] != other_than:
                    assert told["supervised"]
                    pid: int = told["facts"]["pid"]
                    return pid
                time.sleep(0.1)
            raise AssertionError((made.home / "worker.log").read_text(encoding="utf-8"))

        first = worker()
        os.kill(first, signal.SIGKILL)
        second = worker(first)
        made.write("after.ipynb", ("print('still here')", "step:a"))
        assert made.over(made.post("runs", {"notebook": "after.ipynb"})["id"])["state"] == "completed"
    until = time.monotonic() + 30
    while time.monotonic() < until and Path(f"/proc/{second}").exists():
        time.sleep(0.1)
    assert not Path(f"/proc/{second}").exists()


def test_a_server_that_keeps_none_leaves_runs_in_the_queue(tmp_path: Path) -> None:
    with server(tmp_path, "--MlopsExtension.supervise_worker=False") as made:
        made.write("waits.ipynb", ("x = 1", "step:a"))
        run = made.post("runs", {"notebook": "waits.ipynb"})
        time.sleep(2)
        assert made.get("worker")["running"] is False
        assert made.get(f"runs/{run['id']}")["state"] == "queued"
        assert made.ask("POST", f"runs/{run['id']}/stop").json["state"] == "stopped"
        other = made.post("runs", {"notebook": "waits.ipynb"})
        told = made.post("worker", {})
        assert (told["running"], told["supervised"]) == (True, True)
        assert made.over(other["id"])["state"] == "completed"
        assert made.post("worker", {})["facts"]["pid"] == told["facts"]["pid"]
