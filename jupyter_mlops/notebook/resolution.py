"""The parameter values of a run, checked before anything runs."""

from __future__ import annotations

import difflib
import json
import shlex
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from jupyter_mlops.errors import InvalidParameterError
from jupyter_mlops.notebook.parameter import Parameter
from jupyter_mlops.notebook.parameter_parsing import TypeMismatch, fit, parse_text
from jupyter_mlops.notebook.parameter_type import ParameterType, kind_of

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
MAX_REPR_LENGTH = 80
QUOTE_REMEDY = "Write it in quotes: "


def resolve(
    parameters: Sequence[Parameter], typed_values: Mapping[str, object], texts: Mapping[str, str]
) -> dict[str, object]:
    """The values to inject, in the order of declaration. Parameters without a value keep their default and are left
    out.

    :param typed_values: typed values, of YAML or an API. Dates and paths may be text, tuples and sets lists.
    :param texts: values as written on a command line, read by their declared types. They win over `typed_values`.
    :raises InvalidParameterError: an undeclared name, a value of the wrong type, or a missing value.
    """
    _require_declared(parameters, [*typed_values, *texts])
    _require_values(parameters, {*typed_values, *texts})
    values: dict[str, object] = {}
    for parameter in parameters:
        name = parameter.name
        if name in texts:
            values[name] = _check_value(parameter, texts[name], from_text=True)
        elif name in typed_values:
            values[name] = _check_value(parameter, _without_numpy(typed_values[name]), from_text=False)
    return values


def _check_value(parameter: Parameter, value: Any, *, from_text: bool) -> object:
    kind = ParameterType("any", "") if parameter.type in ("", "None") else kind_of(parameter.type)
    try:
        return parse_text(value, kind) if from_text else fit(value, kind)
    except TypeMismatch as misfit:
        raise _value_error(parameter.name, misfit, kind, from_text=from_text) from None
    except RecursionError:
        raise InvalidParameterError(
            "the value is nested too deep", where=f"parameter `{parameter.name}`", field=f"parameters.{parameter.name}"
        ) from None


def _value_error(name: str, mismatch: TypeMismatch, kind: ParameterType, *, from_text: bool) -> InvalidParameterError:
    prefix = f"`{name}{mismatch.path}` is " if mismatch.path else "got "
    actual = _short_repr(mismatch.value)
    if not from_text or mismatch.path:
        actual += f" ({type(mismatch.value).__name__})"
    quoted = _is_unquoted_text(mismatch, as_text=from_text)
    return InvalidParameterError(
        f"{prefix}{actual}, wanted {_expected(mismatch.kind)}",
        data={"parameter": name, "keys": list(mismatch.keys)} if quoted else None,
        where=f"parameter `{name}`",
        field=f"parameters.{name}",
        remedy=_remedy(name, mismatch, kind, from_text=from_text),
    )


def _expected(kind: ParameterType) -> str:
    return f"one of {', '.join(map(repr, kind.choices))}" if kind.choices else kind.text


def _remedy(name: str, mismatch: TypeMismatch, kind: ParameterType, *, from_text: bool) -> str:
    text_choices = [c for c in mismatch.kind.choices if isinstance(c, str)]
    matches = difflib.get_close_matches(mismatch.value, text_choices, 1) if isinstance(mismatch.value, str) else []
    if matches:
        return f"Did you mean {matches[0]!r}?"
    sample = _samples(kind)[0]
    if _is_unquoted_text(mismatch, as_text=from_text):
        return f"{QUOTE_REMEDY}{name}{mismatch.path}: {json.dumps(_scalar_text(mismatch.value))}"
    if not from_text:
        return f"Example: {name}: {json.dumps(sample)}"
    return f"Example: -p {name} {shlex.quote(sample if isinstance(sample, str) else json.dumps(sample))}"


def _is_unquoted_text(misfit: TypeMismatch, *, as_text: bool) -> bool:
    """Whether this is text that YAML read as another type."""
    return _is_text(misfit.kind) and not as_text and (misfit.value is None or isinstance(misfit.value, int | float))


def _is_text(kind: ParameterType) -> bool:
    return kind.name == "str" or (kind.name == "union" and any(part.name == "str" for part in kind.parts))


def _scalar_text(value: object) -> str:
    """A scalar as written in JSON and YAML."""
    return json.dumps(value) if value is None or isinstance(value, bool) else _short_repr(value)


def _samples(kind: ParameterType) -> tuple[Any, Any]:
    """Two values of a type, in their JSON form."""
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
        first, second = _samples(kind.parts[0]) if kind.parts else ("a", "b")
        return [first, second], [second]
    return SAMPLES.get(kind.name, ("a", "b"))


def _require_declared(parameters: Sequence[Parameter], names: Iterable[str]) -> None:
    declared_names = [p.name for p in parameters]
    unknown_names = list(dict.fromkeys(n for n in names if n not in declared_names))
    if not unknown_names:
        return
    name = unknown_names[0]
    location, field = f"parameter `{name}`", f"parameters.{name}"
    if not declared_names:
        raise InvalidParameterError(
            f"no parameter `{name}`: the notebook has no `parameters` cell that declares one",
            where=location,
            field=field,
            remedy=f"Tag a cell `parameters` and assign a default to `{name}`, such as `{_example_name(name)} = 1`.",
        )
    matches = difflib.get_close_matches(name, declared_names, 1)
    hint = f"Did you mean `{matches[0]}`? " if matches else ""
    raise InvalidParameterError(
        f"no parameter {', '.join(f'`{n}`' for n in unknown_names)}",
        where=location,
        field=field,
        remedy=f"{hint}Parameters: {', '.join(f'`{n}`' for n in declared_names)}.",
    )


def _example_name(name: str) -> str:
    return name if name.isidentifier() else "name"


def _require_values(parameters: Sequence[Parameter], names: set[str]) -> None:
    missing_parameters = [p for p in parameters if p.is_required and p.name not in names]
    if not missing_parameters:
        return
    all_names = ", ".join(f"`{p.name}`" for p in missing_parameters)
    is_single = len(missing_parameters) == 1
    options = " ".join(f"-p {p.name} VALUE" for p in missing_parameters)
    raise InvalidParameterError(
        f"parameter {all_names} has no default" if is_single else f"parameters {all_names} have no default",
        where=f"parameter `{missing_parameters[0].name}`" if is_single else "parameters",
        field=f"parameters.{missing_parameters[0].name}" if is_single else "parameters",
        remedy=f"Give {'it' if is_single else 'them'} with {options}.",
    )


def _short_repr(value: object) -> str:
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # a number with too many digits, a value that is too deep
        return f"a value of type {type(value).__name__}"
    return text if len(text) <= MAX_REPR_LENGTH else f"{text[: MAX_REPR_LENGTH - 1]}…"


def _without_numpy(value: Any) -> Any:
    """The value with numpy scalars converted to Python scalars, at any depth of plain containers."""
    if type(value) is dict:
        return {_without_numpy(k): _without_numpy(v) for k, v in value.items()}
    if type(value) in (list, tuple, set, frozenset):
        return type(value)(_without_numpy(v) for v in value)
    if type(value).__module__ == "numpy" and getattr(value, "ndim", None) == 0:
        return value.item()
    return value
