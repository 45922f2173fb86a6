"""Operations on notebooks being edited: analyze them as pipelines, run them, and read their results."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_mlops.errors import ConflictError, InvalidNotebookError, MlopsError, NotFoundError
from jupyter_mlops.service import run_values, waiting
from jupyter_mlops.service import runs as job_runs

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from jupyter_mlops.config import RunConfig
    from jupyter_mlops.jobs.records import Run
    from jupyter_mlops.jobs.workspace import Workspace
    from jupyter_mlops.pipeline.checks.rule import KernelFacts
    from jupyter_mlops.pipeline.model import Pipeline

RESTORE_TIMEOUT_S = 1800.0  # seconds
_facts: dict[tuple[str, frozenset[str], str], frozenset[str] | None] = {}
_facts_lock = threading.Lock()


def notebook_of(payload: Mapping[str, Any], location: str = "") -> NotebookNode:
    """The notebook in plain JSON. Raises InvalidNotebookError."""
    from jupyter_mlops.notebook.reader import parse_notebook

    return parse_notebook(json.dumps(payload).encode(), location)


def parse(text: str, location: str) -> NotebookNode:
    """The notebook in the text of a file. Raises InvalidNotebookError."""
    from jupyter_mlops.notebook.reader import parse_notebook

    return parse_notebook(text.encode(), location)


def analyse(
    nb: NotebookNode, name: str, config: RunConfig, folder: Path | None = None, *, checks: bool = True
) -> dict[str, Any]:  # fmt: skip
    """Analyze a notebook as a pipeline, and check whether it will run headless; tag errors are reported as findings.

    :param name: the notebook's file name without `.ipynb`.
    :param folder: where it would run.
    :param checks: whether to run the checks too, which takes longer.
    :returns: `pipeline` (None if invalid), `cells` (the owner of each), `checks`, and whether those are `complete`; if
        not, a later call returns more.
    """
    from jupyter_mlops.pipeline.build import build
    from jupyter_mlops.pipeline.checks.finding import Finding

    pipeline, problem = None, None
    try:
        pipeline = build(nb, name)
        if folder is not None and (observed_writes := _observed_writes(pipeline, nb, config, folder)):
            pipeline = build(nb, name, observed_writes)
    except MlopsError as error:
        problem = error
    findings, is_complete = _findings(nb, pipeline, folder) if checks else ([], False)
    if problem is not None and not any(f["message"] == problem.message for f in findings):
        tags = Finding("tags", "error", problem.cell, problem.message, problem.remedy, problem.data)
        findings.insert(0, tags.to_dict())
    return {
        "pipeline": None if pipeline is None else _pipeline_to_dict(pipeline),
        "cells": [] if pipeline is None else _cell_owners(pipeline),
        "checks": findings,
        "complete": is_complete,
    }


def _findings(nb: NotebookNode, pipeline: Pipeline | None, folder: Path | None) -> tuple[list[dict[str, Any]], bool]:
    """The findings of the rules, and whether they include the facts of the kernel."""
    from jupyter_mlops.pipeline.checks import check
    from jupyter_mlops.pipeline.checks.missing_imports import imported_modules
    from jupyter_mlops.pipeline.checks.rule import Context

    local_modules: frozenset[str] = frozenset()
    if folder is not None and folder.is_dir():
        local_modules = frozenset(p.stem for p in folder.iterdir() if p.suffix == ".py" or p.is_dir())
    context = Context(nb=nb, pipeline=pipeline, beside=local_modules)
    module_names = (
        frozenset(m.split(".")[0] for m in imported_modules(context)) if context.language == "python" else frozenset()
    )
    kernel, is_complete = _kernel_facts(nb, context.language, module_names, folder)
    return [f.to_dict() for f in check(replace(context, kernel=kernel))], is_complete


def _observed_writes(
    pipeline: Pipeline, nb: NotebookNode, config: RunConfig, folder: Path
) -> dict[tuple[int, ...], Any]:  # fmt: skip
    """What each block wrote in earlier runs on this machine."""
    from jupyter_mlops.execution.profile_file import evidence_file
    from jupyter_mlops.execution.profile_store import ProfileStore, block_id

    path = evidence_file(config.home, folder / f"{pipeline.name}.ipynb")
    if not path.is_file():
        return {}
    evidence = ProfileStore(path)
    return {
        block.cells: profile.wrote
        for block in pipeline.blocks
        if (profile := evidence.get(block_id(nb.cells[i].source for i in block.cells))) is not None
    }


def _kernel_facts(
    nb: NotebookNode, language: str, module_names: frozenset[str], folder: Path | None
) -> tuple[KernelFacts, bool]:  # fmt: skip
    """The available facts about the notebook's kernel, and whether they are complete; the rest is queried in a
    thread."""
    from jupyter_mlops.execution.environment import kernel_spec
    from jupyter_mlops.execution.execute import kernel_name
    from jupyter_mlops.pipeline.checks.rule import KernelFacts

    name = kernel_name(nb)
    is_installed = kernel_spec(name) is not None
    if not module_names or not is_installed:
        return KernelFacts(frozenset(), name, language, is_installed), True
    key = (name, module_names, str(folder or Path.cwd()))
    if key in _facts:
        return KernelFacts(_facts[key], name, language, is_installed), True
    threading.Thread(target=_query_kernel, args=(key,), name="kernel facts", daemon=True).start()
    return KernelFacts(None, name, language, is_installed), False


def _query_kernel(key: tuple[str, frozenset[str], str]) -> None:
    from jupyter_mlops.execution.environment import modules_missing

    with _facts_lock:
        if key not in _facts:
            while len(_facts) > 200:
                _facts.pop(next(iter(_facts)))
            _facts[key] = modules_missing(*key)


def _pipeline_to_dict(pipeline: Pipeline) -> dict[str, Any]:
    """The public form, plus what only people see."""
    payload = pipeline.to_dict()
    for step, step_model in zip(payload["steps"], pipeline.steps, strict=True):
        settings = step_model.settings
        step["settings"] = {
            "cache": settings.cache, "retries": settings.retries, "backoff": settings.backoff,
            "timeout": settings.timeout, "image": settings.image,
            "limits": dict(settings.limits),
        }  # fmt: skip
    for parameter, declaration in zip(payload["parameters"], pipeline.parameters, strict=True):
        parameter.update(choices=list(declaration.choices), required=declaration.is_required, cell=declaration.cell)
    return {
        **payload,
        "language": pipeline.language,
        "kernel": pipeline.kernel,
        "metrics": list(pipeline.metrics),
        "skipped": list(pipeline.skipped),
        "fusions": [{"steps": list(f.steps), "variable": f.variable, "reason": f.reason} for f in pipeline.fusions],
    }


def _cell_owners(pipeline: Pipeline) -> list[dict[str, Any]]:
    """For each code cell that runs, its step and its role."""
    step_names = {step.name for step in pipeline.steps}
    return sorted(
        (
            {"cell": cell, "step": block.owner if block.owner in step_names else "", "role": block.role}
            for block in pipeline.blocks
            for cell in block.cells
        ),
        key=lambda entry: int(entry["cell"]),
    )


def suggestion(nb: NotebookNode) -> dict[str, Any]:
    """Suggested tags for an untagged notebook, by cell."""
    from jupyter_mlops.pipeline.suggest import suggest

    suggestion = suggest(nb)
    return {
        "tags": [{"cell": cell, "tag": tag} for cell, tag in suggestion.tags.items()],
        "steps": [{"name": s.name, "cells": list(s.cells), "heading": s.heading} for s in suggestion.steps],
        "parameters": list(suggestion.parameters),
        "message": suggestion.message,
    }


def text_of(value: object) -> str:
    """A value as written on a command line."""
    return value if isinstance(value, str) else json.dumps(value)


# -- running a notebook as it stands


def start(
    space: Workspace, nb: NotebookNode, path: str, parameters: Mapping[str, object], options: Mapping[str, Any],
    folder: Path | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Queue a run of a notebook in its current form.

    :param path: its path in the contents manager; its runs are listed under it.
    :param parameters: values; a text is read by the parameter's declared type.
    :param folder: run in this folder, with its current files; None: in a separate folder.
    """
    from jupyter_mlops.jobs.run_queue import NewRun

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


