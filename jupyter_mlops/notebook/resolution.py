"""The values a run is given, checked before anything runs."""

from __future__ import annotations

import difflib
import json
import shlex
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from jupyter_mlops.errors import BadParameter
from jupyter_mlops.notebook.kind import Kind, kind_of
from jupyter_mlops.notebook.parameter import Parameter
from jupyter_mlops.notebook.reading import Misfit, fit, read

SAMPLES: dict[str, tuple[Any, Any]] = {
    "int": (1, 2),
    "float": (0.5, 1.5),
    "bool": (True, False),
    "str": ("a", "b"),
    "bytes": ("a", "b"),
    "date": ("2024-01-31", "2024-02-29"),
    "datetime": ("2024-01-31T12:00:00", "2024-02-29T12:00:00"),
    "Path": ("data/a.csv", "data/b.csv"),
    "None": (None, None),
}
LONGEST = 80


def resolve(
    parameters: Sequence[Parameter], given: Mapping[str, object], texts: Mapping[str, str]
) -> dict[str, object]:
    """The values to inject, in the order of declaration; what was not given keeps its default and is left out.

    :param given: typed values, of YAML or an API. Dates and paths may be text, tuples and sets lists.
    :param texts: values as written on a command line, read by their declared types. They win over `given`.
    :raises BadParameter: a name that is not declared, a value that is not of its type, or none where one is required.
    """
    _require_declared(parameters, [*given, *texts])
    _require_given(parameters, {*given, *texts})
    values: dict[str, object] = {}
    for parameter in parameters:
        name = parameter.name
        if name in texts:
            values[name] = _checked(parameter, texts[name], written=True)
        elif name in given:
            values[name] = _checked(parameter, _without_numpy(given[name]), written=False)
    return values


def _checked(parameter: Parameter, value: Any, *, written: bool) -> object:
    kind = Kind("any", "") if parameter.type in ("", "None") else kind_of(parameter.type)
    try:
        return read(value, kind) if written else fit(value, kind)
    except Misfit as misfit:
        raise _bad_value(parameter.name, misfit, kind, written=written) from None
    except RecursionError:
        raise BadParameter("the value is nested too deep", where=f"parameter `{parameter.name}`") from None


def _bad_value(name: str, misfit: Misfit, kind: Kind, *, written: bool) -> BadParameter:
    place = f"`{name}{misfit.path}` is " if misfit.path else "got "
    got = _short(misfit.value)
    if not written or misfit.path:
        got += f" ({type(misfit.value).__name__})"
    return BadParameter(
        f"{place}{got}, wanted {_wanted(misfit.kind)}",
        where=f"parameter `{name}`",
        remedy=_remedy(name, misfit, kind, written=written),
    )


def _wanted(kind: Kind) -> str:
    return f"one of {', '.join(map(repr, kind.choices))}" if kind.choices else kind.text


def _remedy(name: str, misfit: Misfit, kind: Kind, *, written: bool) -> str:
    words = [c for c in misfit.kind.choices if isinstance(c, str)]
    nearest = difflib.get_close_matches(misfit.value, words, 1) if isinstance(misfit.value, str) else []
    if nearest:
        return f"Did you mean {nearest[0]!r}?"
    sample = _samples(kind)[0]
    if kind.name == "str" and isinstance(misfit.value, int | float):
        return f"Write it in quotes: {name}: {json.dumps(_short(misfit.value))}"
    if not written:
        return f"Example: {name}: {json.dumps(sample)}"
    return f"Example: -p {name} {shlex.quote(sample if isinstance(sample, str) else json.dumps(sample))}"


def _samples(kind: Kind) -> tuple[Any, Any]:
    """Two values of a kind, as JSON has them."""
    if kind.choices:
        return kind.choices[0], kind.choices[-1]
    if kind.name == "union":
        return _samples(next((p for p in kind.parts if p.name != "None"), kind.parts[0]))
    if kind.name == "dict":
        keys, values = [_samples(p) for p in kind.parts] or [("a", "b"), (1, 2)]
        return dict(zip(map(str, keys), values, strict=True)), {}
    if kind.name == "tuple" and kind.parts and not kind.repeats:
        return [_samples(p)[0] for p in kind.parts], [_samples(p)[1] for p in kind.parts]
    if kind.name in ("list", "tuple", "set", "frozenset"):
        one, two = _samples(kind.parts[0]) if kind.parts else ("a", "b")
        return [one, two], [two]
    return SAMPLES.get(kind.name, ("a", "b"))


def _require_declared(parameters: Sequence[Parameter], names: Iterable[str]) -> None:
    declared = [p.name for p in parameters]
    unknown = list(dict.fromkeys(n for n in names if n not in declared))
    if not unknown:
        return
    name = unknown[0]
    where = f"parameter `{name}`"
    if not declared:
        raise BadParameter(
            f"no parameter `{name}`: the notebook has no `parameters` cell that declares one",
            where=where,
            remedy=f"Tag a cell `parameters` and give `{name}` a default in it, such as `{_as_name(name)} = 1`.",
        )
    nearest = difflib.get_close_matches(name, declared, 1)
    hint = f"Did you mean `{nearest[0]}`? " if nearest else ""
    raise BadParameter(
        f"no parameter {', '.join(f'`{n}`' for n in unknown)}",
        where=where,
        remedy=f"{hint}Parameters: {', '.join(f'`{n}`' for n in declared)}.",
    )


def _as_name(name: str) -> str:
    return name if name.isidentifier() else "name"


def _require_given(parameters: Sequence[Parameter], names: set[str]) -> None:
    missing = [p for p in parameters if p.required and p.name not in names]
    if not missing:
        return
    all_names = ", ".join(f"`{p.name}`" for p in missing)
    one = len(missing) == 1
    raise BadParameter(
        f"parameter {all_names} has no default" if one else f"parameters {all_names} have no default",
        where=f"parameter `{missing[0].name}`" if one else "parameters",
        remedy=f"Give {'it' if one else 'them'} with {' '.join(f'-p {p.name} VALUE' for p in missing)}.",
    )


def _short(value: object) -> str:
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # a number with too many digits, a value that is too deep
        return f"a value of type {type(value).__name__}"
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _without_numpy(value: Any) -> Any:
    """The value with numpy's scalars made Python's, at any depth of plain containers."""
    if type(value) is dict:
        return {_without_numpy(k): _without_numpy(v) for k, v in value.items()}
    if type(value) in (list, tuple, set, frozenset):
        return type(value)(_without_numpy(v) for v in value)
    if type(value).__module__ == "numpy" and getattr(value, "ndim", None) == 0:
        return value.item()
    return value
