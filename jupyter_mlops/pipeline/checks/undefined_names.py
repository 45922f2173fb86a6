"""Names that nothing defines."""

from __future__ import annotations

from collections.abc import Iterator

from jupyter_mlops.pipeline.checks.finding import Finding, Severity
from jupyter_mlops.pipeline.checks.rule import Context, rule
from jupyter_mlops.pipeline.checks.unbound import Unbound, unbound


@rule("undefined_names")
def undefined_names(context: Context) -> Iterator[Finding]:
    """A name is read that no cell binds, or that is gone by then.

    An error where the cell itself reads it; a warning where only a function's body does; no more than
    a remark below code that can't be followed (`exec`, `%run`), which may have bound it.
    """
    for one in unbound(context):
        if one.below is None:
            severity: Severity = "error" if one.sure else "warning" if one.through else "info"
            yield Finding("undefined_names", severity, one.cell, _message(one), _fix(one))


def _message(one: Unbound) -> str:
    reader = f"Cell {one.cell + 1} reads `{one.name}`"
    if one.through:
        reader = f"The function `{one.through}` that cell {one.cell + 1} defines or calls reads `{one.name}`"
    if one.deleted is not None:
        return f"{reader}, which cell {one.deleted + 1} has deleted."
    if one.sure or one.through:
        return f"{reader}, which no cell defines."
    return f"{reader}, which no cell defines, unless the code above that can't be followed does."


def _fix(one: Unbound) -> str:
    if one.name == "__file__":
        return "A notebook has no `__file__`; its folder is the working directory: use `Path.cwd()`."
    if one.deleted is not None:
        return f"Delete `{one.name}` later, or not at all."
    return f"Define or import `{one.name}` in a cell above, or make it a parameter."
