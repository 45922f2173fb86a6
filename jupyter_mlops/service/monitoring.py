"""Monitoring: how the data of a run differs from the baseline's and from the previous run's, and where that begins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jupyter_mlops.errors import ConflictError, InvalidInputError, NotFoundError

if TYPE_CHECKING:
    from jupyter_mlops.jobs.drift_comparison import DriftComparison
    from jupyter_mlops.jobs.drift_records import DriftRecords
    from jupyter_mlops.jobs.records import Job, Run
    from jupyter_mlops.jobs.workspace import Workspace


def drift(space: Workspace, job_name: str, run_ref: str = "") -> dict[str, Any]:
    """Compare a run with the baseline and with the previous run of its job, and store the findings.

    The baseline is the first completed run of the `production` version that left profiles; without such a version it
    is the first of the job.

    :param run_ref: id of a run, or its beginning; by default the latest with profiles.
    :raises NotFoundError: if the job or run does not exist, or no run left profiles.
    """
    from jupyter_mlops.tracking.comparison import CHANCE

    job = space.catalog.job(job_name)
    comparison = drift_comparison(space)
    run = _chosen(space, job, comparison.profiled_runs(job), run_ref)
    references = comparison.compare(job, run)
    result: dict[str, Any] = {
        "job": job.name, "run": run.id, "baseline": references.get("baseline"),
        "previous": references.get("previous"), "chance": CHANCE, "findings": [],
    }  # fmt: skip
    records = comparison.records
    result["findings"] = [
        {key: row[key] for key in ("basis", "reference", "step", "variable", "kind", "cause")}
        | {"column": row["name"], "text": row["document"]["text"], "finding": row["document"]["finding"]}
        | {"later": row["document"]["later"]}
        for row in records.findings(run.id)
    ]
    return result


def column_drift(space: Workspace, job: Job, run: Run, name: str, frame: str = "") -> float | None:
    """How far a column of a run is from the baseline, for gates: the largest distance of the distributions of numbers,
    the total variation of categories; the largest of all frames that hold the column.

    :param frame: the variable of the frame; "" for all.

    None if there is no baseline with profiles, or no frame that holds the column in both.
    """
    from jupyter_mlops.tracking.comparison import compare

    comparison = drift_comparison(space)
    records = comparison.records
    earlier = [other for other in comparison.profiled_runs(job) if other.created < run.created]
    baseline = comparison.baseline(job, earlier)
    if baseline is None:
        return None
    before = {step.step: step.writes for step in records.steps(baseline)}
    values = []
    for step in records.steps(run):
        for variable, profile in step.writes.items():
            if variable in before.get(step.step, {}) and frame in ("", variable):
                change = compare(before[step.step][variable], profile).columns.get(name)
                if change is not None:
                    values += [v for v in (change.effects.get("ks", change.effects.get("tv")),) if v is not None]
    return max(values, default=None)


def drift_records(space: Workspace) -> DriftRecords:
    """The findings of a workspace."""
    from jupyter_mlops.jobs.drift_records import DriftRecords

    return DriftRecords(space.db, space.store)


def drift_comparison(space: Workspace) -> DriftComparison:
    """Comparisons of the runs of a workspace."""
    from jupyter_mlops.jobs.drift_comparison import DriftComparison

    return DriftComparison(space.catalog, space.queue, drift_records(space))


def _chosen(space: Workspace, job: Job, runs: list[Run], run_ref: str) -> Run:
    if not run_ref:
        if not runs:
            raise NotFoundError(
                "no completed run left profiles", where=job.name,
                remedy="Tag a cell with `dataset:VARIABLE`, publish, and run the job.",
            )  # fmt: skip
        return runs[-1]
    run_id = space.queue.full_id(run_ref)
    for run in runs:
        if run.id == run_id:
            return run
    run = space.queue.run(run_id)
    if run.job_id != job.id:
        raise InvalidInputError(f"the run is not one of `{job.name}`", where=run.id, remedy="Name its own job.")
    if run.state != "completed":
        raise ConflictError(f"the run is {run.state}", where=run.id, remedy="Compare a completed run.")
    raise NotFoundError("the run left no profiles", where=run.id, remedy="Tag a cell with `dataset:VARIABLE`.")
