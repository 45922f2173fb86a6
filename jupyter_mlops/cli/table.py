"""Text in columns, and times and states for people."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

SIGNS = {
    "queued": "◌", "running": "◐", "completed": "✓", "cached": "✓", "failed": "✖", "skipped": "–", "stopped": "■",
    "missed": "!",
}  # fmt: skip


def table(headers: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Columns as wide as their content."""
    grid = [tuple(headers), *(tuple("" if cell is None else str(cell) for cell in row) for row in rows)]
    widths = [max(len(line[index]) for line in grid) for index in range(len(headers))]
    return "\n".join("  ".join(f"{c:<{w}}" for c, w in zip(line, widths, strict=True)).rstrip() for line in grid)


def format_time(seconds: float | None) -> str:
    """A time in this machine's zone: `2026-11-24 06:00:00`."""
    return "" if seconds is None else datetime.fromtimestamp(seconds).strftime("%Y-%m-%d %H:%M:%S")


def format_duration(seconds: float | None) -> str:
    if seconds is None:
        return ""
    return f"{seconds:.1f} s" if seconds < 120 else f"{seconds / 60:.1f} min"


def format_state(name: str) -> str:
    return f"{SIGNS.get(name, '?')} {name}"


def format_values(parameters: dict[str, object]) -> str:
    """`alpha=0.5 sample=True`, truncated."""
    text = " ".join(f"{k}={v}" for k, v in parameters.items())
    return text if len(text) <= 60 else f"{text[:59]}…"


def one_line(text: str) -> str:
    """A text without line breaks and control characters, truncated."""
    line = " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
    return line if len(line) <= 120 else f"{line[:119]}…"
