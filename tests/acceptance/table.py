"""The equivalence table: every row of every theme."""

from __future__ import annotations

from tests.acceptance.equivalence_rows import (
    asynchronous,
    branches,
    dead_values,
    display,
    failure,
    files,
    flows,
    functions_classes,
    guards,
    handles,
    history,
    identity,
    kale,
    language,
    libraries,
    library_state,
    live,
    magics,
    metrics,
    mutation,
    names,
    opaque,
    parameters,
    plots,
    process,
    randomness,
    registries,
    shared_memory,
    state,
    structure,
    values,
    world,
)
from tests.acceptance.row import Row

THEMES = (
    names,
    structure,
    parameters,
    kale,
    mutation,
    branches,
    dead_values,
    identity,
    values,
    functions_classes,
    state,
    process,
    files,
    randomness,
    display,
    history,
    magics,
    opaque,
    live,
    asynchronous,
    failure,
    libraries,
    registries,
    shared_memory,
    handles,
    flows,
    language,
    library_state,
    world,
    plots,
    guards,
    metrics,
)


def all_rows() -> list[Row]:
    """Every row, themes in reading order. Names are unique."""
    rows = [row for theme in THEMES for row in theme.ROWS]
    twice = {row.name for row in rows if sum(other.name == row.name for other in rows) > 1}
    assert not twice, f"rows of one name: {sorted(twice)}"
    return rows
