"""One attempt at a task on the cluster, and how it ended."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from jupyter_mlops.errors import InvalidInputError, KernelDiedError, MlopsError, RunFailedError, from_dict
from jupyter_mlops.service.cluster.connection import Connection
from jupyter_mlops.service.cluster.resources import Placement
from jupyter_mlops.service.cluster.task_spec import TaskSpec

# The scheduler unpickles tasks, and need not have jupyter_mlops: what it sees is a question of Python.
TASK_QUESTION = "__import__('jupyter_mlops.service.cluster.remote_task', fromlist=['execute_task']).execute_task(spec)"
Kind = Literal["completed", "failed", "held", "moved"]


@dataclass(frozen=True)
class AttemptResult:
    """How an attempt ended.

    :param record: of the task process; None if there is none.
    :param error: as the record of a run has it.
    :param final: whether no other attempt can succeed.
    :param recorded: whether the artifacts say so too.
    """

    kind: Kind
    record: Mapping[str, Any] | None = None
    error: Mapping[str, Any] | None = None
    final: bool = False
    recorded: bool = True


@dataclass
class Attempt:
    """An attempt that is active.

    :param worker: its address; "" until the attempt is claimed.
    :param heard_at: when its worker last reported.
    """

    spec: TaskSpec
    future: Any
    worker: str = ""
    heard_at: float = field(default_factory=time.monotonic)
    submitted_at: float = field(default_factory=time.monotonic)
    lost: asyncio.Future[str] = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    @classmethod
    def submit(cls, connection: Connection, spec: TaskSpec, place: Placement, priority: int) -> Attempt:
        """Hand an attempt to the scheduler."""
        options: dict[str, Any] = {"resources": dict(place.resources)} if place.resources else {}
        if place.workers is not None:
            options.update(workers=list(place.workers), allow_other_workers=False)
        future = connection.client.submit(
            eval, TASK_QUESTION, {"spec": spec}, key=f"{spec.task}-{uuid.uuid4().hex}", pure=False, retries=0,
            priority=priority, **options,
        )  # fmt: skip
        return cls(spec, future)

    def move(self) -> None:
        """Submit the attempt again: it may wait for a worker that is silent."""
        self.give_up("")

    def give_up(self, why: str) -> None:
        """The worker is lost."""
        if not self.lost.done():
            self.lost.set_result(why)

    async def result(self, cell: int) -> AttemptResult:
        """Wait for the end.

        :param cell: the first cell of the task, where errors without a cell are shown.
        """
        outcome = asyncio.ensure_future(self._outcome())
        try:
            ends: set[asyncio.Future[Any]] = {outcome, self.lost}
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            if outcome.done():
                return self._judged(outcome.result(), cell)
            why = self.lost.result()
            return self._lost(why, cell) if why else AttemptResult("moved")
        finally:
            outcome.cancel()
            await asyncio.wait({outcome})

    async def _outcome(self) -> dict[str, Any]:
        from concurrent.futures import CancelledError as FutureCancelled

        from distributed.scheduler import KilledWorker

        try:
            outcome: dict[str, Any] = await self.future
            return outcome
        except KilledWorker:
            return {"outcome": "lost", "worker": self.worker}
        except FutureCancelled as error:
            return {"outcome": "cancelled", "why": str(error)}
        except MlopsError as error:
            return {"outcome": "error", "error": error.to_dict()}
        except Exception as error:  # of Dask, or of unpickling on a worker
            text = f"{type(error).__name__}: {error}"
            return {"outcome": "error", "error": MlopsError(text).to_dict()}

    def _judged(self, outcome: Mapping[str, Any], cell: int) -> AttemptResult:
        match outcome["outcome"]:
            case "record":
                record = outcome["record"]
                if record["state"] == "completed":
                    return AttemptResult("completed", record)
                return AttemptResult("failed", record, record["error"])
            case "error":
                return self._failed(from_dict(outcome["error"]), cell)
            case "lost":
                return self._lost(f"the worker {outcome.get('worker') or self.worker} was lost", cell)
            case "cancelled":
                return self._lost(f"Dask cancelled the step: {outcome['why']}", cell)
        return self._lost(f"the worker {self.worker} stopped", cell)

    def _failed(self, error: MlopsError, cell: int) -> AttemptResult:
        if "waits_for" in error.data:
            return AttemptResult("held")
        is_final = isinstance(error, InvalidInputError) or not isinstance(error, RunFailedError)
        return AttemptResult("failed", None, self._facts(error, cell), final=is_final, recorded=False)

    def _lost(self, why: str, cell: int) -> AttemptResult:
        error = KernelDiedError(f"{why} while the step ran")
        return AttemptResult("failed", None, self._facts(error, cell), recorded=False)

    def _facts(self, error: MlopsError, cell: int) -> dict[str, Any]:
        at = cell if error.cell is None else error.cell
        step = self.spec.request.steps[0]
        return {"step": step, "cell": at, "ename": error.code, "evalue": str(error), "traceback": []}
