"""A parameter's type, read from its text."""

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
class Kind:
    """A type as far as it can be checked.

    :param name: a scalar or container type, `None`, `union`, `literal`, or `any` where nothing is checked.
    :param text: the type as written.
    :param parts: of a container its element types, of a dict key and value, of a union its alternatives;
        empty where they are not said.
    :param choices: all values it can have, where these are few.
    :param repeats: of a tuple: it has any number of elements, all of its one part.
    """

    name: str
    text: str
    parts: tuple[Kind, ...] = ()
    choices: tuple[object, ...] = ()
    repeats: bool = False


def kind_of(text: str) -> Kind:
    """The kind that an annotation tells; `any` for one that is unknown, and for ""."""
    try:
        return _kind(ast.parse(text, mode="eval").body)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return Kind("any", text)


def _kind(node: ast.expr) -> Kind:
    text = ast.unparse(node)
    match node:
        case ast.Constant(value=None):
            return Kind("None", text)
        case ast.Constant(value=str(inner)):
            return kind_of(inner)
        case ast.BinOp(op=ast.BitOr()):
            return _union([_kind(node.left), _kind(node.right)], text)
        case ast.Subscript():
            inside = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
            return _generic(_plain_name(node.value), inside, text)
    name = _plain_name(node)
    if name in SCALARS:
        return Kind(name, text)
    return Kind(CONTAINERS.get(name, "any"), text)


def _plain_name(node: ast.expr) -> str:
    """The last part of a name; "" for `np.int` and whatever else only looks like a built-in type."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and node.attr not in OWN_MODULE:
        return node.attr
    return ""


def _generic(name: str, inside: list[ast.expr], text: str) -> Kind:
    if name == "Literal":
        return _literal(inside, text)
    if name in WRAPPERS and inside:
        return _kind(inside[0])
    if name == "Optional" and len(inside) == 1:
        return _union([_kind(inside[0]), Kind("None", "None")], text)
    if name == "Union":
        return _union([_kind(n) for n in inside], text)
    container = CONTAINERS.get(name, "any")
    if container == "tuple":
        return _tuple(inside, text)
    if container == "any" or len(inside) != (2 if container == "dict" else 1):
        return Kind("any", text)
    return Kind(container, text, tuple(_kind(n) for n in inside))


def _tuple(inside: list[ast.expr], text: str) -> Kind:
    if len(inside) == 2 and isinstance(inside[1], ast.Constant) and inside[1].value is ...:
        return Kind("tuple", text, (_kind(inside[0]),), repeats=True)
    return Kind("tuple", text, tuple(_kind(n) for n in inside))


def _union(parts: list[Kind], text: str) -> Kind:
    flat = tuple(inner for part in parts for inner in (part.parts if part.name == "union" else (part,)))
    if not all(p.name in ("literal", "None") for p in flat):
        return Kind("union", text, flat)
    return Kind("union", text, flat, tuple(c for p in flat for c in (p.choices if p.name == "literal" else (None,))))


def _literal(inside: list[ast.expr], text: str) -> Kind:
    choices: list[object] = []
    for node in inside:
        if isinstance(node, ast.Subscript) and _plain_name(node.value) == "Literal":
            choices += _kind(node).choices
            continue
        try:
            choices.append(value_of(node))
        except NotLiteral:
            return Kind("any", text)
    return Kind("literal", text, choices=tuple(choices))
