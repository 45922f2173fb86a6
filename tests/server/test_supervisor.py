"""The worker that a server keeps."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from jupyter_mlops.server import supervisor
from jupyter_mlops.worker.client import ask
from tests.jobs.workspace import wait_until
from tests.servers import Server, server

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


def test_the_worker_has_the_settings_of_the_server(tmp_path: Path) -> None:
    config = "c.RunConfig.jobs = 3\nc.RunConfig.pool_size = 0\nc.RunConfig.preload = ['json']"
    with server(tmp_path, config=config) as made:
        wait_until(lambda: made.get("worker")["running"], 60.0)
        status = ask(made.home, {"status": True})
        assert status is not None
        assert (status["kernels_at_most"], status["kernels_ready"]) == (3, 0)


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


def test_a_worker_whose_server_was_killed_goes_on_under_the_next_one_and_ends_with_it(tmp_path: Path) -> None:
    def worker(made: Server) -> int:
        until = time.monotonic() + 60
        while time.monotonic() < until:
            told = made.get("worker")
            if told["running"]:
                assert told["supervised"]
                pid: int = told["facts"]["pid"]
                return pid
            time.sleep(0.1)
        raise AssertionError((made.home / "worker.log").read_text(encoding="utf-8"))

    with server(tmp_path) as first:
        known = worker(first)
        os.kill(first.process.pid, signal.SIGKILL)
        first.process.wait(10)
    assert Path(f"/proc/{known}").exists()
    with server(tmp_path) as second:
        assert worker(second) == known
        wait_until(lambda: second.get("worker")["facts"]["watchers"] == 1)
    wait_until(lambda: not Path(f"/proc/{known}").exists(), 20.0)


@pytest.mark.parametrize("lines", [10_000])
def test_a_chatty_cell_is_told_of_in_few_events_and_leaves_the_loop_to_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lines: int
) -> None:
    monkeypatch.setattr(supervisor, "MAX_TURN_S", 0.0)
    texts = [
        {"event": "output", "output": {"output_type": "stream", "name": "stdout", "text": f"{n}\n"}}
        for n in range(lines)
    ]
    big = {"event": "output", "output": {"output_type": "stream", "name": "stdout", "text": "x" * 100_000}}
    ends = {"event": "step", "step": "a", "state": "completed", "seconds": 1.0}
    said = [*texts, ends, big, {**ends, "step": "b"}]
    told: list[dict[str, Any]] = []
    turns = 0

    async def do(verb: Any, *given: Any) -> Any:
        return await asyncio.to_thread(verb, *given)

    async def scenario() -> None:
        nonlocal turns
        socket = str(tmp_path / "s")

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readline()
            for one in said:
                writer.write(
                    json.dumps({"run": "r", "job": None, "notebook": "n.ipynb", "time": 0.0, **one}).encode() + b"\n"
                )
            await writer.drain()
            writer.close()

        async def others() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        async with await asyncio.start_unix_server(serve, socket):
            (tmp_path / "worker.json").write_text(json.dumps({"socket": socket}), encoding="utf-8")
            desk: Any = SimpleNamespace(config=SimpleNamespace(home=str(tmp_path)), run_io=do)
            made = supervisor.WorkerSupervisor(desk, told.append, supervise=False)
            busy = asyncio.ensure_future(others())
            assert await made._watch_worker()
            busy.cancel()

    asyncio.run(scenario())
    assert turns > lines
    assert [(event["kind"], event.get("step")) for event in told] == [
        ("output", None), ("step", "a"), ("output", None), ("step", "b"),
    ]  # fmt: skip
    everything = "".join(f"{n}\n" for n in range(lines))
    assert everything.endswith(told[0]["text"]) and len(told[0]["text"]) == len(everything)
    assert told[2]["text"] == "x" * 64_000
