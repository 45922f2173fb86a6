"""The worker: a process that lives on, with everything imported and kernels ready, and runs what it is handed."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import logging
import os
import shutil
import signal
import socket
import time
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from sqlalchemy.engine import make_url

from jupyter_mlops import __version__
from jupyter_mlops.config import RunConfig
from jupyter_mlops.db.database import Database
from jupyter_mlops.errors import BadInput, MlopsError, RunStopped
from jupyter_mlops.jobs.door import ADDRESS, GOODBYE, LINE, from_wire, here, read_address
from jupyter_mlops.jobs.shift import Shift
from jupyter_mlops.kernels import leftovers
from jupyter_mlops.kernels.forkserver_client import SERVERS
from jupyter_mlops.kernels.pool import Pool
from jupyter_mlops.run.engine import cores, memory
from jupyter_mlops.run.execute import execute
from jupyter_mlops.run.kernels import SharedKernels, Waiting
from jupyter_mlops.run.launch import Wanted

WATCHED = 1 << 22  # bytes that may wait for a client that watches; events beyond that are left out
SWEEP = 30.0  # seconds between looks at what stands idle

log = logging.getLogger("jupyter_mlops.worker")


class Worker:
    """Runs notebooks for processes of the same person, a bounded number at once; the others wait in order.

    :param kept: whether a server keeps it: then it ends when no server has watched it for `config.unwatched` seconds.
    """

    def __init__(self, config: RunConfig | None = None, *, kept: bool = False) -> None:
        self.config, self.kept = config or RunConfig(), kept
        self.home = Path(self.config.home)
        self.limit = self.config.jobs or cores()
        self.pool: Pool[Waiting] = Pool(
            self.config.pool_size, self.config.pool_memory, self.config.ahead_memory or memory() // 10
        )
        self.kernels = SharedKernels(self.pool, self.limit)
        self.turn = asyncio.Semaphore(self.limit)
        self.runs: set[asyncio.Task[dict[str, Any]]] = set()
        self.talks: set[asyncio.Task[None]] = set()
        self.done = 0
        self.queued = 0
        self.began = time.time()
        self.stopping = asyncio.Event()
        self.shift: Shift | None = None
        self.only: FileLock | None = None
        self.watched_at = time.monotonic()

    # -- the process

    async def serve(self, ready: Any = lambda: None) -> None:
        """Listen until it is stopped, then let what runs finish within the time allowed."""
        folder = leftovers.make_folder()
        path = folder / "door"
        try:
            self.claim()
            db = await asyncio.to_thread(Database, self.config.database)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        self.shift = Shift(self.config, db, self.kernels, self.turn)
        server = await asyncio.start_unix_server(self.talk, path, limit=LINE)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.stop)
        minding = [asyncio.ensure_future(work) for work in (self.sweep(), *([self.mind()] if self.kept else []))]
        self.tell_address(path)
        try:
            await self.warm()
            await self.shift.begin()
            gc.collect()
            gc.freeze()  # what is there now stays, and need not be looked at again and again
            ready()
            await self.stopping.wait()
        finally:
            self.step_back()
            server.close()
            for work in minding:
                work.cancel()
            await self.finish()
            db.close()
            shutil.rmtree(folder, ignore_errors=True)
            SERVERS.close()

    def stop(self) -> None:
        """Take no more runs. A second call stops those that are going on."""
        if self.stopping.is_set():
            for run in self.runs:
                run.cancel()
            if self.shift is not None:
                self.shift.hand_back()
        self.stopping.set()

    def claim(self) -> None:
        """Refuse where another worker already serves this home on this machine; two can't begin at once either."""
        self.home.mkdir(parents=True, exist_ok=True)
        self.only = FileLock(self.home / f"worker.{socket.gethostname()}.lock", timeout=0)
        try:
            self.only.acquire()
        except Timeout:
            known = read_address(self.home)
            raise BadInput(
                "a worker is running already",
                where=f"process {known['pid']}" if known is not None else str(self.home),
                remedy="Stop it first: jupyter mlops worker --stop.",
            ) from None

    def tell_address(self, path: Path) -> None:
        self.home.mkdir(parents=True, exist_ok=True)
        facts = {"socket": str(path), "pid": os.getpid(), "version": __version__}
        made = self.home / f"{ADDRESS}.{os.getpid()}"
        made.write_text(json.dumps(facts), encoding="utf-8")
        made.chmod(0o600)
        made.replace(self.home / ADDRESS)

    def step_back(self) -> None:
        """Take no more runs: another worker may begin while this one's runs end."""
        known = read_address(self.home)
        if known is not None and known.get("pid") == os.getpid():
            (self.home / ADDRESS).unlink(missing_ok=True)
        if self.only is not None:
            self.only.release()

    async def warm(self) -> None:
        """Have kernels ready before anybody asks."""
        if self.config.pool_size and self.config.fork_kernels:
            wanted = Wanted("python3", "/", self.config.hash_seed, fork="start", preload=tuple(self.config.preload))
            await self.kernels.expect(wanted)

    async def mind(self) -> None:
        """End when no server is there any more."""
        while True:
            await asyncio.sleep(self.config.unwatched / 4)
            if self.shift is not None and self.shift.watchers:
                self.watched_at = time.monotonic()
            elif time.monotonic() - self.watched_at > self.config.unwatched:
                log.warning("no server has been there for %g s: the worker ends", self.config.unwatched)
                self.stop()
                return

    async def sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP)
            await self.pool.rest(self.config.kernels_idle)
            await asyncio.to_thread(SERVERS.rest, self.config.kernels_idle)

    async def finish(self) -> None:
        """Wait for what runs; after `stop_patience` seconds, stop it. Its kernels end either way."""
        patience = self.config.stop_patience
        until = time.monotonic() + patience
        if self.shift is not None and self.shift.looking:
            await self.shift.end(patience)
        if self.runs:
            await asyncio.wait(self.runs, timeout=max(0.0, until - time.monotonic()))
        for run in self.runs:
            run.cancel()
        if self.runs:
            await asyncio.wait(self.runs, timeout=10.0)
        if self.talks:
            await asyncio.wait(self.talks, timeout=2.0)
        await self.kernels.close()

    # -- one client

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """All that is said over one connection."""
        task = asyncio.current_task()
        assert task is not None
        self.talks.add(task)
        task.add_done_callback(self.talks.discard)
        try:
            with contextlib.suppress(ConnectionError, asyncio.LimitOverrunError, ValueError):
                if line := await reader.readline():
                    await self.answer(json.loads(line), reader, writer)
        finally:
            writer.close()

    async def answer(self, said: Any, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not isinstance(said, dict):
            _say(writer, {"error": _told(BadInput("a line has to be a JSON object"))})
        elif "status" in said:
            _say(writer, self.status())
        elif "there" in said:
            _say(writer, {"there": os.getpid()})
        elif "watch" in said:
            await self.be_watched(reader, writer)
        elif "poke" in said:
            if self.shift is not None:
                self.shift.poke()
            _say(writer, {"poked": os.getpid()})
        elif "end" in said:
            _say(writer, {"ending": os.getpid()})
            self.stop()
        elif "run" in said:
            await self.run(said, reader, writer)
        else:
            _say(writer, {"error": _told(BadInput(f"unknown request: {', '.join(said)}"))})
        with contextlib.suppress(ConnectionError):
            await writer.drain()

    async def be_watched(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Tell a client of all that happens in runs of the queue, until it is gone or the worker ends."""
        if self.shift is None:
            return

        def tell(event: dict[str, Any]) -> None:
            if not writer.is_closing() and writer.transport.get_write_buffer_size() < WATCHED:
                _say(writer, event)

        self.shift.watchers.append(tell)
        _say(writer, {"watching": os.getpid()})
        gone = asyncio.ensure_future(reader.read())
        ending = asyncio.ensure_future(self.stopping.wait())
        try:
            with contextlib.suppress(ConnectionError):
                await asyncio.wait({gone, ending}, return_when=asyncio.FIRST_COMPLETED)
                if gone.done() and gone.result() == GOODBYE and self.kept and len(self.shift.watchers) == 1:
                    self.stop()
        finally:
            self.shift.watchers.remove(tell)
            self.watched_at = time.monotonic()
            gone.cancel()
            ending.cancel()

    async def run(self, said: dict[str, Any], reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Run what a client offers, and tell it all."""
        try:
            request = from_wire(said["run"])
            differs = self.differs(said["here"])
        except (KeyError, TypeError, AttributeError) as error:
            _say(writer, {"error": _told(BadInput(f"not a run: {error}"))})
            return
        if differs or self.stopping.is_set():
            _say(writer, {"refused": differs or "the worker is stopping"})
            return

        def tell(event: dict[str, Any]) -> None:
            if event["event"] != "output" and not writer.is_closing():  # outputs are in the record
                _say(writer, event)

        if self.turn.locked():
            tell({"event": "waiting", "running": len(self.runs) - self.queued, "queued": self.queued})
        run = asyncio.ensure_future(self.in_turn(request, tell))
        self.runs.add(run)
        run.add_done_callback(self.runs.discard)
        heard = asyncio.ensure_future(self.hear(reader, run))
        try:
            _say(writer, {"record": await run})
        except MlopsError as error:
            _say(writer, {"error": _told(error)})
        except asyncio.CancelledError:
            _say(writer, {"error": _told(RunStopped("the run was stopped before it began"))})
        except Exception as error:
            _say(writer, {"error": _told(MlopsError(f"{type(error).__name__}: {error}"))})
        finally:
            heard.cancel()
            self.done += 1

    async def in_turn(self, request: Any, tell: Any) -> dict[str, Any]:
        self.queued += 1
        try:
            await self.turn.acquire()
        finally:
            self.queued -= 1
        kernels = self.kernels.of_run()
        try:
            record = await execute(request, self.config, tell, kernels)
        finally:
            self.turn.release()
        if kernels.ending is not None:  # what a kernel does at its exit is done when the client goes on
            await asyncio.wait({kernels.ending})
        return record

    async def hear(self, reader: asyncio.StreamReader, run: asyncio.Task[dict[str, Any]]) -> None:
        """Stop the run when its client says so, or is gone."""
        with contextlib.suppress(ConnectionError):
            await reader.readline()
        run.cancel()

    def differs(self, there: dict[str, Any]) -> str:
        """In what a run of that client would not be the same here; "" if it would."""
        ours = here()
        return next((f"its {name} differs" for name, value in ours.items() if there.get(name) != value), "")

    def status(self) -> dict[str, Any]:
        """What the worker is doing."""
        return {
            "pid": os.getpid(),
            "version": __version__,
            "kept": self.kept,
            "watchers": len(self.shift.watchers) if self.shift is not None else 0,
            "since": self.began,
            "running": len(self.runs) - self.queued,
            "queued": self.queued,
            "done": self.done,
            "kernels_at_most": self.limit,
            "kernels_ready": len(self.pool),
            "kernels_ready_bytes": self.pool.bytes(),
            "stopping": self.stopping.is_set(),
            "database": make_url(self.config.database).render_as_string(hide_password=True),
            "doing": sorted(self.shift.held) if self.shift is not None else [],
            "problem": next(iter(self.shift.problems.values()), "") if self.shift is not None else "",
        }


def _say(writer: asyncio.StreamWriter, said: dict[str, Any]) -> None:
    writer.write(json.dumps(said, default=str).encode() + b"\n")


def _told(error: MlopsError) -> dict[str, str]:
    return {
        "kind": type(error).__name__,
        "message": error.message,
        "where": error.where,
        "remedy": error.remedy,
    }
