"""The names of a scope, and of the scopes inside it, that belong to the user namespace."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass, field

from jupyter_mlops.analysis.expressions import (
    Comprehension,
    read_before_walrus,
    result_expressions,
    root,
    value_names,
    walruses,
)
from jupyter_mlops.analysis.metric_calls import is_metric_call

Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
PURE_FUNCTIONS = frozenset({"len", "type", "isinstance", "issubclass", "id", "range", "callable", "hasattr"})
# Methods that people call as a statement to see something: possible writes like any call, but no certain ones.
DISPLAY_METHODS = frozenset(
    "head tail describe info sample plot hist boxplot value_counts nunique unique isna isnull notna sum mean median std"
    " var min max count corr cov quantile items keys values to_string to_csv to_parquet to_json to_markdown to_numpy"
    " copy groupby pivot_table summary score predict transform get_params format join split strip".split()
)


@dataclass
class Uses:
    """The accesses of a scope and its inner scopes to names outside it.

    :param global_names: names declared `global`, which no outer scope can hide.
    """

    reads: set[str] = field(default_factory=set)
    binds: set[str] = field(default_factory=set)
    deletes: set[str] = field(default_factory=set)
    certain_mutations: set[str] = field(default_factory=set)
    possible_mutations: set[str] = field(default_factory=set)
    global_names: set[str] = field(default_factory=set)

    @property
    def names(self) -> frozenset[str]:
        return frozenset(self.reads | self.binds | self.certain_mutations | self.possible_mutations)

    def add(self, uses: Uses, local_names: Iterable[str] = ()) -> None:
        hidden_names = set(local_names) - uses.global_names
        self.global_names |= uses.global_names
        self.deletes |= uses.deletes
        self.reads |= uses.reads - hidden_names
        self.binds |= uses.binds - hidden_names
        self.certain_mutations |= uses.certain_mutations - hidden_names
        self.possible_mutations |= uses.possible_mutations - hidden_names


class Scope(ast.NodeVisitor):
    """One scope: what it loads, binds and declares, and the uses of the scopes inside it."""

    def __init__(self, *, is_class: bool = False) -> None:
        self.own_uses = Uses()
        self.locals: set[str] = set()
        self.global_names: set[str] = set()
        self.nonlocal_names: set[str] = set()
        self.deleted_names: set[str] = set()
        self.inner_uses: list[Uses] = []
        self.is_class = is_class

    def uses(self) -> Uses:
        """The uses without the scope's local names."""
        own_names = self.locals - self.global_names - self.nonlocal_names
        result = Uses()
        if self.is_class:
            result.add(self.own_uses)
            result.binds -= own_names
        else:
            result.add(self.own_uses, own_names)
        for inner_uses in self.inner_uses:
            result.add(inner_uses, () if self.is_class else own_names)
        result.binds |= self.locals & self.global_names
        result.deletes |= self.deleted_names & self.global_names
        result.reads |= self.deleted_names & self.global_names
        result.global_names |= self.global_names
        return result

    # -- names

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Load):
            self.own_uses.reads.add(node.id)
        else:
            self.locals.add(node.id)
        if isinstance(node.ctx, ast.Del):
            self.deleted_names.add(node.id)

    def visit_Global(self, node: ast.Global) -> None:
        self.global_names.update(node.names)

    def visit_Nonlocal(self, node: ast.Nonlocal) -> None:
        self.nonlocal_names.update(node.names)

    def visit_NamedExpr(self, node: ast.NamedExpr) -> None:
        self.visit(node.value)
        self.locals.add(node.target.id)

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        if node.name:
            self.locals.add(node.name)
        self.generic_visit(node)

    def visit_MatchAs(self, node: ast.MatchAs) -> None:
        if node.name:
            self.locals.add(node.name)
        self.generic_visit(node)

    def visit_MatchStar(self, node: ast.MatchStar) -> None:
        if node.name:
            self.locals.add(node.name)

    def visit_MatchMapping(self, node: ast.MatchMapping) -> None:
        if node.rest:
            self.locals.add(node.rest)
        self.generic_visit(node)

    def visit_Import(self, node: ast.Import) -> None:
        self.locals.update((a.asname or a.name).split(".")[0] for a in node.names)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        self.locals.update(a.asname or a.name for a in node.names if a.name != "*")

    # -- changes

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        self.visit(node.value)
        self.record_change(node.target)
        if isinstance(node.target, ast.Name):
            self.own_uses.reads.add(node.target.id)
            self.locals.add(node.target.id)
        else:
            self.visit(node.target)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        if not isinstance(node.ctx, ast.Load):
            self.record_change(node)
        self.visit(node.value)

    def visit_Subscript(self, node: ast.Subscript) -> None:
        if not isinstance(node.ctx, ast.Load):
            self.record_change(node)
        self.generic_visit(node)

    def record_change(self, node: ast.AST) -> None:
        name = root(node)
        self.own_uses.certain_mutations |= value_names(node) if name is None else {name}

    def visit_Expr(self, node: ast.Expr) -> None:
        value = node.value.value if isinstance(node.value, ast.Await) else node.value
        if isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute) and not is_metric_call(value):
            in_place = any(k.arg in ("inplace", None) for k in value.keywords)
            if in_place or value.func.attr not in DISPLAY_METHODS:
                self.record_change(value.func)
        self.visit(node.value)

    def visit_Call(self, node: ast.Call) -> None:
        if is_metric_call(node):
            self.generic_visit(node)
            return
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name not in PURE_FUNCTIONS:
            for argument in (*node.args, *(k.value for k in node.keywords)):
                self.own_uses.possible_mutations |= value_names(argument)
        if not isinstance(node.func, ast.Name):
            receiver = root(node.func)
            self.own_uses.possible_mutations |= value_names(node.func) if receiver is None else {receiver}
        self.generic_visit(node)

    def visit_For(self, node: ast.For | ast.AsyncFor) -> None:
        self.own_uses.possible_mutations |= value_names(node.iter)
        self.generic_visit(node)

    def visit_AsyncFor(self, node: ast.AsyncFor) -> None:
        self.visit_For(node)

    def visit_Starred(self, node: ast.Starred) -> None:
        if isinstance(node.ctx, ast.Load):
            self.own_uses.possible_mutations |= value_names(node.value)
        self.generic_visit(node)

    # -- scopes inside

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self.locals.add(node.name)
        self.visit_header(node)
        self.inner_uses.append(body_uses(node))

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self.visit_FunctionDef(node)

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self.visit_header(node)
        self.inner_uses.append(body_uses(node))

    def visit_header(self, node: Function) -> None:
        """Visit what is evaluated at a function's definition: defaults, decorators, annotations."""
        for expression in header_parts(node):
            self.visit(expression)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self.locals.add(node.name)
        for expression in (*node.decorator_list, *node.bases, *(k.value for k in node.keywords)):
            self.visit(expression)
        self.inner_uses.append(class_uses(node))

    def comprehension(self, node: Comprehension) -> None:
        self.visit(node.generators[0].iter)
        self.own_uses.possible_mutations |= value_names(node.generators[0].iter)
        walrus_names = {n.target.id for n in walruses(node)}
        self.locals |= walrus_names
        uses = comprehension_uses(node)
        uses.binds -= walrus_names
        self.inner_uses.append(uses)

    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = comprehension


