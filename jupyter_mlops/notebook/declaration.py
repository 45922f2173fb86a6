"""Parameters, as the `parameters` cells declare them."""

from __future__ import annotations

import ast
import io
import tokenize
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from jupyter_mlops.notebook.kind import KNOWN, kind_of
from jupyter_mlops.notebook.literals import NotLiteral, type_of, value_of
from jupyter_mlops.notebook.magics import to_python
from jupyter_mlops.notebook.parameter import Parameter, json_form


def declared_parameters(cells: Iterable[tuple[int, str]]) -> tuple[Parameter, ...]:
    """The parameters that cells declare, by their top-level assignments and annotations.

    A name that is declared again keeps its place and takes the later declaration. A cell that is not Python
    declares nothing.

    :param cells: (position, source) of the cells that declare parameters, in order.
    """
    found: dict[str, Parameter] = {}
    for position, source in cells:
        for parameter in _of_cell(position, source):
            found[parameter.name] = parameter
    return tuple(found.values())


@dataclass(frozen=True)
class _Binding:
    name: str
    value: ast.expr | None
    annotation: str = ""
    alone: bool = True


def _of_cell(position: int, source: str) -> list[Parameter]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            text = to_python(source).replace("\r\n", "\n").replace("\r", "\n")
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    comments = _comments(text)
    lines = text.split("\n")
    return [
        _parameter(binding, _comment(statement, comments), lines, position)
        for statement in tree.body
        for binding in _bindings(statement)
    ]


def _bindings(statement: ast.stmt) -> Iterator[_Binding]:
    match statement:
        case ast.AnnAssign(target=ast.Name(id=name)):
            yield _Binding(name, statement.value, _written(statement.annotation))
        case ast.Assign():
            for target in statement.targets:
                yield from _unpacked(target, statement.value, alone=True)


def _unpacked(target: ast.expr, value: ast.expr, *, alone: bool) -> Iterator[_Binding]:
    match target, value:
        case ast.Name(id=name), _:
            yield _Binding(name, value, alone=alone)
        case ((ast.Tuple(elts=names) | ast.List(elts=names)), (ast.Tuple(elts=values) | ast.List(elts=values))):
            starred = any(isinstance(n, ast.Starred) for n in [*names, *values])
            if len(names) == len(values) and not starred:
                for one, its in zip(names, values, strict=True):
                    yield from _unpacked(one, its, alone=False)


def _parameter(binding: _Binding, comment: str, lines: list[str], position: int) -> Parameter:
    said, help_text = _type_comment(comment)
    kind = binding.annotation or (said if binding.alone else "")
    choices = kind_of(kind).choices
    if binding.value is None:
        return Parameter(binding.name, kind, None, help_text, choices=choices, cell=position)
    source = _source(binding.value, lines)
    inferred = type_of(binding.value)
    try:
        if not inferred:
            raise NotLiteral
        default, literal = json_form(value_of(binding.value)), True
    except NotLiteral:
        default, literal = source, False
    return Parameter(binding.name, kind or inferred, default, help_text, source, choices, literal, position)


def _source(node: ast.expr, lines: list[str]) -> str:
    if node.end_lineno == node.lineno:
        return lines[node.lineno - 1].encode()[node.col_offset : node.end_col_offset].decode()
    return ast.unparse(node)


def _comments(text: str) -> dict[int, str]:
    """Line -> the comment that ends it."""
    found = {}
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.COMMENT:
                found[token.start[0]] = token.string
    except (tokenize.TokenError, SyntaxError):
        pass
    return found


def _comment(statement: ast.stmt, comments: dict[int, str]) -> str:
    last = statement.end_lineno or statement.lineno
    return (comments.get(statement.lineno) or comments.get(last) or "").lstrip("#").removeprefix(":").strip()


def _type_comment(comment: str) -> tuple[str, str]:
    """A comment's `type:` part, "" where that names no type, and the rest of the comment."""
    if not comment.startswith("type:"):
        return "", comment
    rest = comment.removeprefix("type:").strip()
    for text, after in _heads(rest):
        try:
            kind = _written(ast.parse(text, mode="eval").body)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
        if text.startswith("ignore"):
            return "", after
        return (kind, after) if _names_type(kind) else ("", rest)
    return "", rest


def _heads(text: str) -> Iterator[tuple[str, str]]:
    """Every way to split a text at a space or a further `#`, where the left part is not to be continued."""
    words = text.split()
    for count in range(1, len(words) + 1):
        after = words[count:]
        if after[:1] != ["|"]:
            yield " ".join(words[:count]), " ".join(after).lstrip("#").strip()


def _names_type(kind: str) -> bool:
    return kind.lower() != kind or any(c in kind for c in ".[|") or kind in KNOWN


def _written(annotation: ast.expr) -> str:
    return ast.unparse(_Unquoted().visit(annotation))


class _Unquoted(ast.NodeTransformer):
    """Takes annotations out of quotes; strings that are values stay."""

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        if ast.unparse(node.value).split(".")[-1] in ("Literal", "Annotated"):
            return node
        return self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        if not isinstance(node.value, str):
            return node
        try:
            inner = ast.parse(node.value.strip(), mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return node
        return node if isinstance(inner, ast.Constant) and isinstance(inner.value, str) else self.visit(inner)
