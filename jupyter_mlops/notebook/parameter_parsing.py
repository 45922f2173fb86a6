"""Reads a value as the declared type of its parameter, or checks it."""

from __future__ import annotations

import ast
import json
import warnings
from collections.abc import Callable, Mapping
from datetime import date, datetime
from pathlib import Path, PurePath
from typing import Any

from jupyter_mlops.notebook.parameter_type import ParameterType

TRUE = frozenset({"true", "yes", "on", "1"})
FALSE = frozenset({"false", "no", "off", "0"})
NONE = frozenset({"None", "null"})
BUILDERS: dict[str, Callable[[Any], Any]] = {"list": list, "tuple": tuple, "set": set, "frozenset": frozenset}


Keys = tuple[object, ...]


class TypeMismatch(Exception):
    """A value does not have the declared type.

    :param keys: the positions and keys of the part that does not fit.
    """

    def __init__(self, value: object, kind: ParameterType, keys: Keys = ()) -> None:
        super().__init__(value, kind, keys)
        self.value = value
        self.kind = kind
        self.keys = keys

    @property
    def path(self) -> str:
        """The keys as in a Python expression, such as `[2]['a']`."""
        return "".join(f"[{key!r}]" for key in self.keys)


def parse_untyped(text: str) -> object:
    """A text without a declared type, read as papermill's `-p` option reads it."""
    if text in ("True", "False", "None"):
        return {"True": True, "False": False, "None": None}[text]
    for convert in (int, float):
        try:
            return convert(text)
        except ValueError:
            continue
    return text


def parse_text(text: str, kind: ParameterType) -> object:
    """The value of a command-line text.

    :raises TypeMismatch: the text is not a value of the type.
    """
    if kind.name == "any":
        return parse_untyped(text)
    if kind.name == "union":
        return _parse_union(text, kind)
    if kind.name == "literal":
        return _parse_choice(text, kind)
    if kind.name in READERS:
        try:
            return READERS[kind.name](text)
        except (ValueError, OverflowError):
            raise TypeMismatch(text, kind) from None
    return fit(_parse_literal(text, kind), kind, from_text=True)


def fit(value: object, kind: ParameterType, keys: Keys = (), *, from_text: bool = False) -> object:
    """The value, if it has the type. Dates and paths are created from text, containers from their JSON form.

    :param from_text: the value was read from a text, in which `2` may mean `2.0`.
    :raises TypeMismatch: the value does not have the type.
    """
    if kind.name == "any":
        return value
    if kind.name == "union":
        return _fit_union(value, kind, keys, from_text)
    if kind.name == "literal":
        for choice in kind.choices:
            if type(choice) is type(value) and choice == value:
                return value
        raise TypeMismatch(value, kind, keys)
    if kind.name == "dict":
        return _fit_dict(value, kind, keys, from_text)
    if kind.name in BUILDERS:
        return _fit_elements(value, kind, keys, from_text)
    return _fit_scalar(value, kind, keys, from_text)


def _fit_scalar(value: object, kind: ParameterType, keys: Keys, from_text: bool) -> object:
    try:
        if kind.name == "float" and _is_number(value):
            return float(value) if from_text else value  # type: ignore[arg-type]
        if kind.name in FROM_TEXT and isinstance(value, str):
            return FROM_TEXT[kind.name](value)
    except (ValueError, OverflowError):
        raise TypeMismatch(value, kind, keys) from None
    if kind.name == "datetime" and isinstance(value, date) and not isinstance(value, datetime):
        return datetime(value.year, value.month, value.day)
    if not _is_instance(value, kind.name):
        raise TypeMismatch(value, kind, keys)
    return value


def _is_instance(value: object, name: str) -> bool:
    match name:
        case "int":
            return isinstance(value, int) and not isinstance(value, bool)
        case "date":
            return isinstance(value, date) and not isinstance(value, datetime)
        case "None":
            return value is None
        case "Path":
            return isinstance(value, PurePath)
    return isinstance(value, CLASSES.get(name, ()))


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _fit_elements(value: object, kind: ParameterType, keys: Keys, from_text: bool) -> object:
    allowed_types = (list, tuple, set, frozenset) if kind.name in ("set", "frozenset") else (list, tuple)
    if not isinstance(value, allowed_types):
        raise TypeMismatch(value, kind, keys)
    elements = list(value)
    is_fixed_length = kind.name == "tuple" and kind.parts and not kind.repeats
    if is_fixed_length and len(elements) != len(kind.parts):
        raise TypeMismatch(value, kind, keys)
    if kind.parts:
        parts = kind.parts if is_fixed_length else kind.parts * len(elements)
        pairs = enumerate(zip(elements, parts, strict=True))
        elements = [fit(e, element_kind, (*keys, i), from_text=from_text) for i, (e, element_kind) in pairs]
    try:
        return BUILDERS[kind.name](elements)
    except TypeError:
        raise TypeMismatch(value, kind, keys) from None


