"""Values of parameters that are only known when a run is made: `{{ scheduled_time }}` and the like."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from jupyter_mlops.errors import BadParameter
from jupyter_mlops.notebook.parameter import Parameter, json_form
from jupyter_mlops.notebook.parameters import resolve

NAMES = ("scheduled_time", "previous_success_time", "run_id")
# A word in braces; or more than that about one of our names, which nothing fills either.
HOLE = re.compile(rf"\{{\{{\s*(\w+|[^{{}}]*?\b(?:{'|'.join(NAMES)})\b[^{{}}]*?)\s*\}}\}}")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\S+")
SAMPLE = {"scheduled_time": "2026-01-31T06:00:00+00:00", "previous_success_time": "2026-01-30T06:00:00+00:00",
          "run_id": "20260131-060000-0a1b2c3d"}  # fmt: skip


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


def filled(values: Mapping[str, Any], parameters: Sequence[Parameter], known: Mapping[str, str]) -> dict[str, Any]:
    """Values with their holes filled, as the parameters' types have them and JSON can say them.

    A date is the beginning of a time. What was never there, as the time of the first success before it, leaves a
    parameter that can't be empty with its default.

    :raises BadParameter: a type can't have what was filled in.
    """
    declared = {parameter.name: parameter for parameter in parameters}
    found: dict[str, Any] = {}
    for name, value in values.items():
        if not names_in(value):
            found[name] = value
        elif name not in declared:
            found[name] = fill(value, known)
        else:
            found |= _read(declared[name], fill(value, known))
    return found


def _read(parameter: Parameter, value: Any) -> dict[str, Any]:
    name = parameter.name
    ways: list[tuple[dict[str, object], dict[str, str]]] = [({name: value}, {})]
    if isinstance(value, str):
        ways.append(({}, {name: value}))
        if TIME.fullmatch(value):
            ways.append(({}, {name: value[:10]}))
    for given, texts in ways:
        try:
            return {name: json_form(resolve((parameter,), given, texts)[name])}
        except BadParameter as error:
            problem = error
    if value == "" and not parameter.required:
        return {}
    raise problem
