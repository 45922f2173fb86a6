"""One run of a notebook, from the request to its record."""

from __future__ import annotations

import difflib
import os
import time
import uuid
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_mlops.config import RunConfig
from jupyter_mlops.errors import InvalidInputError, KernelNotFoundError, UnknownStepError
from jupyter_mlops.execution.profile_file import evidence_file
from jupyter_mlops.execution.request import RunRequest

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from jupyter_mlops.execution.kernels import KernelProvider
    from jupyter_mlops.execution.launch import KernelProcess, KernelRequest
    from jupyter_mlops.execution.run_sink import RunSink
    from jupyter_mlops.pipeline.model import Pipeline

PEEK = 20_000_000  # bytes of a notebook that are parsed twice to have a kernel sooner


async def execute(
    request: RunRequest,
    config: RunConfig | None = None,
    tell: Callable[[dict[str, Any]], None] = lambda event: None,
    kernels: KernelProvider | None = None,
    *,
    run_id: str = "",
    secrets: Iterable[str] = (),
    sink: RunSink | None = None,
) -> dict[str, Any]:
    """Run a notebook as a pipeline. Returns the record that `run --json` prints; raises InvalidInputError before
    anything ran.

    :param tell: is called with each event while it runs (`event`: run, step, cell, output, retry, ahead, discarded).
    :param kernels: the provider of this run's kernels; None: it starts them itself.
    :param run_id: the id of the run; "" for a new one.
    :param secrets: values that are removed from everything that is shown and stored.
    :param sink: where the run puts what it leaves behind; None: it leaves digests alone.
    """
    config = config or RunConfig()
    ahead = await _launched_ahead(request, config) if kernels is None else None
    from jupyter_mlops.execution.kernels import KernelProvider

    kernels = kernels or KernelProvider(ahead)
    try:
        return await _run(request, config, tell, kernels, run_id or new_run_id(), tuple(secrets), sink)
    finally:
        await kernels.close()


async def _launched_ahead(request: RunRequest, config: RunConfig) -> tuple[KernelRequest, KernelProcess] | None:
    """The process of the main kernel, if one will certainly be needed: it starts during imports and planning."""
    profile = evidence_file(config.home, request.evidence_of)
    if request.isolate or (request.use_cache and profile.exists()) or request.task is not None:
        return None
    import json

    try:
        if request.notebook.stat().st_size > PEEK:
            return None
        spec = json.loads(request.notebook.read_bytes())["metadata"].get("kernelspec", {})
        name = request.kernel or spec.get("name") or "python3"
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None  # who reads it properly says what is wrong
    from jupyter_mlops.errors import KernelNotFoundError
    from jupyter_mlops.execution.launch import KernelRequest, launch

    kernel = KernelRequest(name, str(_cwd(request)), config.hash_seed)
    try:
        return kernel, await launch(kernel)
    except (KernelNotFoundError, OSError):
        return None


def _cwd(request: RunRequest) -> Path:
    return (request.cwd or request.notebook.resolve().parent).resolve()


