"""Cells that Python can't parse."""

from __future__ import annotations

from collections.abc import Iterator

from jupyter_mlops.pipeline.checks.cell import CodeCell
from jupyter_mlops.pipeline.checks.finding import Finding
from jupyter_mlops.pipeline.checks.rule import Context, rule


@rule("syntax")
def syntax(context: Context) -> Iterator[Finding]:
    """A cell with a syntax error stops Run All, and the notebook has no valid pipeline."""
    for cell in context.cells:
        if cell.error is not None:
            yield Finding("syntax", "error", cell.index, _message(cell, cell.error), _FIX)


_FIX = "Correct the line, make the cell a Markdown or raw cell, or tag it `skip`."


def _message(cell: CodeCell, error: SyntaxError) -> str:
    text = (error.text or "").strip()
    location = f"line {error.lineno} of cell {cell.index + 1}" if error.lineno else f"cell {cell.index + 1}"
    return f"Python can't read {location}: {error.msg}" + (f" — `{text}`" if text else "")