def repair(space: Workspace, run_id: str, sources: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Resume a run that failed or was stopped, without its completed steps.

    :param sources: cell id -> source. If a source was edited, the run continues under a version that includes it.
    """
    full_id = space.queue.full_id(run_id)
    if sources:
        run = space.queue.run(full_id)
        if run.state not in ("failed", "stopped"):
            remedy = "Only failed and stopped runs can be repaired."
            raise ConflictError(f"the run is {run.state}", where=full_id, remedy=remedy)
        nb = source_notebook(space, full_id)
        cells_by_id = {cell.get("id"): cell for cell in nb.cells}
        missing_ids = sorted(set(sources) - set(cells_by_id))
        if missing_ids:
            raise NotFoundError(f"the run has no cell {missing_ids[0]!r}", field="cells")
        edited_sources = {cell_id: text for cell_id, text in sources.items() if cells_by_id[cell_id].source != text}
        for cell_id, source in edited_sources.items():
            cells_by_id[cell_id].source = source
        if edited_sources:
            space.queue.set_version(full_id, _with_edited_cells(space, run, nb).id)
    queued_run = space.queue.requeue(full_id)
    waiting.notify_worker(space)
    return run_to_dict(queued_run)


def repair_plan(space: Workspace, run_id: str) -> dict[str, Any]:
    """Data to repair the failed step of a run by hand: a `notebook` of its cells, the `kernel`'s name, the `folder` it
    runs in, and its initial `environ`.

    :raises ConflictError: no step of it failed.
    """
    import nbformat

    from jupyter_mlops.execution.launch import KernelRequest

    full_id = space.queue.full_id(run_id)
    run = space.queue.run(full_id)
    step = (run.error or {}).get("step", "")
    nb = source_notebook(space, full_id)
    if run.state != "failed" or not step or run.version_id is None:
        remedy = "Repair it without changes: `jupyter mlops repair`, or Resume."
        raise ConflictError(f"no step of the run failed: it is {run.state}", where=full_id, remedy=remedy)
    manifest = run_values.manifest_of(space, space.catalog.version_by_id(run.version_id))
    if manifest.language != "python":
        raise ConflictError("inputs can only be restored for Python notebooks", where=full_id)
    cells = next(entry["cells"] for entry in manifest.pipeline["steps"] if entry["name"] == step)
    intro = (
        f"### Repair of step `{step}`\n\nThe kernel of this notebook holds the inputs with which the step failed in "
        f"run `{full_id}`. Edit the cells, try them, and resume the run from the MLOps panel."
    )
    repair_notebook = nbformat.v4.new_notebook(metadata={"kernelspec": nb.metadata.get("kernelspec", {})})
    repair_notebook.metadata["jupyter_mlops"] = {
        "repairs": {"run": full_id, "step": step, "cells": [nb.cells[index].id for index in cells]}
    }
    repair_notebook.cells = [nbformat.v4.new_markdown_cell(intro), *(nb.cells[index] for index in cells)]
    folder = run.options.get("in_folder") or str(space.home / "runs" / full_id)
    kernel_request = KernelRequest(manifest.kernel, folder, space.config.hash_seed)
    return {
        "run": full_id, "step": step, "cells": list(cells), "kernel": manifest.kernel, "folder": folder,
        "environ": kernel_request.environment(), "notebook": json.loads(nbformat.writes(repair_notebook)),
        "name": f"{Path(manifest.name).stem}-repair-{step}.ipynb", "path": run_to_dict(run)["notebook"] or "",
    }  # fmt: skip


def restore(space: Workspace, run_id: str, connection_file: Path) -> dict[str, list[str]]:
    """Bring a kernel to the start of the failed step of a run: load cached results, execute the rest.

    :returns: names of the steps that were `restored`, and of those that `ran`.
    :raises RunFailedError: an earlier step failed this time.
    """
    import asyncio

    from jupyter_mlops.errors import RunFailedError
    from jupyter_mlops.execution.attach import AttachedKernelProvider
    from jupyter_mlops.execution.execute import execute
    from jupyter_mlops.execution.request import RunRequest
    from jupyter_mlops.worker.run_executor import environ, published_from

    plan = repair_plan(space, run_id)
    run = space.queue.run(plan["run"])
    assert run.version_id is not None
    folder = space.home / "runs" / run.id / "repair"
    folder.mkdir(parents=True, exist_ok=True)
    source = folder / _notebook_name(space, run)
    source.write_bytes(_source_bytes(space, run))
    request = RunRequest(
        source, given=dict(run.parameters), output=folder / f"done-{source.name}", stop_before=plan["step"], jobs=1,
        kernel=plan["kernel"], cwd=Path(plan["folder"]), env=environ(),
        published_from=published_from(space.catalog.version_by_id(run.version_id).provenance, run, source.name),
    )  # fmt: skip
    provider = AttachedKernelProvider(connection_file)
    record = asyncio.run(asyncio.wait_for(execute(request, space.config, kernels=provider), RESTORE_TIMEOUT_S))
    if record["state"] != "completed":
        error = record["error"] or {}
        raise RunFailedError(
            f"an earlier step failed this time: {error.get('ename')}: {error.get('evalue')}",
            where=f"step {error.get('step')}",
        )
    states = {step["name"]: step["state"] for step in record["steps"]}
    return {
        "restored": [name for name, state in states.items() if state == "cached"],
        "ran": [name for name, state in states.items() if state == "completed"],
    }


def _notebook_name(space: Workspace, run: Run) -> str:
    assert run.version_id is not None
    return str(run_values.manifest_of(space, space.catalog.version_by_id(run.version_id)).name)


def _source_bytes(space: Workspace, run: Run) -> bytes:
    assert run.version_id is not None
    manifest = run_values.manifest_of(space, space.catalog.version_by_id(run.version_id))
    return space.store.get(manifest.notebook)


def _with_edited_cells(space: Workspace, run: Run, nb: NotebookNode) -> Any:
    """Publish the run's version with an edited notebook, keeping its files and environment."""
    from jupyter_mlops.versions.snapshot import snapshot_notebook

    if run.version_id is None or run.job_id is None:
        raise ConflictError("the run has no version", where=run.id)
    old_version = space.catalog.version_by_id(run.version_id)
    old_manifest = run_values.manifest_of(space, old_version)
    new_manifest = snapshot_notebook(nb, old_manifest.name, space.store, old_manifest.kernel)
    manifest = replace(new_manifest, files=old_manifest.files, environment=old_manifest.environment)
    job = space.catalog.job_by_id(run.job_id)
    return space.catalog.add_version(
        job,
        manifest.put(space.store),
        message=f"edited in the repair of run {run.id}",
        provenance=old_version.provenance,
    )[0]


# -- what runs are and left


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
        return _source_bytes(space, run).decode()
    raise NotFoundError("the run has no executed notebook", where=full_id, remedy=f"The run is {run.state}.")


def pipeline_of_run(space: Workspace, run_id: str) -> dict[str, Any]:
    """The pipeline of the notebook that a run executed, as in `analyse`, without checks."""
    from jupyter_mlops.worker.run_executor import published_from

    nb = source_notebook(space, run_id)
    run = space.queue.run(space.queue.full_id(run_id))
    version = space.catalog.version_by_id(run.version_id) if run.version_id is not None else None
    notebook = None if version is None else published_from(version.provenance, run, _notebook_name(space, run))
    folder = None if notebook is None else notebook.parent
    return analyse(nb, Path(_notebook_name(space, run)).stem, space.config, folder, checks=False)


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


def compare(space: Workspace, first: str, second: str) -> dict[str, Any]:
    """Compare two runs: parameters, metrics, steps, and cells whose source or outputs differ."""
    first_run, second_run = (space.queue.run(space.queue.full_id(run_ref)) for run_ref in (first, second))
    cells = []
    with contextlib.suppress(NotFoundError, InvalidNotebookError):
        cells = _compare_cells(*(parse(executed_notebook(space, run.id), run.id) for run in (first_run, second_run)))
    return {
        "first": run_to_dict(first_run),
        "second": run_to_dict(second_run),
        "parameters": _compare_values(first_run.parameters, second_run.parameters),
        "metrics": _compare_values(first_run.metrics, second_run.metrics),
        "cells": cells,
    }


def _compare_values(first: Mapping[str, Any], second: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "first": first.get(name),
            "second": second.get(name),
            "differs": first.get(name) != second.get(name),
        }
        for name in dict.fromkeys((*first, *second))
    ]


