"""Doing queued runs in this process, where no worker is: a shift for what was asked, and no more."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from jupyter_mlops.errors import Conflict, DatabaseError
from jupyter_mlops.jobs.notify import Notifier
from jupyter_mlops.jobs.perform import Performance, Performer, defect
from jupyter_mlops.jobs.policies import Policies
from jupyter_mlops.jobs.queue import worker_id
from jupyter_mlops.run.engine import cores
from jupyter_mlops.run.kernels import Kernels

if TYPE_CHECKING:
    from jupyter_mlops.jobs.records import Run
    from jupyter_mlops.jobs.workspace import Workspace

Tell = Callable[[dict[str, Any]], None]


class Beside(Kernels):
    """Kernels of a run that may be one of several."""

    hears_signals = False  # whoever does them all does


class Hands:
    """Does runs until they are over, or a signal says stop."""

    def __init__(self, space: Workspace, tell: Tell) -> None:
        self.space, self.tell, self.id = space, tell, worker_id()
        self.doing: set[asyncio.Future[Performance]] = set()
        self.signal, self.notifier = "", Notifier(space.home)

    async def run(self, **which: Any) -> None:
        """Do what `Queue.take` has of these, as long as any of them is queued."""
        while not self.signal:
            if run := self.space.queue.take(self.id, **which):
                await self._do(run)
            elif self.space.queue.is_queued(**which):  # other runs go first, or it waits for its next attempt
                await asyncio.sleep(0.1)
            else:
                return

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Until the end of this, SIGINT and SIGTERM stop what is done."""
        loop, heard = asyncio.get_running_loop(), []
        with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.add_signal_handler(number, self._stop, number.name)
                heard.append(number)
        try:
            yield
        finally:
            for number in heard:
                loop.remove_signal_handler(number)

    def _stop(self, name: str) -> None:
        self.signal = self.signal or name
        for work in self.doing:
            work.cancel()

    async def _do(self, run: Run) -> None:
        performer = Performer(self.space.catalog, self.space.queue, self.space.store, self.space.config)
        work = asyncio.ensure_future(performer.perform(run, Beside(), self.tell))
        beating = asyncio.ensure_future(self._beat(run, work))
        self.doing.add(work)
        try:
            done = await work
        except asyncio.CancelledError:
            done = Performance("stopped")
        except Exception as error:  # of ours; the run has to be told of it, not to hang
            done = Performance("failed", error=defect(error))
        finally:
            self.doing.discard(work)
            beating.cancel()
        if self.signal and done.state == "stopped":
            done.notes.append(f"stopped: {self.signal}")
        state = self.space.db.patiently(lambda: performer.finish(run, done), self.space.db.OUTAGE)
        if state:
            with contextlib.suppress(DatabaseError):
                await asyncio.to_thread(self.notifier.over, run, self.space.queue, self.space.catalog)

    async def _beat(self, run: Run, work: asyncio.Future[Performance]) -> None:
        while True:
            await asyncio.sleep(self.space.queue.lease / 4)
            with contextlib.suppress(DatabaseError):  # it may come back before the lease is over, and the run goes on
                if await asyncio.to_thread(self.space.queue.keep, {run.id: str(run.lease)}):
                    work.cancel()
                await asyncio.to_thread(self._worry_if_long, run)

    def _worry_if_long(self, run: Run) -> None:
        if run.job_id is not None:
            rules = Policies.kept(self.space.catalog.job_by_id(run.job_id).policies)
            if self.notifier.is_long(run, rules):
                self.notifier.while_running(run, rules)


async def run_here(space: Workspace, run_id: str, tell: Tell) -> None:
    """Do one run, unless somebody else has taken it."""
    hands = Hands(space, tell)
    with hands.listening():
        await hands.run(only=run_id)
    if hands.signal:
        with contextlib.suppress(Conflict):  # it is over
            space.queue.stop(run_id, hands.signal)


async def run_batch_here(space: Workspace, batch_id: int, tell: Tell) -> None:
    """Do all runs of a batch, as many at once as it says and there are cores. A signal stops those that have not begun
    too."""
    at_once = min(space.queue.concurrency_of_batch(batch_id), space.config.jobs or cores())
    hands = Hands(space, tell)
    with hands.listening():
        await asyncio.gather(*(hands.run(batch=batch_id) for _ in range(at_once)))
    if hands.signal:
        space.queue.stop_batch(batch_id, hands.signal)
