"""How a script reads the values of its options: the types of parameters as readers that `argparse` calls."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from jupyter_mlops.export.quoting import python
from jupyter_mlops.notebook.parameter import Parameter
from jupyter_mlops.notebook.parameter_type import ParameterType, kind_of

BUILT_IN = frozenset({"int", "float", "str"})
OWN = {
    "any": "read_any", "bool": "read_bool", "None": "read_none", "bytes": "read_bytes", "date": "read_date",
    "datetime": "read_datetime", "Path": "read_path",
}  # fmt: skip
CONTAINERS = frozenset({"list", "tuple", "set", "frozenset", "dict"})
PLACEHOLDERS = {"int": "INT", "float": "NUMBER", "str": "TEXT", "bool": "BOOL", "Path": "PATH", "date": "DATE"}


@dataclass(frozen=True)
class Reader:
    """An expression for a function that reads a text.

    :param parts: the functions of the script that it names.
    """

    expression: str
    parts: frozenset[str]


def reader_of(parameter: Parameter) -> Reader:
    """The reader of a parameter's values, by the rules of `jupyter mlops run -p`."""
    kind = ParameterType("any", "") if parameter.type in ("", "None") else kind_of(parameter.type)
    parts: set[str] = set()
    if kind.name == "any" and parameter.choices:
        kind = ParameterType("literal", parameter.type, choices=parameter.choices)
    expression = _expression(kind, parts)
    return Reader(expression, frozenset(parts))


def placeholder(parameter: Parameter) -> str:
    """What stands for the value in the help text."""
    kind = kind_of(parameter.type)
    if kind.name == "union":
        kind = next((part for part in kind.parts if part.name != "None"), kind)
    return PLACEHOLDERS.get(kind.name, "VALUE")


def _expression(kind: ParameterType, parts: set[str]) -> str:
    if kind.name in BUILT_IN:
        return kind.name
    if kind.name in OWN:
        parts.add(OWN[kind.name])
        return OWN[kind.name]
    if kind.name == "literal":
        parts.add("read_choice")
        return f"read_choice({', '.join(map(python, kind.choices))})"
    arguments = list(_arguments(kind, parts))
    name = "read_either" if kind.name == "union" else "read_container"
    parts.add(name)
    if name == "read_container":
        arguments.insert(0, kind.name)
        if kind.name == "tuple" and kind.parts and not kind.repeats:
            arguments.append("fixed=True")
    return f"{name}({', '.join(arguments)})"


def _arguments(kind: ParameterType, parts: set[str]) -> Iterator[str]:
    for part in kind.parts:
        yield _expression(part, parts)
