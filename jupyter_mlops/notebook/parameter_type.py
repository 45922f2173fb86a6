"""The type of a parameter, parsed from its text."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from jupyter_mlops.notebook.literals import NotLiteral, value_of

SCALARS = ("int", "float", "bool", "str", "bytes", "date", "datetime", "Path")
CONTAINERS = {
    "list": "list",
    "List": "list",
    "Sequence": "list",
    "MutableSequence": "list",
    "Iterable": "list",
    "Collection": "list",
    "dict": "dict",
    "Dict": "dict",
    "Mapping": "dict",
    "MutableMapping": "dict",
    "tuple": "tuple",
    "Tuple": "tuple",
    "set": "set",
    "Set": "set",
    "MutableSet": "set",
    "frozenset": "frozenset",
    "FrozenSet": "frozenset",
}
WRAPPERS = ("Annotated", "Final", "ClassVar")
KNOWN = frozenset({*SCALARS, *CONTAINERS, "None"})
OWN_MODULE = frozenset({"int", "float", "bool", "str", "bytes", "list", "dict", "tuple", "set", "frozenset"})


@dataclass(frozen=True)
class ParameterType:
    """A type, as far as it can be checked.

    :param name: a scalar or container type, `None`, `union`, `literal`, or `any` if nothing is checked.
    :param text: the type as written.
    :param parts: the element types of a container, the key and value types of a dict, the alternatives of a union;
        empty if not declared.
    :param choices: all possible values of a literal type.
    :param repeats: whether a tuple has any number of elements of one type.
    """

    name: str
    text: str
    parts: tuple[ParameterType, ...] = ()
    choices: tuple[object, ...] = ()
    repeats: bool = False


def kind_of(text: str) -> ParameterType:
    """The type of an annotation; `any` if it is unknown or ""."""
    try:
        return _parse_node(ast.parse(text, mode="eval").body)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ParameterType("any", text)


def _parse_node(node: ast.expr) -> ParameterType:
    text = ast.unparse(node)
    match node:
        case ast.Constant(value=None):
            return ParameterType("None", text)
        case ast.Constant(value=str(inner)):
            return kind_of(inner)
        case ast.BinOp(op=ast.BitOr()):
            return _union([_parse_node(node.left), _parse_node(node.right)], text)
        case ast.Subscript():
            arguments = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
            return _generic(_base_name(node.value), arguments, text)
    name = _base_name(node)
    if name in SCALARS:
        return ParameterType(name, text)
    return ParameterType(CONTAINERS.get(name, "any"), text)


def _base_name(node: ast.expr) -> str:
    """The last part of a name; "" for `np.int` and other names that only resemble a built-in type."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and node.attr not in OWN_MODULE:
        return node.attr
    return ""


def _generic(name: str, arguments: list[ast.expr], text: str) -> ParameterType:
    if name == "Literal":
        return _literal(arguments, text)
    if name in WRAPPERS and arguments:
        return _parse_node(arguments[0])
    if name == "Optional" and len(arguments) == 1:
        return _union([_parse_node(arguments[0]), ParameterType("None", "None")], text)
    if name == "Union":
        return _union([_parse_node(n) for n in arguments], text)
    container = CONTAINERS.get(name, "any")
    if container == "tuple":
        return _tuple(arguments, text)
    if container == "any" or len(arguments) != (2 if container == "dict" else 1):
        return ParameterType("any", text)
    return ParameterType(container, text, tuple(_parse_node(n) for n in arguments))


def _tuple(arguments: list[ast.expr], text: str) -> ParameterType:
    if len(arguments) == 2 and isinstance(arguments[1], ast.Constant) and arguments[1].value is ...:
        return ParameterType("tuple", text, (_parse_node(arguments[0]),), repeats=True)
    return ParameterType("tuple", text, tuple(_parse_node(n) for n in arguments))


def _union(parts: list[ParameterType], text: str) -> ParameterType:
    members = tuple(member for part in parts for member in (part.parts if part.name == "union" else (part,)))
    if not all(p.name in ("literal", "None") for p in members):
        return ParameterType("union", text, members)
    return ParameterType(
        "union", text, members, tuple(c for p in members for c in (p.choices if p.name == "literal" else (None,)))
    )


def _literal(arguments: list[ast.expr], text: str) -> ParameterType:
    choices: list[object] = []
    for node in arguments:
        if isinstance(node, ast.Subscript) and _base_name(node.value) == "Literal":
            choices += _parse_node(node).choices
            continue
        try:
            choices.append(value_of(node))
        except NotLiteral:
            return ParameterType("any", text)
    return ParameterType("literal", text, choices=tuple(choices))
