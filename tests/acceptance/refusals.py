"""How often pipelines of the equivalence table refused: told at the end of a pass, whichever process ran the rows."""

from __future__ import annotations

from collections.abc import Iterable

MODE = "equivalence mode"
REFUSAL = "equivalence refusal"


def summary(properties: Iterable[tuple[str, object]]) -> list[str]:
    """The lines to print for the properties that the tests of a pass recorded; none if no row ran."""
    recorded = list(properties)
    runs = sum(name == MODE for name, _ in recorded)
    refusals = sorted(str(value) for name, value in recorded if name == REFUSAL)
    if not runs:
        return []
    return [f"equivalence table: {runs} pipeline runs, {len(refusals)} refusals", *(f"  {text}" for text in refusals)]
