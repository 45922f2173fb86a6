"""What watching costs a step of pure Python: the time of the cell itself in a pipeline run and in `jupyter execute`.

Both executed notebooks record when the cell began and when its reply came.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from tests.benchmarks.cases import OURS, Case, Part
from tests.benchmarks.measure import Failed, Row, Sample, Target, compare, run
from tests.benchmarks.runners import JupyterExecute, Mlops, Runner

NAME = "watching"
PEER = JupyterExecute.name
KINDS = {
    "calls and dictionaries": """
def collatz(n):
    steps = 0
    while n != 1:
        n = n // 2 if n % 2 == 0 else 3 * n + 1
        steps += 1
    return steps

counts = {}
for n in range(1, SIZE):
    counts[n] = collatz(n)
print(max(counts.values()))
""",
    "clocks and logging": """
import logging, time

log = logging.getLogger("watching")
total = 0.0
for n in range(1, SIZE * 4):
    began = time.perf_counter()
    log.debug("number %d", n)
    total += n ** 0.5
    elapsed = time.perf_counter() - began
print(round(total, 3))
""",
    "small files": """
from pathlib import Path

path = Path("numbers.txt")
total = 0
for n in range(SIZE // 10):
    path.write_text(str(n))
    total += int(path.read_text())
print(total)
""",
}


def watching(rounds: int, folder: Path, tell: Callable[[str], None], *, quick: bool = False) -> list[Row]:
    """The rows of the case, one for each kind of code. Raises Failed if a run fails."""
    size = 10_000 if quick else 200_000
    execute, ours = JupyterExecute(folder / "jupyter"), Mlops(folder / "jupyter")
    for peer in (execute, ours):
        peer.ready()
    rows = []
    for kind, source in KINDS.items():
        code = source.strip().replace("SIZE", str(size))
        case = Case(NAME, f"watching a step: {kind}", lambda number, code=code: (Part("work", (code,)),))  # type: ignore[misc]
        samples: dict[str, list[Sample]] = {PEER: [], OURS: []}
        for number in range(1, rounds + 1):
            tell(f"{case.title} · round {number} of {rounds}")
            for peer in (execute, ours) if number % 2 else (ours, execute):
                with tempfile.TemporaryDirectory(prefix="watching-", dir=folder) as base:
                    samples[peer.name].append(_sample(case, peer, Path(base)))
        targets = {} if quick or kind == "small files" else {OURS: [Target(1.03, PEER)]}
        rows += compare(case.title, dict(samples), base=PEER, targets=targets)
    return rows


def _sample(case: Case, peer: Runner, folder: Path) -> Sample:
    """The seconds from the begin of the cell to its reply."""
    peer.write(case, 0, folder)
    run(peer.command(folder), folder, peer.environment(folder))
    cells = json.loads((folder / "out.ipynb").read_text(encoding="utf-8"))["cells"]
    times = next(c["metadata"]["execution"] for c in cells if "step:work" in c["metadata"].get("tags", ()))
    try:
        began, ended = (datetime.fromisoformat(times[n]) for n in ("iopub.execute_input", "shell.execute_reply"))
    except KeyError as name:
        raise Failed(f"{peer.name} recorded no {name}") from None
    return Sample((ended - began).total_seconds())
