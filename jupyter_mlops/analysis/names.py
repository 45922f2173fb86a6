"""The names of the user namespace that a cell may read, bind and change, resolved by scope."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence

from jupyter_mlops.analysis.access import Access
from jupyter_mlops.analysis.depth import parsed
from jupyter_mlops.analysis.expressions import bound_names, value_names
from jupyter_mlops.analysis.flow_names import FlowVisitor
from jupyter_mlops.analysis.magics import to_python
from jupyter_mlops.analysis.merge import join
from jupyter_mlops.analysis.metric_calls import with_metric_calls
from jupyter_mlops.analysis.opaque import OPAQUE_ATTRIBUTES, OPAQUE_PAIRS
from jupyter_mlops.analysis.scope import Function, altered_arguments, body_uses, class_uses, header_parts


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


class NameVisitor(FlowVisitor):
    """The top level of a cell, statement by statement: tracks which names are certainly bound when a name is read."""

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

    def visit_Global(self, node: ast.Global) -> None:
        pass

    def generic_visit(self, node: ast.AST) -> None:
        """Visit any other statement: its expressions run, its names are read."""
        for child in ast.iter_child_nodes(node):
            self.run_expression(child)
