"""Execute queued runs in this process when no worker is running, limited to the runs that a command requested."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from jupyter_mlops.errors import ConflictError, DatabaseError
from jupyter_mlops.execution.engine import cores
from jupyter_mlops.execution.kernels import KernelProvider
from jupyter_mlops.jobs.policies import Policies
from jupyter_mlops.jobs.worker_registry import worker_id
from jupyter_mlops.worker.executor import ClusterExecutor, executor_of
from jupyter_mlops.worker.heartbeat import BEATS
from jupyter_mlops.worker.notifier import Notifier
from jupyter_mlops.worker.run_consumer import RunConsumer
from jupyter_mlops.worker.run_executor import RunExecutor, Tell

if TYPE_CHECKING:
    from jupyter_mlops.jobs.records import Run
    from jupyter_mlops.jobs.workspace import Workspace


class QuietKernelProvider(KernelProvider):
    """Kernel provider of a run that may be one of several."""

    hears_signals = False  # the `InlineWorker` handles signals


class InlineWorker:
    """Executes runs until they are finished or a signal arrives."""

    def __init__(self, space: Workspace, tell: Tell, cluster: ClusterExecutor | None = None) -> None:
        self.space, self.tell, self.cluster, self.id = space, tell, cluster, worker_id()
        executor = RunExecutor(space.catalog, space.queue, space.store, space.config, cluster)
        self.consumer, self.signal = RunConsumer(executor, Notifier(space.home)), ""

    async def run_all(self, at_once: int = 1, **selection: Any) -> None:
        """Execute what `RunQueue.claim` returns for this selection, `at_once` at a time."""
        with self._stopped_by_signals():
            heartbeat = asyncio.ensure_future(self._renew_leases())
            try:
                await asyncio.gather(*(self.run(**selection) for _ in range(at_once)))
            finally:
                heartbeat.cancel()
            await asyncio.to_thread(self.consumer.join_notices)
            if self.cluster is not None:
                await self.cluster.close()

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
    def _stopped_by_signals(self) -> Iterator[None]:
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
        self.consumer.end_all(self.signal)

    async def _execute(self, run: Run) -> None:
        if await self.consumer.execute(run, QuietKernelProvider(), self.tell):
            await self.consumer.announce(run)

    async def _renew_leases(self) -> None:
        while True:
            await asyncio.sleep(self.space.queue.lease / BEATS)
            with contextlib.suppress(DatabaseError):  # it may return before the leases expire; the runs continue
                await asyncio.to_thread(self.consumer.beat)


async def run_inline(space: Workspace, run_id: str, tell: Tell, cluster: ClusterExecutor | None = None) -> None:
    """Execute one run, unless another worker has claimed it.

    :param cluster: executes it if it is for a cluster; is closed at the end.
    """
    worker = InlineWorker(space, tell, cluster)
    await worker.run_all(only=run_id)
    if worker.signal:
        with contextlib.suppress(ConflictError):  # it has finished
            space.queue.stop(run_id, worker.signal)


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
    worker = InlineWorker(space, tell, cluster)
    await worker.run_all(at_once, batch=batch_id)
    if worker.signal:
        space.queue.stop_batch(batch_id, worker.signal)
