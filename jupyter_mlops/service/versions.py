"""Operations on versions: compare, reproduce, and export or import them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_mlops.errors import InvalidInputError
from jupyter_mlops.service import jobs, run_values, runs, waiting

if TYPE_CHECKING:
    from jupyter_mlops.jobs.records import Job, Run, VersionRow
    from jupyter_mlops.jobs.workspace import Workspace

CHANGES_HINT = "`jupyter mlops diff --run RUN` shows what changed since the last completed run."
EventCallback = Callable[[dict[str, Any]], None]


def diff(space: Workspace, job: str, old: str, new: str = "latest") -> dict[str, Any]:
    """The differences between two versions of a job, in five sections."""
    job_record = space.catalog.job(job)
    first, second = space.catalog.version(job_record, old), space.catalog.version(job_record, new)
    return {"job": job_record.name, "old": first.name, "new": second.name, "sections": _sections(space, first, second)}


def changes_since_success(space: Workspace, run_id: str) -> dict[str, Any]:
    """What changed since the last completed run of the job, most suspect first, with the data."""
    run = space.queue.run(space.queue.full_id(run_id))
    last_good = space.queue.last_good(run)
    if last_good is None or run.version_id is None or last_good.version_id is None:
        raise InvalidInputError("the job had no completed run before this one", where=run.id)
    first, second = space.catalog.version_by_id(last_good.version_id), space.catalog.version_by_id(run.version_id)
    sections = _sections(space, first, second, (last_good, run))
    old_values, new_values = _parameter_values(space, first, last_good), _parameter_values(space, second, run)
    values = [
        {"what": f"parameter {name}", "before": old_values.get(name), "after": new_values.get(name)}
        for name in sorted(
            {*last_good.parameters, *run.parameters}
        )  # values that are the default in both are covered by the versions
        if old_values.get(name) != new_values.get(name)
    ]
    sections["pipeline"] = [*sections["pipeline"], *values]
    known_changes = {change["what"] for change in sections["environment"]}
    drift, old_drift = _environment_drift(run), _environment_drift(last_good) if first.id == second.id else []
    drift_changes = [n for n in drift if n not in old_drift] + [f"no longer: {n}" for n in old_drift if n not in drift]
    sections["environment"] = [
        *sections["environment"],
        *({"what": n} for n in drift_changes if n not in known_changes),
    ]
    ranked = [{"section": name, **change} for name, changes in sections.items() for change in changes]
    return {
        "run": run.id, "state": run.state, "good": last_good.id, "old": first.name, "new": second.name,
        "error": run.error,
        "suspects": ranked,
    }  # fmt: skip


def reproduce(space: Workspace, run_id: str, on_event: EventCallback = lambda event: None) -> dict[str, Any]:
    """Run a run again with its version, environment and parameters, without the cache, and compare.

    The verdict is stored on the run: every output the same, or the first cell that differs.
    """
    new_run = begin_reproduction(space, run_id)
    runs.follow(space, new_run["id"], on_event)
    verdict: dict[str, Any] = reproduction(space, run_id)["verdict"]
    return verdict


def begin_reproduction(space: Workspace, run_id: str) -> dict[str, Any]:
    """Queue the run that reproduces another; `reproduction` returns its result.

    :raises InvalidInputError: there is nothing to compare with.
    """
    from jupyter_mlops.jobs.new_run import NewRun

    run = space.queue.run(space.queue.full_id(run_id))
    if run.state != "completed":
        raise InvalidInputError(
            f"only completed runs can be reproduced; this one is {run.state}",
            where=run.id,
            remedy=CHANGES_HINT if run.state == "failed" else "",
        )
    if space.folder_of(run.id).notebook(run.output) is None:
        raise InvalidInputError(
            "the executed notebook to compare with does not exist any more", where=run.output or run.id
        )
    options = {**run.options, "use_cache": False}
    new_run = NewRun(
        "reproduce", run.job_id, run.version_id, repairs=run.id, parameters=run.parameters, options=options, priority=5
    )  # fmt: skip
    queued_run = space.queue.add(new_run)
    waiting.notify_worker(space)
    return runs.run_to_dict(queued_run)


def reproduction(space: Workspace, run_id: str) -> dict[str, Any]:
    """The latest `run` that reproduces a run, and the `verdict` once it has finished; None if there is none. The
    verdict is stored on the run."""
    from jupyter_mlops.service.notebook_runs import run_to_dict

    run = space.queue.run(space.queue.full_id(run_id))
    repeat_run = space.queue.reproduction(run)
    if repeat_run is None:
        return {"run": None, "verdict": run.verdict}
    repeat_run = space.queue.run(repeat_run.id)
    if repeat_run.state in ("queued", "running"):
        return {"run": run_to_dict(repeat_run), "verdict": None}
    verdict = run.verdict
    if verdict is None or verdict.get("run") != repeat_run.id:
        verdict = _verdict(space, run, repeat_run)
        space.queue.set_verdict(run.id, verdict)
    return {"run": run_to_dict(repeat_run), "verdict": verdict}


def bundle(space: Workspace, job: str, target: Path | None = None) -> dict[str, Any]:
    """Write a version, with its last completed run, to one zip file."""
    from jupyter_mlops.versions.bundle import write_bundle

    name, selector = run_values.split_selector(job)
    job_record = space.catalog.job(name)
    version = space.catalog.version(job_record, selector)
    path = target or Path(f"{job_record.name}-{version.name}.zip")
    if not path.parent.is_dir():
        raise InvalidInputError("the folder of the bundle does not exist", where=str(path.parent))
    last_good = _last_run(space, job_record, version)
    payload = {**jobs.version_to_dict(version, job_record), "provenance": dict(version.provenance)}
    write_bundle(
        run_values.manifest_of(space, version),
        space.store,
        payload,
        path,
        runs.run(space, last_good.id) if last_good else None,
    )
    return {"job": job_record.name, "version": version.name, "path": str(path), "bytes": path.stat().st_size}


def unbundle(space: Workspace, path: Path, job: str = "") -> dict[str, Any]:
    """Publish the content of a bundle as the identical version."""
    from jupyter_mlops.versions.bundle import read_bundle

    manifest, payload = read_bundle(path, space.store)
    job_record = space.catalog.ensure_job(job or payload["job"])
    version, is_new = space.catalog.add_version(
        job_record,
        manifest.put(space.store),
        author=payload["author"],
        message=payload["message"],
        provenance=payload["provenance"],
    )
    return {**jobs.version_to_dict(version, job_record), "new": is_new}


def gc(space: Workspace, *, dry_run: bool = False) -> dict[str, Any]:
    """Delete runs that the policies do not keep, and everything that nothing refers to."""
    from jupyter_mlops.jobs.retention import clean_up

    return clean_up(space, dry=dry_run).to_dict()


def import_jobs(space: Workspace, database: Path | None = None, *, activate: bool = False) -> list[dict[str, Any]]:
    """Import the jobs of jupyter-scheduler."""
    from jupyter_mlops.jobs.importer import import_jobs as do

    return do(space, run_values.checked_values, database, activate=activate)


def _sections(
    space: Workspace, old: VersionRow, new: VersionRow, runs: tuple[Run | None, Run | None] | None = None
) -> dict[str, Any]:  # fmt: skip
    from jupyter_mlops.notebook.reader import parse_notebook
    from jupyter_mlops.versions.diff import diff as compare

    old_manifest, new_manifest = run_values.manifest_of(space, old), run_values.manifest_of(space, new)
    notebooks = tuple(parse_notebook(space.store.get(m.notebook), m.name) for m in (old_manifest, new_manifest))
    job = space.catalog.job_by_id(new.job_id)
    first, second = runs or (_last_run(space, job, old), _last_run(space, job, new))
    metrics = ({} if first is None else first.metrics, {} if second is None else second.metrics)
    return dict(compare(old_manifest, new_manifest, (notebooks[0], notebooks[1]), metrics, space.store))


def _parameter_values(space: Workspace, version: VersionRow, run: Run) -> dict[str, Any]:
    """The parameter values of a run, defaults included."""
    declarations = run_values.manifest_of(space, version).pipeline["parameters"]
    return {**{p["name"]: p["default"] for p in declarations}, **run.parameters}


def _environment_drift(run: Run) -> list[str]:
    """How the environment of a run differed from its version's."""
    return list(run.environment_changes)


