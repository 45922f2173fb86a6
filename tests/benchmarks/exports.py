"""A version of 40 steps exported to every target, and `jupyter mlops step` of a step whose result is cached."""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tests.benchmarks.cases import OURS
from tests.benchmarks.measure import Failed, Row, Target
from tests.benchmarks.runners import ROOT, code_cell, document

NAME = "export"
STEPS = 40
ALL_TARGETS, CACHED_STEP = Target(1.0), Target(0.5)
ENGINES = ("airflow", "kfp", "hera")  # what an export must not import
COMMAND = [sys.executable, "-m", "jupyter_mlops.cli"]
# In an interpreter of its own: what is imported on the way counts.
EXPORT_ALL = """
import json, sys, time
from jupyter_mlops.import_guard import block_unused
block_unused()  # as the command does
began, spent = time.perf_counter(), time.process_time()
from jupyter_mlops.export.exporter import exporter_names
from jupyter_mlops.service.export import files_of, plan_of
from jupyter_mlops.service.jobs import open_workspace
space = open_workspace()
plan = plan_of(space, "wide")
times = {}
for name in exporter_names():
    at = time.perf_counter()
    files_of(plan, name)
    times[name] = time.perf_counter() - at
engines = [name for name in sys.argv[1:] if name in sys.modules]
seconds, cpu = time.perf_counter() - began, time.process_time() - spent
print(json.dumps({"seconds": seconds, "cpu": cpu, "targets": times, "engines": engines}))
"""


def export_rows(rounds: int, base: Path, tell: Callable[[str], None], *, quick: bool = False) -> list[Row]:
    """The rows of the case. Raises Failed if a command fails, or an engine was imported."""
    folder = base / "export"
    folder.mkdir(parents=True)
    tell(f"{NAME} · publish")
    cells = [
        code_cell("x0 = 1", "step:s0"),
        *(code_cell(f"x{n} = x{n // 2} + 1", f"step:s{n}") for n in range(1, STEPS)),
    ]
    (folder / "wide.ipynb").write_text(json.dumps(document(cells)), encoding="utf-8")
    _call(folder, [*COMMAND, "publish", "wide.ipynb"])
    exports, steps = [], []
    for number in range(1, rounds + 1):
        tell(f"{NAME} · round {number} of {rounds}")
        result = json.loads(_call(folder, [sys.executable, "-c", EXPORT_ALL, *ENGINES]))
        if result["engines"]:
            raise Failed(f"the export imported {', '.join(result['engines'])}")
        exports.append(result)
        steps.append(_cached_step(folder))
    slowest = max(exports[-1]["targets"].items(), key=lambda item: item[1])
    load = f"load {os.getloadavg()[0]:.1f}"
    return [
        _row(f"{STEPS} steps to {len(exports[-1]['targets'])} targets", [(e["seconds"], e["cpu"]) for e in exports],
             None if quick else ALL_TARGETS, f"slowest: {slowest[0]} {slowest[1]:.2f} s, {load}"),
        _row("jupyter mlops step, cached", steps, None if quick else CACHED_STEP, load),
    ]  # fmt: skip


def _row(case: str, samples: Sequence[tuple[float, float]], target: Target | None, note: str) -> Row:
    """A row of samples of seconds and CPU seconds."""
    wall, cpu = (statistics.median(column) for column in zip(*samples, strict=True))
    aim = f"at most {target.limit:g} s" if target is not None else ""
    met = target.met(wall, None) if target is not None else None
    return Row(case, OURS, wall=wall, cpu=cpu, target=aim, met=met, note=note, samples=tuple(s for s, _ in samples))


def _cached_step(folder: Path) -> tuple[float, float]:
    """Seconds, and CPU seconds, of the processes of a step whose result is cached."""
    if not (folder / "bundle.zip").exists():
        _call(folder, [*COMMAND, "bundle", "wide", "-o", "bundle.zip"])
        _step(folder, "completed")
    began, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    _step(folder, "cached")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.perf_counter() - began, cpu


def _step(folder: Path, expected: str) -> None:
    """One attempt at the first step, as an engine that repeats a task makes it."""
    options = ["--artifacts", str(folder / "artifacts"), "--run-id", "r", "--json"]
    record: dict[str, Any] = json.loads(_call(folder, [*COMMAND, "step", "bundle.zip", "s0", *options]))
    state = record["steps"][0]["state"]
    if state != expected:
        raise Failed(f"the step is {state} instead of {expected}")


def _call(folder: Path, command: list[str]) -> str:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "JUPYTER_MLOPS_HOME": str(folder / "home")}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Failed((done.stderr.strip().splitlines() or ["it failed without a word"])[-1])
    return done.stdout
