"""Executes claimed runs under their leases, records their results and sends notifications."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jupyter_mlops.errors import DatabaseError, MlopsError
from jupyter_mlops.execution.kernels import KernelProvider
from jupyter_mlops.jobs.policies import Policies
from jupyter_mlops.jobs.records import Run
from jupyter_mlops.states import EXPERIMENTS
from jupyter_mlops.worker.run_executor import RunExecutor, Tell, internal_error
from jupyter_mlops.worker.run_result import RunResult

if TYPE_CHECKING:
    from jupyter_mlops.worker.notifier import Notifier

log = logging.getLogger("jupyter_mlops.worker")


@dataclass(frozen=True)
class ClaimedRun:
    """A run that this process executes."""

    run: Run
    task: asyncio.Task[RunResult]


class RunConsumer:
    """What a worker and a command that executes runs itself have in common: all of a run after its claim.

    :param executor: executes the runs; its queue and catalog are used here, too.
    """

    def __init__(self, executor: RunExecutor, notifier: Notifier) -> None:
        self.executor, self.notifier = executor, notifier
        self.queue, self.catalog, self.db = executor.queue, executor.catalog, executor.queue.db
        self.claimed: dict[str, ClaimedRun] = {}
        self.reasons: dict[str, str | None] = {}  # why a run must end; None to release it for another worker
        self.notices: list[threading.Thread] = []
        self.renewed_at = time.monotonic()

    # -- one run

    async def execute(self, run: Run, kernels: KernelProvider, tell: Tell) -> str:
        """Execute a claimed run and record its result. Returns its new state, or "" if another worker has it.

        :raises DatabaseError: the result can't be recorded.
        """
        task = asyncio.ensure_future(self.executor.execute(run, kernels, tell))
        self.claimed[run.id] = ClaimedRun(run, task)
        try:
            try:
                result = await task
            except asyncio.CancelledError:
                result = RunResult("stopped")
            except Exception as error:  # a defect of ours: the run must fail, not hang
                log.exception("run %s", run.id)
                result = RunResult("failed", error=internal_error(error))
            state = await asyncio.to_thread(
                self.db.retry_during_outage, lambda: self._record(run, result), self.db.OUTAGE
            )
            if state == "completed" and result.data.profiles:
                await asyncio.to_thread(self._compare, run)
            return state
        finally:
            self.claimed.pop(run.id, None)
            self.reasons.pop(run.id, None)

    def _record(self, run: Run, result: RunResult) -> str:
        if run.id in self.reasons and result.state == "stopped":
            reason = self.reasons[run.id]
            if reason is None:
                self.queue.release(run)
                return ""
            result.notes.append(f"stopped: {reason}")
        return self.executor.finish(run, result)

    def _compare(self, run: Run) -> None:
        """Compare the profiles of a completed run with those of earlier ones. What fails is logged: the run is over."""
        from jupyter_mlops.jobs.drift_comparison import DriftComparison
        from jupyter_mlops.jobs.drift_records import DriftRecords

        if run.job_id is None or run.trigger in EXPERIMENTS:
            return
        records = DriftRecords(self.db, self.executor.store)
        try:
            DriftComparison(self.catalog, self.queue, records).compare(self.catalog.job_by_id(run.job_id), run)
        except (MlopsError, ImportError) as error:
            log.warning("run %s: its profiles were not compared: %s", run.id, error)
        except Exception:
            log.exception("run %s: its profiles were not compared", run.id)

    async def announce(self, run: Run) -> None:
        """Send the notifications of a finished run, which may take long."""
        with contextlib.suppress(DatabaseError):
            await asyncio.to_thread(self.notifier.run_finished, run, self.queue, self.catalog)

    # -- all of them

    def end(self, run_id: str, reason: str | None) -> None:
        """Stop a run, from any thread. Its first reason counts; None releases it, so that another worker resumes it."""
        claimed = self.claimed.get(run_id)
        if claimed is not None and run_id not in self.reasons:
            self.reasons[run_id] = reason
            with contextlib.suppress(RuntimeError):  # the event loop has ended
                claimed.task.get_loop().call_soon_threadsafe(claimed.task.cancel)

    def end_all(self, reason: str | None) -> None:
        for run_id in list(self.claimed):
            self.end(run_id, reason)

    def renew_leases(self) -> Mapping[str, str]:
        """Extend the leases of all runs. Returns the runs that must end, with the reason."""
        began = time.monotonic()
        leases = {claimed.run.id: str(claimed.run.lease) for claimed in list(self.claimed.values())}
        ending = self.queue.renew_leases(leases)
        self.renewed_at = began
        return ending

    def beat(self) -> None:
        """Extend the leases, and end the runs that are to stop or that another worker has claimed.

        :raises DatabaseError: the database is away; the leases may outlast that.
        """
        for run_id, reason in self.renew_leases().items():
            self.end(run_id, reason or "another worker has claimed it")
        self._notify_long_runs()

    def _notify_long_runs(self) -> None:
        for claimed in list(self.claimed.values()):
            run = claimed.run
            if run.job_id is not None and run.id not in self.notifier.long:
                rules = Policies.kept(self.catalog.job_by_id(run.job_id).policies)
                if self.notifier.run_is_long(run, rules):  # sent in a separate thread: leases must be renewed meanwhile
                    notice = threading.Thread(target=self.notifier.while_running, args=(run, rules), daemon=True)
                    self.notices = [thread for thread in self.notices if thread.is_alive()] + [notice]
                    notice.start()

    def join_notices(self) -> None:
        """Wait until the notifications of long runs are sent."""
        for notice in self.notices:
            notice.join()
