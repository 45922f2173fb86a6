"""Why a metric changed, or a run failed: hybrids of the run and the last good one show which difference made it so."""

from __future__ import annotations

import contextlib
import difflib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jupyter_mlops.errors import InvalidInputError, NotFoundError
from jupyter_mlops.service.waiting import EventCallback

if TYPE_CHECKING:
    from jupyter_mlops.jobs.experiments import Experiment
    from jupyter_mlops.jobs.records import Run
    from jupyter_mlops.jobs.workspace import Workspace
    from jupyter_mlops.service.capsules import Capsules
    from jupyter_mlops.service.hybrid_runs import Question
    from jupyter_mlops.versions.hybrid import Hybrids

KIND = "why"
DEFAULT_REPEATS = 2
MAX_REPEATS = 20
REPEATS_HINT = f"Use a number from 0 to {MAX_REPEATS}."


@dataclass(frozen=True)
class Request:
    """What is asked.

    :param metric: "": the one that changed most; of a run that failed, why it fails.
    :param good: id of the run to compare with; "": the last completed run before.
    :param repeats: further runs of the two, and runs of each hybrid, if the metric is not deterministic; 0: trust the
        recorded values and run each hybrid once.
    :param budget: seconds; None: no limit.
    :param allow_writes: run hybrids although the runs wrote files outside of their folder.
    """

    metric: str = ""
    good: str = ""
    repeats: int = DEFAULT_REPEATS
    budget: float | None = None
    concurrency: int = 1
    allow_writes: bool = False

    def to_options(self) -> dict[str, Any]:
        return {"repeats": self.repeats, "budget": self.budget, "allow_writes": self.allow_writes}


@dataclass(frozen=True)
class Case:
    """Two runs and the question about them."""

    run: Run
    good: Run
    question: Question
    hybrids: Hybrids
    notes: list[str]


