"""Reads the parameters that `parameters` cells declare."""

from __future__ import annotations

import ast
import io
import tokenize
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from jupyter_mlops.analysis.expressions import written
from jupyter_mlops.analysis.magics import to_python
from jupyter_mlops.notebook.literals import NotLiteral, type_of, value_of
from jupyter_mlops.notebook.parameter import Parameter, json_form
from jupyter_mlops.notebook.parameter_type import KNOWN, kind_of


def declared_parameters(cells: Iterable[tuple[int, str]]) -> tuple[Parameter, ...]:
    """The parameters that cells declare with top-level assignments and annotations.

    A name that is declared again keeps its position and gets the later declaration. A cell that is not Python declares
    nothing.

    :param cells: (position, source) of the cells that declare parameters, in order.
    """
    parameters: dict[str, Parameter] = {}
    for position, source in cells:
        for parameter in _cell_parameters(position, source):
            parameters[parameter.name] = parameter
    return tuple(parameters.values())


@dataclass(frozen=True)
class _Binding:
    name: str
    value: ast.expr | None
    annotation: str = ""
    is_sole_target: bool = True


def _cell_parameters(position: int, source: str) -> list[Parameter]:
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
            yield _Binding(name, statement.value, _annotation_text(statement.annotation))
        case ast.Assign():
            for target in statement.targets:
                yield from _unpack_bindings(target, statement.value, is_sole_target=True)


def _unpack_bindings(target: ast.expr, value: ast.expr, *, is_sole_target: bool) -> Iterator[_Binding]:
    match target, value:
        case ast.Name(id=name), _:
            yield _Binding(name, value, is_sole_target=is_sole_target)
        case ((ast.Tuple(elts=names) | ast.List(elts=names)), (ast.Tuple(elts=values) | ast.List(elts=values))):
            has_star = any(isinstance(n, ast.Starred) for n in [*names, *values])
            if len(names) == len(values) and not has_star:
                for name_node, value_node in zip(names, values, strict=True):
                    yield from _unpack_bindings(name_node, value_node, is_sole_target=False)


def _parameter(binding: _Binding, comment: str, lines: list[str], position: int) -> Parameter:
    comment_type, help_text = _type_comment(comment)
    kind = binding.annotation or (comment_type if binding.is_sole_target else "")
    choices = kind_of(kind).choices
    if binding.value is None:
        return Parameter(binding.name, kind, None, help_text, choices=choices, cell=position)
    source = _source(binding.value, lines)
    inferred_type = type_of(binding.value)
    try:
        if not inferred_type:
            raise NotLiteral
        default, literal = json_form(value_of(binding.value)), True
    except NotLiteral:
        default, literal = source, False
    return Parameter(binding.name, kind or inferred_type, default, help_text, source, choices, literal, position)


def _source(node: ast.expr, lines: list[str]) -> str:
    if node.end_lineno == node.lineno:
        return lines[node.lineno - 1].encode()[node.col_offset : node.end_col_offset].decode()
    return written(node)


def _comments(text: str) -> dict[int, str]:
    """Line -> the comment at its end."""
    comments = {}
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.COMMENT:
                comments[token.start[0]] = token.string
    except (tokenize.TokenError, SyntaxError):
        pass
    return comments


def _comment(statement: ast.stmt, comments: dict[int, str]) -> str:
    last = statement.end_lineno or statement.lineno
    return (comments.get(statement.lineno) or comments.get(last) or "").lstrip("#").removeprefix(":").strip()


def _type_comment(comment: str) -> tuple[str, str]:
    """The `type:` part of a comment ("" if it is not a type), and the rest of the comment."""
    if not comment.startswith("type:"):
        return "", comment
    remainder = comment.removeprefix("type:").strip()
    for text, after in _splits(remainder):
        try:
            kind = _annotation_text(ast.parse(text, mode="eval").body)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
        if text.startswith("ignore"):
            return "", after
        return (kind, after) if _names_type(kind) else ("", remainder)
    return "", remainder


def _splits(text: str) -> Iterator[tuple[str, str]]:
    """Every split of a text at a space or another `#` whose left part can be complete."""
    words = text.split()
    for count in range(1, len(words) + 1):
        after = words[count:]
        if after[:1] != ["|"]:
            yield " ".join(words[:count]), " ".join(after).lstrip("#").strip()


def _names_type(kind: str) -> bool:
    return kind.lower() != kind or any(c in kind for c in ".[|") or kind in KNOWN


def _annotation_text(annotation: ast.expr) -> str:
    return written(_Unquoted().visit(annotation))


class _Unquoted(ast.NodeTransformer):
    """Removes quotes from annotations, but not from strings that are values."""

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        if written(node.value).split(".")[-1] in ("Literal", "Annotated"):
            return node
        return self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        if not isinstance(node.value, str):
            return node
        try:
            parsed = ast.parse(node.value.strip(), mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return node
        return node if isinstance(parsed, ast.Constant) and isinstance(parsed.value, str) else self.visit(parsed)
