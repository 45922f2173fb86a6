"""Names that only a cell further down defines."""

from __future__ import annotations

from collections.abc import Iterator

from jupyter_mlops.pipeline.checks.finding import Finding
from jupyter_mlops.pipeline.checks.rule import Context, rule
from jupyter_mlops.pipeline.checks.unbound import unbound


@rule("hidden_state")
def hidden_state(context: Context) -> Iterator[Finding]:
    """The notebook worked because a cell below had been run before: a fresh kernel does not have the name yet."""
    for one in unbound(context):
        if one.below is None:
            continue
        reader = f"the function `{one.through}`, called or defined here," if one.through else "it"
        yield Finding(
            "hidden_state",
            "error" if one.sure else "warning" if one.through else "info",
            one.cell,
            f"Cell {one.cell + 1}: {reader} reads `{one.name}`, which only cell {one.below + 1}, below it, defines.",
            f"Move cell {one.below + 1} above cell {one.cell + 1}, or define `{one.name}` before it is read.",
        )
