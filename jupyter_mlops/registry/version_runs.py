"""The runs by which a version is judged."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from jupyter_mlops.errors import ConflictError, NotFoundError
from jupyter_mlops.states import EXPERIMENTS

if TYPE_CHECKING:
    from jupyter_mlops.jobs.records import Job, Run, VersionRow
    from jupyter_mlops.jobs.workspace import Workspace

RECENT = 100  # runs of a job whose metrics are names to suggest


def latest_completed(space: Workspace, version: VersionRow) -> Run | None:
    """The latest completed run of a version that was not limited to one step; None if there is none."""
    return next(completed(space, version), None)


def completed(space: Workspace, version: VersionRow) -> Iterator[Run]:
    """The completed runs of a version that were not limited to one step, latest first."""
    from sqlalchemy import select

    from jupyter_mlops.db import tables as t

    query = (
        select(t.run.c.id, t.run.c.options)
        .where(t.run.c.version_id == version.id, t.run.c.state == "completed", t.run.c.trigger.not_in(EXPERIMENTS))
        .order_by(t.run.c.created.desc(), t.run.c.id.desc())
    )
    with space.db.read() as c:
        rows = c.execute(query).all()
    for run_id, options in rows:
        if not (isinstance(options, dict) and options.get("only_step")):
            yield space.queue.run(run_id)


def run_of(space: Workspace, version: VersionRow, run_id: str) -> Run:
    """A completed run of that version.

    :raises NotFoundError: there is no such run; ConflictError: it is of another version, or not completed.
    """
    run = space.queue.run(space.queue.full_id(run_id))
    if run.version_id != version.id:
        raise ConflictError(f"the run is not one of {version.name}", where=run.id)
    if run.state != "completed":
        raise ConflictError(f"the run is not completed: {run.state}", where=run.id)
    return run


def metric_names(space: Workspace, job: Job) -> set[str]:
    """The metrics of recent completed runs of a job."""
    runs = space.queue.runs(job_id=job.id, states=["completed"], limit=RECENT, experiments=False)
    return {str(name) for run in runs for name in run.metrics}


def version_before(space: Workspace, job: Job, version: VersionRow) -> VersionRow:
    """The version that was published before another one. Raises NotFoundError."""
    earlier = [candidate for candidate in space.catalog.versions(job) if candidate.number < version.number]
    if not earlier:
        raise NotFoundError(f"there is no version before {version.name}")
    return earlier[0]