def why(
    space: Workspace, run_id: str, request: Request | None = None, on_event: EventCallback = lambda event: None,
    capsules: Capsules | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Run the hybrids and wait for the answer, which is stored.

    A question may be asked again; hybrids that have finished are not run again.

    :raises InvalidInputError: there is nothing to compare. :raises RunStoppedError: a person stopped it.
    """
    request = request or Request()
    opened = case(space, run_id, request, capsules)
    batch_id = _open_batch(space, opened, request)
    answer = _answer(space, opened, request, batch_id, on_event, capsules, wait=True)
    assert answer is not None
    return answer


def begin(
    space: Workspace, run_id: str, request: Request | None = None, capsules: Capsules | None = None
) -> dict[str, Any]:
    """Queue the first hybrids; `progress` returns the answer once there is one."""
    request = request or Request()
    opened = case(space, run_id, request, capsules)
    batch_id = _open_batch(space, opened, request)
    _answer(space, opened, request, batch_id, lambda event: None, capsules, wait=False)
    return progress(space, run_id, capsules)


def progress(space: Workspace, run_id: str, capsules: Capsules | None = None) -> dict[str, Any]:
    """How far the latest question about a run is, continuing it if its hybrids have finished.

    Returns `state` (running, finished or stopped), `finished` and `total` hybrids, `batch`, and `result`.

    :raises NotFoundError: there is no question about it.
    """
    run = space.queue.run(space.queue.full_id(run_id))
    experiment = latest(space, run)
    states = space.queue.states_of_batch(experiment.id)
    if experiment.result is None and not {"queued", "running", "stopped"} & set(states):
        request = Request(
            str(experiment.options.get("metric") or ""), str(experiment.options["good"]),
            int(experiment.options.get("repeats", DEFAULT_REPEATS)),
            _budget_left(experiment), allow_writes=bool(experiment.options.get("allow_writes")),
        )  # fmt: skip
        with _one_at_a_time(space, run):
            experiment = latest(space, run)
            if experiment.result is None:
                opened = case(space, run.id, request, capsules)
                _answer(space, opened, request, experiment.id, lambda event: None, capsules, wait=False)
                experiment = latest(space, run)
                states = space.queue.states_of_batch(experiment.id)
    active = states.get("queued", 0) + states.get("running", 0)
    total = sum(states.values())
    state = "finished" if experiment.result else "stopped" if states.get("stopped") and not active else "running"
    return {
        "run": run.id, "batch": experiment.id, "state": state, "finished": total - active, "total": total,
        "result": experiment.result,
    }  # fmt: skip


def latest(space: Workspace, run: Run) -> Experiment:
    """The latest question about a run. Raises NotFoundError."""
    from jupyter_mlops.jobs.experiments import experiments

    entries = [] if run.job_id is None else experiments(space.db, run.job_id, KIND, run=run.id)
    if not entries:
        raise NotFoundError("there is no question about this run", where=run.id, remedy=f"jupyter mlops why {run.id}")
    return entries[0]


def stop(space: Workspace, run_id: str) -> dict[str, Any]:
    """Stop the hybrids of the latest question about a run. What has finished is kept."""
    from jupyter_mlops.service.batches import stop_batch_runs

    run = space.queue.run(space.queue.full_id(run_id))
    stop_batch_runs(space, latest(space, run).id)
    return progress(space, run_id)


def case(space: Workspace, run_id: str, request: Request, capsules: Capsules | None = None) -> Case:
    """The two runs and the question. Raises InvalidInputError if there is nothing to compare."""
    from jupyter_mlops.service.run_inputs import outside_writes, sides
    from jupyter_mlops.states import EXPERIMENTS
    from jupyter_mlops.versions.hybrid import Hybrids

    if not 0 <= request.repeats <= MAX_REPEATS:
        raise InvalidInputError(f"{request.repeats} repeats", field="repeats", remedy=REPEATS_HINT)
    if request.budget is not None and not request.budget > 0:
        raise InvalidInputError("the budget is not positive", field="budget", remedy="Give it in seconds.")
    run = space.queue.run(space.queue.full_id(run_id))
    if run.trigger in EXPERIMENTS:
        raise InvalidInputError(f"it is itself a run of `{run.trigger}`", where=run.id, remedy="Ask about another run.")
    if run.state not in ("completed", "failed"):
        raise InvalidInputError(f"the run is {run.state}", where=run.id, remedy="Ask about a run that has finished.")
    run.require_own("analysed")
    good = _good_run(space, run, request.good)
    if not request.allow_writes and (paths := outside_writes(space, (good, run))):
        raise InvalidInputError(
            f"its runs write files outside of their folder, which hybrids would overwrite: {', '.join(paths[:3])}"
            f"{', …' if len(paths) > 3 else ''}",
            where=run.id, remedy="Pass --allow-writes if that does no harm.",
        )  # fmt: skip
    question = _question(run, good, request.metric)
    old, new, notes = sides(space, good, run, capsules)
    hybrids = Hybrids(old, new, space.store)
    return Case(run, good, question, hybrids, notes)


def _good_run(space: Workspace, run: Run, good_id: str) -> Run:
    if not good_id:
        last = space.queue.last_good(run)
        if last is None:
            raise InvalidInputError(
                "the job had no completed run before this one", where=run.id, remedy="Name one with --good RUN."
            )
        return space.queue.run(last.id)
    good = space.queue.run(space.queue.full_id(good_id))
    if good.id == run.id:
        raise InvalidInputError("a run can't be compared with itself", where=run.id, field="good")
    if good.job_id != run.job_id:
        raise InvalidInputError("it is a run of another job", where=good.id, field="good")
    if good.state != "completed":
        raise InvalidInputError(f"that run is {good.state}", where=good.id, remedy="Name a completed run.")
    return good


def _question(run: Run, good: Run, metric: str) -> Question:
    """What is asked of each hybrid: the metric, or whether it fails.

    :raises InvalidInputError: there is no such metric in the two runs.
    """
    from jupyter_mlops.service.hybrid_runs import Question, number

    if run.state == "failed":
        if metric:
            raise InvalidInputError(
                "the run failed and has no metrics", where=run.id, remedy="Ask without --metric why it fails."
            )
        return Question(ename=str((run.error or {}).get("ename") or ""))
    values = {name: (number(good.metrics.get(name)), number(value)) for name, value in run.metrics.items()}
    finite = {name: (a, b) for name, (a, b) in values.items() if a is not None and b is not None}
    if metric and metric not in finite:
        near = difflib.get_close_matches(metric, finite, 3) or sorted(finite)[:10]
        problem = "is not a finite number in both runs" if metric in values else "is not a metric of the two runs"
        raise InvalidInputError(
            f"{metric!r} {problem}", where=run.id, field="metric",
            remedy=f"Metrics: {', '.join(near)}." if near else "Tag a cell with `metrics`.",
        )  # fmt: skip
    if not finite:
        raise InvalidInputError(
            "the two runs have no metric in common", where=run.id, remedy="Tag a cell with `metrics`."
        )
    return Question(metric or max(finite, key=lambda name: _relative_change(*finite[name])))


def _relative_change(before: float, after: float) -> float:
    return abs(after - before) / (max(abs(before), abs(after)) or 1.0)


def _open_batch(space: Workspace, opened: Case, request: Request) -> int:
    """The batch of a question: a stopped or unfinished one of the same question, or a new one."""
    from jupyter_mlops.jobs.experiments import experiments, set_result

    assert opened.run.job_id is not None
    question = {"run": opened.run.id, "good": opened.good.id, "metric": opened.question.metric}
    options = {**question, **request.to_options(), "begun": time.time()}
    for entry in experiments(space.db, opened.run.job_id, KIND, **question):
        if {"queued", "running"} & set(space.queue.states_of_batch(entry.id)):
            set_result(space.db, entry.id, None, **options)
            return entry.id
    return space.queue.add_batch(opened.run.job_id, KIND, request.concurrency, options, [])[0]


def _answer(
    space: Workspace, opened: Case, request: Request, batch_id: int, on_event: EventCallback, capsules: Capsules | None,
    *, wait: bool,
) -> dict[str, Any] | None:  # fmt: skip
    """The answer, stored with the batch; None if hybrids are pending."""
    from jupyter_mlops.jobs.experiments import set_result
    from jupyter_mlops.service.hybrid_runs import HybridRuns, PendingError
    from jupyter_mlops.service.why_analysis import Analysis
    from jupyter_mlops.service.why_environments import Environments

    begun = time.monotonic()
    environments = Environments(space, opened.hybrids)
    runs = HybridRuns(
        space, opened.run, opened.hybrids, opened.question, batch_id, concurrency=request.concurrency,
        seconds=max(opened.run.seconds or 0.0, opened.good.seconds or 0.0, 0.05), budget=request.budget, wait=wait,
        blocked=environments.problem if wait else lambda recipe: "", on_event=on_event, capsules=capsules,
    )  # fmt: skip
    try:
        answer = Analysis(opened, runs, request.repeats, on_event).result()
    except PendingError:
        return None
    answer |= {"batch": batch_id, "seconds": time.monotonic() - begun}
    set_result(space.db, batch_id, answer)
    return answer


def _budget_left(experiment: Experiment) -> float | None:
    budget = experiment.options.get("budget")
    if budget is None:
        return None
    return max(0.001, float(budget) - (time.time() - float(experiment.options.get("begun") or experiment.created)))


@contextlib.contextmanager
def _one_at_a_time(space: Workspace, run: Run) -> Iterator[None]:
    """Only one process at a time continues a question."""
    from filelock import FileLock

    folder = space.home / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / f"why-{run.id}.lock"):
        yield
