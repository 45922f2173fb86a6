"""Repairs of failed steps: a notebook with restored inputs, and the resumed run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_mlops.errors import ConflictError, NotFoundError
from jupyter_mlops.service import run_values, waiting
from jupyter_mlops.service.notebook_runs import notebook_name, run_to_dict, source_bytes, source_notebook

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from jupyter_mlops.jobs.records import Run
    from jupyter_mlops.jobs.workspace import Workspace


RESTORE_TIMEOUT_S = 1800.0  # seconds


def repair(space: Workspace, run_id: str, sources: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Resume a run that failed or was stopped, without its completed steps.

    :param sources: cell id -> source. If a source was edited, the run continues under a version that includes it.
    """
    full_id = space.queue.full_id(run_id)
    space.queue.run(full_id).require_own("repaired")
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
    from jupyter_mlops.execution.environ import kernel_environ
    from jupyter_mlops.execution.execute import execute
    from jupyter_mlops.execution.request import RunRequest
    from jupyter_mlops.worker.run_executor import published_from

    plan = repair_plan(space, run_id)
    run = space.queue.run(plan["run"])
    assert run.version_id is not None
    folder = space.home / "runs" / run.id / "repair"
    folder.mkdir(parents=True, exist_ok=True)
    source = folder / notebook_name(space, run)
    source.write_bytes(source_bytes(space, run))
    request = RunRequest(
        source, given=dict(run.parameters), output=folder / f"done-{source.name}", stop_before=plan["step"], jobs=1,
        kernel=plan["kernel"], cwd=Path(plan["folder"]), env=kernel_environ(),
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
