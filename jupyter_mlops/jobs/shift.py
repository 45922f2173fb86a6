"""A worker's shift at the queue: it fires schedules, takes runs, keeps leases alive, and writes down how runs end."""

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
from jupyter_mlops.jobs.catalog import Catalog
from jupyter_mlops.jobs.notify import Notifier
from jupyter_mlops.jobs.perform import Performance, Performer, defect
from jupyter_mlops.jobs.policies import Policies
from jupyter_mlops.jobs.queue import Queue, worker_id
from jupyter_mlops.jobs.records import Run
from jupyter_mlops.jobs.retention import sweep
from jupyter_mlops.jobs.scheduler import Scheduler
from jupyter_mlops.jobs.workers import Workers
from jupyter_mlops.jobs.workspace import Workspace, store_of
from jupyter_mlops.kernels import leftovers
from jupyter_mlops.run.kernels import SharedKernels

LOOKS = 1.0  # seconds between looks at the queue, unless somebody says that there is something
BEATS = 4  # heartbeats in the time of a lease
AHEAD = 15.0  # seconds before a schedule is due in which a kernel is made ready for its run
SWEEP = 3600.0  # seconds between looks at what may go
AWAY = 5.0  # seconds to wait when the database is away
log = logging.getLogger("jupyter_mlops.worker")