def _compare_cells(first: NotebookNode, second: NotebookNode) -> list[dict[str, Any]]:
    """Cells aligned by nbdime, with unified diffs of their sources and outputs."""
    import difflib

    from nbdime.diffing.notebooks import diff_notebooks

    from jupyter_mlops.versions.compare import mask_volatile

    for nb in (first, second):
        nb.cells = [c for c in nb.cells if "injected-parameters" not in c.metadata.get("tags", ())]
    pairs: list[tuple[int | None, int | None]] = _align_cells(diff_notebooks(first, second), len(first.cells))
    differences = []
    for first_index, second_index in pairs:
        first_cell = first.cells[first_index] if first_index is not None else None
        second_cell = second.cells[second_index] if second_index is not None else None
        sources = [(c.source if c is not None else "").splitlines() for c in (first_cell, second_cell)]
        outputs = [_output_text(c) for c in (first_cell, second_cell)]
        change = "\n".join(difflib.unified_diff(sources[0], sources[1], lineterm="", n=3))
        outputs_differ = mask_volatile(outputs[0]) != mask_volatile(outputs[1])
        if (change or outputs_differ) and "code" in {c.cell_type for c in (first_cell, second_cell) if c is not None}:
            step = next(
                (
                    s
                    for c in (first_cell, second_cell)
                    if c is not None and (s := c.metadata.get("jupyter_mlops_run", {}).get("step"))
                ),
                "",
            )
            differences.append(
                {"first": first_index, "second": second_index, "step": step, "source": change,
                 "outputs": [text[:20_000] for text in outputs] if outputs_differ else None}
            )  # fmt: skip
    return differences


