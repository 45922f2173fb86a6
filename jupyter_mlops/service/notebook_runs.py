"""Runs for display, and runs of notebooks without a version. The operations return plain JSON values."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_mlops.errors import NotFoundError
from jupyter_mlops.service import run_values, waiting
from jupyter_mlops.service import runs as job_runs
from jupyter_mlops.service.notebooks import parse
from jupyter_mlops.service.pipelines import analyse

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from jupyter_mlops.jobs.records import Run
    from jupyter_mlops.jobs.workspace import Workspace


def start(
    space: Workspace, nb: NotebookNode, path: str, parameters: Mapping[str, object], options: Mapping[str, Any],
    folder: Path | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Queue a run of a notebook in its current form.

    :param path: its path in the contents manager; its runs are listed under it.
    :param parameters: values; a text is read by the parameter's declared type.
    :param folder: run in this folder, with its current files; None: in a separate folder.
    """
    from jupyter_mlops.jobs.new_run import NewRun

    job, version = _add_version(space, nb, path)
    values, texts = _split_by_type(run_values.manifest_of(space, version), parameters)
    typed_parameters = run_values.checked_values(space, version, values, texts)
    steps = [step["name"] for step in run_values.manifest_of(space, version).pipeline["steps"]]
    for name in ("from_step", "only_step"):
        if options.get(name) and options[name] not in steps:
            raise NotFoundError(f"there is no step {options[name]!r}", field=name, remedy=f"Steps: {', '.join(steps)}.")
    folder_option = {"in_folder": str(folder)} if folder is not None else {}
    new_run = NewRun(
        "notebook", job.id, version.id, parameters=typed_parameters, options={**options, **folder_option}, priority=10
    )
    run = space.queue.add(new_run)
    waiting.notify_worker(space)
    return run_to_dict(run)


def start_job(
    space: Workspace, job: str, parameters: Mapping[str, object], options: Mapping[str, Any]
) -> dict[str, Any]:
    """Queue a run of a job's version; texts are read by their parameter's type.

    :param job: its name, optionally with a version: `@v3` or `@production`.
    """
    name, selector = run_values.split_selector(job)
    job_record = space.catalog.job(name)
    values, texts = _split_by_type(
        run_values.manifest_of(space, space.catalog.version(job_record, selector)), parameters
    )
    payload = job_runs.start(space, job, values, texts, options)
    return run_to_dict(space.queue.run(payload["id"]))


def _add_version(space: Workspace, nb: NotebookNode, path: str) -> tuple[Any, Any]:
    from jupyter_mlops.execution.execute import kernel_name
    from jupyter_mlops.versions.snapshot import snapshot_notebook

    job = space.catalog.notebook_job(path)
    manifest = snapshot_notebook(nb, Path(path).name, space.store, kernel_name(nb))
    return job, space.catalog.add_version(job, manifest.put(space.store))[0]


def _split_by_type(manifest: Any, parameters: Mapping[str, object]) -> tuple[dict[str, object], dict[str, str]]:
    """Split values into typed ones and texts that must be read by their parameter's type."""
    types = {k: v.get("x-type", "") for k, v in manifest.parameters.get("properties", {}).items()}
    typed_values = {k: v for k, v in parameters.items() if not isinstance(v, str) or types.get(k, "") in ("", "str")}
    return typed_values, {k: v for k, v in parameters.items() if k not in typed_values and isinstance(v, str)}


def run_to_dict(run: Run) -> dict[str, Any]:
    """A run for display; for an unpublished notebook, with its path instead of a job."""
    options = {k: v for k, v in run.options.items() if k != "in_folder"}
    return {**job_runs.run_to_dict(run), "options": options, "asked": options}


def run(space: Workspace, run_id: str) -> dict[str, Any]:
    """One run with its steps."""
    return run_to_dict(space.queue.run(space.queue.full_id(run_id)))


