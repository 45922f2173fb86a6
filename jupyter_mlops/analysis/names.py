"""The names of the user namespace that a cell may read, bind and change, resolved by scope."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping, Sequence

from jupyter_mlops.analysis.access import Access, Call
from jupyter_mlops.analysis.depth import parsed
from jupyter_mlops.analysis.expressions import bound_names, capture_names, carried_names, value_names, walruses
from jupyter_mlops.analysis.magics import Use, find_use, is_magic_call, to_python
from jupyter_mlops.analysis.merge import join
from jupyter_mlops.analysis.metric_calls import with_metric_calls
from jupyter_mlops.analysis.opaque import (
    HISTORY,
    OPAQUE_ATTRIBUTES,
    OPAQUE_NAMES,
    OPAQUE_PAIRS,
    OPAQUE_WITHOUT_ARGUMENTS,
)
from jupyter_mlops.analysis.scope import (
    Function,
    Scope,
    Uses,
    altered_arguments,
    body_uses,
    class_uses,
    comprehension_uses,
    header_parts,
)

WORD = re.compile(r"[^\W\d]\w*")
SHELL_NAME = re.compile(r"\$\{?([^\W\d]\w*)|\{([^{}]+)\}")
SHELL_OUTPUT = re.compile(r"--(?:out|err|proc)[ =]\s*([^\W\d]\w*)")
SHELL_ASSIGNMENT = re.compile(r"(?:\s*-\w+)*\s*([^\W\d]\w*)\s*=")
LONGEST_TEXT = 20_000


def access(source: str, modules: Mapping[str, str] | None = None) -> Access:
    """The names that one cell accesses. Raises SyntaxError if it can't be parsed or is nested too deeply.

    :param modules: names bound by imports of earlier cells -> their dotted modules.
    """
    return access_of(with_metric_calls(parsed(to_python(source)), source, modules or {}).body)


def access_of(statements: Sequence[ast.stmt]) -> Access:
    """The names that top-level statements of a cell access."""
    visitor = NameVisitor()
    visitor.run(list(statements))
    return visitor.result()


class NameVisitor(ast.NodeVisitor):
    """The top level of a cell, statement by statement: tracks which names are certainly bound when a name is read."""

    def __init__(self) -> None:
        self.reads: set[str] = set()
        self.binds: set[str] = set()
        self.certain_bindings: set[str] = set()
        self.deletes: set[str] = set()
        self.certain_mutations: set[str] = set()
        self.possible_mutations: set[str] = set()
        self.strings: set[str] = set()
        self.defines: dict[str, frozenset[str]] = {}
        self.uses_by_name: dict[str, Uses] = {}
        self.global_mutations: dict[str, frozenset[str]] = {}
        self.argument_mutations: dict[str, frozenset[int | str]] = {}
        self.calls: list[Call] = []
        self.closure_factories: set[str] = set()
        self.carried_functions: dict[str, frozenset[str]] = {}
        self.modules: dict[str, str] = {}
        self.imports: list[str] = []
        self.star: list[str] = []
        self.opaque: list[str] = []
        self.history: list[str] = []
        self.depth = 0

    def result(self) -> Access:
        return Access(
            reads=frozenset(self.reads),
            binds=frozenset(self.binds),
            certain_bindings=frozenset(self.certain_bindings),
            deletes=frozenset(self.deletes),
            certain_mutations=frozenset(self.certain_mutations),
            possible_mutations=frozenset(self.possible_mutations),
            defines=self.defines,
            global_mutations=self.global_mutations,
            argument_mutations=self.argument_mutations,
            calls=tuple(dict.fromkeys(self.calls)),
            closure_factories=frozenset(self.closure_factories),
            carried_functions=self.carried_functions,
            modules=self.modules,
            imports=tuple(self.imports),
            star=tuple(self.star),
            strings=frozenset(self.strings),
            opaque=tuple(dict.fromkeys(self.opaque)),
            history=tuple(dict.fromkeys(self.history)),
        )

    def run(self, statements: Sequence[ast.stmt]) -> None:
        for statement in statements:
            self.visit(statement)

    # -- what a piece of code does

    def record_uses(self, uses: Uses) -> None:
        """Record the names used by code that runs, or may run, here, including those used by functions of this cell."""
        total, pending, visited = Uses(), [uses], set[str]()
        while pending:
            current_uses = pending.pop()
            total.add(current_uses)
            called_names = (
                current_uses.reads | current_uses.certain_mutations | current_uses.possible_mutations
            ) & self.uses_by_name.keys() - visited
            visited |= called_names
            pending += [self.uses_by_name[name] for name in called_names]
        for name in sorted((total.reads | total.certain_mutations | total.possible_mutations) - self.certain_bindings):
            self.reads.add(name)
            if name in OPAQUE_NAMES:
                self.opaque.append(name)
            if HISTORY.fullmatch(name):
                self.history.append(name)
        for name in total.binds:
            self.bind(name, is_certain=False)
        self.certain_mutations |= total.certain_mutations
        self.possible_mutations |= total.possible_mutations
        self.deletes |= total.deletes
        self.certain_bindings -= total.deletes

    def record_read(self, name: str) -> None:
        self.record_uses(Uses(reads={name}))

    def bind(self, name: str, *, is_certain: bool = True) -> None:
        """Keep the functions of a name that is bound only on some paths: it may still have its earlier value."""
        self.binds.add(name)
        self.modules.pop(name, None)
        if is_certain and not self.depth:
            self.uses_by_name.pop(name, None)
            self.defines.pop(name, None)
            self.global_mutations.pop(name, None)
            self.argument_mutations.pop(name, None)
            self.carried_functions.pop(name, None)
            self.closure_factories.discard(name)
        if is_certain:
            self.certain_bindings.add(name)

    def run_expression(self, *nodes: ast.AST | None) -> None:
        """Visit code that runs immediately."""
        for node in nodes:
            if node is None:
                continue
            scope = Scope()
            scope.visit(node)
            uses = Uses()
            uses.add(scope.own_uses)
            for inner_uses in scope.inner_uses:
                uses.add(inner_uses)
            self.record_uses(uses)
            for name in scope.locals:
                self.bind(name, is_certain=False)
            for walrus in walruses(node):
                self.record_carried([walrus.target.id], self.deferred_uses(walrus.value), walrus.value)
            self.scan(node)

    def scan(self, node: ast.AST) -> None:
        magics = {
            id(name_node)
            for child in ast.walk(node)
            if is_magic_call(child)
            for name_node in ast.walk(child)
            if isinstance(name_node, ast.Name)
        }
        callee_ids = {id(child.func) for child in ast.walk(node) if isinstance(child, ast.Call)}
        for child in ast.walk(node):
            if isinstance(child, ast.Name) and child.id == "get_ipython" and id(child) not in magics:
                self.opaque.append("get_ipython()")
            if (
                isinstance(child, ast.Name)
                and child.id in OPAQUE_WITHOUT_ARGUMENTS - self.certain_bindings
                and id(child) not in callee_ids
            ):
                self.opaque.append(child.id)
            if isinstance(child, ast.Constant) and isinstance(child.value, str) and len(child.value) < LONGEST_TEXT:
                self.strings.update(WORD.findall(child.value))
            elif isinstance(child, ast.Attribute):
                self.scan_attribute(child)
            elif isinstance(child, ast.Call):
                self.scan_call(child)

    def scan_attribute(self, node: ast.Attribute) -> None:
        base = node.value.id if isinstance(node.value, ast.Name) else ""
        base = self.modules.get(base, base)
        if node.attr in OPAQUE_ATTRIBUTES or (base, node.attr) in OPAQUE_PAIRS:
            self.opaque.append(f"{base}.{node.attr}" if base else node.attr)

    def scan_call(self, node: ast.Call) -> None:
        use = find_use(node)
        if use is not None:
            self.scan_magic(use)
            return
        if isinstance(node.func, ast.Name):
            name = node.func.id
            arguments: list[tuple[int | str, ast.expr]] = [
                *enumerate(node.args),
                *((k.arg, k.value) for k in node.keywords if k.arg),
            ]
            name_arguments = tuple((key, value.id) for key, value in arguments if isinstance(value, ast.Name))
            if name_arguments:
                self.calls.append((name, name_arguments))
            if name in OPAQUE_WITHOUT_ARGUMENTS and not node.args and name not in self.certain_bindings:
                self.opaque.append(f"{name}()")
        if isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Call):
            callee = node.func.value.func
            if isinstance(callee, ast.Name) and callee.id == "get_ipython":
                self.opaque.append(f"get_ipython().{node.func.attr}")

    def scan_magic(self, use: Use) -> None:
        kind = use.magic
        prefix = "!" if use.name == "!" else "%%" if use.cell else "%"
        if kind.opaque:
            self.opaque.append(f"{prefix}{use.name}" if use.name != "!" else "!")
        if kind.history:
            self.history.append(f"{prefix}{use.name}")
        if use.code:
            visitor = NameVisitor()
            try:
                visitor.run(ast.parse(to_python(use.code)).body)
            except SyntaxError:
                self.opaque.append(f"{prefix}{use.name}")
            self.merge(visitor)
        else:
            self.read_shell_names(f"{use.line}\n{use.body}" if kind.body == "text" and kind.outside else use.line)
        words = use.line.split()
        if use.name == "capture":
            for word in words:
                if not word.startswith("-"):
                    self.bind(word)
        for name in SHELL_OUTPUT.findall(use.line) if use.cell else ():
            self.bind(name)
        if use.name == "sc" and (match := SHELL_ASSIGNMENT.match(use.line)):
            self.bind(match[1])

    def read_shell_names(self, text: str) -> None:
        for name, code in SHELL_NAME.findall(text):
            for word in [name] if name else WORD.findall(code):
                self.record_read(word)
            if "(" in code:
                self.possible_mutations.update(WORD.findall(code))

    def merge(self, visitor: NameVisitor) -> None:
        for name in visitor.reads:
            self.record_read(name)
        for name in visitor.binds:
            self.bind(name, is_certain=False)
        self.certain_mutations |= visitor.certain_mutations
        self.possible_mutations |= visitor.possible_mutations
        self.deletes |= visitor.deletes
        self.certain_bindings -= visitor.deletes
        self.strings |= visitor.strings
        join(self.defines, visitor.defines)
        join(self.global_mutations, visitor.global_mutations)
        join(self.argument_mutations, visitor.argument_mutations)
        join(self.carried_functions, visitor.carried_functions)
        self.calls += visitor.calls
        self.closure_factories |= visitor.closure_factories
        for name, uses in visitor.uses_by_name.items():
            self.add_uses(name, uses)
        self.modules.update(visitor.modules)
        self.imports += visitor.imports
        self.star += visitor.star
        self.opaque += visitor.opaque
        self.history += visitor.history

    # -- targets

    def bind_target(self, node: ast.AST, *, is_certain: bool = True) -> None:
        if isinstance(node, ast.Name):
            self.bind(node.id, is_certain=is_certain)
        elif isinstance(node, ast.Tuple | ast.List):
            for item in node.elts:
                self.bind_target(item, is_certain=is_certain)
        elif isinstance(node, ast.Starred):
            self.bind_target(node.value, is_certain=is_certain)
        else:
            self.run_expression(node)

    # -- statements

    def visit_Expr(self, node: ast.Expr) -> None:
        self.run_expression(node)

    def visit_Assign(self, node: ast.Assign) -> None:
        lambda_name = self.lambda_name(node)
        if lambda_name is not None and isinstance(node.value, ast.Lambda):
            self.run_expression(*header_parts(node.value))
            self.scan(node.value)
            self.define(lambda_name, body_uses(node.value))
            return
        self.run_expression(node.value)
        if any(isinstance(t, ast.Tuple | ast.List) for t in node.targets):
            self.possible_mutations |= value_names(node.value)
        uses = self.deferred_uses(node.value)
        for target in node.targets:
            self.bind_target(target)
            self.record_carried(bound_names(target), uses, node.value)

    def lambda_name(self, node: ast.Assign) -> str | None:
        first = node.targets[0]
        return first.id if len(node.targets) == 1 and isinstance(first, ast.Name) else None

    def deferred_uses(self, node: ast.AST) -> Uses:
        """Record what a value may do when it is called later: the functions and lambdas that it holds."""
        uses = Uses()
        for child in ast.walk(node):
            if isinstance(child, ast.Name) and child.id in self.uses_by_name:
                uses.add(self.uses_by_name[child.id])
                uses.reads.add(child.id)
            elif isinstance(child, ast.Lambda):
                uses.add(body_uses(child))
            elif isinstance(child, ast.GeneratorExp):
                uses.add(comprehension_uses(child))
        return uses

    def define(self, name: str, uses: Uses) -> None:
        self.bind(name)
        self.add_uses(name, uses)

    def add_uses(self, name: str, uses: Uses) -> None:
        merged_uses = Uses()
        merged_uses.add(self.uses_by_name.get(name, merged_uses))
        merged_uses.add(uses)
        self.uses_by_name[name] = merged_uses
        self.defines[name] = merged_uses.names
        if merged_uses.binds | merged_uses.certain_mutations:
            self.global_mutations[name] = frozenset(merged_uses.binds | merged_uses.certain_mutations)

    def record_carried(self, names: Iterable[str], uses: Uses, value: ast.AST) -> None:
        """Record that newly bound names may hold the functions of a value."""
        callable_names = frozenset(carried_names(value))
        for name in names:
            if uses.names:
                self.add_uses(name, uses)
            if callable_names:
                self.carried_functions[name] = self.carried_functions.get(name, frozenset()) | callable_names

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        self.run_expression(node.annotation, node.value)
        if node.value is not None:
            uses = self.deferred_uses(node.value)
            self.bind_target(node.target)
            self.record_carried(bound_names(node.target), uses, node.value)
        elif not isinstance(node.target, ast.Name):
            self.run_expression(node.target)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        self.run_expression(node.value)
        if isinstance(node.target, ast.Name):
            name = node.target.id
            self.record_read(name)
            self.certain_mutations.add(name)
            uses = self.deferred_uses(node.value)
            uses.add(self.deferred_uses(node.target))
            self.bind(name)
            self.record_carried([name], uses, node.value)
            self.carried_functions[name] = self.carried_functions.get(name, frozenset()) | {name}
        else:
            self.run_expression(node)

    def visit_Delete(self, node: ast.Delete) -> None:
        for target in node.targets:
            self.delete_target(target)

    def delete_target(self, target: ast.AST) -> None:
        if isinstance(target, ast.Name):
            self.record_read(target.id)
            self.deletes.add(target.id)
            self.certain_bindings.discard(target.id)
        elif isinstance(target, ast.Tuple | ast.List):
            for item in target.elts:
                self.delete_target(item)
        else:
            self.run_expression(target)

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            self.imports.append(alias.name)
            name = alias.asname or alias.name.split(".")[0]
            self.bind(name)
            self.modules[name] = alias.name if alias.asname else name
            if alias.name == "__main__":
                self.opaque.append("__main__")

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        module = "." * node.level + (node.module or "")
        if module == "__future__":
            return
        self.imports.append(module)
        for alias in node.names:
            if alias.name == "*":
                self.star.append(module)
            else:
                if alias.name in OPAQUE_ATTRIBUTES or (module, alias.name) in OPAQUE_PAIRS:
                    self.opaque.append(f"{module}.{alias.name}")
                self.bind(alias.asname or alias.name)
                self.modules[alias.asname or alias.name] = f"{module}.{alias.name}"

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self.run_expression(*header_parts(node))
        uses = body_uses(node)
        for statement in node.body:
            self.scan(statement)
        if node.decorator_list:
            self.record_uses(uses)
        self.define(node.name, uses)
        if positions := altered_arguments(node):
            join(self.argument_mutations, {node.name: positions})
        if any(isinstance(n, Function) for n in ast.walk(node) if n is not node):
            self.closure_factories.add(node.name)
        self.scan_imports(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self.visit_FunctionDef(node)

    def scan_imports(self, node: ast.AST) -> None:
        """`import` in a function is opaque only if it accesses the notebook's namespace."""
        for child in ast.walk(node):
            if isinstance(child, ast.Import) and any(a.name == "__main__" for a in child.names):
                self.opaque.append("__main__")

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self.run_expression(*node.decorator_list, *node.bases, *(k.value for k in node.keywords))
        uses = class_uses(node)
        self.record_uses(uses)
        for statement in node.body:
            self.scan(statement)
        self.define(node.name, uses)
        self.closure_factories.add(node.name)

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

    def visit_Global(self, node: ast.Global) -> None:
        pass

    def generic_visit(self, node: ast.AST) -> None:
        """Visit any other statement: its expressions run, its names are read."""
        for child in ast.iter_child_nodes(node):
            self.run_expression(child)


def _raises(statements: Sequence[ast.stmt]) -> bool:
    return bool(statements) and isinstance(statements[-1], ast.Raise)
