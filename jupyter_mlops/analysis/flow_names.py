"""The names in statements whose bodies run once, repeatedly, partly or not at all."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from jupyter_mlops.analysis.expression_names import ExpressionVisitor
from jupyter_mlops.analysis.expressions import bound_names, capture_names, value_names


class FlowVisitor(ExpressionVisitor):
    """Tracks which names are certainly bound after branches, loops and handlers."""

    def run_branches(self, *bodies: Sequence[ast.stmt]) -> None:
        """Visit branches of which exactly one runs: names that all of them bind are bound."""
        certain_before, outcomes = set(self.certain_bindings), []
        self.depth += 1
        for body in bodies:
            self.certain_bindings = set(certain_before)
            self.run(body)
            if not _raises(body):
                outcomes.append(self.certain_bindings)
        self.depth -= 1
        self.certain_bindings = set.intersection(*outcomes) if outcomes else certain_before

    def run_optional(self, body: Sequence[ast.stmt]) -> None:
        """Visit code that may run partly, never or repeatedly."""
        certain_before = set(self.certain_bindings)
        self.depth += 1
        self.run(body)
        self.depth -= 1
        self.certain_bindings &= certain_before

    def run_loop(self, body: Sequence[ast.stmt]) -> None:
        """Visit the body of a loop: names that it binds exist in the next iteration."""
        self.depth += 1
        certain_before = set(self.certain_bindings)
        self.run(body)
        children = [child for statement in body for child in ast.walk(statement)]
        if any(isinstance(child, ast.Continue) for child in children):
            self.certain_bindings &= certain_before
        for name in {child.id for child in children if isinstance(child, ast.Name) and child.id in self.uses_by_name}:
            self.record_read(name)
        self.certain_bindings &= certain_before
        self.depth -= 1

    def visit_If(self, node: ast.If) -> None:
        self.run_expression(node.test)
        self.run_branches(node.body, node.orelse)

    def visit_For(self, node: ast.For | ast.AsyncFor) -> None:
        self.run_expression(node.iter)
        self.possible_mutations |= value_names(node.iter)
        certain_before, uses = set(self.certain_bindings), self.deferred_uses(node.iter)
        self.depth += 1
        self.bind_target(node.target)
        self.record_carried(bound_names(node.target), uses, node.iter)
        self.run_loop(node.body)
        self.depth -= 1
        self.certain_bindings &= certain_before
        self.run_optional(node.orelse)

    def visit_AsyncFor(self, node: ast.AsyncFor) -> None:
        self.visit_For(node)

    def visit_While(self, node: ast.While) -> None:
        self.run_expression(node.test)
        self.run_loop(node.body)
        self.run_expression(node.test)
        self.run_optional(node.orelse)

    def visit_With(self, node: ast.With | ast.AsyncWith) -> None:
        """Visit items that run in order: the first one may suppress an error of all that follow it."""
        certain_names, depth = set(self.certain_bindings), self.depth
        for item in node.items:
            self.run_expression(item.context_expr)
            self.possible_mutations |= value_names(item.context_expr)
            if item.optional_vars is not None:
                uses = self.deferred_uses(item.context_expr)
                self.bind_target(item.optional_vars)
                self.record_carried(bound_names(item.optional_vars), uses, item.context_expr)
            if item is node.items[0] and isinstance(item.optional_vars, ast.Name):
                certain_names.add(item.optional_vars.id)
            self.depth = depth + 1
        self.run(node.body)
        self.depth = depth
        self.certain_bindings &= certain_names

    def visit_AsyncWith(self, node: ast.AsyncWith) -> None:
        self.visit_With(node)

    def visit_Try(self, node: ast.Try) -> None:
        self.run_optional(node.body)
        for handler in node.handlers:
            self.run_expression(handler.type)
            certain_before = set(self.certain_bindings)
            self.depth += 1
            if handler.name:
                self.bind(handler.name)
            self.run(handler.body)
            self.depth -= 1
            self.certain_bindings &= certain_before
            if handler.name:
                self.deletes.add(handler.name)
                self.certain_bindings.discard(handler.name)
        self.run_optional(node.orelse)
        self.run(node.finalbody)

    visit_TryStar = visit_Try  # type: ignore[assignment]

    def visit_Match(self, node: ast.Match) -> None:
        self.run_expression(node.subject)
        for case in node.cases:
            certain_before = set(self.certain_bindings)
            self.run_expression(case.pattern)
            self.certain_bindings |= {n for child in ast.walk(case.pattern) for n in capture_names(child)}
            self.depth += 1
            self.run_expression(case.guard)
            self.run(case.body)
            self.depth -= 1
            self.certain_bindings &= certain_before


def _raises(statements: Sequence[ast.stmt]) -> bool:
    return bool(statements) and isinstance(statements[-1], ast.Raise)
