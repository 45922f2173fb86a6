"""The worker: a long-running process with loaded imports and pooled kernels that executes runs."""

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
from jupyter_mlops.errors import InvalidInputError, MlopsError, RunStoppedError
from jupyter_mlops.execution.engine import cores, memory
from jupyter_mlops.execution.execute import execute
from jupyter_mlops.execution.kernels import IdleKernel, SharedKernelPool
from jupyter_mlops.execution.launch import KernelRequest
from jupyter_mlops.kernels import reaper
from jupyter_mlops.kernels.forkserver_registry import SERVERS
from jupyter_mlops.kernels.pool import KernelPool
from jupyter_mlops.worker.executor import ClusterExecutor, with_steps
from jupyter_mlops.worker.protocol import ADDRESS, GOODBYE, LINE, from_wire, process_context_of_client, read_address
from jupyter_mlops.worker.queue_worker import QueueWorker

WATCHED = 1 << 22  # bytes that may be buffered for a watching client; events beyond that are dropped
SWEEP = 30.0  # seconds between checks for idle kernels and servers

log = logging.getLogger("jupyter_mlops.worker")


class WorkerDaemon:
    """Executes runs for processes of the same user, a limited number at once; others wait in order.

    :param supervised: by Jupyter servers: it then ends when no server has watched it for `config.unwatched` seconds.
    :param cluster: executes runs on clusters.
    """

    def __init__(
        self, config: RunConfig | None = None, *, supervised: bool = False, cluster: ClusterExecutor | None = None
    ) -> None:
        self.config, self.supervised, self.cluster = config or RunConfig(), supervised, cluster
        self.home = Path(self.config.home)
        self.limit = self.config.jobs or cores()
        self.pool: KernelPool[IdleKernel] = KernelPool(
            self.config.pool_size, self.config.pool_memory, self.config.ahead_memory or memory() // 10
        )
        self.kernels = SharedKernelPool(self.pool, self.limit)
        self.slots = asyncio.Semaphore(self.limit)
        self.submitted: set[asyncio.Task[dict[str, Any]]] = set()
        self.connections: set[asyncio.Task[None]] = set()
        self.finished = 0
        self.queued = 0
        self.started = time.time()
        self.stopping = asyncio.Event()
        self.queue_worker: QueueWorker | None = None
        self.lock: FileLock | None = None
        self.watched_at = time.monotonic()

    # -- the process

    async def serve(self, ready: Any = lambda: None) -> None:
        """Listen until stopped, then let running runs finish within the time allowed."""
        folder = reaper.make_folder()
        path = folder / "socket"
        try:
            self.claim()
            db = await asyncio.to_thread(Database, self.config.database)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        self.queue_worker = QueueWorker(self.config, db, self.kernels, self.slots, self.cluster)
        server = await asyncio.start_unix_server(self.handle_connection, path, limit=LINE)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.stop)
        maintenance = [
            asyncio.ensure_future(work) for work in (self.clean_up(), *([self.supervise()] if self.supervised else []))
        ]
        self.write_address(path)
        try:
            await self.warm()
            await self.queue_worker.start()
            gc.collect()
            gc.freeze()  # exclude long-lived objects from garbage collection
            ready()
            await self.stopping.wait()
        finally:
            self.withdraw()
            server.close()
            for work in maintenance:
                work.cancel()
            await self.finish()
            if self.cluster is not None:
                await self.cluster.close()
            db.close()
            shutil.rmtree(folder, ignore_errors=True)
            SERVERS.close()

    def stop(self) -> None:
        """Accept no more runs. A second call stops the running ones."""
        if self.stopping.is_set():
            for run in self.submitted:
                run.cancel()
            if self.queue_worker is not None:
                self.queue_worker.release()
        self.stopping.set()

    def claim(self) -> None:
        """Raise InvalidInputError if a worker already serves this home folder on this machine; a file lock prevents
        races."""
        self.home.mkdir(parents=True, exist_ok=True)
        self.lock = FileLock(self.home / f"worker.{socket.gethostname()}.lock", timeout=0)
        try:
            self.lock.acquire()
        except Timeout:
            address = read_address(self.home)
            raise InvalidInputError(
                "a worker is already running",
                where=f"process {address['pid']}" if address is not None else str(self.home),
                remedy="Stop it first: jupyter mlops worker --stop.",
            ) from None

    def write_address(self, path: Path) -> None:
        self.home.mkdir(parents=True, exist_ok=True)
        facts = {"socket": str(path), "pid": os.getpid(), "version": __version__}
        temporary = self.home / f"{ADDRESS}.{os.getpid()}"
        temporary.write_text(json.dumps(facts), encoding="utf-8")
        temporary.chmod(0o600)
        temporary.replace(self.home / ADDRESS)

    def withdraw(self) -> None:
        """Accept no more runs, so that another worker can start while the runs of this one finish."""
        address = read_address(self.home)
        if address is not None and address.get("pid") == os.getpid():
            (self.home / ADDRESS).unlink(missing_ok=True)
        if self.lock is not None:
            self.lock.release()

    async def warm(self) -> None:
        """Prepare kernels before the first request."""
        if self.config.pool_size and self.config.fork_kernels:
            request = KernelRequest(
                "python3", "/", self.config.hash_seed, fork="start", preload=tuple(self.config.preload)
            )
            await self.kernels.expect(request)

    async def supervise(self) -> None:
        """End when no server has watched for `config.unwatched` seconds."""
        while True:
            await asyncio.sleep(self.config.unwatched / 4)
            if self.queue_worker is not None and self.queue_worker.watchers:
                self.watched_at = time.monotonic()
            elif time.monotonic() - self.watched_at > self.config.unwatched:
                log.warning("no server has watched for %g s: the worker ends", self.config.unwatched)
                self.stop()
                return

    async def clean_up(self) -> None:
        while True:
            await asyncio.sleep(SWEEP)
            await self.pool.evict_idle(self.config.kernels_idle)
            await asyncio.to_thread(SERVERS.stop_idle, self.config.kernels_idle)

    async def finish(self) -> None:
        """Wait for running runs; stop them after `stop_patience` seconds. Closes all kernels."""
        patience = self.config.stop_patience
        until = time.monotonic() + patience
        if self.queue_worker is not None and self.queue_worker.loops:
            await self.queue_worker.end(patience)
        if self.submitted:
            await asyncio.wait(self.submitted, timeout=max(0.0, until - time.monotonic()))
        for run in self.submitted:
            run.cancel()
        if self.submitted:
            await asyncio.wait(self.submitted, timeout=10.0)
        if self.connections:
            await asyncio.wait(self.connections, timeout=2.0)
        await self.kernels.close()

    # -- one client

    async def handle_connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Handle one connection from its first line to its end."""
        task = asyncio.current_task()
        assert task is not None
        self.connections.add(task)
        task.add_done_callback(self.connections.discard)
        try:
            with contextlib.suppress(ConnectionError, asyncio.LimitOverrunError, ValueError):
                if line := await reader.readline():
                    await self.answer(json.loads(line), reader, writer)
        finally:
            writer.close()

    async def answer(self, message: Any, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not isinstance(message, dict):
            _send(writer, {"error": InvalidInputError("a line must be a JSON object").to_dict()})
        elif "status" in message:
            _send(writer, self.status())
        elif "there" in message:
            _send(writer, {"there": os.getpid()})
        elif "watch" in message:
            await self.stream_events(reader, writer)
        elif "poke" in message:
            if self.queue_worker is not None:
                self.queue_worker.notify()
            _send(writer, {"poked": os.getpid()})
        elif "end" in message:
            _send(writer, {"ending": os.getpid()})
            self.stop()
        elif "run" in message:
            await self.run(message, reader, writer)
        else:
            _send(writer, {"error": InvalidInputError(f"unknown request: {', '.join(message)}").to_dict()})
        with contextlib.suppress(ConnectionError):
            await writer.drain()

    async def stream_events(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Send the events of all queued runs to a client until it disconnects or the worker ends."""
        if self.queue_worker is None:
            return

        def tell(event: dict[str, Any]) -> None:
            if not writer.is_closing() and writer.transport.get_write_buffer_size() < WATCHED:
                _send(writer, event)

        self.queue_worker.watchers.append(tell)
        _send(writer, {"watching": os.getpid()})
        disconnected = asyncio.ensure_future(reader.read())
        ending = asyncio.ensure_future(self.stopping.wait())
        try:
            with contextlib.suppress(ConnectionError):
                await asyncio.wait({disconnected, ending}, return_when=asyncio.FIRST_COMPLETED)
                if (
                    disconnected.done()
                    and disconnected.result() == GOODBYE
                    and self.supervised
                    and len(self.queue_worker.watchers) == 1
                ):
                    self.stop()
        finally:
            self.queue_worker.watchers.remove(tell)
            self.watched_at = time.monotonic()
            disconnected.cancel()
            ending.cancel()

    async def run(self, message: dict[str, Any], reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Execute the run of a client, and send it the events and the result."""
        try:
            request = from_wire(message["run"])
            differs = self.differs(message["here"])
        except (KeyError, TypeError, AttributeError) as error:
            _send(writer, {"error": InvalidInputError(f"not a run: {error}").to_dict()})
            return
        if differs or self.stopping.is_set():
            _send(writer, {"refused": differs or "the worker is stopping"})
            return

        def tell(event: dict[str, Any]) -> None:
            if event["event"] != "output" and not writer.is_closing():  # outputs are in the record
                _send(writer, event)

        if self.slots.locked():
            tell({"event": "waiting", "running": len(self.submitted) - self.queued, "queued": self.queued})
        run = asyncio.ensure_future(self.run_when_free(request, tell))
        self.submitted.add(run)
        run.add_done_callback(self.submitted.discard)
        listening = asyncio.ensure_future(self.handle_message(reader, run))
        try:
            _send(writer, {"record": await run})
        except MlopsError as error:
            _send(writer, {"error": error.to_dict()})
        except asyncio.CancelledError:
            _send(writer, {"error": RunStoppedError("the run was stopped before it began").to_dict()})
        except Exception as error:
            _send(writer, {"error": MlopsError(f"{type(error).__name__}: {error}").to_dict()})
        finally:
            listening.cancel()
            self.finished += 1

    async def run_when_free(self, request: Any, tell: Any) -> dict[str, Any]:
        self.queued += 1
        try:
            await self.slots.acquire()
        finally:
            self.queued -= 1
        kernels = self.kernels.of_run()
        try:
            record = await execute(with_steps(request, self.cluster, self.config), self.config, tell, kernels)
        finally:
            self.slots.release()
        if kernels.ending is not None:  # a kernel's exit handlers finish before the client continues
            await asyncio.wait({kernels.ending})
        return record

    async def handle_message(self, reader: asyncio.StreamReader, run: asyncio.Task[dict[str, Any]]) -> None:
        """Stop the run when its client sends a message or disconnects."""
        with contextlib.suppress(ConnectionError):
            await reader.readline()
        run.cancel()

    def differs(self, client: dict[str, Any]) -> str:
        """How a run of that client would differ in this process; "" if it would not."""
        own_context = process_context_of_client()
        return next((f"its {name} differs" for name, value in own_context.items() if client.get(name) != value), "")

    def status(self) -> dict[str, Any]:
        """The state of the worker, for `jupyter mlops worker --status`."""
        return {
            "pid": os.getpid(),
            "version": __version__,
            "supervised": self.supervised,
            "kept": self.supervised,  # its former name, for servers of an earlier version
            "watchers": len(self.queue_worker.watchers) if self.queue_worker is not None else 0,
            "since": self.started,
            "running": len(self.submitted) - self.queued,
            "queued": self.queued,
            "done": self.finished,
            "kernels_at_most": self.limit,
            "kernels_ready": len(self.pool),
            "kernels_ready_bytes": self.pool.bytes(),
            "stopping": self.stopping.is_set(),
            "database": make_url(self.config.database).render_as_string(hide_password=True),
            "doing": sorted(self.queue_worker.consumer.claimed) if self.queue_worker is not None else [],
            "problem": self.queue_worker.problems.first if self.queue_worker is not None else "",
        }


def _send(writer: asyncio.StreamWriter, message: dict[str, Any]) -> None:
    writer.write(json.dumps(message, default=str).encode() + b"\n")
