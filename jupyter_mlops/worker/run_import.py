"""Runs of other engines come into the history."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from jupyter_mlops.errors import InvalidInputError, NotFoundError
from jupyter_mlops.jobs import run_log
from jupyter_mlops.jobs.artifact_runs import ArtifactRuns
from jupyter_mlops.jobs.engine_run import EngineRun, RunSource, SkippedRun
from jupyter_mlops.jobs.external_runs import ExternalRun, ExternalRuns, supersedes
from jupyter_mlops.jobs.records import Job, VersionRow
from jupyter_mlops.jobs.retention import DAY
from jupyter_mlops.jobs.run_data import KeptObject, RunData
from jupyter_mlops.jobs.run_directory import RunDirectory
from jupyter_mlops.jobs.workspace import Workspace, is_shared
from jupyter_mlops.states import ACTIVE, FINISHED
from jupyter_mlops.versions.manifest import Manifest
from jupyter_mlops.worker.run_data_writer import canonical, capsule_of

SETTLED_S = 86400.0  # seconds after which a run that finished is not looked at again, unless by hand


@dataclass
class ImportedRuns:
    """Ids of runs that were new or have changed, and the runs that were not imported, each with the reason.

    :param ignored: names of finished runs that need not be looked at again: their version is not here, or their job's
        retention policy does not keep them.
    """

    ids: list[str] = field(default_factory=list)
    skipped: list[SkippedRun] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)


def open_source(space: Workspace, url: str) -> RunSource:
    """The source that a URL means. Raises InvalidInputError."""
    if url.startswith("airflow+"):
        from jupyter_mlops.worker.airflow_runs import AirflowRuns

        return AirflowRuns(space, url)
    return ArtifactRuns(url)


def import_runs(
    space: Workspace, url: str, *, all_runs: bool = True, ignored: Collection[str] = ()
) -> ImportedRuns:  # fmt: skip
    """Record the runs at a folder or URL that are new or have changed.

    :param all_runs: look at all runs. Otherwise neither at those that finished long ago, which the engine may have
        repeated, nor at those that retention would delete at once.
    :param ignored: names of runs that are left out.
    :raises InvalidInputError: nothing installed can reach the URL; StoreError, UnreachableError: it doesn't answer.
    """
    source = open_source(space, url)
    external, imported, names = ExternalRuns(space.db), ImportedRuns(), StepNames(space)
    settled = set() if all_runs else external.settled(source.location, time.time() - SETTLED_S)
    for engine_run in source.runs({*settled, *ignored}):
        if isinstance(engine_run, SkippedRun):
            imported.skipped.append(engine_run)
            continue
        try:
            job, version = _version(space, engine_run)
        except NotFoundError as error:
            imported.skipped.append(SkippedRun(engine_run.run.engine_run, error.message))
            imported.ignored += [engine_run.run.engine_run] if engine_run.run.finished is not None else []
            continue
        run = with_all_steps(engine_run.run, names.of(version))
        recorded = external.recorded(run, job.id, source.location)
        if not supersedes(run, recorded):
            continue
        if recorded is None and not all_runs and is_expired(space, job, run, time.time()):
            imported.ignored.append(run.engine_run)
            continue
        run_id = run.id_in(source.location) if recorded is None else recorded.id
        directory = space.folder_of(run_id)
        output = _write(directory, engine_run, keeps_log=recorded is not None and recorded.source == "api")
        files = directory.upload(space.store) if is_shared(space.config) else {}
        data = _data(space, run_id, job, version, run)
        external.record(run_id, job.id, version.id, run, output, source.location, files, data)
        imported.ids.append(run_id)
    return imported


def _data(space: Workspace, run_id: str, job: Job, version: VersionRow, run: ExternalRun) -> RunData:
    """The metrics of a run, and what its steps read as far as its engine's tasks recorded it."""
    if not run.inputs:
        return RunData(points=run.points)
    environment = Manifest.get(space.store, version.digest).environment
    record = {"inputs": run.inputs, "parameters": dict(run.parameters)}
    content = canonical(capsule_of(run_id, job.name, version, environment, record))
    digest = space.store.put(content)
    return RunData(run.points, digest, [KeptObject(digest, "capsule", len(content))])


def is_expired(space: Workspace, job: Job, run: ExternalRun, now: float) -> bool:
    """Whether the job's retention policy would delete a run that is not recorded."""
    try:
        rules = job.rules
    except InvalidInputError:  # unreadable: nothing is deleted
        return False
    if run.finished is None:
        return False
    if rules.keep_days is not None and now - run.finished > rules.keep_days * DAY:
        return True
    if rules.keep_runs is None:
        return False
    newer = [
        r for r in space.queue.runs(job_id=job.id, states=FINISHED, limit=rules.keep_runs) if r.created > run.started
    ]
    return len(newer) >= rules.keep_runs


class StepNames:
    """Names of the steps of versions, in notebook order; each version is read once."""

    def __init__(self, space: Workspace) -> None:
        self.space = space
        self._names: dict[str, tuple[str, ...]] = {}

    def of(self, version: VersionRow) -> tuple[str, ...]:
        if version.digest not in self._names:
            steps = Manifest.get(self.space.store, version.digest).pipeline.get("steps", ())
            self._names[version.digest] = tuple(str(step["name"]) for step in steps)
        return self._names[version.digest]


def with_all_steps(run: ExternalRun, names: Sequence[str]) -> ExternalRun:
    """The run with its steps in notebook order, and those that have not begun: queued, or skipped once it has ended."""
    by_name = {str(step["name"]): step for step in run.steps}
    absent = "queued" if run.state in ACTIVE else "skipped"
    steps = [by_name.get(name, {"name": name, "state": absent}) for name in names]
    others = [step for step in run.steps if step["name"] not in names]
    return replace(run, steps=(*steps, *others))


def _write(directory: RunDirectory, engine_run: EngineRun, *, keeps_log: bool) -> str:
    """Write the executed notebook and the log to the run directory; returns the notebook's path, "" without one.

    :param keeps_log: the log that is there tells more than the steps, as long as nothing else does.
    """
    directory.path.mkdir(parents=True, exist_ok=True)
    notebook = engine_run.notebook() if engine_run.notebook is not None else None
    output = ""
    if notebook is not None:
        name, content = notebook
        (directory.path / name).write_bytes(content)
        output = str(directory.path / name)
    records: list[Mapping[str, Any]] = [
        *(engine_run.log() if engine_run.log is not None else []),
        *_step_records(engine_run.run),
    ]
    (directory.path / run_log.NAME).write_text("".join(map(run_log.line_of, records)), encoding="utf-8")
    return output


def _step_records(run: ExternalRun) -> list[Mapping[str, Any]]:
    records: list[Mapping[str, Any]] = [
        run_log.record("step", step=step["name"], state=step["state"], why="") for step in run.steps
    ]
    return records if run.state in ACTIVE else [*records, run_log.record("end", state=run.state)]


def _version(space: Workspace, engine_run: EngineRun) -> tuple[Job, VersionRow]:
    """The published version that a run executed. Raises NotFoundError."""
    job = space.catalog.job(engine_run.job)
    for version in space.catalog.versions(job):
        if engine_run.digest == version.digest or (engine_run.version == version.number and not engine_run.digest):
            return job, version
    raise NotFoundError(
        f"the job {job.name!r} has no version with its digest", remedy="Publish the bundle: jupyter mlops unbundle."
    )
