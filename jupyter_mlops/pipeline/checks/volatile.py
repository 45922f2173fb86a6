"""Results that differ from run to run."""

from __future__ import annotations

from collections.abc import Iterator

from jupyter_mlops.pipeline.checks.finding import Finding
from jupyter_mlops.pipeline.checks.rule import Context, rule


@rule("volatile")
def volatile(context: Context) -> Iterator[Finding]:
    """Code that depends on the clock, unseeded randomness and similar sources: two runs with the same inputs differ."""
    for cell, effects in zip(context.cells, context.effects, strict=True):
        if effects.volatile:
            yield Finding(
                "volatile",
                "info",
                cell.index,
                f"Cell {cell.index + 1} has a different result each time ({', '.join(map(str, effects.volatile[:3]))}),"
                " so its step is not taken from the cache.",
                "Set a seed (`np.random.default_rng(0)`) or make the date a parameter; "
                "if it does not matter, tag the step `cache:enabled`.",
            )
