"""The rerun table: every row of every theme."""

from __future__ import annotations

from tests.acceptance.rerun import RerunRow
from tests.acceptance.rerun_rows import (
    clock,
    entropy,
    environment,
    files,
    folders,
    formats,
    kept,
    looks,
    machine,
    modules,
    packages,
)

THEMES = (clock, entropy, machine, files, folders, looks, formats, environment, modules, packages, kept)


def all_rows() -> list[RerunRow]:
    """Every row, themes in reading order. Names are unique."""
    rows = [row for theme in THEMES for row in theme.ROWS]
    names = [row.name for row in rows]
    assert len(names) == len(set(names)), sorted({name for name in names if names.count(name) > 1})
    return rows
