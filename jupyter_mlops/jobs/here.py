"""Doing queued runs in this process, where no worker is: a shift for what was asked, and no more."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from jupyter_mlops.errors import DatabaseError
from jupyter_mlops.jobs.perform import Performance, Performer
from jupyter_mlops.jobs.queue import worker_id

if TYPE_CHECKING:
    from jupyter_mlops.jobs.records import Run
    from jupyter_mlops.jobs.workspace import Workspace

Tell = Callable[[dict[str, Any]], None]


async def run_here(space: Workspace, run_id: str, tell: Tell) -> None:
    """Do one run, unless somebody else has taken it."""
    me = worker_id()
    while True:
        run = space.queue.take(me, only=run_id)
        if run is None:
            state = space.queue.run(run_id)
            if state.state != "queued":
                return
            await asyncio.sleep(0.1)  # another run of its job goes first, or it waits for its next attempt
            continue
        await _do(space, run, tell)


async def run_batch_here(space: Workspace, batch_id: int, tell: Tell) -> None:
    """Do all runs of a batch, one after the other."""
    for run in sorted(space.queue.runs(batch_id=batch_id, states=["queued"], limit=100_000), key=lambda r: r.id):
        if space.queue.run(run.id).state == "queued":
            await run_here(space, run.id, tell)


async def _do(space: Workspace, run: Run, tell: Tell) -> None:
    performer = Performer(space.catalog, space.queue, space.store, space.config)
    work = asyncio.ensure_future(performer.perform(run, None, tell))
    beating = asyncio.ensure_future(_beat(space, run, work))
    loop = asyncio.get_running_loop()
    with contextlib.suppress(NotImplementedError, ValueError):
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, work.cancel)
    try:
        done = await work
    except asyncio.CancelledError:
        done = Performance("stopped")
    finally:
        beating.cancel()
    space.db.patiently(lambda: performer.finish(run, done), space.db.OUTAGE)


async def _beat(space: Workspace, run: Run, work: asyncio.Future[Performance]) -> None:
    while True:
        await asyncio.sleep(space.queue.lease / 4)
        with contextlib.suppress(DatabaseError):  # it may come back before the lease is over, and the run goes on
            if await asyncio.to_thread(space.queue.keep, {run.id: str(run.lease)}):
                work.cancel()
