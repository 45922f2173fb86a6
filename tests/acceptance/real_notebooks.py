"""Notebooks that nobody here wrote, each run as whole processes and compared with Run All, cell by cell.

    python -m tests.acceptance.real_notebooks FOLDER... [--only TEXT] [--jobs N] [--quick]
        [--json FILE [--resume]] [--references FOLDER] [--home FOLDER] [--limit S]

`suggest` tags each notebook; `jupyter execute` gives the reference; `jupyter mlops run` runs it in a new home (`first`)
and once more in that home (`again`), and with `-j 1 --no-cache` (`alone`), in alternation with `jupyter execute`.
A cell that two Run Alls show differently is not compared, and a step with such a cell does not count among those that
Run All repeats. Left out is what Run All itself doesn't finish, or not within `--limit` seconds.

Each notebook runs in a copy of its folder, at one path for all of its runs. `--quick` takes no times: it leaves out
`alone`, and the second Run All where nothing differs from the first. `--references` keeps what Run All shows for the
next pass. `--home` is for a fast pass: the worker of this home, which is to be new, runs the pipelines, and where no
reference is kept the main line alone (one job, no cache) stands in for Run All, which still judges each notebook that
is not equal. Exit code 1: a notebook is different or refused.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import nbformat

from jupyter_mlops.errors import MlopsError
from jupyter_mlops.notebook.reader import read_notebook
from jupyter_mlops.pipeline.suggest import apply, suggest
from tests.acceptance.notebook_process import Executed, pipeline, pipeline_by_worker, run_all
from tests.acceptance.tally import tally
from tests.acceptance.verdict import (
    Fault,
    Notebook,
    Verdict,
    code_cells,
    faults,
    repeated_steps,
    stable,
    state_of,
    unkept_reasons,
)

REFUSAL_TIME = 4  # times the limit: a pipeline that takes longer is refused, not waited for
SCRATCH = ("__pycache__", ".ipynb_checkpoints", ".git")


@dataclass(frozen=True)
class Settings:
    """How a corpus is judged.

    :param references: the folder that keeps what Run All shows; None: nothing is kept.
    :param home: the home of a worker that runs the pipelines; None: each notebook has a new home and no worker.
    """

    quick: bool
    limit: float
    references: Path | None
    home: Path | None


class Bench:
    """A place for the runs of one notebook: its folder, laid anew from the original, and what the runs write."""

    def __init__(self, original: Path, place: Path, settings: Settings) -> None:
        self.original, self.place, self.settings = original, place, settings
        self.folder, self.notebook = place / "work", place / "work" / original.name
        self.home, self.output = settings.home or place / "home", place / "shown.ipynb"
        self.text = _tagged(original)

    def lay(self) -> None:
        """The folder as it was at first; the kept results stay."""
        shutil.rmtree(self.folder, ignore_errors=True)
        leave = shutil.ignore_patterns("*.ipynb", *SCRATCH)
        shutil.copytree(self.original.parent, self.folder, ignore=leave, symlinks=True)
        self.notebook.write_text(self.text, encoding="utf-8")

    def run_all(self) -> Executed:
        """Run All in the folder laid anew."""
        self.lay()
        self.output.unlink(missing_ok=True)
        return run_all(self.notebook, self.output, self.settings.limit)

    def pipeline(self, home: Path, *, alone: bool = False) -> Executed:
        """The pipeline in the folder as it is.

        :param alone: in one kernel, and without the cache.
        """
        self.output.unlink(missing_ok=True)
        run = pipeline if self.settings.home is None else pipeline_by_worker
        return run(self.notebook, self.output, home, REFUSAL_TIME * self.settings.limit, alone)

    def stand_in(self) -> Executed | None:
        """What the main line shows instead of Run All, for a fast pass; None if Run All has to be asked."""
        kept = self._kept(1)
        if self.settings.home is None or (kept is not None and kept.exists()):
            return None
        self.lay()
        done = self.pipeline(self.home, alone=True)
        return None if done.problem else done

    def reference(self, number: int) -> Executed:
        """What Run All shows: the kept one of this number, or a new one."""
        kept = self._kept(number)
        if kept is not None and kept.exists():
            return Executed(**json.loads(kept.read_text(encoding="utf-8")))
        done = self.run_all()
        if kept is not None and "killed by" not in done.problem:
            kept.parent.mkdir(parents=True, exist_ok=True)
            kept.write_text(json.dumps(vars(done)), encoding="utf-8")
        return done

    def _kept(self, number: int) -> Path | None:
        if self.settings.references is None:
            return None
        key = sha256(f"{sys.prefix} {self.text}".encode()).hexdigest()[:20]
        return self.settings.references / f"{self.original.stem}-{key}-{number}.json"


def judge(original: Path, name: str, settings: Settings) -> Verdict:
    """Run one notebook in every way and compare."""
    place = Path(tempfile.gettempdir()) / f"real-{sha256(str(original).encode()).hexdigest()[:12]}"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    try:
        return _judged(Bench(original, place, settings), name)
    except (MlopsError, OSError) as error:
        return Verdict(name, "refused", " ".join(str(error).split()))
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _judged(bench: Bench, name: str) -> Verdict:
    stand_in = bench.stand_in()
    once = stand_in or bench.reference(1)
    if once.nb is None or once.problem:
        return Verdict(name, "left out", f"Run All: {once.problem}")
    bench.lay()
    first = bench.pipeline(bench.home)
    again = bench.pipeline(bench.home)
    seen = [*_seen(once, first, "first"), *_seen(once, again, "again")]
    if stand_in is not None and (seen or first.problem or again.problem):
        once = bench.reference(1)
        if once.nb is None or once.problem:
            return Verdict(name, "left out", f"Run All: {once.problem}")
        seen = [*_seen(once, first, "first"), *_seen(once, again, "again")]
    seconds = {"run all": once.seconds, "first": first.seconds, "again": again.seconds}
    volatile: list[int] = []
    if seen or not bench.settings.quick:
        twice = bench.reference(2)
        volatile = sorted({fault.cell for fault in faults(once.nb, twice.nb or once.nb, "run all")})
    if not bench.settings.quick:
        bench.lay()
        seconds["alone"] = bench.pipeline(bench.place / "unused", alone=True).seconds
        seconds["run all"] = min(once.seconds, twice.seconds)
    verdict = Verdict(
        name,
        state_of(stable(seen, volatile), first.problem or again.problem),
        reason=first.problem or again.problem,
        faults=tuple(stable(seen, volatile)),
        cells=len(code_cells(once.nb)),
        volatile=tuple(volatile),
        seconds={way: round(value, 2) for way, value in seconds.items()},
    )
    return verdict if verdict.reason else _with_steps(verdict, first, again)


def _seen(expected: Executed, shown: Executed, way: str) -> list[Fault]:
    if expected.nb is None or shown.nb is None or shown.problem:
        return []
    return faults(expected.nb, shown.nb, way)


def _with_steps(verdict: Verdict, first: Executed, again: Executed) -> Verdict:
    steps: tuple[list[Mapping[str, Any]], ...] = (first.record["steps"], again.record["steps"])
    shown: Notebook = again.nb or {"cells": []}
    names = tuple(step["name"] for step in steps[1])
    repeated = repeated_steps(shown, verdict.volatile) & set(names)
    kept = {step["name"] for step in steps[1] if step["state"] == "cached"}
    return replace(
        verdict,
        steps=names,
        repeated=tuple(sorted(repeated)),
        kept=tuple(sorted(kept & repeated)),
        unkept=unkept_reasons(repeated, *steps),
    )


def _tagged(path: Path) -> str:
    """The notebook's text with the tags of `suggest`, without outputs, for this environment's Python kernel."""
    nb = read_notebook(path)
    nb = apply(nb, suggest(nb))
    for cell in nb.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    nb.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return str(nbformat.writes(nb))


def main() -> int:
    """Judge folders of notebooks, print a line or more for each, and the summary."""
    arguments = _arguments()
    settings = Settings(arguments.quick, arguments.limit, arguments.references, arguments.home)
    verdicts: dict[str, Verdict] = {}
    if arguments.resume and arguments.json and arguments.json.exists():
        written = json.loads(arguments.json.read_text(encoding="utf-8"))
        verdicts = {facts["name"]: Verdict.from_dict(facts) for facts in written}
    paths = {_name(path): path for folder in arguments.folders for path in sorted(folder.rglob("*.ipynb"))}
    chosen = {n: paths[n] for n in sorted(paths, key=_mixed) if arguments.only in n and n not in verdicts}
    with ThreadPoolExecutor(arguments.jobs) as pool:
        for done in as_completed([pool.submit(judge, path, name, settings) for name, path in chosen.items()]):
            verdict = done.result()
            verdicts[verdict.name] = verdict
            _print(verdict)
            if arguments.json:
                text = json.dumps([v.to_dict() for v in verdicts.values()], indent=1)
                arguments.json.write_text(text, encoding="utf-8")
    summary = tally(verdicts.values())
    print("\n".join(summary.lines()))
    return int(summary.states["different"] + summary.states["refused"] > 0)


def _name(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


def _mixed(name: str) -> str:
    """An order that mixes the folders: a pass that is cut short has seen something of each."""
    return sha256(name.encode()).hexdigest()


def _print(verdict: Verdict) -> None:
    times = " ".join(f"{way} {value:.1f}" for way, value in verdict.seconds.items())
    kept = f"{len(verdict.kept)} of {len(verdict.repeated)} steps kept"
    print(f"{verdict.state:9} {verdict.name}: {verdict.reason or kept}; {times}", flush=True)
    for fault in verdict.faults:
        print(f"          {fault.way}, code cell {fault.cell + 1}, step {fault.step or '-'}: {fault.what}", flush=True)
        print(f"          - {fault.before[:300]!r}\n          + {fault.after[:300]!r}", flush=True)
    for step, reason in verdict.unkept.items():
        print(f"          {step} not kept: {reason}", flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="+", metavar="FOLDER")
    parser.add_argument("--only", default="", metavar="TEXT", help="notebooks whose FOLDER/NAME has this in it")
    parser.add_argument("--jobs", type=int, default=1, help="notebooks at a time")
    parser.add_argument("--quick", action="store_true", help="take no times")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the verdicts here")
    parser.add_argument("--resume", action="store_true", help="skip the notebooks that the JSON file has")
    parser.add_argument("--references", type=Path, metavar="FOLDER", help="keep what Run All shows here")
    parser.add_argument("--home", type=Path, metavar="FOLDER", help="run by the worker that has this home")
    parser.add_argument("--limit", type=float, default=120.0, metavar="S", help="seconds that Run All may take")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
