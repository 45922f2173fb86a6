"""Execution counts in another order than the notebook."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from jupyter_mlops.pipeline.checks.finding import Finding
from jupyter_mlops.pipeline.checks.rule import Context, rule

CellCount = tuple[int, int]
MIN_EXPORTED_CELLS = 3  # cells of one count: no kernel counts so, while two can come from two kernels


@rule("execution_order")
def execution_order(context: Context) -> Iterator[Finding]:
    """The outputs come from cells that ran in another order, or that no longer exist.

    A notebook without counts has no finding, nor does one whose exporter wrote the same number for every cell
    (Databricks writes 0).
    """
    counts = _counts(context)
    yield from _order_findings(counts)
    yield from _gap_findings(counts)


def _counts(context: Context) -> list[CellCount]:
    cells = (
        (index, cell.get("execution_count")) for index, cell in enumerate(context.nb.cells) if cell.cell_type == "code"
    )
    counts = [(index, count) for index, count in cells if _is_count(count)]
    is_exported = len(counts) >= MIN_EXPORTED_CELLS and len({count for _, count in counts}) == 1
    return [] if is_exported else counts


def _is_count(value: object) -> bool:
    """Whether the counts can come from a kernel: whole numbers from 1."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _order_findings(counts: list[CellCount]) -> Iterator[Finding]:
    for (upper_index, upper_count), (lower_index, lower_count) in pairwise(counts):
        if lower_count <= upper_count:
            yield Finding(
                "execution_order",
                "warning",
                lower_index,
                f"Cell {lower_index + 1} was run as [{lower_count}], not after cell"
                f" {upper_index + 1}, which was run as [{upper_count}]: "
                "the outputs shown may not be those of a run from top to bottom.",
                "Restart the kernel, run all cells, and check that the outputs are still correct.",
            )


def _gap_findings(counts: list[CellCount]) -> Iterator[Finding]:
    numbers = sorted(count for _, count in counts)
    gap_starts = [low for low, high in pairwise([0, *numbers]) if high > low + 1]
    if gap_starts:
        missing_count = sum(high - low - 1 for low, high in pairwise([0, *numbers]) if high > low)
        yield Finding(
            "execution_order",
            "info",
            None,
            f"{missing_count} of the executions counted in this notebook are not on the page (the first one "
            f"missing is [{gap_starts[0] + 1}]): cells were run again, changed or deleted, and the"
            " outputs may depend on what they defined.",
            "Restart the kernel, run all cells, and check that the outputs are still correct.",
        )
