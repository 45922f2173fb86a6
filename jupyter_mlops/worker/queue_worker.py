"""The part of a worker that uses the database: fires schedules, claims runs, renews leases, and records results."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from jupyter_mlops.config import RunConfig
from jupyter_mlops.db.database import Database
from jupyter_mlops.errors import DatabaseError
from jupyter_mlops.execution.kernels import SharedKernelPool
from jupyter_mlops.jobs.catalog import Catalog
from jupyter_mlops.jobs.policies import Policies
from jupyter_mlops.jobs.records import Run
from jupyter_mlops.jobs.retention import clean_up
from jupyter_mlops.jobs.run_queue import RunQueue
from jupyter_mlops.jobs.worker_registry import WorkerRegistry, worker_id
from jupyter_mlops.jobs.workspace import Workspace, store_of
from jupyter_mlops.kernels import reaper
from jupyter_mlops.worker.executor import ClusterExecutor
from jupyter_mlops.worker.notifier import Notifier
from jupyter_mlops.worker.run_executor import RunExecutor, RunResult, internal_error
from jupyter_mlops.worker.run_importer import RunImporter
from jupyter_mlops.worker.scheduler import Scheduler

LOOKS = 1.0  # seconds between polls of the queue if no notification arrives
BEATS = 4  # heartbeats per lease time
AHEAD = 15.0  # seconds before a schedule is due at which a kernel is prepared for its run
SWEEP = 3600.0  # seconds between retention passes
AWAY = 5.0  # seconds to wait while the database is unavailable
log = logging.getLogger("jupyter_mlops.worker")


class QueueWorker:
    """All database work of a worker, from `start` to `end`.

    :param turn: how many runs may execute at once in this process, including submitted ones.
    :param cluster: executes runs on clusters.
    """

    def __init__(
        self, config: RunConfig, db: Database, kernels: SharedKernelPool, turn: asyncio.Semaphore,
        cluster: ClusterExecutor | None = None,
    ) -> None:  # fmt: skip
        self.config, self.db, self.kernels, self.turn = config, db, kernels, turn
        self.id = worker_id()
        self.queue = RunQueue(db, lease=config.lease)
        self.catalog, self.workers = Catalog(db), WorkerRegistry(db)
        self.scheduler = Scheduler(db, self.queue, grace=config.missed_after)
        self.performer = RunExecutor(self.catalog, self.queue, store_of(config), config, cluster)
        self.notifier, self.importer = Notifier(Path(config.home)), RunImporter(config)
        self.held: dict[str, tuple[Run, asyncio.Task[RunResult]]] = {}
        self.ends: dict[str, str | None] = {}
        self.doing: set[asyncio.Task[None]] = set()
        self.poked, self.set_anew, self.ended = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self.closing = False
        self.loop: asyncio.AbstractEventLoop | None = None
        self.beating = threading.Thread(target=self._heartbeat, name="heartbeat", daemon=True)
        self.nudged, self.over = threading.Event(), False
        self.looking: list[asyncio.Task[None]] = []
        self.watchers: list[Callable[[dict[str, Any]], None]] = []
        self.problems: dict[str, str] = {}
        self.prepared_at = self.kept_at = time.monotonic()
        self.kinds: dict[int, str] = {}

    # -- begin and end

    async def start(self) -> None:
        """Begin to claim runs."""
        self.loop = asyncio.get_running_loop()
        await asyncio.to_thread(self._register)
        self.beating.start()
        self.looking = [
            asyncio.ensure_future(self._repeat("the queue", self._claim_all, self.poked)),
            asyncio.ensure_future(self._repeat("schedules", self._run_scheduler, self.set_anew)),
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
        if self.looking:
            await asyncio.wait(self.looking)
        if self.doing:
            await asyncio.wait(self.doing, timeout=patience)
        self.release()
        if self.doing:
            await asyncio.wait(self.doing, timeout=15.0)
        self.db.abort_retries()
        self.over = True
        self.nudged.set()
        await asyncio.to_thread(self.beating.join, 10.0)
        with contextlib.suppress(DatabaseError):
            await asyncio.to_thread(self.workers.deregister, self.id)

    def release(self) -> None:
        """Stop the running runs, so that other workers can resume them."""
        for run_id, (_, task) in list(self.held.items()):
            self.ends.setdefault(run_id, None)
            task.cancel()

    def notify(self) -> None:
        """Wake the loops: a run was queued or is to stop, or a schedule changed."""
        self.poked.set()
        self.set_anew.set()
        if self.held:
            self.nudged.set()

    # -- what it does again and again, each at its own pace

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
                self.problems.pop(subject, None)
            except DatabaseError as error:
                self._report_error(subject, error)
                wait = AWAY
            except Exception as error:  # a defect must not end the loop
                log.exception("%s could not be processed", subject)
                self.problems[subject] = f"{type(error).__name__}: {error}"
                wait = AWAY

    async def _claim_all(self) -> float:
        """Claim runs while there is capacity. Freed capacity and new runs trigger a notification."""
        while not self.closing and not self.turn.locked():
            await self.turn.acquire()
            run = None
            try:
                run = await asyncio.to_thread(self._claim)
            finally:
                if run is None:
                    self.turn.release()
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
            self.poked.set()
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
        if time.monotonic() - self.kept_at > self.queue.lease / 2:  # the database was unavailable
            self._renew_leases()  # otherwise it would claim its own runs again
        run = self.queue.claim(self.id)
        while self.queue.abandoned:
            self._start_in_background(self.queue.run(self.queue.abandoned.pop()))
        return run

    def _renew_leases(self) -> dict[str, str]:
        """Extend the leases of held runs; returns the runs that must end, with the reason."""
        asked_at = time.monotonic()
        lost = self.queue.renew_leases(self._leases())
        self.kept_at = asked_at
        return lost

    def _leases(self) -> dict[str, str]:
        return {run.id: str(run.lease) for run, _ in list(self.held.values())}

    def _start_in_background(self, run: Run) -> None:
        """Run the notifications of a finished run without waiting for them."""
        self._soon(lambda: self._begin(self._told(run)))

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self.doing.add(task)
        task.add_done_callback(self.doing.discard)

    async def _told(self, run: Run) -> None:
        with contextlib.suppress(DatabaseError):
            await asyncio.to_thread(self._publish_event, run)

    # -- doing

    async def _execute(self, run: Run) -> None:
        """Execute one claimed run and record its result."""
        kernels = self.kernels.of_run()
        try:
            self._show(run, {"event": "state", "state": "running"})
            task = asyncio.ensure_future(self.performer.execute(run, kernels, lambda event: self._show(run, event)))
            self.held[run.id] = (run, task)
            try:
                result = await task
            except asyncio.CancelledError:
                result = RunResult("stopped")
            except Exception as error:  # a defect of ours: the run must fail, not hang
                log.exception("run %s", run.id)
                result = RunResult("failed", error=internal_error(error))
            state = await asyncio.to_thread(
                self.db.retry_during_outage, lambda: self._write(run, result), self.db.OUTAGE
            )
            if state:
                self._show(run, {"event": "state", "state": state})
                self._begin(self._told(run))  # notifications may take long
        except DatabaseError as error:
            self._report_error("the queue", error)
        finally:
            if run.job_id is not None:
                self.kinds[run.job_id] = kernels.kind
            self.held.pop(run.id, None)
            self.ends.pop(run.id, None)
            self.turn.release()
            self.poked.set()

    def _show(self, run: Run, event: dict[str, Any]) -> None:
        for watcher in self.watchers:
            watcher({**event, "run": run.id, "job": run.job, "notebook": run.notebook, "time": time.time()})

    def _write(self, run: Run, result: RunResult) -> str:
        """Record the result of a run. Returns its new state, or "" if another worker holds it."""
        if run.id in self.ends and result.state == "stopped":
            if self.ends[run.id] is None:
                self.queue.release(run)
                return ""
            result.notes.append(f"stopped: {self.ends[run.id]}")
        return self.performer.finish(run, result)

    def _publish_event(self, run: Run) -> None:
        self.notifier.run_finished(run, self.queue, self.catalog)

    # -- heartbeats, in a thread: a busy loop must not lose leases

    def _heartbeat(self) -> None:
        every = self.queue.lease / BEATS
        rounds = 0
        while True:
            self.nudged.wait(every)
            self.nudged.clear()
            if self.over:
                return
            rounds += 1
            try:
                lost = self._renew_leases()
                self.problems.pop("leases", None)
                if rounds % BEATS == 0:
                    self.workers.heartbeat(self.id)
                    self._recover_stalled()
                for run_id, why in lost.items():
                    self._end_soon(run_id, why or "another worker has claimed it")
                self._notify_long_runs()
            except DatabaseError as error:
                self._report_error("leases", error)
                if not self.db.is_sqlite and time.monotonic() - self.kept_at > self.queue.lease:
                    for run_id in list(self.held):  # a worker that still reaches the database may claim it
                        self._end_soon(run_id, None)
            except Exception:
                log.exception("heartbeat")

    def _recover_stalled(self) -> None:
        """Expire the leases of dead workers on this machine, so that their runs can be claimed at once."""
        dead = self.workers.stalled_on_host()
        if dead:
            self.queue.expire_leases(dead)
            for worker in dead:
                self.workers.deregister(worker)
            reaper.reap_orphans(Path(self.config.home))
            self._soon(self.notify)

    def _notify_long_runs(self) -> None:
        for run, _ in list(self.held.values()):
            if run.job_id is not None and run.id not in self.notifier.long:
                rules = Policies.kept(self.catalog.job_by_id(run.job_id).policies)
                if self.notifier.run_is_long(run, rules):  # sent in a separate thread: leases must be renewed meanwhile
                    threading.Thread(target=self.notifier.while_running, args=(run, rules), daemon=True).start()

    def _end_soon(self, run_id: str, why: str | None) -> None:
        task = self.held.get(run_id)
        if task is not None and run_id not in self.ends:
            self.ends[run_id] = why
            self._soon(task[1].cancel)

    def _soon(self, function: Callable[[], Any]) -> None:
        if self.loop is not None and not self.loop.is_closed():
            self.loop.call_soon_threadsafe(function)

    def _report_error(self, subject: str, error: DatabaseError) -> None:
        if not self.problems:
            log.warning("%s", error)
        self.problems[subject] = error.message
