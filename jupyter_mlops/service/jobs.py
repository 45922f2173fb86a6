"""Operations on jobs and their versions. They return plain JSON values."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_mlops.config import RunConfig
from jupyter_mlops.errors import NotFoundError
from jupyter_mlops.service.batches import MAX_RUNS
from jupyter_mlops.service.run_values import manifest_of
from jupyter_mlops.service.runs import run_to_dict

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from jupyter_mlops.jobs.records import Job, Schedule, VersionRow
    from jupyter_mlops.jobs.workspace import Workspace


HEALTH_RUNS = 20  # number of latest runs that determine a job's health


def open_workspace(config: RunConfig | None = None) -> Workspace:
    """The database and the store of a configuration; the caller closes them. None: as configured."""
    from jupyter_mlops.jobs.workspace import Workspace
    from jupyter_mlops.service.configuration import load_config

    return Workspace(config or load_config())


def publish(space: Workspace, path: Path, job: str = "", message: str = "", kernel: str = "") -> dict[str, Any]:
    """Publish a notebook as a version of a job; the job's name defaults to the notebook's."""
    from jupyter_mlops.jobs.publish import publish as do

    publication = do(space, path, job, message, kernel=kernel)
    files = [{"path": f.path, "kind": f.kind, "size": f.size, "stored": f.stored} for f in publication.manifest.files]
    return {
        **version_to_dict(publication.version, publication.job),
        "new": publication.new,
        "files": files,
        "notes": list(publication.notes),
    }


def versions(space: Workspace, job: str) -> list[dict[str, Any]]:
    """All versions of a job, newest first, with their aliases."""
    job_record = space.catalog.job(job)
    aliases = space.catalog.aliases(job_record)
    return [
        {**version_to_dict(v, job_record), "aliases": [a for a, number in aliases.items() if number == v.number]}
        for v in space.catalog.versions(job_record)
    ]


def version(space: Workspace, job: str, selector: str) -> str:
    """The name of the version that a selector selects. Raises NotFoundError."""
    name: str = space.catalog.version(space.catalog.job(job), selector).name
    return name


def jobs(space: Workspace) -> list[dict[str, Any]]:
    """All jobs with their health, next fire time and last run."""
    by_job: dict[int, list[Schedule]] = {}
    for schedule in space.catalog.schedules():
        by_job.setdefault(schedule.job_id, []).append(schedule)
    return [_job_to_dict(space, job, by_job.get(job.id, [])) for job in space.catalog.jobs()]


def _job_to_dict(space: Workspace, job: Job, schedules: list[Schedule]) -> dict[str, Any]:
    latest_version = next(iter(space.catalog.versions(job)), None)
    recent_runs = space.queue.runs(job_id=job.id, limit=HEALTH_RUNS, experiments=False)
    next_schedule = min((s for s in schedules if s.next_at is not None), key=lambda s: s.next_at or 0.0, default=None)
    return {
        "name": job.name, "owner": job.owner, "paused": job.paused,
        "version": None if latest_version is None else latest_version.name, "aliases": space.catalog.aliases(job),
        "health": [run.state for run in reversed(recent_runs)],
        "recent": [
            {"id": r.id, "state": r.state, "time": r.started or r.created, "seconds": r.seconds}
            for r in reversed(recent_runs)
        ],
        "next": None if next_schedule is None else next_schedule.next_at,
        "next_zone": "" if next_schedule is None else next_schedule.zone,
        "last": run_to_dict(recent_runs[0]) if recent_runs else None, "schedules": len(schedules),
        "problems": [s.problem for s in schedules if s.problem],
    }  # fmt: skip


def set_policies(space: Workspace, job: str, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Change policies of a job; returns all of them."""
    if not changes:
        return dict(space.catalog.job(job).rules.to_dict())
    return space.catalog.set_policies(job, changes).rules.to_dict()


def job(space: Workspace, name: str) -> dict[str, Any]:
    """One job as in `jobs`, with its policies and the parameters of its latest version."""
    job_record = space.catalog.job(name)
    payload = _job_to_dict(space, job_record, space.catalog.schedules(job_record))
    latest_version = next(iter(space.catalog.versions(job_record)), None)
    parameters = {} if latest_version is None else dict(manifest_of(space, latest_version).parameters)
    return {**payload, "policies": job_record.rules.to_dict(), "parameters": parameters}


def pause_job(space: Workspace, name: str, paused: bool) -> None:
    """Pause or resume the schedules of a job."""
    space.catalog.pause_job(name, paused)


def remove(space: Workspace, name: str) -> None:
    """Delete a job with its versions, schedules and runs, after stopping its running ones."""
    job_record = space.catalog.job(name)
    for run in space.queue.runs(job_id=job_record.id, states=["queued", "running"], limit=MAX_RUNS):
        space.queue.stop(run.id, "the job was deleted")
    space.catalog.delete_job(name)


def changes(space: Workspace, nb: NotebookNode, name: str, path: Path | None) -> dict[str, Any]:
    """What would change against the job's latest version if the notebook were published now."""
    from jupyter_mlops.jobs.publish import snapshot_of
    from jupyter_mlops.notebook.reader import parse_notebook
    from jupyter_mlops.versions.diff import diff

    manifest, notes = snapshot_of(space, nb, path or Path(name).with_suffix(".ipynb"))
    try:
        versions = space.catalog.versions(space.catalog.job(name))
    except NotFoundError:
        versions = []
    if not versions:
        return {"job": name, "version": None, "next": "v1", "same": False, "sections": {}, "notes": notes}
    latest_version = versions[0]
    old_manifest = manifest_of(space, latest_version)
    notebooks = [parse_notebook(space.store.get(m.notebook), m.name) for m in (old_manifest, manifest)]
    sections = diff(old_manifest, manifest, (notebooks[0], notebooks[1]), store=space.store)
    is_unchanged = manifest.put(space.store) == latest_version.digest
    next_name = latest_version.name if is_unchanged else f"v{latest_version.number + 1}"
    payload = {"job": name, "version": latest_version.name, "next": next_name, "same": is_unchanged}
    return {**payload, "sections": sections, "notes": notes}


def version_to_dict(version: VersionRow, job: Job) -> dict[str, Any]:
    git = version.provenance.get("git") or {}
    return {
        "job": job.name, "version": version.name, "digest": version.digest, "created": version.created,
        "author": version.author, "message": version.message, "commit": git.get("commit", ""),
        "branch": git.get("branch", ""), "dirty": bool(git.get("dirty")),
        "locked": (version.provenance.get("lock") or {}).get("kind", ""),
    }  # fmt: skip
