"""Export of versions: plans, files, and whether a folder still holds them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_mlops.errors import InvalidInputError
from jupyter_mlops.service import run_values

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from jupyter_mlops.export.folder import FileChange
    from jupyter_mlops.export.plan import ExportPlan, ExportTask
    from jupyter_mlops.jobs.records import Job, VersionRow
    from jupyter_mlops.jobs.workspace import Workspace
    from jupyter_mlops.pipeline.model import Pipeline
    from jupyter_mlops.versions.manifest import Manifest

DRAFT = 0  # the version number of a notebook that is not published
POLICIES = ("retries", "backoff", "cell_timeout", "run_timeout", "concurrency")  # of the job, which engines have too


def targets() -> list[dict[str, str]]:
    """The export targets: `name`, `label`, and `summary`, which says what is written.

    A registered exporter that can't be loaded has its name as its label and the reason as its summary.
    """
    from jupyter_mlops.export.exporter import exporter_names

    return [_target(name) for name in exporter_names()]


def _target(name: str) -> dict[str, str]:
    from jupyter_mlops.export.exporter import exporter

    try:
        chosen = exporter(name)
    except InvalidInputError as error:
        return {"name": name, "label": name, "summary": error.message}
    return {"name": name, "label": chosen.label, "summary": getattr(chosen, "summary", "")}


@dataclass(frozen=True)
class PreparedExport:
    """The files of a plan for one engine, before they meet a folder.

    :param facts: target, job, version and digest, as the record of the export has them.
    :param omissions: what the engine can't do, a sentence each.
    """

    label: str
    facts: Mapping[str, Any]
    files: Mapping[str, bytes]
    omissions: tuple[str, ...]


def export(
    space: Workspace, job: str, target: str, folder: Path | None = None, *, write: bool = False, force: bool = False
) -> dict[str, Any]:
    """Export a version: the files, how they differ from what a folder holds, and what the engine can't do.

    :param job: `JOB`, `JOB@v3` or `JOB@production`.
    :param folder: the folder to compare with, and to write to if `write`.
    :param force: replace edited files.
    :raises ConflictError: a file was edited, and `force` is not set.
    """
    return exported(plan_of(space, job), target, folder, write=write, force=force)


def exported(
    plan: ExportPlan, target: str, folder: Path | None, *, write: bool = False, force: bool = False
) -> dict[str, Any]:
    """Export a plan; see `export`."""
    from jupyter_mlops.export import folder as export_folder

    prepared = prepare(plan, target)
    if folder is not None and folder.exists() and not folder.is_dir():
        raise InvalidInputError("the export folder is a file", where=str(folder), remedy="Name a folder with -o.")
    changes = export_folder.changes(prepared.files, folder or Path("/nonexistent"))
    if write and folder is not None:
        export_folder.write(prepared.files, folder, prepared.facts, force=force)
    return payload(prepared, "" if folder is None else str(folder), changes)


def prepare(plan: ExportPlan, target: str) -> PreparedExport:
    """The files of a plan. Raises NotFoundError for an unknown target, InvalidInputError if it can't run the plan."""
    from jupyter_mlops.export.exporter import exporter

    chosen = exporter(target)
    facts = {"target": target, "job": plan.job, "version": plan.version, "digest": plan.digest}
    return PreparedExport(chosen.label, facts, files_of(plan, target), tuple(chosen.omissions(plan)))


def payload(prepared: PreparedExport, folder: str, changes: list[FileChange]) -> dict[str, Any]:
    """An export as every surface shows it.

    :param folder: as the person named it.
    :param changes: how that folder differs, or differed before the export was written.
    """
    version = prepared.facts["version"]
    return {
        **prepared.facts,
        "version": f"v{version}" if version != DRAFT else "",
        "label": prepared.label,
        "folder": folder,
        "files": [asdict(change) for change in changes],
        "matches": all(change.state == "same" for change in changes),
        "omissions": list(prepared.omissions),
    }


def files_of(plan: ExportPlan, target: str) -> dict[str, bytes]:
    """Path -> content of everything that an export writes, the bundle included."""
    from jupyter_mlops.export.exporter import exporter
    from jupyter_mlops.export.folder import require_safe_paths

    chosen = exporter(target)
    contents = chosen.files(plan)
    files = {path: c.encode("utf-8") if isinstance(c, str) else c for path, c in contents.items()}
    if chosen.needs_bundle and not any(path.rpartition("/")[2] == plan.bundle_file for path in files):
        files[plan.bundle_file] = plan.bundle
    require_safe_paths(files)
    return files


