"""Cells that use the network or other processes."""

from __future__ import annotations

from collections.abc import Iterator

from jupyter_mlops.pipeline.checks.finding import Finding
from jupyter_mlops.pipeline.checks.rule import Context, rule


@rule("outside")
def outside(context: Context) -> Iterator[Finding]:
    """External services must be reachable where the run happens, and may respond differently each time."""
    for cell, effects in zip(context.cells, context.effects, strict=True):
        if effects.outside:
            yield Finding(
                "outside",
                "info",
                cell.index,
                f"Cell {cell.index + 1} uses resources outside the kernel ({', '.join(effects.outside[:3])}), "
                "so its step is not taken from the cache if it does so, and does not run ahead.",
                "Make sure that it can be reached by the run. If it sometimes fails, set retries for the step.",
            )