def _fit_dict(value: object, kind: ParameterType, keys: Keys, from_text: bool) -> object:
    if not isinstance(value, Mapping):
        raise TypeMismatch(value, kind, keys)
    if not kind.parts:
        return dict(value)
    key_kind, value_kind = kind.parts
    return {
        _fit_key(k, key_kind, keys, from_text): fit(v, value_kind, (*keys, k), from_text=from_text)
        for k, v in value.items()
    }


def _fit_key(key: object, kind: ParameterType, keys: Keys, from_text: bool) -> object:
    """The key. JSON has only text keys."""
    try:
        return fit(key, kind, keys, from_text=from_text)
    except TypeMismatch:
        if not isinstance(key, str):
            raise
    try:
        return parse_text(key, kind)
    except TypeMismatch as misfit:
        raise TypeMismatch(key, misfit.kind, keys) from None


def _fit_union(value: object, kind: ParameterType, keys: Keys, from_text: bool) -> object:
    mismatches = []
    for alternative in kind.parts:
        try:
            return fit(value, alternative, keys, from_text=from_text)
        except TypeMismatch as misfit:
            mismatches.append(misfit)
    raise _best_mismatch(mismatches, TypeMismatch(value, kind, keys))


def _parse_union(text: str, kind: ParameterType) -> object:
    if text in NONE and any(p.name == "None" for p in kind.parts):
        return None
    mismatches = []
    for alternative in kind.parts:
        try:
            return parse_text(text, alternative)
        except TypeMismatch as misfit:
            mismatches.append(misfit)
    raise _best_mismatch(mismatches, TypeMismatch(text, kind))


def _best_mismatch(mismatches: list[TypeMismatch], default: TypeMismatch) -> TypeMismatch:
    """The mismatch of the alternative that is clearly closest, or that of the whole type."""
    closer_mismatches = [m for m in mismatches if len(m.keys) > len(default.keys)]
    return closer_mismatches[0] if len(closer_mismatches) == 1 else default


def _parse_choice(text: str, kind: ParameterType) -> object:
    for choice in kind.choices:
        if isinstance(choice, str):
            if text == choice:
                return choice
            continue
        try:
            value = parse_text(text, ParameterType(type(choice).__name__ if choice is not None else "None", ""))
        except TypeMismatch:
            continue
        if value == choice:
            return choice
    raise TypeMismatch(text, kind)


def _parse_literal(text: str, kind: ParameterType) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.literal_eval(text.strip())
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError):
        raise TypeMismatch(text, kind) from None


def _parse_bool(text: str) -> bool:
    word = text.strip().lower()
    if word not in TRUE | FALSE:
        raise ValueError(text)
    return word in TRUE


def _parse_none(text: str) -> None:
    if text.strip() not in NONE:
        raise ValueError(text)


def _parse_date(text: str) -> date:
    return date.fromisoformat(text.strip())


def _parse_datetime(text: str) -> datetime:
    return datetime.fromisoformat(text.strip())


def _parse_exponent(text: str) -> float:
    """A number such as `1e-3`, which YAML 1.1 reads as text because it has no decimal point."""
    if "e" not in text.lower() or not text.strip()[-1:].isdigit():
        raise ValueError(text)
    return float(text)


READERS: dict[str, Callable[[str], object]] = {
    "str": str,
    "int": int,
    "float": float,
    "bool": _parse_bool,
    "None": _parse_none,
    "bytes": lambda text: text.encode("utf-8", "surrogateescape"),
    "date": _parse_date,
    "datetime": _parse_datetime,
    "Path": Path,
}
FROM_TEXT: dict[str, Callable[[str], object]] = {
    "float": _parse_exponent,
    "date": _parse_date,
    "datetime": _parse_datetime,
    "Path": Path,
}
CLASSES: dict[str, type] = {"bool": bool, "str": str, "bytes": bytes, "datetime": datetime}