def runs(
    space: Workspace, *, job: str = "", notebook: str = "", after: tuple[float, str] | None = None, limit: int = 50,
    sort: str = "-created", **filters: Any,
) -> tuple[list[dict[str, Any]], tuple[float, str] | None]:  # fmt: skip
    """A page of runs with their steps, and the start of the next page; None after the last."""
    from jupyter_mlops.jobs.catalog import notebook_job_name

    job_id = None
    if job or notebook:
        try:
            job_id = space.catalog.job(job or notebook_job_name(notebook)).id
        except NotFoundError:
            if job:
                raise
            return [], None
    rows = space.queue.runs(
        job_id=job_id, after=after, limit=limit + 1, sort=sort, hidden=bool(notebook) or not job, **filters
    )  # fmt: skip
    page = rows[:limit]
    steps = space.queue.steps_of([r.id for r in page])
    next_cursor = None
    if len(rows) > limit:
        last = page[-1]
        next_cursor = (getattr(last, sort.lstrip("-")) or 0.0, last.id)
    return [run_to_dict(replace(r, steps=tuple(steps[r.id]))) for r in page], next_cursor


def rename_notebooks(space: Workspace, old: str, new: str) -> None:
    """Move the runs of a renamed notebook, or of all notebooks in a renamed folder, to the new path."""
    space.catalog.move_notebooks(old.strip("/"), new.strip("/"))


def executed_notebook(space: Workspace, run_id: str) -> str:
    """The executed notebook of a run from its file, or as far as it has been executed."""
    full_id = space.queue.full_id(run_id)
    run = space.queue.run(full_id)
    path = space.folder_of(full_id).notebook(run.output)
    if path is not None:
        with contextlib.suppress(OSError, UnicodeDecodeError):
            return path.read_text(encoding="utf-8")
    if run.version_id is not None and run.state in ("queued", "running"):
        return source_bytes(space, run).decode()
    raise NotFoundError("the run has no executed notebook", where=full_id, remedy=f"The run is {run.state}.")


def pipeline_of_run(space: Workspace, run_id: str) -> dict[str, Any]:
    """The pipeline of the notebook that a run executed, as in `analyse`, without checks."""
    from jupyter_mlops.worker.run_executor import published_from

    nb = source_notebook(space, run_id)
    run = space.queue.run(space.queue.full_id(run_id))
    version = space.catalog.version_by_id(run.version_id) if run.version_id is not None else None
    notebook = None if version is None else published_from(version.provenance, run, notebook_name(space, run))
    folder = None if notebook is None else notebook.parent
    return analyse(nb, Path(notebook_name(space, run)).stem, space.config, folder, checks=False)


def source_notebook(space: Workspace, run_id: str) -> NotebookNode:
    """The notebook that a run executed, without outputs."""
    from jupyter_mlops.notebook.reader import parse_notebook

    run = space.queue.run(space.queue.full_id(run_id))
    if run.version_id is None:
        raise NotFoundError("the run has no version", where=run.id)
    manifest = run_values.manifest_of(space, space.catalog.version_by_id(run.version_id))
    return parse_notebook(space.store.get(manifest.notebook), manifest.name)


def report(space: Workspace, run_id: str) -> str:
    """The executed notebook as one HTML page."""
    import tempfile

    from jupyter_mlops.execution.report import write_report

    nb = parse(executed_notebook(space, run_id), run_id)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "report.html"
        write_report(nb, path, space.queue.full_id(run_id))
        return path.read_text(encoding="utf-8")


def log(space: Workspace, run_id: str, offset: int = 0) -> dict[str, Any]:
    """The records of a run's log from a byte offset on, and their text.

    :returns: `records`, `text`, `next` (the offset to continue from) and `over` (whether the log is complete).
    """
    from jupyter_mlops.jobs import run_log

    full_id = space.queue.full_id(run_id)
    run = space.queue.run(full_id)
    is_finished = run.state not in ("queued", "running")
    path = job_runs.log_of(space, run)
    records, after = run_log.read(path, offset) if path.is_file() else ([], offset)
    text = run_log.LogText().of(records)
    is_finished = is_finished and not (path.is_file() and run_log.read(path, after, 1)[0])
    records = [{**entry, "text": entry.get("text") or run_log.sentence(entry)} for entry in records]
    return {"records": records, "text": text, "next": after, "over": is_finished}


def notebook_name(space: Workspace, run: Run) -> str:
    assert run.version_id is not None
    return str(run_values.manifest_of(space, space.catalog.version_by_id(run.version_id)).name)


def source_bytes(space: Workspace, run: Run) -> bytes:
    assert run.version_id is not None
    manifest = run_values.manifest_of(space, space.catalog.version_by_id(run.version_id))
    return space.store.get(manifest.notebook)
