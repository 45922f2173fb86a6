"""The names that the code of a cell binds at its top scope: what a function must declare `global` to behave alike."""

from __future__ import annotations

import ast
from collections.abc import Iterable

COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


def bound_names(tree: ast.Module) -> frozenset[str]:
    """Names that running these statements may bind or delete, inner scopes left out."""
    visitor = _BoundNames()
    visitor.visit(tree)
    return frozenset(visitor.names)


class _BoundNames(ast.NodeVisitor):
    def __init__(self) -> None:
        self.names: set[str] = set()
        self.in_comprehension = False

    def visit_Name(self, node: ast.Name) -> None:
        if not isinstance(node.ctx, ast.Load) and not self.in_comprehension:
            self.names.add(node.id)

    def visit_NamedExpr(self, node: ast.NamedExpr) -> None:
        self.names.add(node.target.id)  # in a comprehension too, it binds a name of the scope around
        self.visit(node.value)

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self.names.add(node.name)
        self._visit_all([*node.decorator_list, *_arguments(node.args), *([node.returns] if node.returns else [])])

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self.visit_FunctionDef(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self.names.add(node.name)
        self._visit_all([*node.decorator_list, *node.bases, *(keyword.value for keyword in node.keywords)])

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self._visit_all(_arguments(node.args))

    def visit_Import(self, node: ast.Import) -> None:
        self.names |= {alias.asname or alias.name.partition(".")[0] for alias in node.names}

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        self.names |= {alias.asname or alias.name for alias in node.names if alias.name != "*"}

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        self._bind(node.name)
        self.generic_visit(node)

    def visit_MatchAs(self, node: ast.MatchAs) -> None:
        self._bind(node.name)
        self.generic_visit(node)

    def visit_MatchStar(self, node: ast.MatchStar) -> None:
        self._bind(node.name)

    def visit_MatchMapping(self, node: ast.MatchMapping) -> None:
        self._bind(node.rest)
        self.generic_visit(node)

    def generic_visit(self, node: ast.AST) -> None:
        outer = self.in_comprehension
        self.in_comprehension = outer or isinstance(node, COMPREHENSIONS)
        super().generic_visit(node)
        self.in_comprehension = outer

    def _bind(self, name: str | None) -> None:
        if name is not None:
            self.names.add(name)

    def _visit_all(self, nodes: Iterable[ast.AST]) -> None:
        for node in nodes:
            self.visit(node)


def _arguments(arguments: ast.arguments) -> list[ast.expr]:
    """What a definition evaluates at once of its arguments: defaults and annotations."""
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    every += [argument for argument in (arguments.vararg, arguments.kwarg) if argument is not None]
    annotations = [argument.annotation for argument in every if argument.annotation is not None]
    return [*arguments.defaults, *(default for default in arguments.kw_defaults if default is not None), *annotations]