class Shift:
    """All that a worker does with the database, from `begin` to `end`.

    :param turn: how many runs may go on at once in this process, those handed over included.
    """

    def __init__(self, config: RunConfig, db: Database, kernels: SharedKernels, turn: asyncio.Semaphore) -> None:
        self.config, self.db, self.kernels, self.turn = config, db, kernels, turn
        self.id = worker_id()
        self.queue = Queue(db, lease=config.lease)
        self.catalog, self.workers = Catalog(db), Workers(db)
        self.scheduler = Scheduler(db, self.queue, grace=config.missed_after)
        self.performer = Performer(self.catalog, self.queue, store_of(config), config)
        self.notifier = Notifier(Path(config.home))
        self.held: dict[str, tuple[Run, asyncio.Task[Performance]]] = {}
        self.ends: dict[str, str | None] = {}
        self.doing: set[asyncio.Task[None]] = set()
        self.poked, self.set_anew, self.ended = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self.closing = False
        self.loop: asyncio.AbstractEventLoop | None = None
        self.beating = threading.Thread(target=self._beat, name="heartbeat", daemon=True)
        self.nudged, self.over = threading.Event(), False
        self.looking: list[asyncio.Task[None]] = []
        self.watchers: list[Callable[[dict[str, Any]], None]] = []
        self.problems: dict[str, str] = {}
        self.prepared_at = self.kept_at = time.monotonic()
        self.kinds: dict[int, str] = {}

    # -- begin and end

    async def begin(self) -> None:
        """Take runs from now on."""
        self.loop = asyncio.get_running_loop()
        await asyncio.to_thread(self._enter)
        self.beating.start()
        self.looking = [
            asyncio.ensure_future(self._again("the queue", self._take_all, self.poked)),
            asyncio.ensure_future(self._again("schedules", self._keep_time, self.set_anew)),
            asyncio.ensure_future(self._again("old runs", self._tidy, self.ended, SWEEP)),
        ]

    def _enter(self) -> None:
        leftovers.sweep(Path(self.config.home))
        self.db.patiently(lambda: self.workers.enter(self.id))
        self._take_over()

    async def end(self, patience: float) -> None:
        """Take no more; what is not finished in so many seconds is handed back, for others to go on with."""
        self.closing = True
        self.poke()
        self.ended.set()
        if self.looking:
            await asyncio.wait(self.looking)
        if self.doing:
            await asyncio.wait(self.doing, timeout=patience)
        self.hand_back()
        if self.doing:
            await asyncio.wait(self.doing, timeout=15.0)
        self.db.hurry()
        self.over = True
        self.nudged.set()
        await asyncio.to_thread(self.beating.join, 10.0)
        with contextlib.suppress(DatabaseError):
            await asyncio.to_thread(self.workers.leave, self.id)

    def hand_back(self) -> None:
        """Stop what goes on, for others to go on with."""
        for run_id, (_, task) in list(self.held.items()):
            self.ends.setdefault(run_id, None)
            task.cancel()

    def poke(self) -> None:
        """There is something in the queue, a run is to stop, or a schedule is another one now."""
        self.poked.set()
        self.set_anew.set()
        if self.held:
            self.nudged.set()

    # -- what it does again and again, each at its own pace

    async def _again(
        self, what: str, once: Callable[[], Coroutine[Any, Any, float]], woken: asyncio.Event, wait: float = 0.0
    ) -> None:
        """Do it until the end, `once` saying after how many seconds it is to be done again, if nobody wakes it."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await woken.wait()
            if self.closing:
                return
            woken.clear()
            try:
                wait = await once()
                self.problems.pop(what, None)
            except DatabaseError as error:
                self._worry(what, error)
                wait = AWAY
            except Exception as error:  # a defect must not end the shift
                log.exception("%s could not be looked at", what)
                self.problems[what] = f"{type(error).__name__}: {error}"
                wait = AWAY

    async def _take_all(self) -> float:
        """Take what there is room for. Whoever makes room, or has made a run, says so."""
        while not self.closing and not self.turn.locked():
            await self.turn.acquire()
            run = None
            try:
                run = await asyncio.to_thread(self._take)
            finally:
                if run is None:
                    self.turn.release()
            if run is None:
                self.kernels.calm.set()
                break
            self._begin(self._do(run))
        return LOOKS

    async def _keep_time(self) -> float:
        """Fire what is due, and have kernels ready for what soon is."""
        fired, due = await asyncio.to_thread(self._fire)
        if fired:
            self.kernels.rush()
            self.poked.set()
        left = AHEAD if due is None else due - time.time()
        if left < AHEAD and time.monotonic() - self.prepared_at > LOOKS:
            self.prepared_at = time.monotonic()
            jobs = await asyncio.to_thread(self.scheduler.due_within, AHEAD)
            self.kernels.prepare(self.kinds.get(job) for job in jobs)
        return max(0.0, min(LOOKS, left))

    async def _tidy(self) -> float:
        await asyncio.to_thread(self._sweep)
        return SWEEP

    def _sweep(self) -> None:
        """What policies don't keep goes."""
        space = Workspace(self.config)
        try:
            gone = sweep(space)
            if gone.runs:
                log.info("%d runs that policies don't keep are gone", gone.runs)
        finally:
            space.close()

    def _fire(self) -> tuple[bool, float | None]:
        """Whether something was due, and when the next thing is."""
        due = self.scheduler.next_due()
        if due is None or due > time.time():
            return False, due
        while self.scheduler.tick() >= 200:
            pass
        return True, self.scheduler.next_due()

    def _take(self) -> Run | None:
        if not self.queue.is_there_any():
            return None
        if time.monotonic() - self.kept_at > self.queue.lease / 2:  # the database was away
            self._keep()  # else it would take its own runs from itself
        run = self.queue.take(self.id)
        while self.queue.given_up:
            self._aside(self.queue.run(self.queue.given_up.pop()))
        return run

    def _keep(self) -> dict[str, str]:
        """Extend the leases of what it holds; returns what has to end, and why."""
        asked_at = time.monotonic()
        lost = self.queue.keep(self._leases())
        self.kept_at = asked_at
        return lost

    def _leases(self) -> dict[str, str]:
        return {run.id: str(run.lease) for run, _ in list(self.held.values())}

    def _aside(self, run: Run) -> None:
        """Tell people of a run that is over, without waiting for them."""
        self._soon(lambda: self._begin(self._told(run)))

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self.doing.add(task)
        task.add_done_callback(self.doing.discard)

    async def _told(self, run: Run) -> None:
        with contextlib.suppress(DatabaseError):
            await asyncio.to_thread(self._tell, run)

    # -- doing

    async def _do(self, run: Run) -> None:
        """One run, from its taking to the last word on it."""
        kernels = self.kernels.of_run()
        try:
            self._show(run, {"event": "state", "state": "running"})
            task = asyncio.ensure_future(self.performer.perform(run, kernels, lambda event: self._show(run, event)))
            self.held[run.id] = (run, task)
            try:
                done = await task
            except asyncio.CancelledError:
                done = Performance("stopped")
            except Exception as error:  # of ours; the run has to be told of it, not to hang
                log.exception("run %s", run.id)
                done = Performance("failed", error=defect(error))
            state = await asyncio.to_thread(self.db.patiently, lambda: self._write(run, done), self.db.OUTAGE)
            if state:
                self._show(run, {"event": "state", "state": state})
                self._begin(self._told(run))  # whoever is told may take long to listen
        except DatabaseError as error:
            self._worry("the queue", error)
        finally:
            if run.job_id is not None:
                self.kinds[run.job_id] = kernels.kind
            self.held.pop(run.id, None)
            self.ends.pop(run.id, None)
            self.turn.release()
            self.poked.set()

    def _show(self, run: Run, event: dict[str, Any]) -> None:
        for watcher in self.watchers:
            watcher({**event, "run": run.id, "job": run.job, "time": time.time()})

    def _write(self, run: Run, done: Performance) -> str:
        """Write down what became of it; the state it is in now, "" if it is others' to say."""
        if run.id in self.ends and done.state == "stopped":
            if self.ends[run.id] is None:
                self.queue.hand_back(run)
                return ""
            done.notes.append(f"stopped: {self.ends[run.id]}")
        return self.performer.finish(run, done)

    def _tell(self, run: Run) -> None:
        self.notifier.over(run, self.queue, self.catalog)

    # -- heartbeats, in a thread: a busy loop must not lose leases

    def _beat(self) -> None:
        every = self.queue.lease / BEATS
        rounds = 0
        while True:
            self.nudged.wait(every)
            self.nudged.clear()
            if self.over:
                return
            rounds += 1
            try:
                lost = self._keep()
                self.problems.pop("leases", None)
                if rounds % BEATS == 0:
                    self.workers.beat(self.id)
                    self._take_over()
                for run_id, why in lost.items():
                    self._end_soon(run_id, why or "another worker has taken it over")
                self._worry_about_long_ones()
            except DatabaseError as error:
                self._worry("leases", error)
                if not self.db.is_sqlite and time.monotonic() - self.kept_at > self.queue.lease:
                    for run_id in list(self.held):  # somebody who still reaches the database may take it over
                        self._end_soon(run_id, None)
            except Exception:
                log.exception("heartbeat")

    def _take_over(self) -> None:
        """What dead workers of this machine held can be taken at once."""
        dead = self.workers.dead_here()
        if dead:
            self.queue.forget_leases_of(dead)
            for worker in dead:
                self.workers.leave(worker)
            leftovers.sweep(Path(self.config.home))
            self._soon(self.poke)

    def _worry_about_long_ones(self) -> None:
        for run, _ in list(self.held.values()):
            if run.job_id is not None and run.id not in self.notifier.long:
                rules = Policies.kept(self.catalog.job_by_id(run.job_id).policies)
                if self.notifier.is_long(run, rules):  # told in a thread of its own: leases have to be kept meanwhile
                    threading.Thread(target=self.notifier.while_running, args=(run, rules), daemon=True).start()

    def _end_soon(self, run_id: str, why: str | None) -> None:
        held = self.held.get(run_id)
        if held is not None and run_id not in self.ends:
            self.ends[run_id] = why
            self._soon(held[1].cancel)

    def _soon(self, what: Callable[[], Any]) -> None:
        if self.loop is not None and not self.loop.is_closed():
            self.loop.call_soon_threadsafe(what)

    def _worry(self, what: str, error: DatabaseError) -> None:
        if not self.problems:
            log.warning("%s", error)
        self.problems[what] = error.message
