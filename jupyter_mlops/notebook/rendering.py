"""Renders values as Python source."""

from __future__ import annotations

import cmath
import keyword
import math
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta, timezone
from enum import Enum
from pathlib import PurePath, PurePosixPath, PureWindowsPath
from typing import Any
from zoneinfo import ZoneInfo

from jupyter_mlops.errors import InvalidParameterError

# `__import__` would need no name, but the analysis of the cell would have to assume that it may do anything.
ALIAS = "_mlops_{}"


def to_source(values: Mapping[str, object]) -> str:
    """Python code that binds each name to its value and no other name; its values are equal and of the same types.

    :raises InvalidParameterError: a value that can't be written as source, or an invalid name.
    """
    writer = _Writer()
    lines = []
    for name, value in values.items():
        if not name.isidentifier() or keyword.iskeyword(name):
            raise InvalidParameterError(
                f"{name!r} is not a valid Python name",
                where=f"parameter `{name}`",
                remedy="Use letters, digits and `_`; keywords are not allowed.",
            )
        lines.append(f"{name} = {_source(writer, name, value)}")
    modules = sorted(writer.modules)
    imports = [f"import {m} as {ALIAS.format(m)}" for m in modules]
    deletions = [f"del {', '.join(ALIAS.format(m) for m in modules)}"] if modules else []
    return "\n".join(["# Parameters", *imports, *lines, *deletions]) + "\n"


def _source(writer: _Writer, name: str, value: object) -> str:
    try:
        return writer.write(value)
    except _Unwritable as error:
        message = f"a value of type {error} can't be written into the notebook"
    except RecursionError:
        message = "the value is nested too deep, or contains itself"
    raise InvalidParameterError(
        message,
        where=f"parameter `{name}`",
        remedy="Use numbers, text, dates, paths, or lists, tuples, sets and dicts of them.",
    )


class _Unwritable(Exception):
    """The type can't be written as source."""


class _Writer:
    def __init__(self) -> None:
        self.modules: set[str] = set()

    def write(self, value: Any) -> str:
        if isinstance(value, Enum):
            raise _Unwritable(type(value).__qualname__)
        if isinstance(value, PurePath):
            return self.path(value)
        write = self.writer_of(type(value))
        if write is None:
            if isinstance(value, dict):
                return self.dict(value)
            if type(value).__module__ == "numpy" and getattr(value, "ndim", None) == 0:
                return self.write(value.item())
            raise _Unwritable(type(value).__qualname__)
        return str(write(value))

    def writer_of(self, kind: type) -> Any:
        if kind in (type(None), bool, str, bytes):
            return repr
        return {
            int: _int_source,
            float: _float_source,
            complex: _complex_source,
            list: self.list,
            tuple: self.tuple,
            set: self.set,
            frozenset: self.frozenset,
            dict: self.dict,
            date: self.date,
            datetime: self.datetime,
            time: self.time,
            timedelta: self.timedelta,
            timezone: self.timezone,
            ZoneInfo: self.zone,
        }.get(kind)

    def all(self, values: Iterable[Any]) -> list[str]:
        return [self.write(v) for v in values]

    def list(self, value: Any) -> str:
        return f"[{', '.join(self.all(value))}]"

    def tuple(self, value: Any) -> str:
        return f"({self.write(value[0])},)" if len(value) == 1 else f"({', '.join(self.all(value))})"

    def set(self, value: Any) -> str:
        return f"{{{', '.join(sorted(self.all(value)))}}}" if value else "set()"

    def frozenset(self, value: Any) -> str:
        return f"frozenset({self.set(value)})" if value else "frozenset()"

    def dict(self, value: Any) -> str:
        return f"{{{', '.join(f'{self.write(k)}: {self.write(v)}' for k, v in value.items())}}}"

    def import_name(self, module: str, name: str) -> str:
        self.modules.add(module)
        return f"{ALIAS.format(module)}.{name}"

    def date(self, value: Any) -> str:
        return f"{self.import_name('datetime', 'date')}({value.year}, {value.month}, {value.day})"

    def datetime(self, value: Any) -> str:
        day = f"{value.year}, {value.month}, {value.day}"
        return f"{self.import_name('datetime', 'datetime')}({day}, {self.clock(value)})"

    def time(self, value: Any) -> str:
        return f"{self.import_name('datetime', 'time')}({self.clock(value)})"

    def clock(self, value: Any) -> str:
        numbers = [value.hour, value.minute]
        if value.second or value.microsecond:
            numbers.append(value.second)
        if value.microsecond:
            numbers.append(value.microsecond)
        parts = [str(n) for n in numbers]
        if value.tzinfo is not None:
            parts.append(f"tzinfo={self.write(value.tzinfo)}")
        if value.fold:
            parts.append("fold=1")
        return ", ".join(parts)

    def timedelta(self, value: Any) -> str:
        parts = {"days": value.days, "seconds": value.seconds, "microseconds": value.microseconds}
        arguments = ", ".join(f"{k}={v}" for k, v in parts.items() if v)
        return f"{self.import_name('datetime', 'timedelta')}({arguments})"

    def timezone(self, value: Any) -> str:
        if value is UTC:
            return self.import_name("datetime", "timezone.utc")
        offset = value.utcoffset(None)
        name = value.tzname(None)
        name_argument = "" if timezone(offset).tzname(None) == name else f", {name!r}"
        return f"{self.import_name('datetime', 'timezone')}({self.timedelta(offset)}{name_argument})"

    def zone(self, value: Any) -> str:
        if value.key is None:
            raise _Unwritable(type(value).__qualname__)
        return f"{self.import_name('zoneinfo', 'ZoneInfo')}({value.key!r})"

    def path(self, value: PurePath) -> str:
        pure_types = {PurePosixPath: "PurePosixPath", PureWindowsPath: "PureWindowsPath"}
        return f"{self.import_name('pathlib', pure_types.get(type(value), 'Path'))}({str(value)!r})"


def _int_source(value: int) -> str:
    try:
        return repr(value)
    except ValueError:  # more digits than Python writes in decimal
        return hex(value)


def _float_source(value: float) -> str:
    return repr(value) if math.isfinite(value) else f'float("{value!r}")'


def _complex_source(value: complex) -> str:
    if cmath.isfinite(value) and value.real == 0 and math.copysign(1, value.real) > 0:
        return repr(value)
    return f"complex({_float_source(value.real)}, {_float_source(value.imag)})"
