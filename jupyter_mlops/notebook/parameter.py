"""One parameter: a name, type, default and help text."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any


@dataclass(frozen=True)
class Parameter:
    """A name, type, default and help text.

    :param type: `int`, `float`, `bool`, `str`, `list`, `dict`, `tuple`, `set`, `date`, `datetime`, `Path`, `None`,
        an annotation as written (`Literal['a', 'b']`, `int | None`), or "" when the default tells none.
    :param default: the value as JSON can show it; the source text where it is not a literal.
    :param source: the default as written, `""` when the annotation stands alone.
    :param choices: allowed values of a `Literal`.
    :param literal: whether `default` is the value itself.
    :param cell: position of the cell in the notebook.
    """

    name: str
    type: str
    default: Any
    help: str
    source: str = ""
    choices: tuple[Any, ...] = ()
    literal: bool = True
    cell: int = -1

    @property
    def is_required(self) -> bool:
        """Whether it has an annotation but no value."""
        return not self.source and self.default is None


def json_form(value: object) -> Any:
    """The value as JSON: dates in ISO form, tuples and sets as lists, types that JSON lacks as text."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else repr(float(value))
    if isinstance(value, Mapping):
        return {k if isinstance(k, str) else str(k): json_form(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [json_form(v) for v in value]
    if isinstance(value, set | frozenset):
        return [json_form(v) for v in _sorted(value)]
    if isinstance(value, date | datetime | time):
        return value.isoformat()
    return str(value)


def _sorted(values: set[Any] | frozenset[Any]) -> list[Any]:
    try:
        return sorted(values)
    except TypeError:
        return sorted(values, key=repr)
