"""What a script can't do, as an error that names the cell."""

from __future__ import annotations

from typing import NoReturn

from jupyter_mlops.errors import InvalidInputError

REMEDY = "Write it in plain Python, tag the cell `skip`, or export to an engine that runs the notebook."


def refuse(index: int, reason: str, remedy: str = REMEDY) -> NoReturn:
    """Raise InvalidInputError for a cell, by its position in the notebook."""
    raise InvalidInputError(f"{reason}, which a script can't do", where=f"cell {index + 1}", cell=index, remedy=remedy)