async def _run(
    request: RunRequest,
    config: RunConfig,
    tell: Callable[[dict[str, Any]], None],
    kernels: KernelProvider,
    run_id: str,
    secrets: tuple[str, ...],
    sink: RunSink | None,
) -> dict[str, Any]:
    from jupyter_mlops.execution.engine import MlopsEngine, cores
    from jupyter_mlops.execution.failure import mark_failure, unmark
    from jupyter_mlops.execution.outcome import Outcome
    from jupyter_mlops.execution.record import RunNotebook
    from jupyter_mlops.execution.run_options import Options
    from jupyter_mlops.notebook.reader import read_notebook
    from jupyter_mlops.pipeline.build import build

    source = read_notebook(request.notebook)
    nb = unmark(source)
    declared = build(nb, request.notebook.stem)
    kernel = kernel_name(source, request.kernel)
    _require_kernel(kernel, request.kernel)
    values = _values(declared, request)
    nb = _injected(nb, values, kernel, declared) if values else nb
    pipeline = build(nb, request.notebook.stem) if values else declared
    if request.task is not None:
        pipeline = pipeline.without_retries()
    _require_step(pipeline, request.from_step)
    _require_step(pipeline, request.only_step)
    _require_step(pipeline, request.stop_before)
    output = output_path(request, config, run_id) if request.task is None else request.notebook  # not written then
    require_report(request, output)
    tell({"event": "run", "id": run_id, "steps": [s.name for s in pipeline.steps], "output": str(output)})
    positions = _source_cells(nb, source)
    options = Options(
        jobs=request.jobs or config.jobs or cores(),
        isolate=request.isolate,
        redo_from=request.from_step,
        only=request.only_step,
        stop_before=request.stop_before,
        cell_timeout=request.timeout,
        run_timeout=request.run_timeout,
        env=request.env,
        secrets=secrets,
        task=request.task,
        remote=request.remote,
        positions=tuple(positions),
    )
    nb.metadata.setdefault("papermill", {}).update(
        input_path=str(request.notebook), output_path=str(output), version=_papermill()
    )
    nb.metadata.papermill.setdefault("parameters", {})
    records: list[dict[str, Any]] = []

    def told(event: dict[str, Any]) -> None:
        tell({**event, "cell": positions[event["cell"]]} if event["event"] == "cell" else event)

    def conclude(outcome: Outcome) -> None:
        records.append(_record(run_id, outcome, pipeline, values, output, source, nb))
        if outcome.error is not None:
            mark_failure(nb, outcome.error)

    await MlopsEngine.execute(
        RunNotebook(
            nb,
            output_path=str(output) if request.task is None else None,
            progress_bar=False,
            save_every=config.save_every,
        ),
        kernel,
        pipeline=pipeline,
        options=options,
        config=config,
        use_cache=request.use_cache,
        **({} if request.cache is None else {"cache_folder": request.cache}),
        cwd=str(_cwd(request)),
        evidence_of=request.evidence_of,
        kernels=kernels,
        tell=told,
        outcome_to=conclude,
        sink=sink,
    )
    if request.task is not None:
        request.task.on_notebook(nb)
    if request.report is not None:
        from jupyter_mlops.execution.report import write_report

        write_report(nb, request.report, request.notebook.stem, code=request.report_code)
    return records[0]


def _record(
    run_id: str, outcome: Any, pipeline: Pipeline, values: dict[str, object], output: Path, source: Any, nb: Any
) -> dict[str, Any]:
    import json

    parameters = {p.name: values.get(p.name, p.default) for p in pipeline.parameters}
    error, positions = outcome.error, _source_cells(nb, source)
    if error is not None:
        error = {**error, "cell": positions[error["cell"]]}
    decisions = [{**d, "cells": [positions[cell] for cell in d["cells"]]} for d in outcome.decisions]
    record = {
        "id": run_id,
        "state": outcome.state,
        "parameters": {**parameters, **values},
        "steps": [s.to_dict() for s in outcome.steps],
        "metrics": outcome.metrics,
        "points": outcome.points,
        "inputs": outcome.inputs,
        "frames": outcome.frames,
        "models": outcome.models,
        "output": str(output),
        "error": error,
        "fused": outcome.fused,
        "notes": outcome.notes,
        "writes": sorted(set(outcome.wrote)),
        "decisions": decisions,
    }
    plain: dict[str, Any] = json.loads(json.dumps(record, default=str), parse_constant=_constant)
    return plain


def _constant(text: str) -> str:
    """Metrics as JSON, which has no NaN: `nan`, `inf` and `-inf` are written as text."""
    return str(float(text.replace("Infinity", "inf")))


def _source_cells(nb: NotebookNode, source: NotebookNode) -> list[int]:
    """For each cell that runs, its position in the original notebook, because cells may have been injected. An injected
    cell counts as the cell above it.

    An injected cell counts as the cell above it.
    """
    positions = [i for i, c in enumerate(source.cells) if "injected-parameters" not in c.metadata.get("tags", ())]
    if len(nb.cells) == len(source.cells) or not positions:
        return list(range(len(nb.cells)))
    sources, before = [], 0
    for cell in nb.cells:
        before += "injected-parameters" not in cell.metadata.get("tags", ())
        sources.append(positions[max(0, min(before, len(positions)) - 1)])
    return sources


