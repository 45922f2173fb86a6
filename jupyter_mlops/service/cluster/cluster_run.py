"""The driver of one run on a cluster: submits tasks when they are ready, repeats attempts, notices lost workers."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import Any

from jupyter_mlops.config import RunConfig
from jupyter_mlops.errors import ClusterError, InvalidInputError, MlopsError
from jupyter_mlops.execution import retry
from jupyter_mlops.execution.run_artifacts import RunArtifacts
from jupyter_mlops.export.plan import ExportTask
from jupyter_mlops.service.cluster.attempt import Attempt, AttemptResult
from jupyter_mlops.service.cluster.claim import Claim
from jupyter_mlops.service.cluster.connection import Connection
from jupyter_mlops.service.cluster.preparation import Preparation
from jupyter_mlops.service.cluster.resources import Placement, WorkerFacts, placement, silent_workers
from jupyter_mlops.service.cluster.task_graph import TaskGraph
from jupyter_mlops.service.cluster.task_spec import TaskSpec
from jupyter_mlops.service.earlier_steps import COMPLETED

TICK_S = 1.0  # seconds between looks at the workers
STOP_S = 8.0  # seconds in which workers say that they have stopped
EventCallback = Callable[[dict[str, Any]], None]


class ClusterRun:
    """One run.

    :param token: its name in events.
    :param selected: names of the tasks to run; None: all.
    :param bound: tasks at once, at most; 0: as many as the cluster takes.
    :ivar notes: what is to be said of it in the record.
    :ivar places: name of a task -> the worker that executed it last, and its host.
    """

    def __init__(
        self, connection: Connection, preparation: Preparation, config: RunConfig, tell: EventCallback, *,
        token: str, selected: Collection[str] | None = None, bound: int = 0,
    ) -> None:  # fmt: skip
        self.connection, self.config, self.tell, self.token = connection, config, tell, token
        self.process, self.place, self.template = preparation.process, preparation.place, preparation.template
        self.graph = TaskGraph(self.process.tasks, selected, keep_going=config.keep_going)
        self.bound = bound
        self.workers: list[WorkerFacts] = []
        self.silent: set[str] = set()
        self.attempts: dict[str, Attempt] = {}
        self.announced: set[str] = set()
        self.places: dict[str, str] = {}
        self.notes: list[str] = list(preparation.notes)
        self.positions = {task.name: index for index, task in enumerate(self.process.tasks)}
        self.first_cells = {step.name: step.cells[0] for step in self.process.pipeline.steps if step.cells}

    async def run(self) -> None:
        """Run all tasks. Cancelling it stops them on their workers.

        :raises InvalidInputError: no worker has what a step needs.
        :raises ClusterError: the scheduler was lost.
        """
        self.workers = await self.connection.workers()
        for task in self.graph.tasks.values():
            placement(task.title, task.limits, self.workers)
        self._resume()
        self.connection.handlers[self.token] = self._on_message
        monitor = asyncio.ensure_future(self._monitor())
        running: dict[asyncio.Task[str], str] = {}
        try:
            while not self.graph.is_finished:
                for task in self.graph.ready()[: self.bound - len(running) if self.bound else None]:
                    self.graph.start(task.name)
                    running[asyncio.ensure_future(self._execute(task))] = task.name
                await asyncio.wait({*running, monitor}, return_when=asyncio.FIRST_COMPLETED)
                if monitor.done():
                    monitor.result()
                for execution in [e for e in running if e.done()]:
                    self._end(running.pop(execution), execution.result())
        finally:
            monitor.cancel()
            for execution in running:
                execution.cancel()
            await asyncio.wait({monitor, *running})
            await self._stop_attempts()
            del self.connection.handlers[self.token]

    def _resume(self) -> None:
        """Count the steps that an earlier driver of this run has seen completed."""
        for task in list(self.graph.tasks.values()):
            if all(self._has_completed(step) for step in task.steps):
                self.graph.start(task.name)
                self.graph.complete(task.name)

    def _has_completed(self, step: str) -> bool:
        return (self.process.artifacts.step(step) or {}).get("state") in COMPLETED

    def _end(self, name: str, kind: str) -> None:
        """A task has ended."""
        before = dict(self.graph.states)
        {"completed": self.graph.complete, "failed": self.graph.fail, "held": self.graph.hold}[kind](name)
        for other, state in self.graph.states.items():
            if state == "skipped" != before[other]:
                for step in self.graph.tasks[other].steps:
                    self._tell_step(step, "skipped", why=self.graph.reasons[other])

    # -- one task

    async def _execute(self, task: ExportTask) -> str:
        """Execute a task with its repetitions. Returns "completed", "failed" or "held"."""
        cell = self.first_cells.get(task.steps[0], 0)
        claim = Claim(self.process.artifacts.documents, self.process.artifacts.folder, task.name, 0)
        earlier = await asyncio.to_thread(claim.latest)
        for number in range(1, task.retries + 2):
            while (result := await self._attempt(task, earlier + number, cell)).kind == "moved":
                pass
            if result.kind == "held":
                return "held"
            if result.kind == "completed":
                self._tell_record(task, result, number)
                return "completed"
            error = result.error or {}
            message = f"{error.get('ename')}: {error.get('evalue')}"
            if number > task.retries or result.final:
                await asyncio.to_thread(_record_failure, self.process.artifacts, task, earlier + number, result)
                if task.retries and not result.final:
                    self.notes.append(
                        retry.note(task.title, number, task.retries + 1, message, "no more attempts are left")
                    )
                self._tell_failure(task, result, number)
                return "failed"
            wait = retry.wait_after(number, task.backoff)
            self.notes.append(retry.note(task.title, number, task.retries + 1, message, f"retried after {wait:g} s"))
            self.tell({
                "event": "retry", "step": error.get("step") or task.steps[0], "attempt": number,
                "of": task.retries + 1, "wait": wait, "why": message,
            })  # fmt: skip
            await asyncio.sleep(wait)
        raise AssertionError("the last attempt ends the loop")

    async def _attempt(self, task: ExportTask, number: int, cell: int) -> AttemptResult:
        """Execute one attempt."""
        request = replace(self.template, steps=task.steps, attempt=number)
        spec = TaskSpec(request, self.place, task.name, self.token, silence=self.config.lease / 2)
        try:
            place = await self._placement(task)
        except InvalidInputError as error:
            facts = {"step": task.steps[0], "cell": cell, "ename": error.code, "evalue": str(error), "traceback": []}
            return AttemptResult("failed", None, facts, final=True, recorded=False)
        attempt = Attempt.submit(self.connection, spec, place, -self.positions[task.name])
        self.attempts[task.name] = attempt
        result = await attempt.result(cell)
        if self.connection.is_lost:
            raise self.connection.lost()
        is_lost = result.kind == "failed" and not result.recorded
        if is_lost or result.kind == "moved":
            self._cancel(attempt)
        if is_lost and await asyncio.to_thread(self._is_recorded, task, number):  # its answer was lost with its worker
            result = AttemptResult("completed")
        del self.attempts[task.name]
        return result

    async def _placement(self, task: ExportTask) -> Placement:
        """Where a task may run. Waits for a worker that fits, if one was there when the run began."""
        until = time.monotonic() + self.config.cluster_timeout
        while True:
            try:
                place = placement(task.title, task.limits, self.workers)
                if self.silent and place.workers is None:  # Dask still counts them as idle
                    place = replace(place, workers=tuple(worker.address for worker in self.workers))
                return place
            except InvalidInputError:
                if time.monotonic() > until:
                    raise
                await asyncio.sleep(TICK_S)

    def _is_recorded(self, task: ExportTask, number: int) -> bool:
        """Whether the artifacts say that an attempt completed."""
        facts = [self.process.artifacts.step(step) or {} for step in task.steps]
        return all(f.get("state") in COMPLETED and f.get("attempt") == number for f in facts)

    # -- events

    def _on_message(self, message: Mapping[str, Any]) -> None:
        """Events of a task, from its worker."""
        attempt = self.attempts.get(message["task"])
        if attempt is None or attempt.spec.request.attempt != message["attempt"]:
            return
        attempt.heard_at = time.monotonic()
        for event in message["events"]:
            if event["event"] == "claimed":
                attempt.worker = event["worker"]
                self.places[message["task"]] = where = f"{event['worker']} on {event['host']}"
                self.tell({"event": "placed", "step": attempt.spec.request.steps[0], "where": where})
            elif event["event"] == "ended":
                attempt.ended.set()
            elif event["event"] == "step":
                if event["step"] not in self.announced:
                    self.announced.add(event["step"])
                    self.tell(dict(event))
            elif event["event"] != "beat":
                self.tell(dict(event))

    def _tell_record(self, task: ExportTask, result: AttemptResult, attempts: int) -> None:
        """Tell that the steps of a task have ended."""
        steps = {s["name"]: s for s in (result.record or {}).get("steps", ())}
        for step in task.steps:
            facts = steps.get(step) or self.process.artifacts.step(step) or {}
            self._tell_step(step, facts.get("state", "completed"), facts.get("seconds", 0.0), attempts=attempts)

    def _tell_failure(self, task: ExportTask, result: AttemptResult, attempts: int) -> None:
        error = result.error or {}
        steps = {s["name"]: s for s in (result.record or {}).get("steps", ())}
        for step in task.steps:
            facts = steps.get(step, {"state": "failed", "seconds": 0.0})
            why = str(error.get("evalue", "")) if facts["state"] == "failed" else ""
            self._tell_step(step, facts["state"], facts["seconds"], why=why, attempts=attempts)

    def _tell_step(self, step: str, state: str, seconds: float = 0.0, why: str = "", attempts: int = 0) -> None:
        self.tell({"event": "step", "step": step, "state": state, "seconds": seconds, "why": why, "attempts": attempts})

    # -- workers

    async def _monitor(self) -> None:
        """Notice lost workers, a lost scheduler, and tasks that no worker can execute any more."""
        while True:
            await asyncio.sleep(TICK_S)
            if self.connection.is_lost:
                raise self.connection.lost()
            if not self.attempts:
                continue
            workers = await self.connection.workers()
            silent = silent_workers(workers, self.config.lease) | self.silent
            for attempt in list(self.attempts.values()):
                self._look_at(attempt, {worker.address for worker in workers}, silent)
            if silent != self.silent:
                for attempt in self.attempts.values():
                    if not attempt.worker:
                        attempt.move()
            self.silent = silent
            self.workers = [worker for worker in workers if worker.address not in silent]

    def _look_at(self, attempt: Attempt, present: Collection[str], silent: set[str]) -> None:
        """Give an attempt up if its worker is gone or silent, which is added to the silent ones."""
        now = time.monotonic()
        if attempt.worker and attempt.worker not in present:
            attempt.give_up(f"the worker {attempt.worker} was lost")
        elif attempt.worker and (now - attempt.heard_at > self.config.lease or attempt.worker in silent):
            silent.add(attempt.worker)
            attempt.give_up(f"the worker {attempt.worker} was silent for {self.config.lease:g} s")
        elif not attempt.worker and now - attempt.submitted_at > self.config.cluster_timeout:
            task = self.graph.tasks[attempt.spec.task]
            try:
                placement(task.title, task.limits, self.workers)
            except InvalidInputError:
                attempt.give_up("the only workers that have what the step needs were lost")

    def _cancel(self, attempt: Attempt) -> None:
        """Tell the scheduler that an attempt is no longer needed."""
        with contextlib.suppress(Exception):
            cancelling = asyncio.ensure_future(self.connection.client.cancel([attempt.future], force=True))
            cancelling.add_done_callback(lambda task: task.cancelled() or task.exception())

    async def _stop_attempts(self) -> None:
        """Cancel what still runs, and wait until the workers say that it has ended."""
        attempts = list(self.attempts.values())
        if not attempts or self.connection.is_lost:
            return
        with contextlib.suppress(Exception):
            await self.connection.client.cancel([attempt.future for attempt in attempts], force=True)
        claimed = [asyncio.ensure_future(attempt.ended.wait()) for attempt in attempts if attempt.worker]
        if claimed:
            _, late = await asyncio.wait(claimed, timeout=STOP_S)
            for waiting in late:
                waiting.cancel()
            if late:
                self.notes.append(f"{len(late)} workers did not say that they have stopped their step")


def _record_failure(artifacts: RunArtifacts, task: ExportTask, number: int, result: AttemptResult) -> None:
    """Let the artifacts say that a task failed, if its process could not."""
    if result.recorded:
        return
    for step in task.steps:
        facts = artifacts.step(step) or {}
        error = {**(result.error or {}), "step": step}
        artifacts.put_step(
            step, {**facts, "state": "failed", "attempt": number, "finished": time.time(), "error": error}
        )


def require_workers(workers: Collection[WorkerFacts], seconds: float, where: str) -> None:
    """Raises ClusterError if there are none."""
    if not workers:
        raise ClusterError(
            f"the Dask cluster had no worker within {seconds:g} s", where=where,
            remedy="Start workers: dask worker ADDRESS.",
        )  # fmt: skip


def failure_of(error: MlopsError, step: str, cell: int) -> dict[str, Any]:
    """An error as the record of a run has it."""
    return {"step": step, "cell": cell, "ename": error.code, "evalue": str(error), "traceback": []}
