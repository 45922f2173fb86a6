"""A value read or checked against the kind its parameter declares."""

from __future__ import annotations

import ast
import json
import warnings
from collections.abc import Callable, Mapping
from datetime import date, datetime
from pathlib import Path, PurePath
from typing import Any

from jupyter_mlops.notebook.kind import Kind

TRUE = frozenset({"true", "yes", "on", "1"})
FALSE = frozenset({"false", "no", "off", "0"})
NONE = frozenset({"None", "null"})
BUILDERS: dict[str, Callable[[Any], Any]] = {"list": list, "tuple": tuple, "set": set, "frozenset": frozenset}


class Misfit(Exception):
    """A value is not of its kind; `path` leads to the part of it that isn't, such as `[2]`."""

    def __init__(self, value: object, kind: Kind, path: str = "") -> None:
        super().__init__(value, kind, path)
        self.value = value
        self.kind = kind
        self.path = path


def free(text: str) -> object:
    """A text without a declared type, read as papermill's `-p` reads it."""
    if text in ("True", "False", "None"):
        return {"True": True, "False": False, "None": None}[text]
    for read in (int, float):
        try:
            return read(text)
        except ValueError:
            continue
    return text


def read(text: str, kind: Kind) -> object:
    """The value that a text of the command line means.

    :raises Misfit: it means none of that kind.
    """
    if kind.name == "any":
        return free(text)
    if kind.name == "union":
        return _read_union(text, kind)
    if kind.name == "literal":
        return _read_choice(text, kind)
    if kind.name in READERS:
        try:
            return READERS[kind.name](text)
        except (ValueError, OverflowError):
            raise Misfit(text, kind) from None
    return fit(_written(text, kind), kind, written=True)


def fit(value: object, kind: Kind, path: str = "", *, written: bool = False) -> object:
    """The value, if it is of the kind; dates and paths made of their text, containers of the JSON that stands for them.

    :param written: the value was read from a text, where `2` can stand for `2.0`.
    :raises Misfit: it is not of the kind.
    """
    if kind.name == "any":
        return value
    if kind.name == "union":
        return _fit_union(value, kind, path, written)
    if kind.name == "literal":
        for choice in kind.choices:
            if type(choice) is type(value) and choice == value:
                return value
        raise Misfit(value, kind, path)
    if kind.name == "dict":
        return _fit_dict(value, kind, path, written)
    if kind.name in BUILDERS:
        return _fit_elements(value, kind, path, written)
    return _fit_scalar(value, kind, path, written)


def _fit_scalar(value: object, kind: Kind, path: str, written: bool) -> object:
    try:
        if kind.name == "float" and _is_number(value):
            return float(value) if written else value  # type: ignore[arg-type]
        if kind.name in FROM_TEXT and isinstance(value, str):
            return FROM_TEXT[kind.name](value)
    except (ValueError, OverflowError):
        raise Misfit(value, kind, path) from None
    if kind.name == "datetime" and isinstance(value, date) and not isinstance(value, datetime):
        return datetime(value.year, value.month, value.day)
    if not _is(value, kind.name):
        raise Misfit(value, kind, path)
    return value


def _is(value: object, name: str) -> bool:
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


def _fit_elements(value: object, kind: Kind, path: str, written: bool) -> object:
    wanted = (list, tuple, set, frozenset) if kind.name in ("set", "frozenset") else (list, tuple)
    if not isinstance(value, wanted):
        raise Misfit(value, kind, path)
    elements = list(value)
    fixed = kind.name == "tuple" and kind.parts and not kind.repeats
    if fixed and len(elements) != len(kind.parts):
        raise Misfit(value, kind, path)
    if kind.parts:
        parts = kind.parts if fixed else kind.parts * len(elements)
        pairs = enumerate(zip(elements, parts, strict=True))
        elements = [fit(e, part, f"{path}[{i}]", written=written) for i, (e, part) in pairs]
    try:
        return BUILDERS[kind.name](elements)
    except TypeError:
        raise Misfit(value, kind, path) from None


def _fit_dict(value: object, kind: Kind, path: str, written: bool) -> object:
    if not isinstance(value, Mapping):
        raise Misfit(value, kind, path)
    if not kind.parts:
        return dict(value)
    key_kind, value_kind = kind.parts
    return {
        _key(k, key_kind, path, written): fit(v, value_kind, f"{path}[{k!r}]", written=written)
        for k, v in value.items()
    }


def _key(key: object, kind: Kind, path: str, written: bool) -> object:
    """The key; JSON has text alone for it."""
    try:
        return fit(key, kind, path, written=written)
    except Misfit:
        if not isinstance(key, str):
            raise
    try:
        return read(key, kind)
    except Misfit as misfit:
        raise Misfit(key, misfit.kind, path) from None


def _fit_union(value: object, kind: Kind, path: str, written: bool) -> object:
    misfits = []
    for part in kind.parts:
        try:
            return fit(value, part, path, written=written)
        except Misfit as misfit:
            misfits.append(misfit)
    raise _nearest(misfits, Misfit(value, kind, path))


def _read_union(text: str, kind: Kind) -> object:
    if text in NONE and any(p.name == "None" for p in kind.parts):
        return None
    misfits = []
    for part in kind.parts:
        try:
            return read(text, part)
        except Misfit as misfit:
            misfits.append(misfit)
    raise _nearest(misfits, Misfit(text, kind))


def _nearest(misfits: list[Misfit], whole: Misfit) -> Misfit:
    """The misfit of the one alternative that came closer than the others, or that of the whole."""
    deeper = [m for m in misfits if len(m.path) > len(whole.path)]
    return deeper[0] if len(deeper) == 1 else whole


def _read_choice(text: str, kind: Kind) -> object:
    for choice in kind.choices:
        if isinstance(choice, str):
            if text == choice:
                return choice
            continue
        try:
            own = read(text, Kind(type(choice).__name__ if choice is not None else "None", ""))
        except Misfit:
            continue
        if own == choice:
            return choice
    raise Misfit(text, kind)


def _written(text: str, kind: Kind) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.literal_eval(text.strip())
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError):
        raise Misfit(text, kind) from None


def _bool(text: str) -> bool:
    word = text.strip().lower()
    if word not in TRUE | FALSE:
        raise ValueError(text)
    return word in TRUE


def _none(text: str) -> None:
    if text.strip() not in NONE:
        raise ValueError(text)


def _date(text: str) -> date:
    return date.fromisoformat(text.strip())


def _datetime(text: str) -> datetime:
    return datetime.fromisoformat(text.strip())


def _exponent(text: str) -> float:
    """A number such as `1e-3`, which YAML 1.1 takes for text because it has no point."""
    if "e" not in text.lower() or not text.strip()[-1:].isdigit():
        raise ValueError(text)
    return float(text)


READERS: dict[str, Callable[[str], object]] = {
    "str": str,
    "int": int,
    "float": float,
    "bool": _bool,
    "None": _none,
    "bytes": lambda text: text.encode("utf-8", "surrogateescape"),
    "date": _date,
    "datetime": _datetime,
    "Path": Path,
}
FROM_TEXT: dict[str, Callable[[str], object]] = {
    "float": _exponent,
    "date": _date,
    "datetime": _datetime,
    "Path": Path,
}
CLASSES: dict[str, type] = {"bool": bool, "str": str, "bytes": bytes, "datetime": datetime}
