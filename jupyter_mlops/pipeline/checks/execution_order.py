"""Execution counts that tell of another order than that of the notebook."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from jupyter_mlops.pipeline.checks.finding import Finding
from jupyter_mlops.pipeline.checks.rule import Context, rule

Counted = tuple[int, int]


@rule("execution_order")
def execution_order(context: Context) -> Iterator[Finding]:
    """The outputs on the page came from cells run in another order, or from cells that are gone.

    A notebook without counts says nothing about order and gives no finding.
    """
    counts = _counts(context)
    yield from _backwards(counts)
    yield from _gaps(counts)


def _counts(context: Context) -> list[Counted]:
    cells = enumerate(context.nb.cells)
    return [
        (index, cell.execution_count)
        for index, cell in cells
        if cell.cell_type == "code" and isinstance(cell.get("execution_count"), int)
    ]


def _backwards(counts: list[Counted]) -> Iterator[Finding]:
    for (above, earlier), (below, later) in pairwise(counts):
        if later <= earlier:
            yield Finding(
                "execution_order",
                "warning",
                below,
                f"Cell {below + 1} was run as [{later}], not after cell {above + 1}, which was run as [{earlier}]: "
                "the outputs shown may not be those of a run from top to bottom.",
                "Run All in a fresh kernel and see that the outputs are still what you want.",
            )


def _gaps(counts: list[Counted]) -> Iterator[Finding]:
    numbers = sorted(count for _, count in counts)
    holes = [low for low, high in pairwise([0, *numbers]) if high > low + 1]
    if holes:
        missing = sum(high - low - 1 for low, high in pairwise([0, *numbers]) if high > low)
        yield Finding(
            "execution_order",
            "info",
            None,
            f"{missing} of the executions counted in this notebook are not on the page (the first one "
            f"missing is [{holes[0] + 1}]): cells were run again, changed or deleted, and what they defined may be "
            "what the outputs rest on.",
            "Run All in a fresh kernel and see that the outputs are still what you want.",
        )
