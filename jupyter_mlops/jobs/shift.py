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
from jupyter_mlops.jobs.perform import Performance, Performer
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
        self.poked = asyncio.Event()
        self.closing = False
        self.loop: asyncio.AbstractEventLoop | None = None
        self.beating = threading.Thread(target=self._beat, name="heartbeat", daemon=True)
        self.over = threading.Event()
        self.looking: asyncio.Task[None] | None = None
        self.watchers: list[Callable[[dict[str, Any]], None]] = []
        self.problem = ""
        self.swept_at = time.monotonic()

    # -- begin and end

    async def begin(self) -> None:
        """Take runs from now on."""
        self.loop = asyncio.get_running_loop()
        await asyncio.to_thread(self._enter)
        self.beating.start()
        self.looking = asyncio.ensure_future(self._look())

    def _enter(self) -> None:
        leftovers.sweep(Path(self.config.home))
        self.db.patiently(lambda: self.workers.enter(self.id))
        self._take_over()

    async def end(self, patience: float) -> None:
        """Take no more; what is not finished in so many seconds is handed back, for others to go on with."""
        self.closing = True
        self.poke()
        if self.looking is not None:
            await self.looking
        if self.doing:
            await asyncio.wait(self.doing, timeout=patience)
        self.hand_back()
        if self.doing:
            await asyncio.wait(self.doing, timeout=15.0)
        self.db.hurry()
        self.over.set()
        await asyncio.to_thread(self.beating.join, 10.0)
        with contextlib.suppress(DatabaseError):
            await asyncio.to_thread(self.workers.leave, self.id)

    def hand_back(self) -> None:
        """Stop what goes on, for others to go on with."""
        for run_id, (_, task) in list(self.held.items()):
            self.ends.setdefault(run_id, None)
            task.cancel()

    def poke(self) -> None:
        """There is something in the queue."""
        self.poked.set()

    # -- looking

    async def _look(self) -> None:
        while not self.closing:
            self.poked.clear()
            try:
                wait = await self._once()
                self.problem = ""
                if time.monotonic() - self.swept_at > SWEEP:
                    self.swept_at = time.monotonic()
                    await asyncio.to_thread(self._sweep)
            except DatabaseError as error:
                self._worry(error)
                wait = AWAY
            except Exception as error:  # a defect must not end the shift
                log.exception("the queue could not be looked at")
                self.problem = f"{type(error).__name__}: {error}"
                wait = AWAY
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.poked.wait(), wait)

    async def _once(self) -> float:
        """Fire what is due and take what there is room for; returns the seconds until the next look."""
        due = await asyncio.to_thread(self._fire)
        while not self.closing and not self.turn.locked():
            await self.turn.acquire()
            run = None
            try:
                run = await asyncio.to_thread(self._take)
            finally:
                if run is None:
                    self.turn.release()
            if run is None:
                break
            self._begin(self._do(run))
        return LOOKS if due is None else max(0.0, min(LOOKS, due - time.time()))

    def _sweep(self) -> None:
        """What policies don't keep goes."""
        space = Workspace(self.config)
        try:
            gone = sweep(space)
            if gone.runs:
                log.info("%d runs that policies don't keep are gone", gone.runs)
        finally:
            space.close()

    def _fire(self) -> float | None:
        due = self.scheduler.next_due()
        if due is not None and due <= time.time():
            while self.scheduler.tick() >= 200:
                pass
            due = self.scheduler.next_due()
        return due

    def _take(self) -> Run | None:
        if not self.queue.is_there_any():
            return None
        self.queue.keep(self._leases())  # else, after the database was away, it would take its own runs from itself
        run = self.queue.take(self.id)
        while self.queue.given_up:
            self._aside(self.queue.run(self.queue.given_up.pop()))
        return run

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
        try:
            self._show(run, {"event": "state", "state": "running"})
            task = asyncio.ensure_future(
                self.performer.perform(run, self.kernels.of_run(), lambda event: self._show(run, event))
            )
            self.held[run.id] = (run, task)
            try:
                done = await task
            except asyncio.CancelledError:
                done = Performance("stopped")
            except Exception as error:  # of ours; the run has to be told of it, not to hang
                log.exception("run %s", run.id)
                text = f"{type(error).__name__}: {error}"
                done = Performance("failed", error={"step": "", "cell": 0, "ename": "Defect", "evalue": text})
            await asyncio.to_thread(self.db.patiently, lambda: self._write(run, done), self.db.OUTAGE)
            self._show(run, {"event": "state", "state": (await asyncio.to_thread(self.queue.run, run.id)).state})
            self._begin(self._told(run))  # whoever is told may take long to listen
        except DatabaseError as error:
            self._worry(error)
        finally:
            self.held.pop(run.id, None)
            self.ends.pop(run.id, None)
            self.turn.release()
            self.poke()

    def _show(self, run: Run, event: dict[str, Any]) -> None:
        for watcher in self.watchers:
            watcher({**event, "run": run.id, "job": run.job, "time": time.time()})

    def _write(self, run: Run, done: Performance) -> None:
        if run.id in self.ends and done.state == "stopped":
            if self.ends[run.id] is None:
                self.queue.hand_back(run)
                return
            done.notes.append(f"stopped: {self.ends[run.id]}")
        self.queue.finish(
            run, done.state, output=done.output, metrics=done.metrics, error=done.error, notes=done.notes,
            steps=done.steps,
        )  # fmt: skip

    def _tell(self, run: Run) -> None:
        if run.job_id is None:
            return
        over = self.queue.run(run.id)
        self.notifier.after(over, self.catalog.job_by_id(run.job_id).rules, self.queue.before(over))

    # -- heartbeats, in a thread: a busy loop must not lose leases

    def _beat(self) -> None:
        every = self.queue.lease / BEATS
        heard, rounds = time.monotonic(), 0
        while not self.over.wait(every):
            rounds += 1
            try:
                lost = self.queue.keep(self._leases())
                heard = time.monotonic()
                if rounds % BEATS == 0:
                    self.workers.beat(self.id)
                    self._take_over()
                for run_id, why in lost.items():
                    self._end_soon(run_id, why or "another worker has taken it over")
                self._worry_about_long_ones()
            except DatabaseError as error:
                self._worry(error)
                if not self.db.is_sqlite and time.monotonic() - heard > self.queue.lease:
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
                rules = self.catalog.job_by_id(run.job_id).rules
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

    def _worry(self, error: DatabaseError) -> None:
        if not self.problem:
            log.warning("%s", error)
        self.problem = error.message
