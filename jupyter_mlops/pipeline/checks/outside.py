"""Cells that reach out of the kernel: the network, other processes."""

from __future__ import annotations

from collections.abc import Iterator

from jupyter_mlops.pipeline.checks.finding import Finding
from jupyter_mlops.pipeline.checks.rule import Context, rule


@rule("outside")
def outside(context: Context) -> Iterator[Finding]:
    """What is out there must be reachable from where the run happens, and may answer differently each time."""
    for cell, effects in zip(context.cells, context.effects, strict=True):
        if effects.outside:
            yield Finding(
                "outside",
                "info",
                cell.index,
                f"Cell {cell.index + 1} uses what lies outside the kernel ({', '.join(effects.outside[:3])}), "
                "so its step is not taken from the cache if it does so, and does not run ahead.",
                "See that it can be reached where the run happens; give the step retries if it sometimes fails.",
            )
