"""Runs of hybrids: ordinary runs of a batch, each recipe once, and the outcomes of those that have finished."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jupyter_mlops.errors import MlopsError, RunStoppedError
from jupyter_mlops.service.batches import MAX_RUNS, stop_batch_runs
from jupyter_mlops.service.capsules import Capsules, StoredCapsules, files_read
from jupyter_mlops.service.waiting import EventCallback, notify_worker, wait_until_finished

if TYPE_CHECKING:
    from jupyter_mlops.jobs.records import Run
    from jupyter_mlops.jobs.workspace import Workspace
    from jupyter_mlops.versions.hybrid import Difference, Hybrids, Recipe

Choice = frozenset["Difference"]
PRIORITY = 5  # a person waits for them


class OutOfBudgetError(Exception):
    """The budget does not allow more hybrids. Never leaves this package."""


class PendingError(Exception):
    """Hybrids are queued whose results are needed first. Never leaves this package."""


@dataclass(frozen=True)
class Question:
    """What is asked of each run.

    :param metric: the value is this metric; "": the value is 1 if the run fails with `ename`, 0 if it completes.
    """

    metric: str = ""
    ename: str = ""

    def value(self, run: Run) -> float | None:
        """The value of a finished run; None if it has none."""
        if self.metric:
            return number(run.metrics.get(self.metric)) if run.state == "completed" else None
        if run.state == "completed":
            return 0.0
        same = run.state == "failed" and (run.error or {}).get("ename") == self.ename
        return 1.0 if same else None

    def problem(self, run: Run) -> str:
        """Why a finished run has no value."""
        if run.state == "completed":
            return f"there is no finite metric {self.metric}"
        error = run.error or {}
        place = f"cell {error['cell'] + 1} " if error.get("step") else ""
        text = str(error.get("evalue") or "").strip().split("\n")[0][:200]
        if run.state == "failed":
            return f"{place}fails with {error.get('ename')}: {text}".rstrip(": ")
        return f"it {run.state}"


@dataclass(frozen=True)
class Sample:
    """One run to make: a choice of differences.

    :param number: 0 for the first run of a recipe, 1 for the first repeat.
    :param fresh: execute every step.
    """

    choice: Choice
    number: int = 0
    fresh: bool = False


@dataclass(frozen=True)
class Outcome:
    """What a sample showed: a value, or the problem that prevents one."""

    value: float | None
    problem: str = ""
    run: str = ""
    seconds: float = 0.0


class HybridRuns:
    """Outcomes of samples. A sample that an earlier call has run, on this or another machine, is not run again.

    :param batch_id: the batch of the runs.
    :param seconds: a first estimate of the duration of a run.
    :param budget: seconds for all runs from now on; None: no limit.
    :param wait: whether to wait for runs; otherwise `outcomes` raises PendingError.
    :param blocked: why a recipe can't run, "" if it can; asked before it is queued.
    """

    def __init__(
        self, space: Workspace, run: Run, hybrids: Hybrids, question: Question, batch_id: int, *, concurrency: int = 1,
        seconds: float = 1.0, budget: float | None = None, wait: bool = True,
        blocked: Callable[[Recipe], str] = lambda recipe: "", on_event: EventCallback = lambda event: None,
        capsules: Capsules | None = None,
    ) -> None:  # fmt: skip
        self.space, self.run, self.hybrids, self.question = space, run, hybrids, question
        self.batch_id, self.concurrency, self.wait, self.blocked = batch_id, max(concurrency, 1), wait, blocked
        self.on_event, self.capsules = on_event, capsules or StoredCapsules(space)
        self.deadline = None if budget is None else time.monotonic() + budget
        self.durations: list[float] = [seconds]
        self.ids: list[str] = []
        self._finished: dict[tuple[str, int, bool], Outcome] = {}
        self._active: set[tuple[str, int, bool]] = set()
        self._refresh()

    def outcomes(self, samples: Sequence[Sample]) -> list[Outcome]:
        """The outcome of each sample, running those that have none.

        :raises OutOfBudgetError: there is no time for them. :raises RunStoppedError: a person stopped them.
        """
        keys = [self._key(sample) for sample in samples]
        pending = {
            key: sample
            for key, sample in zip(keys, samples, strict=True)
            if not isinstance(key, Outcome) and key not in self._finished
        }
        if pending:
            self._execute(pending)
        return [key if isinstance(key, Outcome) else self._finished[key] for key in keys]

    def affordable(self, number_of_runs: int) -> int:
        """How many of these runs the budget allows."""
        if self.deadline is None:
            return number_of_runs
        rounds = (self.deadline - time.monotonic()) / max(self.seconds_per_run, 1e-3)
        return max(0, min(number_of_runs, math.floor(rounds * self.concurrency)))

    @property
    def seconds_per_run(self) -> float:
        """The mean duration of the latest runs."""
        latest = self.durations[-8:]
        return sum(latest) / len(latest)

    def _key(self, sample: Sample) -> tuple[str, int, bool] | Outcome:
        try:
            recipe = self.hybrids.recipe(sample.choice)
        except (ValueError, MlopsError) as error:
            return Outcome(None, str(error))
        problem = self.blocked(recipe)
        return Outcome(None, problem) if problem else (recipe.key, sample.number, sample.fresh)

    def _execute(self, samples: Mapping[tuple[str, int, bool], Sample]) -> None:
        new_samples = {key: sample for key, sample in samples.items() if key not in self._active}
        if self.affordable(len(new_samples)) < len(new_samples):
            raise OutOfBudgetError
        self._queue(new_samples)
        if not self.wait:
            raise PendingError
        self._wait()
        missing = [key for key in samples if key not in self._finished]
        if missing and self.deadline is not None and time.monotonic() >= self.deadline:
            raise OutOfBudgetError
        if missing:
            raise RunStoppedError(
                "the hybrids were stopped", where=self.run.id,
                remedy="Ask again to continue: hybrids that have finished are not run again.",
            )  # fmt: skip

    def _queue(self, samples: Mapping[tuple[str, int, bool], Sample]) -> None:
        from jupyter_mlops.jobs.new_run import NewRun

        new_runs = []
        for (_, number_of_sample, fresh), sample in samples.items():
            recipe = self.hybrids.recipe(sample.choice)
            options = {**recipe.options, "sample": number_of_sample, "fresh": fresh}
            if fresh:
                options |= self._without_cached_results(recipe)
            new_runs.append(
                NewRun(
                    "why", self.run.job_id, self.run.version_id, batch_id=self.batch_id, repairs=self.run.id,
                    parameters=recipe.parameters, options=options, priority=PRIORITY,
                )
            )  # fmt: skip
        self.space.queue.add_all(new_runs)
        self._active |= set(samples)
        notify_worker(self.space)

    def _without_cached_results(self, recipe: Recipe) -> dict[str, Any]:
        """Run options with which every step executes. Their results are still cached, for the hybrids."""
        from jupyter_mlops.versions.manifest import Manifest

        steps = Manifest.get(self.space.store, recipe.manifest).pipeline["steps"]
        return {"from_step": steps[0]["name"]} if steps else {"use_cache": False}

    def _wait(self) -> None:
        def poll() -> bool:
            states = self.space.queue.states_of_batch(self.batch_id)
            self.on_event({"event": "hybrids", **states})
            is_active = bool({"queued", "running"} & set(states))
            if is_active and self.deadline is not None and time.monotonic() >= self.deadline:
                stop_batch_runs(self.space, self.batch_id, "the budget is spent")
            return not is_active

        async def execute() -> bool:
            from jupyter_mlops.worker.inline_worker import run_batch_inline

            await run_batch_inline(self.space, self.batch_id, lambda event: None)
            return poll()

        wait_until_finished(self.space, poll, execute, lambda: stop_batch_runs(self.space, self.batch_id, "SIGINT"))
        self._refresh()

    def _refresh(self) -> None:
        """Read the outcomes of all hybrids of this run's job."""
        runs = self.space.queue.runs(job_id=self.run.job_id, triggers=["why"], limit=MAX_RUNS, sort="created")
        self._active = set()
        for run in runs:
            options = run.options
            key = (str(options.get("hybrid")), int(options.get("sample") or 0), bool(options.get("fresh")))
            if run.state in ("completed", "failed"):
                if key not in self._finished and run.batch_id == self.batch_id and run.seconds is not None:
                    self.durations.append(run.seconds)
                    self.ids.append(run.id)
                self._finished[key] = self._outcome(run)
            elif run.state in ("queued", "running") and run.batch_id == self.batch_id:
                self._active.add(key)

    def _outcome(self, run: Run) -> Outcome:
        if paths := replaced_but_read(self.capsules, run):
            return Outcome(None, f"it reads {paths[0]} itself, not the copy that takes its place", run.id)
        value = self.question.value(run)
        problem = "" if value is not None else self.question.problem(run)
        return Outcome(value, problem, run.id, run.seconds or 0.0)


def replaced_but_read(capsules: Capsules, run: Run) -> list[str]:
    """The files that a run read although copies were to take their place."""
    replaced = run.options.get("replaced") or []
    capsule = capsules.of(run.id) if replaced else None
    return sorted(set(replaced) & set(files_read(capsule))) if capsule is not None else []


def number(value: object) -> float | None:
    """A metric as a finite number; None if it is not one."""
    if not isinstance(value, int | float):
        return None
    converted = float(value)
    return converted if math.isfinite(converted) else None
