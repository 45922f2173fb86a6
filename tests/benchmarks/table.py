"""The rows as a table for a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from tests.benchmarks.measure import Row

HEADS = ("", "wall", "CPU s", "peak MB", "ratio", "target", "", "")
VERDICTS = {True: "met", False: "MISSED", None: ""}


def table(rows: Sequence[Row]) -> str:
    """Rows of one case stand under its title; numbers are aligned over all cases."""
    grid = [HEADS, *(cells(row) for row in rows)]
    widths = [max(len(line[i]) for line in grid) for i in range(len(HEADS))]
    lines = [_line(HEADS, widths)]
    for case, group in groupby(rows, key=lambda row: row.case):
        lines += ["", case, *(_line(cells(row), widths) for row in group)]
    return "\n".join(lines)


def cells(row: Row) -> tuple[str, ...]:
    """The texts of a row, one for each column."""
    return (
        row.peer,
        seconds(row.wall),
        "" if row.cpu is None else f"{row.cpu:.2f}",
        "" if row.peak is None else f"{row.peak / 1e6:.0f}",
        "" if row.ratio is None else f"{row.ratio:.2f}x {row.against}",
        row.target,
        VERDICTS[row.met],
        row.note,
    )


def seconds(value: float | None) -> str:
    """A time as a person reads it: `17.4 s`, `0.523 s`, `1.2 ms`."""
    if value is None:
        return ""
    if value < 0.1:
        return f"{value * 1000:.1f} ms"
    return f"{value:.3f} s" if value < 1 else f"{value:.2f} s"


def _line(texts: Sequence[str], widths: Sequence[int]) -> str:
    aligned = [
        f"{text:>{width}}" if 1 <= at <= 3 else f"{text:<{width}}"
        for at, (text, width) in enumerate(zip(texts, widths, strict=True))
    ]
    return ("  " + "  ".join(aligned)).rstrip()
