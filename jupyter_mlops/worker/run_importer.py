"""The part of a worker that brings runs of other engines into the history."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from jupyter_mlops.config import RunConfig
from jupyter_mlops.errors import DatabaseError, MlopsError
from jupyter_mlops.jobs.deployments import Deployments
from jupyter_mlops.jobs.records import Run
from jupyter_mlops.jobs.run_stores import RunStores
from jupyter_mlops.jobs.workspace import Workspace
from jupyter_mlops.storage.store import CREDENTIALS
from jupyter_mlops.worker.run_import import import_runs

SHORTEST_WAIT_S = 1.0
log = logging.getLogger("jupyter_mlops.worker")
T = TypeVar("T")


class RunImporter:
    """Reads stores of runs, each at intervals, and each by one worker at a time.

    A store that doesn't answer is logged once, and looked at less and less often until it answers.
    """

    def __init__(self, config: RunConfig, clock: Callable[[], float] = time.time) -> None:
        self.config, self.clock = config, clock
        self._ignored: dict[str, set[str]] = {}  # location -> names of runs that are not read again

    async def look(self, on_run: Callable[[Run], None], until: asyncio.Event) -> float:
        """Read the stores that are due; returns the seconds until the next look. It doesn't hold up the worker's end.

        :param on_run: called with each run that is new or has changed.
        :param until: the worker ends.
        """
        reading = asyncio.ensure_future(in_daemon_thread(self.read_due))
        ending = asyncio.ensure_future(until.wait())
        await asyncio.wait((reading, ending), return_when=asyncio.FIRST_COMPLETED)
        ending.cancel()
        if not reading.done():
            reading.cancel()
            return 0.0
        runs, wait = reading.result()
        for run in runs:
            on_run(run)
        return wait

    def read_due(self) -> tuple[list[Run], float]:
        """Read the stores that are due: the runs that are new or have changed, and the seconds until the next look."""
        space = Workspace(self.config)
        try:
            urls = self._urls(space)
            if not urls:
                return [], self.config.run_stores_every
            stores = RunStores(space.db, self.config.run_stores_every, self.clock)
            runs: list[Run] = []
            while (lease := stores.claim(list(urls))) is not None:
                problem = ""
                try:
                    ignored = self._ignored.setdefault(lease.location, set())
                    imported = import_runs(space, urls[lease.location], all_runs=False, ignored=ignored)
                    ignored |= set(imported.ignored)
                    runs += [space.queue.run(run_id) for run_id in imported.ids]
                except DatabaseError:
                    raise
                except MlopsError as error:
                    problem = error.message
                except Exception as error:  # a driver's, or a defect: the other stores must be read
                    problem = f"{type(error).__name__}: {error}"
                    log.debug("runs at %s", lease.location, exc_info=True)
                stores.release(lease, CREDENTIALS.sub("", problem))
                self._tell(lease.location, problem, lease.failures)
            due = stores.next_due(list(urls))
            wait = self.config.run_stores_every if due is None else due - self.clock()
            return runs, min(max(wait, SHORTEST_WAIT_S), self.config.run_stores_every)
        finally:
            space.close()

    def _urls(self, space: Workspace) -> dict[str, str]:
        """Location without credentials -> URL, of the stores that are configured or that deployments name."""
        deployed = [deployment.runs for deployment in Deployments(space.db).current() if deployment.runs]
        return {CREDENTIALS.sub("", url): url for url in [*deployed, *self.config.run_stores] if url.strip()}

    def _tell(self, location: str, problem: str, failures: int) -> None:
        if problem and not failures:
            log.warning("runs at %s can't be read: %s", location, CREDENTIALS.sub("", problem))
        elif failures and not problem:
            log.info("runs at %s can be read again", location)


async def in_daemon_thread(work: Callable[[], T]) -> T:
    """Call in a thread that no process waits for at its end: a network may keep it waiting for long."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def settle(result: T | None, error: BaseException | None) -> None:
        if future.done():
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)  # type: ignore[arg-type]

    def call() -> None:
        try:
            result, error = work(), None
        except Exception as raised:
            result, error = None, raised
        if not loop.is_closed():
            try:
                loop.call_soon_threadsafe(settle, result, error)
            except RuntimeError:  # the loop was closed in between
                return

    threading.Thread(target=call, name="runs-of-engines", daemon=True).start()
    return await future
