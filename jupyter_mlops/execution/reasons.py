"""Why each block was executed as it was: decisions as data, worded in one place."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """The decision on a block or its result."""

    CACHED = "cached"
    AHEAD = "ahead"
    MAIN = "main"
    DISCARDED = "discarded"
    NOT_TAKEN = "not-taken"
    NOT_KEPT = "not-kept"
    REMOTE = "remote"
    SKIPPED = "skipped"


WORDS = {
    Kind.CACHED: ("was taken from an earlier run", "were taken from an earlier run"),
    Kind.AHEAD: ("ran ahead in a second kernel", "ran ahead in a second kernel"),
    Kind.MAIN: ("ran on the main line", "ran on the main line"),
    Kind.DISCARDED: (
        "had run ahead, but the result could not be used",
        "had run ahead, but the results could not be used",
    ),
    Kind.NOT_TAKEN: ("could not reuse a cached result", "could not reuse cached results"),
    Kind.NOT_KEPT: ("was not cached for later runs", "were not cached for later runs"),
    Kind.REMOTE: ("ran on a cluster", "ran on a cluster"),
    Kind.SKIPPED: ("did not run", "did not run"),
}


@dataclass(frozen=True)
class Reason:
    """One decision on a block.

    :param cells: positions of its cells.
    :param detail: the cause, as a clause that follows a colon; "" if there is none.
    """

    kind: Kind
    cells: tuple[int, ...]
    detail: str = ""


def sentences(reasons: Iterable[Reason]) -> list[str]:
    """Word reasons as sentences, with cells counted from 1; blocks with the same reason share a sentence."""
    cells: dict[tuple[Kind, str], list[int]] = {}
    for reason in reasons:
        cells.setdefault((reason.kind, reason.detail), []).extend(reason.cells)
    return [_sentence(kind, detail, positions) for (kind, detail), positions in cells.items()]


def _sentence(kind: Kind, detail: str, cells: Sequence[int]) -> str:
    several = len(set(cells)) > 1
    words = f"{named(cells)} {WORDS[kind][several]}"
    return f"{words}: {detail}." if detail else f"{words}."


def named(cells: Iterable[int]) -> str:
    """`Cell 3`, `Cells 3 and 4`, `Cells 3 to 5 and 9`: positions counted from 1."""
    ranges: list[list[int]] = []
    for cell in sorted(set(cells)):
        if ranges and cell == ranges[-1][1] + 1:
            ranges[-1][1] = cell
        else:
            ranges.append([cell, cell])
    parts: list[str] = []
    for first, last in ranges:
        if last - first < 2:
            parts += [str(n + 1) for n in range(first, last + 1)]
        else:
            parts.append(f"{first + 1} to {last + 1}")
    if not parts:
        return "A part without code"
    if len(ranges) == 1 and ranges[0][0] == ranges[0][1]:
        return f"Cell {parts[0]}"
    return f"Cells {' and '.join(filter(None, (', '.join(parts[:-1]), parts[-1])))}"
