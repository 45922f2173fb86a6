"""Parameters as JSON Schema, for engines that show a form for them."""

from __future__ import annotations

import ast
from typing import Any

from jupyter_mlops.notebook.parameter import Parameter

TYPES = {
    "int": "integer", "float": "number", "bool": "boolean", "str": "string", "Path": "string", "date": "string",
    "datetime": "string", "list": "array", "tuple": "array", "set": "array", "frozenset": "array", "dict": "object",
    "None": "null", "NoneType": "null",
}  # fmt: skip
FORMATS = {"date": "date", "datetime": "date-time"}


def schema_of(parameter: Parameter) -> dict[str, Any]:
    """`type`, `format` and `enum` of a parameter's values; empty if its annotation says nothing that JSON knows, or if
    its own default would not be valid."""
    if parameter.choices:
        return {"enum": list(parameter.choices)}
    names = _names(parameter.type)
    types = list(dict.fromkeys(TYPES[name] for name in names if name in TYPES))
    if not names or any(name not in TYPES for name in names):
        return {}
    if parameter.literal and not parameter.is_required and not _fits(parameter.default, types):
        return {}
    schema: dict[str, Any] = {"type": types[0] if len(types) == 1 else types}
    if len(types) == 1 and names[0] in FORMATS:
        schema["format"] = FORMATS[names[0]]
    return schema


def json_type(value: object) -> str:
    """The JSON Schema type of a value."""
    for python_type, name in (
        (bool, "boolean"), (int, "integer"), (float, "number"), (str, "string"), (dict, "object"),
    ):  # fmt: skip
        if isinstance(value, python_type):
            return name
    return "null" if value is None else "array"


def _fits(value: object, types: list[str]) -> bool:
    actual = json_type(value)
    return actual in types or (actual == "integer" and "number" in types)


def _names(annotation: str) -> list[str]:
    """Names of the types in a union, without what they hold; empty if it is no union of names."""
    try:
        return _members(ast.parse(annotation.strip(), mode="eval").body)
    except SyntaxError:
        return []


def _members(node: ast.expr) -> list[str]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        return [*_members(node.left), *_members(node.right)]
    if isinstance(node, ast.Subscript):
        outer = _members(node.value)
        if outer == ["Optional"]:
            return [*_members(node.slice), "None"]
        if outer == ["Union"] and isinstance(node.slice, ast.Tuple):
            return [name for item in node.slice.elts for name in _members(item)]
        return outer
    if isinstance(node, ast.Attribute):
        return [node.attr]
    if isinstance(node, ast.Name):
        return [node.id]
    if isinstance(node, ast.Constant) and node.value is None:
        return ["None"]
    return [""]
