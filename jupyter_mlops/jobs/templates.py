"""Templates in parameter values, filled in when a run begins: `{{ scheduled_time }}` and others."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from jupyter_mlops.errors import InvalidParameterError
from jupyter_mlops.notebook.parameter import Parameter, json_form
from jupyter_mlops.notebook.parameters import resolve

NAMES = ("scheduled_time", "previous_success_time", "run_id")
# A word in braces, or a longer expression that contains a known name, which is rejected as well.
HOLE = re.compile(rf"\{{\{{\s*(\w+|[^{{}}]*?\b(?:{'|'.join(NAMES)})\b[^{{}}]*?)\s*\}}\}}")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\S+")
SAMPLE = {"scheduled_time": "2026-01-31T06:00:00+00:00", "previous_success_time": "2026-01-30T06:00:00+00:00",
          "run_id": "20260131-060000-0a1b2c3d"}  # fmt: skip


def names_in(value: Any) -> set[str]:
    """The template names anywhere in a value."""
    if isinstance(value, str):
        return set(HOLE.findall(value))
    if isinstance(value, Mapping):
        return {name for item in value.values() for name in names_in(item)}
    if isinstance(value, list | tuple):
        return {name for item in value for name in names_in(item)}
    return set()


def check(parameters: Mapping[str, Any]) -> None:
    """Raises InvalidParameterError for an unknown template."""
    for name, value in parameters.items():
        unknown = names_in(value) - set(NAMES)
        if unknown:
            raise InvalidParameterError(
                f"unknown template {{{{ {sorted(unknown)[0]} }}}}",
                where=f"parameter {name}",
                field=f"parameters.{name}",
                remedy=f"Use {', '.join(NAMES)}.",
            )


def fill(value: Any, template_values: Mapping[str, str]) -> Any:
    """The value with its templates filled in."""
    if isinstance(value, str):
        return HOLE.sub(lambda match: template_values.get(match[1], match[0]), value)
    if isinstance(value, Mapping):
        return {key: fill(item, template_values) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [fill(item, template_values) for item in value]
    return value


def filled(
    values: Mapping[str, Any], parameters: Sequence[Parameter], template_values: Mapping[str, str]
) -> dict[str, Any]:
    """Values with their templates filled in, in the parameters' types and JSON form.

    A date parameter takes the date part of a time. If a value does not exist, such as the time of a success before the
    first one, a parameter that cannot be empty keeps its default.

    :raises InvalidParameterError: the filled-in value does not fit the type.
    """
    declared = {parameter.name: parameter for parameter in parameters}
    values_by_name: dict[str, Any] = {}
    for name, value in values.items():
        if not names_in(value):
            values_by_name[name] = value
        elif name not in declared:
            values_by_name[name] = fill(value, template_values)
        else:
            values_by_name |= _read(declared[name], fill(value, template_values))
    return values_by_name


def _read(parameter: Parameter, value: Any) -> dict[str, Any]:
    name = parameter.name
    ways: list[tuple[dict[str, object], dict[str, str]]] = [({name: value}, {})]
    if isinstance(value, str):
        ways.append(({}, {name: value}))
        if TIME.fullmatch(value):
            ways.append(({}, {name: value[:10]}))
    for candidate, texts in ways:
        try:
            return {name: json_form(resolve((parameter,), candidate, texts)[name])}
        except InvalidParameterError as error:
            problem = error
    if value == "" and not parameter.is_required:
        return {}
    raise problem