def header_parts(node: Function) -> list[ast.expr]:
    arguments = node.args
    expressions: list[ast.expr] = [*arguments.defaults, *(d for d in arguments.kw_defaults if d is not None)]
    if not isinstance(node, ast.Lambda):
        expressions += node.decorator_list
        all_arguments = (
            *arguments.posonlyargs,
            *arguments.args,
            *arguments.kwonlyargs,
            arguments.vararg,
            arguments.kwarg,
        )
        expressions += [a.annotation for a in all_arguments if a is not None and a.annotation is not None]
        if node.returns is not None:
            expressions.append(node.returns)
    return expressions


def body_uses(node: Function) -> Uses:
    """The possible effects of calling a function on names outside it."""
    scope = Scope()
    arguments = node.args
    for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg):
        if argument is not None:
            scope.locals.add(argument.arg)
    for statement in [node.body] if isinstance(node, ast.Lambda) else node.body:
        scope.visit(statement)
    return scope.uses()


def altered_arguments(node: ast.FunctionDef | ast.AsyncFunctionDef) -> frozenset[int | str]:
    """Positions and names of the parameters whose objects a function mutates before it rebinds them."""
    changed_names: set[str] = set()
    rebound_names: set[str] = set()
    for statement in node.body:
        scope = Scope()
        scope.visit(statement)
        changed_names |= (
            scope.own_uses.certain_mutations.union(*(uses.certain_mutations for uses in scope.inner_uses))
            - rebound_names
        )
        if isinstance(statement, ast.Assign):
            rebound_names |= scope.locals
    positional_names = [a.arg for a in (*node.args.posonlyargs, *node.args.args)]
    names = changed_names & {*positional_names, *(a.arg for a in node.args.kwonlyargs)}
    return frozenset({*names, *(position for position, name in enumerate(positional_names) if name in names)})


def class_uses(node: ast.ClassDef) -> Uses:
    """The possible effects of a class body and its methods on names outside the class."""
    scope = Scope(is_class=True)
    for statement in node.body:
        scope.visit(statement)
    return scope.uses()


def comprehension_uses(node: Comprehension) -> Uses:
    """The effects of a comprehension on names outside it, without its first iterable."""
    scope = Scope()
    for number, generator in enumerate(node.generators):
        scope.visit(generator.target)
        if number:
            scope.visit(generator.iter)
            scope.own_uses.possible_mutations |= value_names(generator.iter)
        for condition in generator.ifs:
            scope.visit(condition)
    for expression in result_expressions(node):
        scope.visit(expression)
    uses = scope.uses()
    uses.reads |= read_before_walrus(node)
    return uses
