"""The literal values in a parameters cell, and their kinds."""

from __future__ import annotations

import ast
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

NAMES = {
    bool: "bool",
    int: "int",
    float: "float",
    str: "str",
    type(None): "None",
}
DISPLAYS: dict[type[ast.expr], str] = {
    ast.JoinedStr: "str",
    ast.List: "list",
    ast.ListComp: "list",
    ast.Dict: "dict",
    ast.DictComp: "dict",
    ast.Tuple: "tuple",
    ast.Set: "set",
    ast.SetComp: "set",
}
CONTAINER_TYPES: dict[str, Callable[..., object]] = {
    "float": float,
    "list": list,
    "dict": dict,
    "tuple": tuple,
    "set": set,
}
IMPORTED_TYPES: dict[str, Callable[..., object]] = {"date": date, "datetime": datetime, "Path": Path}
MODULES = {"date": ("datetime", "dt"), "datetime": ("datetime", "dt"), "Path": ("pathlib",)}


class NotLiteral(Exception):
    """The expression must be executed to determine its value."""


def type_of(node: ast.expr) -> str:
    """The type that an expression certainly has, or ""."""
    if isinstance(node, ast.Constant):
        return NAMES.get(type(node.value), "")
    if isinstance(node, ast.UnaryOp):
        operand_type = type_of(node.operand) if isinstance(node.op, ast.USub | ast.UAdd) else ""
        return operand_type if operand_type in ("int", "float") else ""
    if isinstance(node, ast.BinOp):
        return "Path" if isinstance(node.op, ast.Div) and type_of(node.left) == "Path" else ""
    if isinstance(node, ast.Call):
        return _callee(node)
    return DISPLAYS.get(type(node), "")


def value_of(node: ast.expr) -> object:
    """The value of a literal: `ast.literal_eval`, and `float("inf")`, `dict(a=1)`, `date(2024, 1, 1)`, `Path("x")`.

    :raises NotLiteral: the expression is not a literal.
    """
    try:
        return _value(node)
    except (ValueError, TypeError, OverflowError, RecursionError):
        raise NotLiteral from None


def _value(node: ast.expr) -> object:
    match node:
        case ast.Constant():
            return node.value
        case ast.UnaryOp(op=ast.USub() | ast.UAdd()):
            return _signed_number(node)
        case ast.JoinedStr():
            return "".join(_text(part) for part in node.values)
        case ast.List():
            return [_value(n) for n in node.elts]
        case ast.Tuple():
            return tuple(_value(n) for n in node.elts)
        case ast.Set():
            return {_value(n) for n in node.elts}
        case ast.Dict():
            return {_value(k): _value(v) for k, v in zip(map(_require_key, node.keys), node.values, strict=True)}
        case ast.Call() if _callee(node):
            return _construct(node)
    raise NotLiteral


def _signed_number(node: ast.UnaryOp) -> object:
    value = _value(node.operand)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise NotLiteral
    return -value if isinstance(node.op, ast.USub) else value


def _text(node: ast.expr) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    raise NotLiteral


def _require_key(key: ast.expr | None) -> ast.expr:
    if key is None:
        raise NotLiteral
    return key


def _construct(node: ast.Call) -> object:
    keywords = {k.arg: _value(k.value) for k in node.keywords if k.arg is not None}
    if len(keywords) < len(node.keywords):
        raise NotLiteral
    name = _callee(node)
    return (CONTAINER_TYPES.get(name) or IMPORTED_TYPES[name])(*(_value(a) for a in node.args), **keywords)


def _callee(node: ast.Call) -> str:
    match node.func:
        case ast.Name(id=name) if name in CONTAINER_TYPES or name in IMPORTED_TYPES:
            return name
        case ast.Attribute(value=ast.Name(id=module), attr=name) if module in MODULES.get(name, ()):
            return name if node.args or node.keywords else ""
    return ""