def plan_of(space: Workspace, job: str) -> ExportPlan:
    """The plan of `JOB`, `JOB@v3` or `JOB@production`; see `plan_of_version`."""
    return plan_of_version(space, *run_values.split_selector(job))


def plan_of_version(space: Workspace, name: str, selector: str) -> ExportPlan:
    """The plan of a version that a job has.

    :param selector: `latest`, `v3` or `@production`.
    :raises NotFoundError: there is no such job or version.
    :raises InvalidInputError: it has no steps, or is not in Python.
    """
    from jupyter_mlops.export.plan import ExportSchedule
    from jupyter_mlops.notebook.reader import parse_notebook
    from jupyter_mlops.versions.archive import archive

    job_record = space.catalog.job(name)
    version = space.catalog.version(job_record, selector)
    manifest = run_values.manifest_of(space, version)
    notebook = space.store.get(manifest.notebook)
    schedules = tuple(
        ExportSchedule(s.cron, s.zone, s.missed, s.overlap, dict(s.parameters), s.paused)  # type: ignore[arg-type]
        for s in space.catalog.schedules(job_record)
        if space.catalog.version(job_record, s.version).id == version.id
    )
    rules = job_record.rules
    facts = {**version_facts(job_record, version), "secrets": list(rules.secrets)}
    return draft(
        parse_notebook(notebook, manifest.name),
        notebook.decode("utf-8"),
        manifest,
        facts,
        archive(manifest, space.store, facts),
        schedules=schedules,
        policies=rules.to_dict(),
    )


def version_facts(job: Job, version: VersionRow) -> dict[str, Any]:
    """What an archive says of a version."""
    from datetime import UTC, datetime

    created = datetime.fromtimestamp(version.created, UTC).isoformat(timespec="seconds")
    return {
        "job": job.name, "version": version.number, "digest": version.digest, "author": version.author,
        "message": version.message, "created": created, "provenance": dict(version.provenance),
    }  # fmt: skip


def draft(
    nb: NotebookNode, source: str, manifest: Manifest, facts: Mapping[str, Any], bundle: bytes, *,
    schedules: tuple[Any, ...] = (), policies: Mapping[str, Any] | None = None,
) -> ExportPlan:  # fmt: skip
    """The plan of a notebook's content.

    :param facts: `job`, `version` (number), `digest`, `author`, `message`, `created`, `provenance`.
    """
    from dataclasses import replace

    from jupyter_mlops.export.plan import ExportPlan
    from jupyter_mlops.pipeline.build import build
    from jupyter_mlops.versions.bundle import lock_file

    if manifest.language != "python":
        raise InvalidInputError(
            f"only Python notebooks can be exported; this one is in {manifest.language}", where=manifest.name
        )
    pipeline = build(nb, Path(manifest.name).stem)
    rules, provenance = dict(policies or {}), facts.get("provenance") or {}
    chosen = tuple(
        replace(task, secrets=_secrets([*rules.get("secrets", ()), *task.secrets]))
        for task in tasks(nb, pipeline, provenance)
    )
    return ExportPlan(
        job=facts["job"],
        version=facts["version"],
        digest=facts["digest"],
        notebook=manifest.name,
        source=source,
        tasks=chosen,
        parameters=pipeline.parameters,
        schedules=schedules,
        author=facts.get("author", ""),
        message=facts.get("message", ""),
        created=facts.get("created", ""),
        kernel=manifest.kernel,
        python=manifest.environment.python,
        packages=dict(manifest.environment.packages),
        lock=lock_file({"provenance": provenance})[0] if (provenance.get("lock") or {}).get("digest") else "",
        files=tuple(entry.path for entry in manifest.files),
        bundle=bundle,
        notify=tuple(rules.get("notify", ())),
        **{name: rules[name] for name in POLICIES if name in rules},
    )  # fmt: skip


def tasks(nb: NotebookNode, pipeline: Pipeline, provenance: Mapping[str, Any]) -> tuple[ExportTask, ...]:
    """The tasks of a version: the same for the export and for the processes that execute it."""
    from jupyter_mlops.execution.profile_store import block_id, from_dict
    from jupyter_mlops.export.build import tasks_of

    recorded = provenance.get("profiles") or {}
    profiles = {}
    for block in pipeline.blocks:
        key = block_id(nb.cells[i].source for i in block.cells)
        if key in recorded:
            profiles[block.index] = from_dict(recorded[key])
    return tasks_of(pipeline, profiles)


def _secrets(names: list[str]) -> tuple[str, ...]:
    """Names without Kale's path behind them."""
    plain = (name.partition(":")[0] for name in names)
    return tuple(dict.fromkeys(name for name in plain if name.isidentifier()))
