"""The papermill engine `mlops`: `papermill a.ipynb b.ipynb --engine mlops` runs a notebook as a pipeline."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from papermill.engines import Engine
from papermill.utils import nb_kernel_name

from jupyter_mlops.config import RunConfig
from jupyter_mlops.execution.cache import Cache
from jupyter_mlops.execution.environment import environment_digest
from jupyter_mlops.execution.kernels import KernelProvider
from jupyter_mlops.execution.outcome import Outcome
from jupyter_mlops.execution.profile_file import evidence_file
from jupyter_mlops.execution.profile_store import ProfileStore
from jupyter_mlops.execution.record import RunNotebook
from jupyter_mlops.execution.run_context import RunContext
from jupyter_mlops.execution.run_loop import RunLoop
from jupyter_mlops.execution.run_options import Options
from jupyter_mlops.pipeline.build import build
from jupyter_mlops.pipeline.model import Pipeline
from jupyter_mlops.storage.local import ObjectStore


def cores() -> int:
    """The number of processors available to this process."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def memory() -> int:
    """Memory of this machine, or of its container, in bytes."""
    physical = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 1 << 32
    for name in ("memory.max", "memory/memory.limit_in_bytes"):
        with contextlib.suppress(OSError, ValueError):
            return min(physical, int(Path("/sys/fs/cgroup", name).read_text(encoding="ascii")))
    return physical


class MlopsEngine(Engine):  # type: ignore[misc]
    """Runs a notebook's pipeline: the main kernel in notebook order, helpers ahead, results from the cache."""

    @classmethod
    def execute_notebook(
        cls,
        nb: NotebookNode,
        kernel_name: str,
        output_path: str | None = None,
        progress_bar: Any = True,
        log_output: bool = False,
        autosave_cell_every: int = 30,
        **kwargs: Any,
    ) -> NotebookNode:
        """Run in place and return the notebook. Papermill calls this; see `execute`."""
        record = RunNotebook(
            nb,
            output_path=output_path,
            progress_bar=progress_bar,
            log_output=log_output,
            autosave_cell_every=autosave_cell_every,
            save_every=(kwargs.get("config") or RunConfig()).save_every,
        )
        asyncio.run(cls.execute(record, kernel_name, **kwargs))
        result: NotebookNode = record.nb
        return result

    @classmethod
    async def execute(cls, record: RunNotebook, kernel_name: str, **kwargs: Any) -> None:
        """Run the pipeline of `record.nb` in place; the executed notebook is complete and written on return.

        :param kwargs: papermill's (`start_timeout`, `execution_timeout`, `input_path`) and ours: `pipeline`, `options`,
            `config`, `cwd`, `use_cache`, `cache_folder`, `evidence_of`, `kernels`, `tell`, `sink`, `outcome_to` (called
            with the Outcome, before the record is written for the last time).
        """
        config: RunConfig = kwargs.get("config") or RunConfig()
        config.startup_timeout = float(kwargs.get("start_timeout") or config.startup_timeout)
        options: Options = kwargs.get("options") or Options(
            jobs=config.jobs or cores(), cell_timeout=kwargs.get("execution_timeout") or None
        )
        pipeline: Pipeline = kwargs.get("pipeline") or build(record.nb, _name(kwargs.get("input_path")))
        home, cwd = Path(config.home), str(kwargs.get("cwd") or os.getcwd())
        cache, base = None, ""
        orders = (os.environ if options.env is None else options.env).get("PYTHONHASHSEED", config.hash_seed)
        if kwargs.get("use_cache", True) and pipeline.language == "python" and orders not in ("", "random"):
            root: Path = kwargs.get("cache_folder", home)
            cache = Cache(root / "cache", ObjectStore(root / "objects"))
            sources = [cell.source for cell in record.nb.cells if cell.cell_type == "code"]
            base = f"{environment_digest(kernel_name, options.env, sources)} {cwd} {config.hash_seed}"
        notebook = kwargs.get("evidence_of") or kwargs.get("input_path") or Path(cwd) / pipeline.name
        evidence = ProfileStore(evidence_file(home, notebook) if cache is not None else None, cwd)
        home.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=f"work-{os.getpid()}-", dir=home))
        kernels: KernelProvider = kwargs.get("kernels") or KernelProvider()
        loop: RunLoop | None = None
        on_outcome: Callable[[Outcome], None] = kwargs.get("outcome_to") or (lambda outcome: None)

        def tidy() -> None:
            shutil.rmtree(folder, ignore_errors=True)
            if cache is not None and "cache_folder" not in kwargs:
                cache.tidy(config.cache_limit)

        async def end() -> None:
            if loop is not None:
                await loop.close()
            await asyncio.to_thread(tidy)

        record.notebook_start()
        try:
            context = RunContext(
                pipeline, record, kernel_name, cwd, folder,
                config=config, options=options, cache=cache, base=base, evidence=evidence, kernels=kernels,
                tell=kwargs.get("tell") or (lambda event: None), sink=kwargs.get("sink"),
            )  # fmt: skip
            loop = RunLoop(context)
            outcome = await loop.run()
            _note(record.nb, outcome)
            on_outcome(outcome)
        finally:
            await kernels.finish(record.notebook_complete, end)

    @classmethod
    def nb_kernel_name(cls, nb: NotebookNode, name: str | None = None) -> str:
        """The kernel name of a notebook; the default Python kernel if it has none."""
        try:
            kernel: str = nb_kernel_name(nb, name)
        except ValueError:
            kernel = ""
        return kernel or "python3"

    @classmethod
    def nb_language(cls, nb: NotebookNode, language: str | None = None) -> str:
        declared = language or nb.metadata.get("language_info", {}).get("name")
        return declared or nb.metadata.get("kernelspec", {}).get("language") or "python"


def _name(path: Any) -> str:
    return Path(str(path)).stem if path else "notebook"


def _note(nb: NotebookNode, outcome: Outcome) -> None:
    """Write the outcome of the run and its steps to the notebook's metadata."""
    facts = {
        "state": outcome.state,
        "steps": [s.to_dict() for s in outcome.steps],
        "metrics": outcome.metrics,
        "fused": outcome.fused,
        "notes": outcome.notes,
    }
    nb.metadata["jupyter_mlops_run"] = nbformat.from_dict(facts)
    if outcome.state != "completed":
        nb.metadata.papermill["exception"] = True
