"""Handing a large DataFrame from one kernel to another, beside writing its bytes raw and beside `to_pickle`.

Every file goes to one folder. Before each write the disk is idle and the file isn't there, and none of the writes
waits for the disk: what is compared is the way into the page cache.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.benchmarks.cases import OURS
from tests.benchmarks.measure import Failed, MemoryWatch, Row, Sample, Target, compare, ratio
from tests.benchmarks.runners import code_cell, document

if TYPE_CHECKING:
    from jupyter_mlops.execution.kernel_session import KernelSession

NAME = "handoff"
COLUMNS = 10
RAW, PICKLE = "raw write of its bytes", "to_pickle, read_pickle"
MAKE = """\
import numpy as np, pandas as pd
frame = pd.DataFrame(np.random.default_rng({seed}).random(({rows}, {columns})), copy=False)
"""
LOOK = "print(frame.shape, repr(float(frame.to_numpy().sum())))"

# It makes the same frame, and is asked in lines on standard input: VERB, then PATH. It answers with seconds.
OTHER = """\
import os, sys, time
{make}
data = memoryview(np.ascontiguousarray(frame.to_numpy())).cast("B")

def raw(path):
    done = 0
    with open(path, "wb", buffering=0) as file:
        while done < len(data):
            done += file.write(data[done:])

for line in sys.stdin:
    verb, path = line.rstrip("\\n").split(" ", 1)
    do = {{"raw": raw, "save": frame.to_pickle, "load": pd.read_pickle}}[verb]
    began = time.perf_counter()
    kept = do(path)
    seconds = time.perf_counter() - began
    del kept
    print(repr(seconds), flush=True)
"""


@dataclass
class Found:
    """Seconds of each round."""

    write: dict[str, list[Sample]] = field(default_factory=lambda: {RAW: [], PICKLE: [], OURS: []})
    load: dict[str, list[Sample]] = field(default_factory=lambda: {PICKLE: [], OURS: []})


def handoff(rounds: int, folder: Path, tell: Callable[[str], None], *, quick: bool = False) -> list[Row]:
    """The rows of the hand-off. Raises Failed if what arrives isn't what was handed on."""
    size = 100_000_000 if quick else 1_000_000_000
    title = f"hand-off of a {size / 1e9:g} GB DataFrame"
    rows = size // COLUMNS // 8
    found = Found()
    with _Other(MAKE.format(seed=1, rows=rows, columns=COLUMNS)) as other:
        for number in range(1, rounds + 1):
            tell(f"{title} · round {number} of {rounds}")
            asyncio.run(_timed_round(number, rows, folder, other, found))
    tell(f"{title} · memory")
    start, peak = asyncio.run(_memory_round(rows, folder))
    written = compare(
        f"{title}: write", dict(found.write), base=RAW, targets={} if quick else {OURS: [Target(1.5, RAW)]}
    )
    loaded = compare(f"{title}: load", dict(found.load), base=PICKLE, targets={} if quick else {OURS: [Target(0.02)]})
    aim = Target(1.3, "its size")
    times = ratio(peak, size)
    memory = Row(f"{title}: peak memory of both kernels", OURS, peak=peak, ratio=times, against=aim.against)
    if not quick:
        memory = replace(memory, target=str(aim), met=aim.met(None, times))
    memory = replace(
        memory, note=f"{start / 1e6:.0f} MB of it before the frame is made; pages of mapped files not counted"
    )
    return [*written, *loaded, memory]


async def _timed_round(number: int, rows: int, folder: Path, other: _Other, found: Found) -> None:
    """Each writer once, in another order each time; then each loader."""
    pair = await _Pair.start(number, rows, folder)
    try:
        path = folder / "other.bin"
        await pair.make()
        writers = [(RAW, "raw"), (PICKLE, "save"), (OURS, "")]
        turn = number % len(writers)
        for name, verb in writers[turn:] + writers[:turn]:
            path.unlink(missing_ok=True)
            os.sync()
            seconds = other.ask(verb, path) if verb else await pair.write()
            found.write[name].append(Sample(seconds))
        path.unlink(missing_ok=True)
        other.ask("save", path)
        found.load[PICKLE].append(Sample(other.ask("load", path)))
        path.unlink()
        found.load[OURS].append(Sample(await pair.load()))
        await pair.verify()
    finally:
        await pair.close()