def _align_cells(changes: Any, count: int) -> list[tuple[int | None, int | None]]:
    """Align the cells of two notebooks by their nbdime diff."""
    cell_changes: Any = next((c["diff"] for c in changes if c["op"] == "patch" and c["key"] == "cells"), [])
    added_counts: dict[int, int] = {}
    removed_indexes: set[int] = set()
    for change in cell_changes:
        if change["op"] == "addrange":
            added_counts[change["key"]] = added_counts.get(change["key"], 0) + len(change["valuelist"])
        elif change["op"] == "removerange":
            removed_indexes |= set(range(change["key"], change["key"] + change["length"]))
    pairs: list[tuple[int | None, int | None]] = []
    second_index = 0
    for index in range(count + 1):
        for _ in range(added_counts.get(index, 0)):
            pairs.append((None, second_index))
            second_index += 1
        if index < count and index in removed_indexes:
            pairs.append((index, None))
        elif index < count:
            pairs.append((index, second_index))
            second_index += 1
    return pairs


def _output_text(cell: Any) -> str:
    """The outputs of a cell as text."""
    texts = []
    for output in (cell.get("outputs") or ()) if cell is not None else ():
        if output.output_type == "stream":
            texts.append(output.text)
        elif output.output_type == "error":
            texts.append(f"{output.ename}: {output.evalue}")
        else:
            data = output.get("data", {})
            pictures = [f"[{kind}, {len(str(data[kind]))} characters]" for kind in data if kind.startswith("image/")]
            texts.append("\n".join([*pictures, str(data.get("text/plain", ""))]))
    return "\n".join(texts)
