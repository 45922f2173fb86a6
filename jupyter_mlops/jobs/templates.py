"""Values of parameters that are only known when a run is made: `{{ scheduled_time }}` and the like."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from jupyter_mlops.errors import BadParameter

HOLE = re.compile(r"\{\{\s*(\w+)\s*\}\}")
NAMES = ("scheduled_time", "previous_success_time", "run_id")


def names_in(value: Any) -> set[str]:
    """The names that stand in holes anywhere in a value."""
    if isinstance(value, str):
        return set(HOLE.findall(value))
    if isinstance(value, Mapping):
        return {name for item in value.values() for name in names_in(item)}
    if isinstance(value, list | tuple):
        return {name for item in value for name in names_in(item)}
    return set()


def check(parameters: Mapping[str, Any]) -> None:
    """Raises BadParameter for a hole that nothing fills."""
    for name, value in parameters.items():
        unknown = names_in(value) - set(NAMES)
        if unknown:
            raise BadParameter(
                f"nothing is known of {{{{ {sorted(unknown)[0]} }}}}",
                where=f"parameter {name}",
                remedy=f"Known are {', '.join(NAMES)}.",
            )


def fill(value: Any, known: Mapping[str, str]) -> Any:
    """The value with its holes filled."""
    if isinstance(value, str):
        return HOLE.sub(lambda found: known.get(found[1], found[0]), value)
    if isinstance(value, Mapping):
        return {key: fill(item, known) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [fill(item, known) for item in value]
    return value
