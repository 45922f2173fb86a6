"""Whether cells read the clock only to print how long something took.

Such a reading affects no result. Any other use of a reading counts as data: an instant that is shown, or a duration
that is stored, compared, returned or passed to an unknown call.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Literal

from jupyter_mlops.analysis.volatility import CLOCKS

SINKS = re.compile(
    r"print|(builtins\.)?print|sys\.(stdout|stderr)\.write|tqdm\.(tqdm\.)?write|warnings\.warn|rich\.print"
    r"|(.*\.)?(log|logger|logging|_logger|LOGGER|LOG)\.(debug|info|warning|error|critical|log|exception)"
)
SHAPES = frozenset({"round", "int", "float", "abs", "str", "format", "repr", "divmod", "datetime.timedelta"})
PARTS = frozenset({"total_seconds", "seconds", "microseconds", "days", "format", "__format__"})
Kind = Literal["", "instant", "duration", "text"]


class Leaks(Exception):
    """A reading is used as data."""


def stopwatch(trees: Iterable[ast.Module], dotted: Callable[[ast.AST], str]) -> frozenset[str] | None:
    """Names of readings, if all readings are for printed durations; None if one is data.

    :param trees: the cells of a block, in order.
    :param dotted: the dotted name of an expression through the imports.
    """
    body = [statement for tree in trees for statement in tree.body]
    scope = _Scope(dotted, {})
    try:
        scope.run(body)
    except Leaks:
        return None
    return frozenset(n for n, kind in scope.kinds.items() if kind)


class _Scope:
    """One scope: the module, or a function whose free names are looked up in the module."""

    def __init__(self, dotted: Callable[[ast.AST], str], outer_kinds: Mapping[str, Kind]) -> None:
        self.dotted, self.outer_kinds = dotted, outer_kinds
        self.kinds: dict[str, Kind] = {}

    def run(self, body: list[ast.stmt]) -> None:
        for _ in range(3):  # what a loop binds at its end is used at its beginning
            previous_kinds = dict(self.kinds)
            for statement in body:
                self.statement(statement)
            if previous_kinds == self.kinds:
                return

    def statement(self, node: ast.stmt) -> None:  # noqa: C901 (one branch for each kind of statement)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            for default in [*node.args.defaults, *filter(None, node.args.kw_defaults), *node.decorator_list]:
                self.require_clean(default)
            _Scope(self.dotted, {**self.outer_kinds, **self.kinds}).run(node.body)
        elif isinstance(node, ast.ClassDef):
            for part in [*node.bases, *(keyword.value for keyword in node.keywords), *node.decorator_list]:
                self.require_clean(part)
            attributes = _Scope(self.dotted, {**self.outer_kinds, **self.kinds})
            attributes.run(node.body)
            if any(attributes.kinds.values()):
                raise Leaks
        elif isinstance(node, ast.Assign):
            kind = self.value(node.value)
            for target in node.targets:
                self.bind(target, kind)
        elif isinstance(node, ast.AnnAssign):
            self.bind(node.target, self.value(node.value) if node.value is not None else "")
        elif isinstance(node, ast.AugAssign):
            kind = self.value(node.value)
            if kind or self.value(node.target):
                self.bind(node.target, _combine(self.value(node.target) or kind, kind))
        elif isinstance(node, ast.Expr):
            self.check_expression(node.value)
        elif isinstance(node, ast.Delete):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    self.kinds.pop(target.id, None)
                else:
                    self.require_clean(target)
        elif isinstance(node, ast.Global | ast.Nonlocal | ast.Import | ast.ImportFrom | ast.Pass):
            return
        else:
            self.check_compound(node)

    def check_compound(self, node: ast.stmt) -> None:
        """Visit a compound statement: its condition must not use a reading; its blocks are visited."""
        for _, value in ast.iter_fields(node):
            for item in value if isinstance(value, list) else [value]:
                if isinstance(item, ast.stmt):
                    self.statement(item)
                elif isinstance(item, ast.ExceptHandler | ast.match_case):
                    for statement in item.body:
                        self.statement(statement)
                elif isinstance(item, ast.withitem):
                    self.require_clean(item.context_expr)
                elif isinstance(item, ast.AST):
                    self.require_clean(item)

    def bind(self, target: ast.expr, kind: Kind) -> None:
        if isinstance(target, ast.Name):
            if kind or target.id in self.kinds:
                self.kinds[target.id] = kind
        elif kind:
            raise Leaks

    def check_expression(self, node: ast.expr) -> None:
        """Visit an expression statement. The value of the last one of a cell is shown, which is allowed for a
        duration.
        """
        if isinstance(node, ast.Call) and SINKS.fullmatch(self.dotted(node.func)):
            for argument in [*node.args, *(k.value for k in node.keywords)]:
                if self.value(argument) == "instant":
                    raise Leaks
            return
        if self.value(node) == "instant":
            raise Leaks

    def require_clean(self, node: ast.AST) -> None:
        if isinstance(node, ast.expr):
            if self.value(node):
                raise Leaks
            return
        for child in ast.iter_child_nodes(node):
            self.require_clean(child)

    def value(self, node: ast.expr) -> Kind:
        """The kind of value of an expression. Raises Leaks if a reading goes where it can't be followed."""
        if isinstance(node, ast.Call):
            return self.call(node)
        if isinstance(node, ast.Name):
            return self.kinds.get(node.id) or self.outer_kinds.get(node.id) or ""
        if isinstance(node, ast.BinOp):
            return self.operation(node)
        if isinstance(node, ast.UnaryOp):
            return self.value(node.operand)
        if isinstance(node, ast.JoinedStr):
            kinds = [self.value(segment.value) for segment in node.values if isinstance(segment, ast.FormattedValue)]
            if "instant" in kinds:
                raise Leaks
            return "text" if any(kinds) else ""
        if isinstance(node, ast.Attribute) and node.attr in PARTS:
            return self.value(node.value)
        if isinstance(node, ast.Lambda):
            self.require_clean(node.body)
            return ""
        if isinstance(node, ast.Tuple) and any(kinds := [self.value(item) for item in node.elts]):
            if "instant" in kinds:
                raise Leaks
            return "text"  # for `"%s took %s" % (what, seconds)`
        self.require_clean_children(node)
        return ""

    def require_clean_children(self, node: ast.AST) -> None:
        for child in ast.iter_child_nodes(node):
            self.require_clean(child)

    def call(self, node: ast.Call) -> Kind:
        name = self.dotted(node.func)
        if CLOCKS.fullmatch(name):
            return "instant"
        arguments = [*node.args, *(k.value for k in node.keywords)]
        kinds = [self.value(argument) for argument in arguments]
        if isinstance(node.func, ast.Attribute) and node.func.attr in PARTS:
            kinds.append(self.value(node.func.value))
            if "instant" in kinds:
                raise Leaks
            return "text" if any(kinds) else ""
        if not any(kinds):
            self.require_clean_children(node.func)
            return ""
        if name not in SHAPES or "instant" in kinds:
            raise Leaks
        return "duration"

    def operation(self, node: ast.BinOp) -> Kind:
        left_kind, right = self.value(node.left), self.value(node.right)
        if isinstance(node.op, ast.Sub) and left_kind == "instant":
            if right == "instant":
                return "duration"
            raise Leaks
        if "instant" in (left_kind, right):
            raise Leaks
        return _combine(left_kind, right)


def _combine(first: Kind, right: Kind) -> Kind:
    if "instant" in (first, right):
        raise Leaks
    if "text" in (first, right):
        return "text"
    return first or right
