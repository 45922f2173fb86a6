"""Execute queued runs in this process when no worker is running, limited to the runs that a command requested."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from jupyter_mlops.errors import ConflictError, DatabaseError
from jupyter_mlops.execution.engine import cores
from jupyter_mlops.execution.kernels import KernelProvider
from jupyter_mlops.jobs.policies import Policies
from jupyter_mlops.jobs.worker_registry import worker_id
from jupyter_mlops.worker.executor import ClusterExecutor, executor_of
from jupyter_mlops.worker.notifier import Notifier
from jupyter_mlops.worker.run_executor import RunExecutor, RunResult, internal_error

if TYPE_CHECKING:
    from jupyter_mlops.jobs.records import Run
    from jupyter_mlops.jobs.workspace import Workspace

Tell = Callable[[dict[str, Any]], None]


class QuietKernelProvider(KernelProvider):
    """Kernel provider of a run that may be one of several."""

    hears_signals = False  # the `InlineWorker` handles signals


class InlineWorker:
    """Executes runs until they are finished or a signal arrives."""

    def __init__(self, space: Workspace, tell: Tell, cluster: ClusterExecutor | None = None) -> None:
        self.cluster = cluster
        self.space, self.tell, self.id = space, tell, worker_id()
        self.doing: set[asyncio.Future[RunResult]] = set()
        self.signal, self.notifier = "", Notifier(space.home)

    async def run(self, **selection: Any) -> None:
        """Execute what `RunQueue.claim` returns for this selection, until none of it is queued."""
        while not self.signal:
            if run := self.space.queue.claim(self.id, **selection):
                await self._execute(run)
            elif self.space.queue.is_queued(**selection):  # other runs have priority, or it waits for its next attempt
                await asyncio.sleep(0.1)
            else:
                return

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Stop the runs on SIGINT and SIGTERM within this context."""
        loop, signals = asyncio.get_running_loop(), []
        with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.add_signal_handler(number, self._stop, number.name)
                signals.append(number)
        try:
            yield
        finally:
            for number in signals:
                loop.remove_signal_handler(number)

    def _stop(self, name: str) -> None:
        self.signal = self.signal or name
        for work in self.doing:
            work.cancel()

    async def _execute(self, run: Run) -> None:
        space = self.space
        performer = RunExecutor(space.catalog, space.queue, space.store, space.config, self.cluster)
        work = asyncio.ensure_future(performer.execute(run, QuietKernelProvider(), self.tell))
        beating = asyncio.ensure_future(self._heartbeat(run, work))
        self.doing.add(work)
        try:
            result = await work
        except asyncio.CancelledError:
            result = RunResult("stopped")
        except Exception as error:  # a defect of ours: the run must fail, not hang
            result = RunResult("failed", error=internal_error(error))
        finally:
            self.doing.discard(work)
            beating.cancel()
        if self.signal and result.state == "stopped":
            result.notes.append(f"stopped: {self.signal}")
        state = self.space.db.retry_during_outage(lambda: performer.finish(run, result), self.space.db.OUTAGE)
        if state:
            with contextlib.suppress(DatabaseError):
                await asyncio.to_thread(self.notifier.run_finished, run, self.space.queue, self.space.catalog)

    async def _heartbeat(self, run: Run, work: asyncio.Future[RunResult]) -> None:
        while True:
            await asyncio.sleep(self.space.queue.lease / 4)
            with contextlib.suppress(DatabaseError):  # it may return before the lease expires; the run continues
                if await asyncio.to_thread(self.space.queue.renew_leases, {run.id: str(run.lease)}):
                    work.cancel()
                await asyncio.to_thread(self._notify_if_long, run)

    def _notify_if_long(self, run: Run) -> None:
        if run.job_id is not None:
            rules = Policies.kept(self.space.catalog.job_by_id(run.job_id).policies)
            if self.notifier.run_is_long(run, rules):
                self.notifier.while_running(run, rules)


async def run_inline(space: Workspace, run_id: str, tell: Tell, cluster: ClusterExecutor | None = None) -> None:
    """Execute one run, unless another worker has claimed it.

    :param cluster: executes it if it is for a cluster; is closed at the end.
    """
    hands = InlineWorker(space, tell, cluster)
    with hands.listening():
        await hands.run(only=run_id)
        if cluster is not None:
            await cluster.close()
    if hands.signal:
        with contextlib.suppress(ConflictError):  # it has finished
            space.queue.stop(run_id, hands.signal)


def _is_for_cluster(space: Workspace, batch_id: int) -> bool:
    """Whether a cluster executes the runs of a batch."""
    batch_runs = space.queue.runs(batch_id=batch_id, limit=1)
    if not batch_runs:
        return False
    job_id = batch_runs[0].job_id
    rules = Policies() if job_id is None else Policies.kept(space.catalog.job_by_id(job_id).policies)
    return executor_of(batch_runs[0], rules, space.config) == "dask"


async def run_batch_inline(space: Workspace, batch_id: int, tell: Tell, cluster: ClusterExecutor | None = None) -> None:
    """Execute all runs of a batch, as many at once as its concurrency and, for kernels here, the cores allow. A signal
    also stops the queued ones.

    :param cluster: executes runs that are for a cluster; is closed at the end.
    """
    at_once = space.queue.concurrency_of_batch(batch_id)
    if not _is_for_cluster(space, batch_id):
        at_once = min(at_once, space.config.jobs or cores())
    hands = InlineWorker(space, tell, cluster)
    with hands.listening():
        await asyncio.gather(*(hands.run(batch=batch_id) for _ in range(at_once)))
        if cluster is not None:
            await cluster.close()
    if hands.signal:
        space.queue.stop_batch(batch_id, hands.signal)
