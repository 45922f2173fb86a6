"""Plants causes between two runs, asks `why`, and counts the right answers.

    python -m tests.acceptance.why_causes            # 200 causes
    python -m tests.acceptance.why_causes 20 --seed 3

Every case also has differences without effect: a comment in a cell, and a column that nothing reads. An axis is right
if exactly the planted axes are beyond noise; a part is right if exactly the planted cells, columns, modules and
parameters are named; a case without a cause is right if every share is within noise.
"""

from __future__ import annotations

import argparse
import math
import random
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from jupyter_mlops.jobs.workspace import Workspace
from jupyter_mlops.service import why
from tests.jobs.planted import ROWS, Notebook, run_of
from tests.jobs.workspace import opened, working

KINDS = ("cell", "column", "parameter", "module", "cell and column", "two cells", "noisy column", "none")
STEPS = ("first", "second", "third")
TARGETS = {"axis": 0.98, "part": 0.90, "none": 0.95, "sum": 1.0}


@dataclass
class Planted:
    """The notebook of the later run, its parameters, and the answer that is right."""

    notebook: Notebook
    parameters: dict[str, Any] = field(default_factory=dict)
    causes: dict[str, list[str]] = field(default_factory=dict)


def base(source: random.Random, kind: str) -> Notebook:
    """The notebook of the earlier run."""
    table = {name: [round(source.uniform(1, 9), 2) for _ in range(ROWS)] for name in "abcd"}
    noise = "random.Random().gauss(0, 1)" if kind in ("none", "noisy column") else "0"
    return Notebook(tuple(str(source.randint(1, 5)) for _ in STEPS), 1.0, table, noise)  # type: ignore[arg-type]


def planted(source: random.Random, kind: str, old: Notebook) -> Planted:
    """A later notebook with a cause of this kind, and with differences that have no effect."""
    quiet = replace(
        old, comment=f"# {source.random()}", table={**old.table, "d": [source.random() for _ in range(ROWS)]}
    )  # fmt: skip
    case = Planted(quiet)
    cells = {"cell": 1, "two cells": 2, "cell and column": 1}.get(kind, 0)
    if cells:
        positions = sorted(source.sample(range(3), cells))
        settings = [str(int(s) + 3) if p in positions else s for p, s in enumerate(old.settings)]
        case.notebook = replace(case.notebook, settings=tuple(settings))  # type: ignore[arg-type]
        case.causes["code"] = [f"cell {3 + p} of step {STEPS[p]} changed" for p in positions]
    if "column" in kind:
        name, factor = source.choice("abc"), source.choice([100.0, 1.8, 0.01])
        factor = 100.0 if kind == "noisy column" else factor
        column = [round(value * factor, 4) for value in old.table[name]]
        case.notebook = replace(case.notebook, table={**case.notebook.table, name: column})
        case.causes["data"] = [f"file table.csv, column {name}"]
    if kind == "parameter":
        case.parameters = {"weight": 2.5}
        case.causes["parameters"] = ["parameter weight: 1.0 → 2.5"]
    if kind == "module":
        case.notebook = replace(case.notebook, module="def shift(x):\n    return 2 * x\n")
        case.causes["code"] = ["module planted_shift.py"]
    return case


def judge(space: Workspace, source: random.Random, kind: str, folder: Path) -> dict[str, bool]:
    """Plant one cause and ask."""
    old = base(source, kind)
    case = planted(source, kind, old)
    run_of(space, old, folder)
    answer = why.why(space, run_of(space, case.notebook, folder, case.parameters))
    beyond = [share for share in answer["shares"] if not share["within_noise"]]
    named = {axis: [] for share in beyond for axis in share["axes"]}  # type: dict[str, list[str]]
    for share in beyond:
        for cause in share["causes"]:
            named[cause["axis"]].append(cause["what"])
    total = math.fsum(share["share"] for share in answer["shares"]) + answer["residual"]
    result = {"sum": abs(total - answer["change"]) <= 1e-9 * max(1.0, abs(answer["change"]))}
    if kind == "none":
        return result | {"none": not beyond}
    return result | {"axis": named.keys() == case.causes.keys(), "part": named == case.causes}


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description="Counts right answers of why.")
    parser.add_argument("number", nargs="?", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    right: Counter[str] = Counter()
    asked: Counter[str] = Counter()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as name, working(Path(name) / "home"), opened(Path(name) / "home") as space:
        for number in range(options.number):
            kind, source = KINDS[number % len(KINDS)], random.Random(f"{options.seed} {number}")
            verdict = judge(space, source, kind, Path(name) / f"case-{number}")
            asked.update(verdict.keys())
            right.update(key for key, is_right in verdict.items() if is_right)
            if not all(verdict.values()):
                print(f"case {number}, {kind}: {verdict}", flush=True)
            if number % 20 == 19:
                print(f"{number + 1} asked in {time.monotonic() - began:.0f} s: {dict(right)}", flush=True)
    print(", ".join(f"{key}: {right[key]} of {asked[key]}" for key in TARGETS))
    return 0 if all(right[key] >= share * asked[key] for key, share in TARGETS.items()) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
