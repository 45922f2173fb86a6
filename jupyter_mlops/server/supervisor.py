"""Supervision of a worker: starts it if none is running, restarts it when it ends, and relays its events."""

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

from jupyter_mlops import service
from jupyter_mlops.server import events
from jupyter_mlops.server.activity import DUE_SOON_S, is_needed
from jupyter_mlops.server.context import ServerContext
from jupyter_mlops.service import notebook_runs, runs, schedules
from jupyter_mlops.worker.protocol import GOODBYE, LINE

LARGE_LINE_BYTES = 1 << 16  # bytes of a line that is read in a thread
MAX_TURN_S = 0.01  # seconds of hearing after which others have the loop
TEXT_DELAY_S = 0.1  # seconds that text is gathered before it is told
POLL_INTERVAL_S = 2.0  # seconds between looks at runs that workers elsewhere have
SETTLE_S = 10.0  # seconds after which a worker that was started counts as well
Emit = Callable[[dict[str, Any]], None]


class WorkerSupervisor:
    """Supervises a worker, and relays its events.

    :param supervise: whether a worker is started where none is running.
    :param emit: takes each event.
    :param due_soon: seconds before a schedule is due from which the server is needed.
    """

    def __init__(
        self, context: ServerContext, emit: Emit, *, supervise: bool = True, due_soon: float = DUE_SOON_S,
        log: Any = None,
    ) -> None:  # fmt: skip
        self.context, self.emit = context, emit
        self.due_soon = due_soon
        self.is_needed = False  # whether work would stop with the server
        self.on_activity: Callable[[], None] = lambda: None
        self.supervise = supervise and hasattr(os, "getuid")
        self.log = log or logging.getLogger("jupyter_mlops")
        self.home = Path(context.config.home)
        self.process: asyncio.subprocess.Process | None = None
        self.problem = ""
        self.is_connected = False
        self.is_stopping = False
        self.states: dict[str, str] = {}
        self.texts: dict[str, tuple[dict[str, Any], list[str]]] = {}  # event of the first, all texts
        self.tasks: list[asyncio.Task[None]] = []
        self.start_event = asyncio.Event()

    def start(self) -> None:
        """Start, in the running loop."""
        self.tasks = [
            asyncio.ensure_future(task_function())
            for task_function in (self._supervision_loop, self._poll_loop, self._text_loop)
        ]

    async def end(self) -> None:
        """Close: a supervised worker ends with the last server, and releases unfinished runs."""
        self.is_stopping = True
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

    async def start_now(self, timeout_s: float = 10.0) -> bool:
        """Start a worker if none is running, supervised or not; returns whether it connects in time."""
        if not self.is_connected:
            self.start_event.set()
        until = time.monotonic() + timeout_s
        while not self.is_connected and time.monotonic() < until:
            await asyncio.sleep(0.05)
        self.start_event.clear()
        return self.is_connected

    def on_run_change(self, run: dict[str, Any]) -> None:
        """A handler changed a run: report it."""
        self._publish_state(events.from_run(run))

    # -- the worker

    async def _supervision_loop(self) -> None:
        backoff_s = 0.5
        while not self.is_stopping:
            start = time.monotonic()
            try:
                was_connected = await self._watch_worker()
            except (OSError, ValueError) as error:
                self.log.debug("worker: %s", error)
                was_connected = False
            if was_connected:
                backoff_s = 0.5
                continue
            should_start = self.supervise or self.start_event.is_set()
            if should_start and (self.process is None or self.process.returncode is not None):
                if self.process is not None and not self.start_event.is_set():
                    self.problem = f"the worker ended with status {self.process.returncode}"
                    self.log.warning("%s; restarting it", self.problem)
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(backoff_s):
                            await self.start_event.wait()
                    backoff_s = min(60.0, backoff_s * 2)
                self.start_event.clear()
                await self._start_worker()
            await asyncio.sleep(0.1 if time.monotonic() - start < SETTLE_S else 1.0)

    async def _start_worker(self) -> None:
        config = self.context.config
        env = {
            **os.environ,
            "JUPYTER_MLOPS_HOME": config.home,
            "JUPYTER_MLOPS_DATABASE": config.database,
            "JUPYTER_MLOPS_STORE": config.store,
            "JUPYTER_MLOPS_SETTINGS": json.dumps(config.changed_settings()),
        }
        self.home.mkdir(parents=True, exist_ok=True)
        with (self.home / "worker.log").open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "jupyter_mlops.cli", "worker", "--supervised",
                stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log, env=env, start_new_session=True,
            )  # fmt: skip

    async def _watch_worker(self) -> bool:
        """Relay the events of a worker until it ends; False if there is none."""
        try:
            address = json.loads((self.home / "worker.json").read_bytes())
        except (OSError, ValueError):
            return False
        reader, writer = await asyncio.open_unix_connection(address["socket"], limit=LINE)
        try:
            writer.write(b'{"watch": true}\n')
            await writer.drain()
            turn_start = time.monotonic()
            while line := await reader.readline():
                self.is_connected, self.problem = True, ""
                message = (
                    json.loads(line) if len(line) < LARGE_LINE_BYTES else await self.context.run_io(json.loads, line)
                )
                if "run" in message and "event" in message:
                    self._handle_message(message)
                if time.monotonic() - turn_start > MAX_TURN_S:  # as long as there are lines, reading one doesn't wait
                    await asyncio.sleep(0)
                    turn_start = time.monotonic()
        finally:
            self.is_connected = False
            if self.is_stopping and (self.process is None or self.process.returncode is not None):
                writer.write(GOODBYE)  # it was started by another server, which is gone
            writer.close()
        return True

    def _handle_message(self, message: dict[str, Any]) -> None:
        event = events.from_worker(message)
        if event is None:
            return
        if event["kind"] == "output":
            self.texts.setdefault(event["run"], (event, []))[1].append(event["text"])
            return
        self._flush_text(event["run"])
        if event["kind"] == "run":
            self._publish_state(event)
        else:
            self.emit(event)

    def _publish_state(self, event: dict[str, Any]) -> None:
        if self.states.get(event["run"]) != event["state"]:
            self.states[event["run"]] = event["state"]
            self.emit(event)
        if event["state"] not in ("queued", "running"):
            self.states.pop(event["run"], None)

    def _flush_text(self, run_id: str) -> None:
        if run_id in self.texts:
            event, texts = self.texts.pop(run_id)
            self.emit({**event, "text": "".join(texts)[-events.MAX_TEXT :]})

    async def _text_loop(self) -> None:
        while True:
            await asyncio.sleep(TEXT_DELAY_S)
            for run_id in list(self.texts):
                self._flush_text(run_id)
                await asyncio.sleep(0)

    # -- runs that workers elsewhere have, or that schedules made

    async def _poll_loop(self) -> None:
        while True:
            await asyncio.sleep(POLL_INTERVAL_S)
            try:
                await self._refresh_states()
                await self._refresh_need()
            except Exception as error:  # the next look may do better
                self.log.debug("runs: %s", error)

    async def _refresh_need(self) -> None:
        """Find out whether the server is needed, and report activity if so."""
        worker = await self.context.run_io(service.worker_status, self.context.config)
        next_due = await self.context.run_io(schedules.next_due, self.context.space)
        self.is_needed = is_needed(worker, self.states.values(), next_due, time.time(), self.due_soon)
        if self.is_needed:
            self.on_activity()

    async def _refresh_states(self) -> None:
        active = await self.context.run_io(runs.active, self.context.space)
        finished_ids = [run_id for run_id in self.states if run_id not in active]
        changed_ids = [run_id for run_id, state in active.items() if self.states.get(run_id) != state]
        for run_id in (*finished_ids, *changed_ids[:100]):
            previous_state = self.states.get(run_id)
            run = await self.context.run_io(notebook_runs.run, self.context.space, run_id)
            if self.states.get(run_id) == previous_state:  # nobody told meanwhile
                self._publish_state(events.from_run(run))
