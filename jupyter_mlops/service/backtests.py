"""Backtests: a candidate version runs on the inputs of past runs, beside the metrics that those runs had."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from statistics import fmean
from typing import TYPE_CHECKING, Any

from jupyter_mlops.errors import InvalidInputError, MlopsError
from jupyter_mlops.service.batches import MAX_RUNS, wait_for_batch
from jupyter_mlops.service.hybrid_runs import number
from jupyter_mlops.service.waiting import EventCallback, notify_worker
from jupyter_mlops.states import EXPERIMENTS

if TYPE_CHECKING:
    from jupyter_mlops.jobs.experiments import Experiment
    from jupyter_mlops.jobs.records import Job, Run, VersionRow
    from jupyter_mlops.jobs.workspace import Workspace
    from jupyter_mlops.service.capsules import Capsules
    from jupyter_mlops.versions.hybrid import Difference, Hybrids, Recipe

KIND = "backtest"
PRIORITY = -10
NOT_PRODUCTION = (*EXPERIMENTS, "reproduce", "sweep")  # triggers of runs that are no history of a job


@dataclass(frozen=True)
class Replay:
    """A past run, and what the candidate executes on its inputs; `problem`: why that is not possible."""

    run: Run
    recipe: Recipe | None
    problem: str = ""


def begin(
    space: Workspace, job: str, last: int, *, metric: str = "", concurrency: int = 1, own_files: Sequence[str] = (),
    allow_writes: bool = False, only_count: bool = False, capsules: Capsules | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Queue a replay for each of the last completed runs of a job, unless one has been made before.

    Returns `runs` (past runs), `reused`, `skipped`, `seconds` (what the past runs took that are to be replayed) and,
    unless `only_count`, `batch`.

    :param job: with the candidate's version, such as `churn@v8`.
    :param own_files: patterns of paths of data files that stay the candidate's own, such as a trained model.
    :raises InvalidInputError: no such version, or no past runs.
    """
    from jupyter_mlops.service.run_values import split_selector

    name, selector = split_selector(job)
    if last < 1 or last > MAX_RUNS:
        raise InvalidInputError(f"{last} runs", field="last", remedy=f"Use a number from 1 to {MAX_RUNS}.")
    job_record = space.catalog.job(name)
    candidate = space.catalog.version(job_record, selector)
    past_runs = _past_runs(space, job_record, last)
    if metric and not any(metric in run.metrics for run in past_runs):
        names = sorted({name for run in past_runs for name in run.metrics})
        raise InvalidInputError(
            f"no past run has a metric {metric!r}", field="metric", remedy=f"Metrics: {', '.join(names) or 'none'}."
        )
    _require_harmless(space, past_runs, allow_writes)
    replays = [_replay(space, run, candidate, own_files, capsules) for run in past_runs]
    reused = _earlier_replays(space, job_record, candidate, replays)
    pending = [r for r in replays if r.recipe is not None and r.run.id not in reused]
    payload: dict[str, Any] = {
        "job": job_record.name, "version": candidate.name, "runs": len(replays), "reused": len(reused),
        "replays": len(pending), "seconds": sum(r.run.seconds or 0.0 for r in pending),
        "skipped": [{"run": r.run.id, "reason": r.problem} for r in replays if r.recipe is None],
    }  # fmt: skip
    if only_count:
        return payload
    options = {
        "version": candidate.name, "version_id": candidate.id, "last": last, "metric": metric, "reused": reused,
        "past": [r.run.id for r in replays], "skipped": payload["skipped"],
    }  # fmt: skip
    new_runs = [_new_run(job_record, candidate, replay) for replay in pending]
    batch_id, _ = space.queue.add_batch(job_record.id, KIND, concurrency, options, new_runs)
    notify_worker(space)
    return {**payload, "batch": batch_id}


def wait(space: Workspace, batch_id: int, on_event: EventCallback = lambda event: None) -> dict[str, Any]:
    """Wait until all replays have finished, executing them here whenever no worker is running. Returns `result`.

    SIGINT and SIGTERM stop them all; a later backtest continues with those that are left.
    """

    def tell_replays(event: dict[str, Any]) -> None:
        if event["event"] == "batch":
            on_event({**event, "event": "replays"})

    if space.queue.states_of_batch(batch_id):
        wait_for_batch(space, batch_id, tell_replays)
    return result(space, batch_id)


