"""Imports runs that other engines executed, from the artifacts of their tasks."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from jupyter_mlops.errors import NotFoundError, StoreError
from jupyter_mlops.service import runs

if TYPE_CHECKING:
    from jupyter_mlops.jobs.external_runs import ExternalRun
    from jupyter_mlops.jobs.records import Job, VersionRow
    from jupyter_mlops.jobs.workspace import Workspace

RUN_LOG = "log.jsonl"


def import_runs(space: Workspace, url: str) -> dict[str, Any]:
    """Import the collected runs at a folder or URL that exported tasks share.

    Returns `runs`, the ids of runs that were new or were repeated by their engine, and `skipped`: for each run that was
    not imported, its name and why.

    :raises InvalidInputError: no installed package supports the URL; StoreError: it can't be read.
    """
    from jupyter_mlops.execution.run_artifacts import run_folder_of, run_names
    from jupyter_mlops.jobs.external_runs import ExternalRuns
    from jupyter_mlops.storage.documents import open_documents, read_json

    documents = open_documents(url)
    external = ExternalRuns(space.db)
    ids: list[str] = []
    skipped: list[dict[str, str]] = []
    for name in run_names(documents):
        folder = run_folder_of(name)
        result = read_json(documents, f"{folder}/result.json")
        if not isinstance(result, dict):
            skipped.append({"run": name, "why": "it is not collected yet"})
            continue
        try:
            run = _external_run(name, result)
            job, version = _version(space, result)
        except (NotFoundError, StoreError) as error:
            skipped.append({"run": name, "why": error.message})
            continue
        run_id = run.id_in(documents.location)
        if external.is_recorded(run_id, run.finished):
            continue
        notebook = result["notebook_name"]
        directory = space.folder_of(run_id)
        directory.path.mkdir(parents=True, exist_ok=True)
        content = documents.read(f"{folder}/{notebook}")
        output = directory.path / notebook
        if content is not None:
            output.write_bytes(content)
        (directory.path / RUN_LOG).write_text(_log(run), encoding="utf-8")
        external.record(run_id, job.id, version.id, run, str(output) if content is not None else "")
        ids.append(run_id)
    return {"runs": ids, "skipped": skipped}


def _external_run(name: str, result: dict[str, Any]) -> ExternalRun:
    """The run that a result describes. Raises StoreError if it is invalid."""
    from jupyter_mlops.jobs.external_runs import ExternalRun

    try:
        return ExternalRun(
            engine=str(result["engine"]),
            engine_run=name,
            state=str(result["state"]),
            started=float(result["started"] or 0.0),
            finished=float(result["finished"] or 0.0),
            engine_url=str(result.get("engine_url", "")),
            slot=_timestamp(str(result.get("scheduled_time") or "")),
            parameters=result["parameters"],
            metrics=result["metrics"],
            error=result["error"],
            notes=result["notes"],
            steps=result["steps"],
        )
    except (KeyError, TypeError, ValueError) as error:
        raise StoreError(f"its result is not one of ours: {type(error).__name__}: {error}") from None


def _timestamp(text: str) -> float | None:
    """Seconds since 1970 of an ISO 8601 time, UTC unless it says otherwise; None for no time. Raises ValueError."""
    if not text:
        return None
    time = datetime.fromisoformat(text)
    return (time if time.tzinfo is not None else time.replace(tzinfo=UTC)).timestamp()


def _version(space: Workspace, result: dict[str, Any]) -> tuple[Job, VersionRow]:
    """The published version that a run executed. Raises NotFoundError."""
    job = space.catalog.job(str(result.get("job")))
    for version in space.catalog.versions(job):
        if version.digest == result.get("digest"):
            return job, version
    raise NotFoundError(
        f"the job {job.name!r} has no version with its digest", remedy="Publish the bundle: jupyter mlops unbundle."
    )


def _log(run: ExternalRun) -> str:
    from jupyter_mlops.jobs import run_log

    lines = [
        run_log.line_of(run_log.record("step", step=step["name"], state=step["state"], why="")) for step in run.steps
    ]
    return "".join([*lines, run_log.line_of(run_log.record("end", state=run.state))])


def imported_runs(space: Workspace, url: str) -> dict[str, Any]:
    """`import_runs`, with each run as in `runs --json`."""
    imported = import_runs(space, url)
    return {**imported, "runs": [runs.run(space, run_id) for run_id in imported["runs"]]}