async def _memory_round(rows: int, folder: Path) -> tuple[int, int]:
    """Bytes of both kernels before the frame is made, and at most. Nothing is timed: watching is not free."""
    pair = await _Pair.start(0, rows, folder)
    try:
        with MemoryWatch(await pair.processes()) as watch:
            await pair.make()
            await pair.write()
            await pair.load()
            await pair.verify()
        return watch.start, watch.own
    finally:
        await pair.close()


class _Pair:
    """Two kernels: one makes the frame and hands it on, one takes it. Both have imported what it needs."""

    def __init__(self, giver: KernelSession, taker: KernelSession, path: Path) -> None:
        self.giver, self.taker, self.path = giver, taker, path
        self.groups: list[dict[str, Any]] = []

    @classmethod
    async def start(cls, number: int, rows: int, folder: Path) -> _Pair:
        import nbformat

        from jupyter_mlops.execution.kernel_session import KernelRequest, KernelSession

        sources = [MAKE.format(seed=number, rows=rows, columns=COLUMNS), LOOK]
        text = json.dumps(document([code_cell(source) for source in sources]))
        nbs = [nbformat.reads(text, as_version=4) for _ in range(2)]  # type: ignore[no-untyped-call]
        giver, taker = (KernelSession(nb, KernelRequest("python3", str(folder), hash_seed="0")) for nb in nbs)
        pair = cls(giver, taker, folder / f"handed-on-{number}.bin")
        try:
            for session in (giver, taker):
                await session.start()
                await session.ask("sync", imports=["numpy", "pandas"])
        except BaseException:
            await pair.close()
            raise
        return pair

    async def processes(self) -> list[int]:
        return [(await session.ask("hello"))["pid"] for session in (self.giver, self.taker)]

    async def make(self) -> None:
        await self.giver.ask("begin")
        await self.giver.run_cell(0, None)

    async def write(self) -> float:
        """Seconds until what the cell made is in the file, and known by its manifest."""
        began = time.perf_counter()
        answer = await self.giver.ask("finish", touched=["frame"], file=str(self.path), budget=None)
        seconds = time.perf_counter() - began
        self.groups = answer["groups"]
        if not any(group["names"] == ["frame"] and group["file"] for group in self.groups):
            raise Failed(f"the frame was not handed on: {answer['failed'] or answer['live']}")
        return seconds

    async def load(self) -> float:
        """Seconds until the other kernel has the variable."""
        began = time.perf_counter()
        await self.taker.ask("sync", imports=[], groups=self.groups)
        return time.perf_counter() - began

    async def verify(self) -> None:
        """Both kernels go through the whole frame and have to see the same."""
        seen = []
        for session in (self.giver, self.taker):
            await session.run_cell(1, None)
            seen.append(json.dumps(session.nb.cells[1].outputs[0]["text"]))
        if seen[0] != seen[1]:
            raise Failed(f"what arrived is not what was handed on: {seen[0]}, {seen[1]}")

    async def close(self) -> None:
        for session in (self.giver, self.taker):
            await session.close()
        for path in self.path.parent.glob(f"{self.path.name}*"):
            path.unlink()


class _Other:
    """A plain Python process that has the same kind of frame and writes it in other ways."""

    def __init__(self, make: str) -> None:
        self.source = OTHER.format(make=make)

    def __enter__(self) -> _Other:
        self.process = subprocess.Popen(
            [sys.executable, "-c", self.source], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        return self

    def __exit__(self, *error: object) -> None:
        self.process.communicate()

    def ask(self, verb: str, path: Path) -> float:
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(f"{verb} {path}\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise Failed("the process that writes in other ways has ended")
        return float(answer)