def result(space: Workspace, batch_id: int) -> dict[str, Any]:
    """The candidate's metrics beside those of production, as far as replays have finished.

    `metrics`: name -> the two means, and the paired difference with its interval. Values that are not finite numbers in
    both runs are left out.
    """
    from jupyter_mlops.jobs.experiments import experiment

    entry = experiment(space.db, batch_id)
    if entry.kind != KIND:
        raise InvalidInputError(f"batch {batch_id} is a {entry.kind}", field="batch", remedy="Name a backtest.")
    return _result(space, entry)


def measure(space: Workspace, job: str, version: str, last: int, metric: str) -> dict[str, Any]:
    """The figures of the latest finished backtest of a version over at least that many runs, for a gate.

    Returns `candidate` and `production` (means over the same runs), and the paired difference.

    :raises InvalidInputError: there is none, or it has no such metric; the remedy is the command that makes one.
    """
    from jupyter_mlops.jobs.experiments import experiments

    job_record = space.catalog.job(job)
    row = space.catalog.version(job_record, version)
    remedy = f"jupyter mlops backtest {job_record.name}@{row.name} --last {last}"
    entries = [
        entry
        for entry in experiments(space.db, job_record.id, KIND, version_id=row.id)
        if int(entry.options.get("last") or 0) >= last
        and not {"queued", "running", "stopped"} & set(space.queue.states_of_batch(entry.id))
    ]
    if not entries:
        raise InvalidInputError(f"no backtest over {last} runs has finished", where=row.name, remedy=remedy)
    metrics = _result(space, entries[0], last)["metrics"]
    if metric not in metrics:
        raise InvalidInputError(
            f"the backtest has no metric {metric!r}", where=row.name,
            remedy=f"Metrics: {', '.join(metrics) or 'none'}.",
        )  # fmt: skip
    figures: dict[str, Any] = metrics[metric]
    return figures


def _past_runs(space: Workspace, job: Job, last: int) -> list[Run]:
    """The last completed runs of a job, oldest first."""
    runs = space.queue.runs(job_id=job.id, states=["completed"], limit=MAX_RUNS, experiments=False)
    history = [run for run in runs if run.trigger not in NOT_PRODUCTION]
    if not history:
        raise InvalidInputError("the job has no completed runs", where=job.name, remedy="Run it first.")
    return sorted(history, key=_time_of, reverse=True)[:last][::-1]


def _time_of(run: Run) -> tuple[float, str]:
    return (run.created if run.slot is None else run.slot, run.id)


def _require_harmless(space: Workspace, runs: Sequence[Run], allow_writes: bool) -> None:
    from jupyter_mlops.service.run_inputs import outside_writes

    paths = [] if allow_writes else outside_writes(space, runs)
    if paths:
        raise InvalidInputError(
            f"the runs write files outside of their folder, which replays would overwrite: {', '.join(paths[:3])}"
            f"{', …' if len(paths) > 3 else ''}",
            remedy="Pass --allow-writes if that does no harm.",
        )  # fmt: skip


def _replay(
    space: Workspace, run: Run, candidate: VersionRow, own_files: Sequence[str], capsules: Capsules | None
) -> Replay:
    """The candidate with the inputs of a past run."""
    from jupyter_mlops.service.run_inputs import candidate_side, past_side
    from jupyter_mlops.versions.hybrid import Hybrids

    try:
        run.require_own("replayed")
        past, missing = past_side(space, run, capsules)
        if missing:
            return Replay(run, None, "; ".join(f"{path}: {reason}" for path, reason in missing.items()))
        hybrids = Hybrids(past, candidate_side(space, candidate), space.store)
        recipe = hybrids.recipe(_candidates_own(hybrids, run, own_files))
        if hybrids.notes:
            return Replay(run, None, "; ".join(hybrids.notes))
        return Replay(run, recipe)
    except (MlopsError, ValueError) as error:
        return Replay(run, None, getattr(error, "message", str(error)))


