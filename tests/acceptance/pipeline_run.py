"""Running a row as a pipeline, in each of the ways a pipeline can run."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from nbformat import NotebookNode

from jupyter_mlops.config import RunConfig
from jupyter_mlops.errors import MlopsError
from jupyter_mlops.pipeline.build import build
from jupyter_mlops.run.engine import MlopsEngine
from jupyter_mlops.run.loop import Options, Outcome
from tests.acceptance.outputs import CellResult, comparable
from tests.acceptance.row import Row, to_notebook, with_parameters, write_files


@dataclass(frozen=True)
class Mode:
    """One way to run.

    :param kept: what of the mode before it is kept: nothing, its "evidence", or its "cache" (and the evidence).
    :param redo_last: run the last step again, whatever is kept of it.
    """

    name: str
    jobs: int = 1
    isolate: bool = False
    cache: bool = True
    ahead_after: float = 1000.0
    kept: str = ""
    redo_last: bool = False


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
)


def modes_of(number: int) -> tuple[Mode, ...]:
    """The modes that row `number` runs in: all if EQUIVALENCE is "all", or else one of these groups in turn:
    one run of all tests stays short, and rows that belong together stand side by side and meet every mode."""
    if os.environ.get("EQUIVALENCE") == "all":
        return MODES
    _, without, kept, _, with_evidence, isolated, both = MODES
    groups = (QUICK, (isolated,), (without, kept), QUICK[:2], (both,), QUICK, (without, with_evidence))
    return groups[number % len(groups)]


@dataclass(frozen=True)
class Ran:
    """What a mode gave: cells as comparable results, or the error it refused with."""

    mode: Mode
    results: list[CellResult]
    outcome: Outcome | None
    refused: MlopsError | None = None


def run_modes(row: Row, modes: tuple[Mode, ...]) -> Iterator[Ran]:
    """Run a row in each mode, each in a new copy of its folder at one and the same path."""
    with tempfile.TemporaryDirectory(prefix="home-") as home, tempfile.TemporaryDirectory(prefix="row-") as folder:
        for mode in modes:
            if mode.kept != "cache":
                shutil.rmtree(Path(home) / "cache", ignore_errors=True)
                shutil.rmtree(Path(home) / "objects", ignore_errors=True)
                if mode.kept != "evidence":
                    shutil.rmtree(Path(home) / "evidence", ignore_errors=True)
            _empty(Path(folder))
            write_files(row, Path(folder))
            yield run_mode(row, mode, Path(folder), Path(home))


def run_mode(row: Row, mode: Mode, folder: Path, home: Path) -> Ran:
    nb = with_parameters(to_notebook(row), row.params)
    try:
        nb, outcome = run_pipeline(nb, mode, folder, home)
    except MlopsError as error:
        return Ran(mode, [], None, error)
    return Ran(mode, comparable(nb, folder), outcome)


def run_pipeline(nb: NotebookNode, mode: Mode, folder: Path, home: Path) -> tuple[NotebookNode, Outcome]:
    """Run a notebook in place in a mode."""
    pipeline = build(nb, "row")
    found: list[Outcome] = []
    last = [b.owner for b in pipeline.blocks if b.role == "step"]
    MlopsEngine.execute_notebook(
        nb,
        "python3",
        progress_bar=False,
        pipeline=pipeline,
        config=RunConfig(home=str(home), ahead_after=mode.ahead_after),
        options=Options(
            jobs=mode.jobs, isolate=mode.isolate, redo_from=last[-1] if mode.redo_last and last else "", cell_timeout=60
        ),
        use_cache=mode.cache,
        cwd=str(folder),
        outcome_to=found.append,
    )
    return nb, found[0]


def _empty(folder: Path) -> None:
    for path in folder.iterdir():
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
