"""Operations on notebooks being edited: analyze them as pipelines, and suggest tags."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_mlops.errors import MlopsError

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from jupyter_mlops.config import RunConfig
    from jupyter_mlops.pipeline.checks.rule import KernelFacts
    from jupyter_mlops.pipeline.model import Pipeline


_facts: dict[tuple[str, frozenset[str], str], frozenset[str] | None] = {}
_facts_lock = threading.Lock()


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