def _candidates_own(hybrids: Hybrids, run: Run, own_files: Sequence[str]) -> frozenset[Difference]:
    """What a replay takes from the candidate: all but the data and the values that the run was started with."""
    past_files = {entry.path for entry in hybrids.old.manifest.files} | set(hybrids.old.outside)

    def is_own(difference: Difference) -> bool:
        if difference.axis == "data":
            return difference.name not in past_files or any(fnmatchcase(difference.name, p) for p in own_files)
        return difference.axis != "parameters" or difference.name not in run.parameters

    return frozenset(filter(is_own, hybrids.differences))


def _new_run(job: Job, candidate: VersionRow, replay: Replay) -> Any:
    from jupyter_mlops.jobs.new_run import NewRun

    assert replay.recipe is not None
    return NewRun(
        KIND, job.id, candidate.id, repairs=replay.run.id, slot=replay.run.slot, priority=PRIORITY,
        parameters=replay.recipe.parameters, options=replay.recipe.options,
    )  # fmt: skip


def _earlier_replays(
    space: Workspace, job: Job, candidate: VersionRow, replays: Sequence[Replay]
) -> dict[str, str]:  # fmt: skip
    """Past run -> its completed replay by an earlier backtest."""
    runs = space.queue.runs(job_id=job.id, triggers=[KIND], states=["completed"], limit=MAX_RUNS)
    by_key = {(run.repairs, run.options.get("hybrid")): run.id for run in runs if run.version_id == candidate.id}
    pairs = {r.run.id: by_key.get((r.run.id, r.recipe.key)) for r in replays if r.recipe is not None}
    return {past: replay for past, replay in pairs.items() if replay is not None}


def _result(space: Workspace, entry: Experiment, last: int | None = None) -> dict[str, Any]:
    options = entry.options
    past_ids = list(options.get("past", ()))[-(last or MAX_RUNS) :]
    replays = {run.repairs: run for run in space.queue.runs(batch_id=entry.id, limit=MAX_RUNS)}
    reused = dict(options.get("reused") or {})
    candidates = space.queue.runs(job_id=entry.job_id, triggers=[KIND], limit=MAX_RUNS) if reused else []
    by_id = {run.id: run for run in candidates}
    replays |= {past: by_id[replay] for past, replay in reused.items() if replay in by_id}
    history = {run.id: run for run in space.queue.runs(job_id=entry.job_id, limit=MAX_RUNS, experiments=False)}
    pairs = [(history[past], replays[past]) for past in past_ids if past in replays and past in history]
    states = [replay.state for _, replay in pairs]
    metrics = _figures([pair for pair in pairs if pair[1].state == "completed"])
    metric = str(options.get("metric") or next(iter(metrics), ""))
    rows = [_row(past, replay, metric) for past, replay in pairs]
    job = space.catalog.job_by_id(entry.job_id)
    return {
        "batch": entry.id, "job": job.name, "version": options.get("version"), "metric": metric,
        "states": {state: states.count(state) for state in dict.fromkeys(states)}, "metrics": metrics, "runs": rows,
        "reproduced": sum(past.metrics == replay.metrics for past, replay in pairs if replay.state == "completed"),
        "skipped": [s for s in options.get("skipped", ()) if s["run"] in past_ids],
    }  # fmt: skip


def _row(past: Run, replay: Run, metric: str) -> dict[str, Any]:
    error = replay.error or {}
    return {
        "run": past.id, "replay": replay.id, "slot": past.slot, "created": past.created, "version": past.version,
        "state": replay.state, "production": past.metrics.get(metric), "candidate": replay.metrics.get(metric),
        "seconds": replay.seconds,
        "error": f"{error.get('ename')}: {error.get('evalue')}" if error else "",
    }  # fmt: skip


def _figures(pairs: Sequence[tuple[Run, Run]]) -> dict[str, dict[str, Any]]:
    """For each metric that both sides have: means and the paired difference."""
    from jupyter_mlops.tracking.paired import paired_difference

    figures = {}
    for name in dict.fromkeys(name for past, _ in pairs for name in past.metrics):
        values = [(number(past.metrics.get(name)), number(replay.metrics.get(name))) for past, replay in pairs]
        finite = [(first, second) for first, second in values if first is not None and second is not None]
        if finite:
            production, candidate = zip(*finite, strict=True)
            figures[name] = {
                "production": fmean(production), "candidate": fmean(candidate),
                **paired_difference(production, candidate).to_dict(),
            }  # fmt: skip
    return figures