def _values(pipeline: Pipeline, request: RunRequest) -> dict[str, object]:
    if pipeline.language == "python":
        from jupyter_mlops.notebook.parameters import resolve

        return resolve(pipeline.parameters, request.given, request.texts)
    from papermill.cli import _resolve_type

    return {**request.given, **{k: _resolve_type(v) for k, v in request.texts.items()}}


def _injected(nb: NotebookNode, values: dict[str, object], kernel: str, pipeline: Pipeline) -> NotebookNode:
    from jupyter_mlops.notebook.parameters import inject

    return inject(nb, values, kernel, pipeline.language)


def kernel_name(nb: Any, requested: str = "") -> str:
    """The kernel of a notebook: the requested one, the one that it names, or the default Python kernel."""
    return requested or nb.metadata.get("kernelspec", {}).get("name", "") or "python3"


def _require_kernel(name: str, requested: str) -> None:
    from jupyter_mlops.execution.environment import kernel_spec
    from jupyter_mlops.kernels.specs import spec_manager

    if kernel_spec(name) is not None:
        return
    installed = spec_manager().find_kernel_specs()
    nearest = difflib.get_close_matches(name, installed, 1)
    where = "--kernel" if requested else "the notebook's kernelspec"
    hint = f"Did you mean {nearest[0]!r}? " if nearest else ""
    raise KernelNotFoundError(
        f"no kernel named {name!r} is installed",
        where=where,
        remedy=f"{hint}Installed: {', '.join(sorted(installed)) or 'none'}. Choose one with --kernel NAME.",
    )


def _require_step(pipeline: Pipeline, name: str) -> None:
    names = [s.name for s in pipeline.steps]
    if not name or name in names:
        return
    nearest = difflib.get_close_matches(name, names, 1)
    hint = f"Did you mean {nearest[0]!r}? " if nearest else ""
    raise UnknownStepError(f"there is no step {name!r}", remedy=f"{hint}Steps: {', '.join(names) or 'none'}.")


def new_run_id() -> str:
    """A name for a run that has none."""
    return f"{time.strftime('%Y%m%d-%H%M%S')}-{uuid.uuid4().hex[:6]}"


def require_report(request: RunRequest, output: Path) -> None:
    """Raises InvalidInputError if the report can't be written where the request says."""
    if request.report is None:
        return
    path = request.report.resolve()
    if path in (request.notebook.resolve(), output.resolve()):
        raise InvalidInputError("the report would overwrite the notebook", where=str(path), remedy="Name another file.")
    if path.is_dir():
        raise InvalidInputError("the path of the report is a folder", where=str(path), remedy="Name a file in it.")
    _require_writable(path.parent, "report")


def output_path(request: RunRequest, config: RunConfig, run_id: str) -> Path:
    """Where the executed notebook goes. Raises InvalidInputError if it can't be written there."""
    if request.output is None:
        path = Path(config.home) / "runs" / run_id / f"{request.notebook.stem}.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        return path
    path = request.output.resolve()
    if path.is_dir():
        path = path / f"{request.notebook.stem}.ipynb"
    if path == request.notebook.resolve():
        raise InvalidInputError(
            "the output would overwrite the notebook", where=str(path), remedy="Name another file with -o."
        )
    _require_writable(path.parent, "output")
    return path


def _require_writable(folder: Path, of: str) -> None:
    if not folder.is_dir():
        raise InvalidInputError(f"the folder of the {of} does not exist", where=str(folder), remedy="Create it first.")
    if not os.access(folder, os.W_OK):
        raise InvalidInputError(f"the folder of the {of} can't be written", where=str(folder))


def _papermill() -> str:
    from papermill.version import version

    return str(version)
