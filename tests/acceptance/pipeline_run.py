"""Running a row as a pipeline, in each of the ways a pipeline can run."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from jupyter_mlops.config import RunConfig
from jupyter_mlops.errors import MlopsError
from jupyter_mlops.execution.engine import MlopsEngine
from jupyter_mlops.execution.kernels import IdleKernel, SharedKernelPool
from jupyter_mlops.execution.launch import KernelRequest
from jupyter_mlops.execution.outcome import Outcome
from jupyter_mlops.execution.profile_file import evidence_file
from jupyter_mlops.execution.profile_store import ProfileStore, to_dict
from jupyter_mlops.execution.record import RunNotebook
from jupyter_mlops.execution.run_options import Options
from jupyter_mlops.kernels.pool import KernelPool
from jupyter_mlops.kernels.preload import preload
from jupyter_mlops.pipeline.build import build
from tests.acceptance.outputs import CellResult, comparable
from tests.acceptance.rotation import number_of, takes_all
from tests.acceptance.row import Row, to_notebook, with_parameters, write_files
from tests.acceptance.task_run import run_tasks


@dataclass(frozen=True)
class Mode:
    """One way to run.

    :param kept: what of the mode before it is kept: nothing, its "evidence", or its "cache" (and the evidence).
    :param redo_last: run the last step again, whatever is kept of it.
    :param ready: take kernels from a pool of forked ones, as a worker does.
    :param tasks: a process for each task, as another engine runs an export.
    """

    name: str
    jobs: int = 1
    isolate: bool = False
    cache: bool = True
    ahead_after: float = 1000.0
    kept: str = ""
    redo_last: bool = False
    ready: bool = False
    tasks: bool = False


QUICK = (
    Mode("main line"),
    Mode("everything kept", kept="cache"),
    Mode("everything kept but the last step", kept="cache", redo_last=True),
)
MODES = (
    Mode("main line", cache=False),
    Mode("helpers without evidence", jobs=4, ahead_after=0.0),
    Mode("everything kept", kept="cache"),
    Mode("everything kept but the last step", kept="cache", redo_last=True),
    Mode("helpers with evidence", jobs=4, ahead_after=0.0, kept="evidence"),
    Mode("isolated steps", isolate=True, cache=False),
    Mode("isolated steps, 4 jobs", isolate=True, jobs=4, ahead_after=0.0, kept="evidence"),
    Mode("forked main line", cache=False, ready=True),
    Mode("forked helpers", jobs=4, ahead_after=0.0, ready=True),
    Mode("forked isolated steps", isolate=True, cache=False, ready=True),
    Mode("tasks of an engine", tasks=True),
)


NOT_AS_TASKS = {  # row -> why it fails, with an error, where each step is a process of its own
    "type-hints-and-signatures-resolved-late": "names in annotations are read when somebody asks for them",
}


def modes_of(name: str) -> tuple[Mode, ...]:
    """The modes that the row of that name runs in: all if EQUIVALENCE is "all", or else one of these groups.

    The digest of its name chooses: one pass of all tests stays short, rows that belong together meet every mode, and a
    new row does not move the others to other modes.
    """
    if takes_all():
        return tuple(mode for mode in MODES if not (mode.tasks and name in NOT_AS_TASKS))
    _, without, kept, _, with_evidence, isolated, both, forked, ahead, apart, tasks = MODES
    once, again, last = QUICK
    groups = (
        (once, again), (isolated, forked), (without, kept), (once, last), (both, forked), (ahead,),
        (without, with_evidence), (apart,) if name in NOT_AS_TASKS else (apart, tasks),
    )  # fmt: skip
    return groups[number_of(name) % len(groups)]


@dataclass(frozen=True)
class Ran:
    """What a mode gave: cells as comparable results, or the error it refused with; `left` are paths that should be
    absent, but are there."""

    mode: Mode
    results: list[CellResult]
    outcome: Outcome | None
    refused: MlopsError | None = None
    left: tuple[str, ...] = ()


def run_modes(row: Row, modes: tuple[Mode, ...]) -> Iterator[Ran]:
    """Run a row in each mode, each in a new copy of its folder at one and the same path."""
    with tempfile.TemporaryDirectory(prefix="home-") as home, tempfile.TemporaryDirectory(prefix="row-") as folder:
        for mode in modes:
            if mode.kept != "cache":
                shutil.rmtree(Path(home) / "cache", ignore_errors=True)
                shutil.rmtree(Path(home) / "objects", ignore_errors=True)
                if mode.kept != "evidence":
                    shutil.rmtree(Path(home) / "evidence", ignore_errors=True)
            remove_all(Path(folder))
            write_files(row, Path(folder))
            yield run_mode(row, mode, Path(folder), Path(home))


def run_mode(row: Row, mode: Mode, folder: Path, home: Path) -> Ran:
    nb = with_parameters(to_notebook(row), row.params)
    try:
        if mode.tasks:
            nb, outcome = _run_tasks(row, mode, folder, home)
        else:
            nb, outcome = run_pipeline(nb, mode, folder, home)
    except MlopsError as error:
        return Ran(mode, [], None, error, left=leftovers(row, folder))
    return Ran(mode, comparable(nb, folder), outcome, left=leftovers(row, folder))


def _run_tasks(row: Row, mode: Mode, folder: Path, home: Path) -> tuple[NotebookNode, Outcome]:
    """Run a row as a team does: once here, then as the tasks of an engine, which know what that run showed."""
    nb = with_parameters(to_notebook(row), row.params)
    run_pipeline(deepcopy(nb), mode, folder, home)
    profiles = ProfileStore(evidence_file(home, folder / "row"), folder).facts
    remove_all(folder)
    write_files(row, folder)
    recorded = {key: to_dict(profile, folder) for key, profile in profiles.items()}
    return run_tasks(to_notebook(row), folder, home, row.params, recorded)


def leftovers(row: Row, folder: Path) -> tuple[str, ...]:
    """The files of a folder that the row says must be gone."""
    return tuple(name for name in row.absent if os.path.lexists(folder / name))


def run_pipeline(nb: NotebookNode, mode: Mode, folder: Path, home: Path) -> tuple[NotebookNode, Outcome]:
    """Run a notebook in place in a mode."""
    pipeline = build(nb, "row")
    found: list[Outcome] = []
    last = [b.owner for b in pipeline.blocks if b.role == "step"]
    asked: dict[str, Any] = {
        "pipeline": pipeline,
        "config": RunConfig(home=str(home), ahead_after=mode.ahead_after),
        "options": Options(
            jobs=mode.jobs, isolate=mode.isolate, redo_from=last[-1] if mode.redo_last and last else "", cell_timeout=60
        ),
        "use_cache": mode.cache,
        "cwd": str(folder),
        "outcome_to": found.append,
    }
    if mode.ready:
        asyncio.run(_with_ready_kernels(nb, mode.jobs, asked))
    else:
        MlopsEngine.execute_notebook(nb, "python3", progress_bar=False, **asked)
    return nb, found[0]


async def _with_ready_kernels(nb: NotebookNode, jobs: int, asked: dict[str, Any]) -> None:
    """Run as a worker does: the kernel was forked and connected before anybody knew what it is for."""
    config: RunConfig = asked["config"]
    pool: KernelPool[IdleKernel] = KernelPool(1, 1 << 40)
    shared = SharedKernelPool(pool, max(2, jobs))
    kernels = shared.of_run()
    try:
        modules = preload(m for b in asked["pipeline"].blocks for m in b.access.imports)
        await shared.expect(KernelRequest("python3", "/", config.hash_seed, fork="start", preload=modules))
        assert pool.filling is not None
        await pool.filling
        assert len(pool) == 1
        await MlopsEngine.execute(RunNotebook(nb, progress_bar=False), "python3", kernels=kernels, **asked)
        assert len(pool.wanted_at) == 1, "the run wanted another kernel than the one that was ready"
    finally:
        await kernels.close()
        await shared.close()


def remove_all(folder: Path) -> None:
    """Delete everything in a folder."""
    for path in folder.iterdir():
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
