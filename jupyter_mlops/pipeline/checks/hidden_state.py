"""Names that only a later cell defines."""

from __future__ import annotations

from collections.abc import Iterator

from jupyter_mlops.pipeline.checks.finding import Finding
from jupyter_mlops.pipeline.checks.rule import Context, rule
from jupyter_mlops.pipeline.checks.unbound import unbound


@rule("hidden_state")
def hidden_state(context: Context) -> Iterator[Finding]:
    """The notebook worked because a later cell had run before. A fresh kernel does not have the name yet."""
    for lookup in unbound(context):
        if lookup.later_cell is None:
            continue
        subject = f"the function `{lookup.function}`, called or defined here," if lookup.function else "it"
        yield Finding(
            "hidden_state",
            "error" if lookup.certain else "warning" if lookup.function else "info",
            lookup.cell,
            f"Cell {lookup.cell + 1}: {subject} reads `{lookup.name}`, which only cell {lookup.later_cell + 1}, below"
            " it, defines.",
            f"Move cell {lookup.later_cell + 1} above cell {lookup.cell + 1}, or define `{lookup.name}` before it is"
            " read.",
        )
