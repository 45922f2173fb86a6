"""Names that are not defined."""

from __future__ import annotations

from collections.abc import Iterator

from jupyter_mlops.pipeline.checks.finding import Finding, Severity
from jupyter_mlops.pipeline.checks.rule import Context, rule
from jupyter_mlops.pipeline.checks.unbound import Unbound, unbound


@rule("undefined_names")
def undefined_names(context: Context) -> Iterator[Finding]:
    """A cell reads a name that no cell binds, or that was deleted.

    This is an error if the cell itself reads it, a warning if only a function's body does, and a remark below code that
    can't be analyzed (`exec`, `%run`), which may have bound it.
    """
    for lookup in unbound(context):
        if lookup.later_cell is None:
            severity: Severity = "error" if lookup.certain else "warning" if lookup.function else "info"
            yield Finding("undefined_names", severity, lookup.cell, _message(lookup), _fix(lookup))


def _message(lookup: Unbound) -> str:
    subject = f"Cell {lookup.cell + 1} reads `{lookup.name}`"
    if lookup.function:
        subject = f"The function `{lookup.function}` that cell {lookup.cell + 1} defines or calls reads `{lookup.name}`"
    if lookup.deleting_cell is not None:
        return f"{subject}, which cell {lookup.deleting_cell + 1} has deleted."
    if lookup.certain or lookup.function:
        return f"{subject}, which no cell defines."
    return f"{subject}, which no cell defines, unless code above that can't be analyzed does."


def _fix(lookup: Unbound) -> str:
    if lookup.name == "__file__":
        return "A notebook has no `__file__`; its folder is the working directory: use `Path.cwd()`."
    if lookup.deleting_cell is not None:
        return f"Delete `{lookup.name}` later, or not at all."
    return f"Define or import `{lookup.name}` in a cell above, or make it a parameter."
