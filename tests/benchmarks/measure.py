"""What is measured, and what follows from it: medians, ratios, targets."""

from __future__ import annotations

import os
import re
import signal
import statistics
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

ROLLUP_LINE = re.compile(r"^(\w+):\s+(\d+) kB$", re.MULTILINE)


class Failed(Exception):
    """Something could not be measured; the message says why."""


@dataclass(frozen=True)
class Sample:
    """One measurement.

    :param wall: seconds by the clock; `cpu`: seconds of user and system time; `peak`: bytes.
    """

    wall: float | None = None
    cpu: float | None = None
    peak: int | None = None


@dataclass(frozen=True)
class Target:
    """At most `limit` times what `against` took, or at most `limit` seconds if `against` is empty."""

    limit: float
    against: str = ""

    def met(self, value: float | None, ratio: float | None) -> bool | None:
        """Whether it is; None if that can't be told."""
        reached = ratio if self.against else value
        return None if reached is None else reached <= self.limit

    def __str__(self) -> str:
        return f"≤ {self.limit:g}x {self.against}" if self.against else f"≤ {self.limit * 1000:g} ms"


@dataclass(frozen=True)
class Row:
    """A line of the table: what one peer needs for one thing. Seconds and bytes are medians."""

    case: str
    peer: str
    wall: float | None = None
    cpu: float | None = None
    peak: int | None = None
    ratio: float | None = None
    against: str = ""
    target: str = ""
    met: bool | None = None
    note: str = ""
    samples: tuple[float, ...] = field(default=())


def median(values: Sequence[float | None]) -> float | None:
    """The median of the values that are there; None if there are none."""
    there = [v for v in values if v is not None]
    return statistics.median(there) if there else None


def ratio(value: float | None, base: float | None) -> float | None:
    """How many times `base` a value is; None where that has no meaning."""
    return None if value is None or not base else value / base


def compare(
    case: str,
    found: Mapping[str, Sequence[Sample] | str],
    *,
    base: str,
    targets: Mapping[str, Sequence[Target]] | None = None,
    notes: Mapping[str, str] | None = None,
) -> list[Row]:
    """The rows of one thing done by several peers.

    :param found: the samples of each peer, or why there are none.
    :param base: the peer that the others' wall times are divided by.
    :param targets: what each peer is to reach.
    """
    walls = {p: median([s.wall for s in samples]) for p, samples in found.items() if not isinstance(samples, str)}
    rows = []
    for peer, samples in found.items():
        aims = (targets or {}).get(peer, ())
        told = ", ".join(map(str, aims))
        if isinstance(samples, str):
            rows.append(Row(case, peer, target=told, note=samples))
            continue
        wall = walls[peer]
        verdicts = {aim.met(wall, ratio(wall, walls.get(aim.against))) for aim in aims}
        peak = median([s.peak for s in samples])
        times = ratio(wall, walls.get(base))
        rows.append(
            Row(
                case,
                peer,
                wall=wall,
                cpu=median([s.cpu for s in samples]),
                peak=None if peak is None else round(peak),
                ratio=times,
                against=base if times is not None else "",
                target=told,
                met=False if False in verdicts else True if verdicts == {True} else None,
                note=(notes or {}).get(peer, ""),
                samples=tuple(s.wall for s in samples if s.wall is not None),
            )
        )
    return rows


def run(command: Sequence[str], folder: Path, environment: Mapping[str, str], limit: float = 1800.0) -> Sample:
    """Run a command to its end; what it printed goes to stdout.txt and stderr.txt of `folder`.

    CPU time covers its children as far as it waited for them, the peak is that of its largest process.
    Raises Failed if the exit code isn't 0, or after `limit` seconds.
    """
    with (folder / "stdout.txt").open("wb") as out, (folder / "stderr.txt").open("wb") as err:
        began = time.perf_counter()
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            start_new_session=True,
        )
        timer = threading.Timer(limit, os.killpg, (process.pid, signal.SIGKILL))
        timer.start()
        try:
            _, status, usage = os.wait4(process.pid, 0)
        finally:
            timer.cancel()
        wall = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        said = (folder / "stderr.txt").read_text(errors="replace").strip().splitlines()
        slow = f"ran longer than {limit:g} s" if wall >= limit else f"exit code {process.returncode}"
        raise Failed(f"{slow}: {said[-1][:200]}" if said else slow)
    return Sample(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)


def rollup(text: str) -> dict[str, int]:
    """The bytes that /proc/PID/smaps_rollup tells, by name."""
    return {name: int(size) * 1024 for name, size in ROLLUP_LINE.findall(text)}


class MemoryWatch:
    """Watches the memory of some processes together, in a thread, while a `with` block runs.

    `own` is the most that was theirs alone at one time, all of them together: what they made and what they
    changed (Anonymous), without the pages of files that they only read. `start` is that at the beginning.
    """

    def __init__(self, processes: Sequence[int], every: float = 0.005) -> None:
        self.processes, self.every = list(processes), every
        self.own = self.start = 0
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> MemoryWatch:
        self.start = self.own = self.now()
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._end.set()
        self._thread.join()
        self.own = max(self.own, self.now())  # the thread may not have had a turn

    def _watch(self) -> None:
        while not self._end.wait(self.every):
            self.own = max(self.own, self.now())

    def now(self) -> int:
        """Bytes of their own that the processes have now. A process that has ended has none."""
        total = 0
        for process in self.processes:
            try:
                total += rollup(Path(f"/proc/{process}/smaps_rollup").read_text())["Anonymous"]
            except (ProcessLookupError, FileNotFoundError, KeyError):
                continue
        return total
