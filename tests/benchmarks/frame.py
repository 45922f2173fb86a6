"""A large DataFrame that each of 8 steps changes in place, run as a pipeline and by `jupyter execute`.

What is compared: the first run, which keeps results; the second, of the same notebook; a third, whose last step is
edited; the bytes that are kept; and the most memory that the kernels have at one time.
"""

from __future__ import annotations

import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from tests.benchmarks.cases import CHANGED, FIRST, OURS, UNCHANGED, Case, Part
from tests.benchmarks.measure import Failed, Row, Sample, Target, compare, ratio, rollup, run
from tests.benchmarks.runners import JupyterExecute, Mlops, Runner

NAME = "frame"
PEER = JupyterExecute.name
COLUMNS, STEPS = 10, 8
ITSELF = "its size"
Found = dict[str, dict[str, list[Sample]]]


def frame(
    rounds: int, folder: Path, tell: Callable[[str], None], *, quick: bool = False, size: int = 1_000_000_000
) -> list[Row]:
    """The rows of the case, for a frame of `size` bytes. Raises Failed if a run fails or prints something else."""
    size = 100_000_000 if quick else size
    title = f"a {size / 1e9:g} GB DataFrame, changed in place by {STEPS} steps"
    case = Case(NAME, title, lambda number: parts(size, number), imports="import numpy as np, pandas as pd")
    execute, ours = JupyterExecute(folder / "jupyter"), Mlops(folder / "jupyter")
    for peer in (execute, ours):
        peer.ready()
    found: Found = {phase: {PEER: [], OURS: []} for phase in (FIRST, UNCHANGED, CHANGED)}
    notes: dict[str, str] = {}
    kept = 0
    for number in range(1, rounds + 1):
        tell(f"{case.title} · round {number} of {rounds}")
        with tempfile.TemporaryDirectory(prefix="frame-", dir=folder, ignore_cleanup_errors=True) as made:
            printed = []
            for peer in (execute, ours) if number % 2 else (ours, execute):
                printed.append(_round(case, peer, Path(made, peer.name.replace(" ", "-")), found, notes))
            if printed[0] != printed[1]:
                raise Failed(f"what the pipeline prints is not what Run All prints: {printed}")
            kept = max(kept, _kept(Path(made, OURS.replace(" ", "-"), "home")))
    tell(f"{case.title} · memory")
    peaks = {peer.name: _peak(case, peer, folder) for peer in (execute, ours)}
    aims = {FIRST: [Target(1.08, PEER)], UNCHANGED: [Target(0.2, PEER)], CHANGED: []}
    rows = []
    for phase, aim in aims.items():
        rows += compare(f"{case.title}: {phase}", dict(found[phase]), base=PEER, targets={} if quick else {OURS: aim},
                        notes={OURS: notes[phase]})  # fmt: skip
    rows.append(_judged(Row(f"{case.title}: bytes kept", OURS, peak=kept), size, Target(2, ITSELF), quick))
    title = f"{case.title}: peak memory of all kernels"
    rows.append(Row(title, PEER, peak=peaks[PEER]))
    rows.append(_judged(Row(title, OURS, peak=peaks[OURS]), peaks[PEER], Target(1.3, PEER), quick))
    return rows


def parts(size: int, number: int) -> tuple[Part, ...]:
    """A step that makes the frame, those that change a column of it, and one that only reads it and has the number."""
    rows = size // COLUMNS // 8
    load = f"frame = pd.DataFrame(np.random.default_rng(1).random(({rows}, {COLUMNS})), copy=False)\nprint(frame.shape)"
    steps = [Part("load", (load,), makes="frame")]
    for n in range(1, STEPS + 1):
        change = f"frame.iloc[:, {n}] = np.log1p(frame.iloc[:, {n}]) + np.sqrt(frame.iloc[:, {n - 1}])"
        steps.append(Part(f"change{n}", (f"{change}\nprint(repr(float(frame.iloc[:, {n}].sum())))",), ("frame",)))
    steps.append(Part("report", (f"print({number}, frame.mean().round(6).to_list())",), ("frame",)))
    return tuple(steps)


def _round(case: Case, peer: Runner, at: Path, found: Found, notes: dict[str, str]) -> list[str]:
    """All runs of one peer in a new folder. Returns what each printed."""
    at.mkdir()
    printed = []
    for phase in found:
        peer.write(case, int(phase == CHANGED), at)
        (at / "out.ipynb").unlink(missing_ok=True)
        found[phase][peer.name].append(run(peer.command(at), at, peer.environment(at)))
        printed.append(peer.printed(at))
        notes[phase] = peer.note(at)
    return printed


def _kept(home: Path) -> int:
    """Bytes of the results that are kept."""
    kept = [path for name in ("cache", "objects") for path in (home / name).rglob("*") if path.is_file()]
    return sum(path.stat().st_size for path in kept)


def _peak(case: Case, peer: Runner, folder: Path) -> int:
    """The most memory that all processes which a first run starts have at one time."""
    with tempfile.TemporaryDirectory(prefix="memory-", dir=folder, ignore_cleanup_errors=True) as made:
        at = Path(made)
        peer.write(case, 0, at)
        process = subprocess.Popen(
            peer.command(at), cwd=at, env=peer.environment(at), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        timer = threading.Timer(1800, process.kill)
        timer.start()
        peak = 0
        while process.poll() is None:
            peak = max(peak, sum(map(_share, _below(process.pid))))
            time.sleep(0.02)
        timer.cancel()
        if process.returncode:
            raise Failed(f"{peer.name}: exit code {process.returncode}")
        return peak


def _below(root: int) -> list[int]:
    """The processes that a process has started, and those that these have."""
    children: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(path.read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError, IndexError):
            continue
        children.setdefault(parent, []).append(int(path.parent.name))
    found, waiting = [], [root]
    while waiting:
        below = children.get(waiting.pop(), [])
        found += below
        waiting += below
    return found


def _share(process: int) -> int:
    """The memory of a process, with its share of what several have. 0 if it has ended."""
    try:
        return rollup(Path(f"/proc/{process}/smaps_rollup").read_text())["Pss"]
    except (OSError, KeyError):
        return 0


def _judged(row: Row, base: int, aim: Target, quick: bool) -> Row:
    times = ratio(row.peak, base)
    row = replace(row, ratio=times, against=aim.against)
    return row if quick else replace(row, target=str(aim), met=aim.met(None, times))