def _last_run(space: Workspace, job: Job, version: VersionRow) -> Run | None:
    """The last completed run of a version."""
    return next(
        (
            r
            for r in space.queue.runs(job_id=job.id, states=["completed"], limit=1000, experiments=False)
            if r.version_id == version.id
        ),
        None,
    )


def _verdict(space: Workspace, run: Run, repeat_run: Run) -> dict[str, Any]:
    from jupyter_mlops.service.notebook_runs import executed_notebook
    from jupyter_mlops.versions.compare import first_difference

    payload: dict[str, Any] = {"run": repeat_run.id, "state": "differs", "difference": None}
    if repeat_run.state != "completed":
        error = repeat_run.error or {}
        message = f"≠ it {repeat_run.state} this time: {error.get('ename', '')}: {error.get('evalue', '')}"
        return {**payload, "words": message.rstrip(": ")}
    folders = [space.folder_of(entry.id, with_written=True) for entry in (run, repeat_run)]
    old_notebook, new_notebook = (json.loads(executed_notebook(space, entry.id)) for entry in (run, repeat_run))
    difference = first_difference(old_notebook, new_notebook)
    if difference is not None:
        step = f" of step {difference.step}" if difference.step else ""
        message = f"≠ differs first in cell {difference.cell + 1}{step}: {difference.aspect}"
        return {**payload, "difference": difference.to_dict(), "words": message}
    old_digests, new_digests = (folder.written_digests() for folder in folders)
    old_origins, new_origins = (folder.origin() for folder in folders)
    pairs = [(name, old_digests.get(name), new_digests.get(name)) for name in sorted({*old_digests, *new_digests})]
    pairs += [(path, old_origins[path], new_origins[path]) for path in sorted({*old_origins} & {*new_origins})]
    changed_file = next((name for name, old_digest, new_digest in pairs if old_digest != new_digest), None)
    if changed_file is not None:
        return {
            **payload,
            "words": f"≠ every output is the same, but the file {changed_file} differs",
            "file": changed_file,
        }
    return {**payload, "state": "reproduced", "words": "≡ reproduced: every output and every file is the same"}
