"""The part of a worker that uses the database: fires schedules, claims runs, renews leases, and records results."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from jupyter_mlops.config import RunConfig
from jupyter_mlops.db.database import Database
from jupyter_mlops.errors import DatabaseError
from jupyter_mlops.execution.kernels import SharedKernelPool
from jupyter_mlops.jobs.catalog import Catalog
from jupyter_mlops.jobs.records import Run
from jupyter_mlops.jobs.retention import clean_up
from jupyter_mlops.jobs.run_queue import RunQueue
from jupyter_mlops.jobs.worker_registry import WorkerRegistry, worker_id
from jupyter_mlops.jobs.workspace import Workspace, store_of
from jupyter_mlops.kernels import reaper
from jupyter_mlops.worker.executor import ClusterExecutor
from jupyter_mlops.worker.heartbeat import Heartbeat
from jupyter_mlops.worker.notifier import Notifier
from jupyter_mlops.worker.problems import Problems
from jupyter_mlops.worker.run_consumer import RunConsumer
from jupyter_mlops.worker.run_executor import RunExecutor
from jupyter_mlops.worker.run_importer import RunImporter
from jupyter_mlops.worker.scheduler import Scheduler

LOOKS = 1.0  # seconds between polls of the queue if no notification arrives
AHEAD = 15.0  # seconds before a schedule is due at which a kernel is prepared for its run
SWEEP = 3600.0  # seconds between retention passes
AWAY = 5.0  # seconds to wait while the database is unavailable
log = logging.getLogger("jupyter_mlops.worker")


class QueueWorker:
    """All database work of a worker, from `start` to `end`.

    :param slots: how many runs may execute at once in this process, including submitted ones.
    :param cluster: executes runs on clusters.
    """

    def __init__(
        self, config: RunConfig, db: Database, kernels: SharedKernelPool, slots: asyncio.Semaphore,
        cluster: ClusterExecutor | None = None,
    ) -> None:  # fmt: skip
        self.config, self.db, self.kernels, self.slots = config, db, kernels, slots
        self.id = worker_id()
        self.queue = RunQueue(db, lease=config.lease)
        self.catalog, self.workers = Catalog(db), WorkerRegistry(db)
        self.scheduler = Scheduler(db, self.queue, grace=config.missed_after)
        executor = RunExecutor(self.catalog, self.queue, store_of(config), config, cluster)
        self.consumer, self.importer = RunConsumer(executor, Notifier(Path(config.home))), RunImporter(config)
        self.problems = Problems()
        self.heartbeat = Heartbeat(self.consumer, self._show_alive, self.problems)
        self.tasks: set[asyncio.Task[None]] = set()
        self.queue_changed, self.schedules_changed, self.ended = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self.closing = False
        self.loop: asyncio.AbstractEventLoop | None = None
        self.loops: list[asyncio.Task[None]] = []
        self.watchers: list[Callable[[dict[str, Any]], None]] = []
        self.prepared_at = time.monotonic()
        self.kinds: dict[int, str] = {}

    # -- begin and end

    async def start(self) -> None:
        """Begin to claim runs."""
        self.loop = asyncio.get_running_loop()
        await asyncio.to_thread(self._register)
        self.heartbeat.start()
        self.loops = [
            asyncio.ensure_future(self._repeat("the queue", self._claim_all, self.queue_changed)),
            asyncio.ensure_future(self._repeat("schedules", self._run_scheduler, self.schedules_changed)),
            asyncio.ensure_future(self._repeat("runs of engines", self._import_runs, self.ended)),
            asyncio.ensure_future(self._repeat("old runs", self._maintain, self.ended, SWEEP)),
        ]

    def _register(self) -> None:
        reaper.reap_orphans(Path(self.config.home))
        self.db.retry_during_outage(lambda: self.workers.register(self.id))
        self._recover_stalled()

    async def end(self, patience: float) -> None:
        """Claim no more runs; after `patience` seconds, release the unfinished ones for other workers."""
        self.closing = True
        self.notify()
        self.ended.set()
        if self.loops:
            await asyncio.wait(self.loops)
        if self.tasks:
            await asyncio.wait(self.tasks, timeout=patience)
        self.release()
        if self.tasks:
            await asyncio.wait(self.tasks, timeout=15.0)
        self.db.abort_retries()
        await asyncio.to_thread(self.heartbeat.end, 10.0)
        with contextlib.suppress(DatabaseError):
            await asyncio.to_thread(self.workers.deregister, self.id)

    def release(self) -> None:
        """Stop the running runs, so that other workers can resume them."""
        self.consumer.end_all(None)

    def notify(self) -> None:
        """Wake the loops: a run was queued or is to stop, or a schedule changed."""
        self.queue_changed.set()
        self.schedules_changed.set()
        if self.consumer.claimed:
            self.heartbeat.wake()

    # -- loops, each at its own pace

    async def _repeat(
        self, subject: str, once: Callable[[], Coroutine[Any, Any, float]], woken: asyncio.Event, wait: float = 0.0
    ) -> None:
        """Call `once` until closed. It returns the seconds until the next call; `woken` shortens the wait."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await woken.wait()
            if self.closing:
                return
            woken.clear()
            try:
                wait = await once()
                self.problems.resolve(subject)
            except DatabaseError as error:
                self.problems.report(subject, error)
                wait = AWAY
            except Exception as error:  # a defect must not end the loop
                self.problems.report_defect(subject, error)
                wait = AWAY

    async def _claim_all(self) -> float:
        """Claim runs while there is capacity. Freed capacity and new runs trigger a notification."""
        while not self.closing and not self.slots.locked():
            await self.slots.acquire()
            run = None
            try:
                run = await asyncio.to_thread(self._claim)
            finally:
                if run is None:
                    self.slots.release()
            if run is None:
                self.kernels.calm.set()
                break
            self._begin(self._execute(run))
        return LOOKS

    async def _run_scheduler(self) -> float:
        """Fire due schedules, and prepare kernels for those due soon."""
        fired, due = await asyncio.to_thread(self._fire)
        if fired:
            self.kernels.begin_burst()
            self.queue_changed.set()
        remaining = AHEAD if due is None else due - time.time()
        if remaining < AHEAD and time.monotonic() - self.prepared_at > LOOKS:
            self.prepared_at = time.monotonic()
            jobs = await asyncio.to_thread(self.scheduler.due_within, AHEAD)
            self.kernels.prepare(self.kinds.get(job) for job in jobs)
        return max(0.0, min(LOOKS, remaining))

    async def _import_runs(self) -> float:
        """Bring runs of other engines into the history."""
        return await self.importer.look(lambda run: self._show(run, {"event": "state", "state": run.state}), self.ended)

    async def _maintain(self) -> float:
        await asyncio.to_thread(self._clean_up)
        return SWEEP

    def _clean_up(self) -> None:
        """Delete what the retention policies do not keep."""
        space = Workspace(self.config)
        try:
            deleted = clean_up(space)
            if deleted.runs:
                log.info("deleted %d runs by retention policy", deleted.runs)
        finally:
            space.close()

    def _fire(self) -> tuple[bool, float | None]:
        """Whether something was due, and when the next schedule is."""
        due = self.scheduler.next_due()
        if due is None or due > time.time():
            return False, due
        while self.scheduler.tick() >= 200:
            pass
        return True, self.scheduler.next_due()

    def _claim(self) -> Run | None:
        if not self.queue.has_claimable():
            return None
        if time.monotonic() - self.consumer.renewed_at > self.queue.lease / 2:  # the database was unavailable
            self.consumer.renew_leases()  # otherwise it would claim its own runs again
        run = self.queue.claim(self.id)
        while self.queue.abandoned:
            self._start_in_background(self.queue.run(self.queue.abandoned.pop()))
        return run

    def _start_in_background(self, run: Run) -> None:
        """Run the notifications of a finished run without waiting for them."""
        self._soon(lambda: self._begin(self.consumer.announce(run)))

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    # -- executing

    async def _execute(self, run: Run) -> None:
        """Execute one claimed run and record its result."""
        kernels = self.kernels.of_run()
        try:
            self._show(run, {"event": "state", "state": "running"})
            state = await self.consumer.execute(run, kernels, lambda event: self._show(run, event))
            if state:
                self._show(run, {"event": "state", "state": state})
                self._begin(self.consumer.announce(run))
        except DatabaseError as error:
            self.problems.report("the queue", error)
        finally:
            if run.job_id is not None:
                self.kinds[run.job_id] = kernels.kind
            self.slots.release()
            self.queue_changed.set()

    def _show(self, run: Run, event: dict[str, Any]) -> None:
        for watcher in self.watchers:
            watcher({**event, "run": run.id, "job": run.job, "notebook": run.notebook, "time": time.time()})

    # -- in the thread of the heartbeat

    def _show_alive(self) -> None:
        self.workers.heartbeat(self.id)
        self._recover_stalled()

    def _recover_stalled(self) -> None:
        """Expire the leases of dead workers on this machine, so that their runs can be claimed at once."""
        dead = self.workers.stalled_on_host()
        if dead:
            self.queue.expire_leases(dead)
            for worker in dead:
                self.workers.deregister(worker)
            reaper.reap_orphans(Path(self.config.home))
            self._soon(self.notify)

    def _soon(self, function: Callable[[], Any]) -> None:
        if self.loop is not None and not self.loop.is_closed():
            self.loop.call_soon_threadsafe(function)
