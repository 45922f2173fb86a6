"""The names in expressions, calls and magics of a cell."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence

from jupyter_mlops.analysis.cell_names import CellNames
from jupyter_mlops.analysis.expressions import walruses
from jupyter_mlops.analysis.magics import Use, find_use, is_magic_call, to_python
from jupyter_mlops.analysis.opaque import OPAQUE_ATTRIBUTES, OPAQUE_PAIRS, OPAQUE_WITHOUT_ARGUMENTS
from jupyter_mlops.analysis.scope import Scope, Uses

WORD = re.compile(r"[^\W\d]\w*")
SHELL_NAME = re.compile(r"\$\{?([^\W\d]\w*)|\{([^{}]+)\}")
SHELL_OUTPUT = re.compile(r"--(?:out|err|proc)[ =]\s*([^\W\d]\w*)")
SHELL_ASSIGNMENT = re.compile(r"(?:\s*-\w+)*\s*([^\W\d]\w*)\s*=")
LONGEST_TEXT = 20_000


class ExpressionVisitor(CellNames, ast.NodeVisitor):
    """Visits expressions, which run where they stand, and targets, which bind names there."""

    def run(self, statements: Sequence[ast.stmt]) -> None:
        for statement in statements:
            self.visit(statement)

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
                words = set(WORD.findall(child.value))
                self.strings |= words
                self.string_reads |= words - self.certain_bindings
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
            visitor = type(self)()
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
