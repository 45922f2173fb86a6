"""Keeping a worker: one is started if none is there, started again when it ends, and listened to."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jupyter_mlops.jobs.door import GOODBYE, LINE
from jupyter_mlops.server import events
from jupyter_mlops.server.desk import Desk
from jupyter_mlops.service import jobs, notebooks

BIG = 1 << 16  # bytes of a line that is read in a thread
TURN = 0.01  # seconds of hearing after which others have the loop
GATHER = 0.1  # seconds that text is gathered before it is told
LOOK = 2.0  # seconds between looks at runs that workers elsewhere have
SETTLED = 10.0  # seconds after which a worker that was started counts as well
Emit = Callable[[dict[str, Any]], None]


class Keeper:
    """Sees to it that runs are done, and tells what happens in them.

    :param supervise: whether a worker is started where none is running.
    :param emit: takes each event.
    """

    def __init__(self, desk: Desk, emit: Emit, *, supervise: bool = True, log: Any = None) -> None:
        self.desk, self.emit = desk, emit
        self.supervise = supervise and hasattr(os, "getuid")
        self.log = log or logging.getLogger("jupyter_mlops")
        self.home = Path(desk.config.home)
        self.process: asyncio.subprocess.Process | None = None
        self.problem = ""
        self.listening = False
        self.ending = False
        self.told: dict[str, str] = {}
        self.texts: dict[str, tuple[dict[str, Any], list[str]]] = {}  # event of the first, all texts
        self.tasks: list[asyncio.Task[None]] = []
        self.asked = asyncio.Event()

    def begin(self) -> None:
        """Start, in the running loop."""
        self.tasks = [asyncio.ensure_future(work()) for work in (self._keep, self._look, self._tell_texts)]

    async def end(self) -> None:
        """Let go: a worker that servers keep ends with the last of them, and hands back what it has not done."""
        self.ending = True
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        if self.process is not None and self.process.returncode is None:
            for number in (signal.SIGTERM, signal.SIGTERM):  # the second one hands back what is running
                with contextlib.suppress(ProcessLookupError):
                    self.process.send_signal(number)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(2.0):
                        await self.process.wait()
                    return
            with contextlib.suppress(TimeoutError, ProcessLookupError):
                async with asyncio.timeout(15.0):
                    await self.process.wait()
                return
            with contextlib.suppress(ProcessLookupError):
                self.process.kill()

    async def start_now(self, within: float = 10.0) -> bool:
        """Start a worker where none is running, supervised or not; whether one is heard in time."""
        if not self.listening:
            self.asked.set()
        until = time.monotonic() + within
        while not self.listening and time.monotonic() < until:
            await asyncio.sleep(0.05)
        self.asked.clear()
        return self.listening

    def changed(self, run: dict[str, Any]) -> None:
        """A handler changed a run."""
        self._state(events.of_run(run))

    # -- the worker

    async def _keep(self) -> None:
        wait = 0.5
        while not self.ending:
            began = time.monotonic()
            try:
                heard = await self._listen()
            except (OSError, ValueError) as error:
                self.log.debug("worker: %s", error)
                heard = False
            if heard:
                wait = 0.5
                continue
            wanted = self.supervise or self.asked.is_set()
            if wanted and (self.process is None or self.process.returncode is not None):
                if self.process is not None and not self.asked.is_set():
                    self.problem = f"the worker ended with status {self.process.returncode}"
                    self.log.warning("%s; it is started again", self.problem)
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(wait):
                            await self.asked.wait()
                    wait = min(60.0, wait * 2)
                self.asked.clear()
                await self._start()
            await asyncio.sleep(0.1 if time.monotonic() - began < SETTLED else 1.0)

    async def _start(self) -> None:
        config = self.desk.config
        env = {
            **os.environ,
            "JUPYTER_MLOPS_HOME": config.home,
            "JUPYTER_MLOPS_DATABASE": config.database,
            "JUPYTER_MLOPS_STORE": config.store,
            "JUPYTER_MLOPS_SETTINGS": json.dumps(config.changed()),
        }
        self.home.mkdir(parents=True, exist_ok=True)
        with (self.home / "worker.log").open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "jupyter_mlops.cli", "worker", "--kept",
                stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log, env=env, start_new_session=True,
            )  # fmt: skip

    async def _listen(self) -> bool:
        """Hear what a worker says until it is gone; False if there is none."""
        try:
            address = json.loads((self.home / "worker.json").read_bytes())
        except (OSError, ValueError):
            return False
        reader, writer = await asyncio.open_unix_connection(address["socket"], limit=LINE)
        try:
            writer.write(b'{"watch": true}\n')
            await writer.drain()
            turn = time.monotonic()
            while line := await reader.readline():
                self.listening, self.problem = True, ""
                said = json.loads(line) if len(line) < BIG else await self.desk.do(json.loads, line)
                if "run" in said and "event" in said:
                    self._hear(said)
                if time.monotonic() - turn > TURN:  # as long as there are lines, reading one doesn't wait
                    await asyncio.sleep(0)
                    turn = time.monotonic()
        finally:
            self.listening = False
            if self.ending and (self.process is None or self.process.returncode is not None):
                writer.write(GOODBYE)  # it was started by another server, which is gone
            writer.close()
        return True

    def _hear(self, said: dict[str, Any]) -> None:
        event = events.of_worker(said)
        if event is None:
            return
        if event["kind"] == "output":
            self.texts.setdefault(event["run"], (event, []))[1].append(event["text"])
            return
        self._flush(event["run"])
        if event["kind"] == "run":
            self._state(event)
        else:
            self.emit(event)

    def _state(self, event: dict[str, Any]) -> None:
        if self.told.get(event["run"]) != event["state"]:
            self.told[event["run"]] = event["state"]
            self.emit(event)
        if event["state"] not in ("queued", "running"):
            self.told.pop(event["run"], None)

    def _flush(self, run_id: str) -> None:
        if run_id in self.texts:
            event, texts = self.texts.pop(run_id)
            self.emit({**event, "text": "".join(texts)[-events.MOST_TEXT :]})

    async def _tell_texts(self) -> None:
        while True:
            await asyncio.sleep(GATHER)
            for run_id in list(self.texts):
                self._flush(run_id)
                await asyncio.sleep(0)

    # -- runs that workers elsewhere have, or that schedules made

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(LOOK)
            try:
                await self._compare()
            except Exception as error:  # the next look may do better
                self.log.debug("runs: %s", error)

    async def _compare(self) -> None:
        active = await self.desk.do(jobs.active, self.desk.space)
        gone = [run_id for run_id in self.told if run_id not in active]
        new = [run_id for run_id, state in active.items() if self.told.get(run_id) != state]
        for run_id in (*gone, *new[:100]):
            known = self.told.get(run_id)
            run = await self.desk.do(notebooks.run, self.desk.space, run_id)
            if self.told.get(run_id) == known:  # nobody told meanwhile
                self._state(events.of_run(run))
