"""Notebooks that nobody here wrote: `suggest` and `run` on each, compared with Run All cell by cell.

    python -m tests.acceptance.real_notebooks FOLDER [--only TEXT] [--jobs N]
        [--cell-timeout S] [--ways A,B] [--json FILE]

Each is tagged by `suggest`, run by Run All, by the pipeline (`run`), by the pipeline again (`again`, from what was
kept) and with every step in a kernel of its own (`isolated`). Left out is what Run All itself doesn't pass: it needs
the network, a package, or differs from one Run All to the next.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from copy import deepcopy
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from nbformat import NotebookNode

from jupyter_mlops.config import RunConfig
from jupyter_mlops.errors import MlopsError
from jupyter_mlops.notebook.read import read_notebook
from jupyter_mlops.pipeline.build import build
from jupyter_mlops.pipeline.suggest import apply, suggest
from jupyter_mlops.run.engine import MlopsEngine
from jupyter_mlops.run.loop import Options, Outcome
from tests.acceptance import run_all
from tests.acceptance.outputs import CellResult, comparable, differences, failure

CLOCK = re.compile(r"\b\d\d:\d\d:\d\d\b")


@dataclass
class Verdict:
    """What became of one notebook.

    :param state: "equal", "different" or "left out".
    :param why: the first difference of each way, or why it was left out.
    """

    name: str
    state: str = "equal"
    why: list[str] = field(default_factory=list)
    cells: int = 0
    steps: int = 0
    seconds: dict[str, float] = field(default_factory=dict)
    cached: int = 0
    fused: int = 0


def judge(path: Path, jobs: int, cell_timeout: int, ways: tuple[str, ...]) -> Verdict:
    """Run one notebook in every way."""
    run_all.CELL_TIMEOUT = cell_timeout
    verdict = Verdict(path.stem)
    with tempfile.TemporaryDirectory(prefix="real-") as place:
        folder, home = Path(place) / "work", Path(place) / "home"
        folder.mkdir()
        try:
            nb = read_notebook(path)
            nb = apply(nb, suggest(nb))
            for cell in nb.cells:
                if cell.cell_type == "code":
                    cell.outputs, cell.execution_count = [], None
            nb.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
            pipeline = build(nb, path.stem)
            verdict.cells, verdict.steps = sum(len(b.cells) for b in pipeline.blocks), len(pipeline.steps)
            expected = _run_all(nb, folder, verdict)
            failed = failure(expected)
            if failed is not None:
                return _left_out(verdict, f"cell {failed.cell + 1}: {failed.ename}: {failed.evalue[:80]}")
            for way, results in _ways(nb, folder, home, jobs, verdict, ways):
                found = differences(expected, results)
                if found:
                    verdict.why.append(f"{way}: {found[0][:600]}")
            if verdict.why and differences(expected, _run_all(nb, folder, verdict)):
                return _left_out(verdict, "two Run Alls differ: " + verdict.why[0][:200])
        except MlopsError as error:
            verdict.why.append(f"refused: {error}")
        except (TimeoutError, RuntimeError) as error:
            return _left_out(verdict, f"{type(error).__name__}: {str(error)[:80]}")
    verdict.state = "different" if verdict.why else "equal"
    return verdict


def _shown(nb: NotebookNode, folder: Path) -> list[CellResult]:
    """What the cells show, the time of day left out: statsmodels prints it into every summary."""
    results = comparable(nb, folder)
    return [replace(r, outputs=json.loads(CLOCK.sub("hh:mm:ss", json.dumps(r.outputs)))) for r in results]


def _left_out(verdict: Verdict, why: str) -> Verdict:
    verdict.state, verdict.why = "left out", [" ".join(why.split())]
    return verdict


def _run_all(nb: NotebookNode, folder: Path, verdict: Verdict) -> list[CellResult]:
    _empty(folder)
    began = time.monotonic()
    done = _shown(run_all.run_all(nb, folder), folder)
    verdict.seconds["run all"] = round(time.monotonic() - began, 2)
    return done


def _ways(
    nb: NotebookNode, folder: Path, home: Path, jobs: int, verdict: Verdict, ways: tuple[str, ...]
) -> Iterator[tuple[str, list[CellResult]]]:
    """The pipeline's results, a way at a time."""
    for way, options in (
        ("run", Options(jobs=jobs)),
        ("again", Options(jobs=jobs)),
        ("isolated", Options(jobs=1, isolate=True)),
    ):
        if way not in ways:
            continue
        if way != "again":
            _empty(folder)
        outcomes: list[Outcome] = []
        copy = deepcopy(nb)
        began = time.monotonic()
        MlopsEngine.execute_notebook(
            copy, "python3", progress_bar=False, cwd=str(folder), options=options, config=RunConfig(home=str(home)),
            use_cache=way != "isolated", outcome_to=outcomes.append, input_path=verdict.name,
        )  # fmt: skip
        verdict.seconds[way] = round(time.monotonic() - began, 2)
        if way == "again":
            verdict.cached = sum(s.state == "cached" for s in outcomes[0].steps)
        if way == "isolated":
            verdict.fused = len(outcomes[0].fused)
        yield way, _shown(copy, folder)


def _empty(folder: Path) -> None:
    for path in folder.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def main() -> int:
    """Judge a folder of notebooks, print a line for each, and the counts."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", default="")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--at-once", type=int, default=1)
    parser.add_argument("--cell-timeout", type=int, default=120)
    parser.add_argument("--ways", default="run,again,isolated")
    parser.add_argument("--json", type=Path)
    told = parser.parse_args()
    paths = [p for p in sorted(told.folder.glob("*.ipynb")) if told.only in p.name]
    verdicts = []
    with ProcessPoolExecutor(told.at_once) as pool:
        for done in as_completed(
            [pool.submit(judge, p, told.jobs, told.cell_timeout, tuple(told.ways.split(","))) for p in paths]
        ):
            verdict = done.result()
            verdicts.append(verdict)
            times = " ".join(f"{k} {v:.1f}" for k, v in verdict.seconds.items())
            print(
                f"{verdict.state:9} {verdict.name}: {verdict.steps} steps, {verdict.cached} cached; {times}", flush=True
            )
            for line in verdict.why:
                print(f"          {line}", flush=True)
            if told.json:
                told.json.write_text(json.dumps([asdict(v) for v in verdicts], indent=1), encoding="utf-8")
    counts = {s: sum(v.state == s for v in verdicts) for s in ("equal", "different", "left out")}
    print(", ".join(f"{n} {s}" for s, n in counts.items()))
    return int(counts["different"] > 0)


if __name__ == "__main__":
    sys.exit(main())
