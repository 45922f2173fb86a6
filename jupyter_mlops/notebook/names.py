"""Which names of the user namespace a cell may read, bind and change, by scope."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Sequence

from jupyter_mlops.notebook.access import Access, Call
from jupyter_mlops.notebook.expressions import captures, carried_names, named, stored, walruses
from jupyter_mlops.notebook.magics import Use, is_magic_call, to_python, use_of
from jupyter_mlops.notebook.merge import join
from jupyter_mlops.notebook.opaque import (
    HISTORY,
    OPAQUE_ATTRIBUTES,
    OPAQUE_NAMES,
    OPAQUE_PAIRS,
    OPAQUE_WITHOUT_ARGUMENTS,
)
from jupyter_mlops.notebook.scope import (
    Function,
    Scope,
    Uses,
    altered,
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


def access(source: str) -> Access:
    """What one cell does to names. Raises SyntaxError for a cell that can't be parsed."""
    tree = ast.parse(to_python(source))
    visitor = Cell()
    visitor.run(tree.body)
    return visitor.result()


class Cell(ast.NodeVisitor):
    """The top level of a cell, statement by statement: what is bound for certain when a name is read."""

    def __init__(self) -> None:
        self.reads: set[str] = set()
        self.binds: set[str] = set()
        self.certain: set[str] = set()
        self.deletes: set[str] = set()
        self.mutates: set[str] = set()
        self.passes: set[str] = set()
        self.strings: set[str] = set()
        self.defines: dict[str, frozenset[str]] = {}
        self.defined: dict[str, Uses] = {}
        self.changes: dict[str, frozenset[str]] = {}
        self.alters: dict[str, frozenset[int | str]] = {}
        self.calls: list[Call] = []
        self.makers: set[str] = set()
        self.carries: dict[str, frozenset[str]] = {}
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
            certain=frozenset(self.certain),
            deletes=frozenset(self.deletes),
            mutates=frozenset(self.mutates),
            passes=frozenset(self.passes),
            defines=self.defines,
            changes=self.changes,
            alters=self.alters,
            calls=tuple(dict.fromkeys(self.calls)),
            makers=frozenset(self.makers),
            carries=self.carries,
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

    def take(self, uses: Uses) -> None:
        """Uses of names by code that runs, or may run, here, and by the functions of this cell among them."""
        total, waiting, known = Uses(), [uses], set[str]()
        while waiting:
            one = waiting.pop()
            total.add(one)
            called = (one.reads | one.mutates | one.passes) & self.defined.keys() - known
            known |= called
            waiting += [self.defined[name] for name in called]
        for name in sorted((total.reads | total.mutates | total.passes) - self.certain):
            self.reads.add(name)
            if name in OPAQUE_NAMES:
                self.opaque.append(name)
            if HISTORY.fullmatch(name):
                self.history.append(name)
        for name in total.binds:
            self.bind(name, certain=False)
        self.mutates |= total.mutates
        self.passes |= total.passes
        self.deletes |= total.deletes
        self.certain -= total.deletes

    def read(self, name: str) -> None:
        self.take(Uses(reads={name}))

    def bind(self, name: str, *, certain: bool = True) -> None:
        """What is bound on some path only may still be what it was: the functions it held are kept."""
        self.binds.add(name)
        self.modules.pop(name, None)
        if certain and not self.depth:
            self.defined.pop(name, None)
            self.defines.pop(name, None)
            self.changes.pop(name, None)
            self.alters.pop(name, None)
            self.carries.pop(name, None)
            self.makers.discard(name)
        if certain:
            self.certain.add(name)

    def expression(self, *nodes: ast.AST | None) -> None:
        """Code that runs here and now."""
        for node in nodes:
            if node is None:
                continue
            scope = Scope()
            scope.visit(node)
            uses = Uses()
            uses.add(scope.own)
            for inner in scope.inner:
                uses.add(inner)
            self.take(uses)
            for name in scope.locals:
                self.bind(name, certain=False)
            for walrus in walruses(node):
                self.hold([walrus.target.id], self.followed(walrus.value), walrus.value)
            self.look_inside(node)

    def look_inside(self, node: ast.AST) -> None:
        magics = {
            id(at)
            for part in ast.walk(node)
            if is_magic_call(part)
            for at in ast.walk(part)
            if isinstance(at, ast.Name)
        }
        called = {id(part.func) for part in ast.walk(node) if isinstance(part, ast.Call)}
        for part in ast.walk(node):
            if isinstance(part, ast.Name) and part.id == "get_ipython" and id(part) not in magics:
                self.opaque.append("get_ipython()")
            if (
                isinstance(part, ast.Name)
                and part.id in OPAQUE_WITHOUT_ARGUMENTS - self.certain
                and id(part) not in called
            ):
                self.opaque.append(part.id)
            if isinstance(part, ast.Constant) and isinstance(part.value, str) and len(part.value) < LONGEST_TEXT:
                self.strings.update(WORD.findall(part.value))
            elif isinstance(part, ast.Attribute):
                self.look_at_attribute(part)
            elif isinstance(part, ast.Call):
                self.look_at_call(part)

    def look_at_attribute(self, node: ast.Attribute) -> None:
        base = node.value.id if isinstance(node.value, ast.Name) else ""
        base = self.modules.get(base, base)
        if node.attr in OPAQUE_ATTRIBUTES or (base, node.attr) in OPAQUE_PAIRS:
            self.opaque.append(f"{base}.{node.attr}" if base else node.attr)

    def look_at_call(self, node: ast.Call) -> None:
        use = use_of(node)
        if use is not None:
            self.magic(use)
            return
        if isinstance(node.func, ast.Name):
            name = node.func.id
            places: list[tuple[int | str, ast.expr]] = [
                *enumerate(node.args),
                *((k.arg, k.value) for k in node.keywords if k.arg),
            ]
            given = tuple((at, part.id) for at, part in places if isinstance(part, ast.Name))
            if given:
                self.calls.append((name, given))
            if name in OPAQUE_WITHOUT_ARGUMENTS and not node.args and name not in self.certain:
                self.opaque.append(f"{name}()")
        if isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Call):
            inner = node.func.value.func
            if isinstance(inner, ast.Name) and inner.id == "get_ipython":
                self.opaque.append(f"get_ipython().{node.func.attr}")

    def magic(self, use: Use) -> None:
        kind = use.magic
        sign = "!" if use.name == "!" else "%%" if use.cell else "%"
        if kind.opaque:
            self.opaque.append(f"{sign}{use.name}" if use.name != "!" else "!")
        if kind.history:
            self.history.append(f"{sign}{use.name}")
        if use.code:
            inner = Cell()
            try:
                inner.run(ast.parse(to_python(use.code)).body)
            except SyntaxError:
                self.opaque.append(f"{sign}{use.name}")
            self.absorb(inner)
        else:
            self.expand(f"{use.line}\n{use.body}" if kind.body == "text" and kind.outside else use.line)
        words = use.line.split()
        if use.name == "capture":
            for word in words:
                if not word.startswith("-"):
                    self.bind(word)
        for name in SHELL_OUTPUT.findall(use.line) if use.cell else ():
            self.bind(name)
        if use.name == "sc" and (given := SHELL_ASSIGNMENT.match(use.line)):
            self.bind(given[1])

    def expand(self, text: str) -> None:
        for name, code in SHELL_NAME.findall(text):
            for word in [name] if name else WORD.findall(code):
                self.read(word)
            if "(" in code:
                self.passes.update(WORD.findall(code))

    def absorb(self, inner: Cell) -> None:
        for name in inner.reads:
            self.read(name)
        for name in inner.binds:
            self.bind(name, certain=False)
        self.mutates |= inner.mutates
        self.passes |= inner.passes
        self.deletes |= inner.deletes
        self.certain -= inner.deletes
        self.strings |= inner.strings
        join(self.defines, inner.defines)
        join(self.changes, inner.changes)
        join(self.alters, inner.alters)
        join(self.carries, inner.carries)
        self.calls += inner.calls
        self.makers |= inner.makers
        for name, uses in inner.defined.items():
            self.remember(name, uses)
        self.modules.update(inner.modules)
        self.imports += inner.imports
        self.star += inner.star
        self.opaque += inner.opaque
        self.history += inner.history

    # -- targets

    def target(self, node: ast.AST, *, certain: bool = True) -> None:
        if isinstance(node, ast.Name):
            self.bind(node.id, certain=certain)
        elif isinstance(node, ast.Tuple | ast.List):
            for item in node.elts:
                self.target(item, certain=certain)
        elif isinstance(node, ast.Starred):
            self.target(node.value, certain=certain)
        else:
            self.expression(node)

    # -- statements

    def visit_Expr(self, node: ast.Expr) -> None:
        self.expression(node)

    def visit_Assign(self, node: ast.Assign) -> None:
        lambda_name = self.lambda_name(node)
        if lambda_name is not None and isinstance(node.value, ast.Lambda):
            self.expression(*header_parts(node.value))
            self.look_inside(node.value)
            self.define(lambda_name, body_uses(node.value))
            return
        self.expression(node.value)
        if any(isinstance(t, ast.Tuple | ast.List) for t in node.targets):
            self.passes |= named(node.value)
        followed = self.followed(node.value)
        for target in node.targets:
            self.target(target)
            self.hold(stored(target), followed, node.value)

    def lambda_name(self, node: ast.Assign) -> str | None:
        first = node.targets[0]
        return first.id if len(node.targets) == 1 and isinstance(first, ast.Name) else None

    def followed(self, node: ast.AST) -> Uses:
        """What a value may do later when it is called: functions and lambdas that it holds."""
        found = Uses()
        for part in ast.walk(node):
            if isinstance(part, ast.Name) and part.id in self.defined:
                found.add(self.defined[part.id])
                found.reads.add(part.id)
            elif isinstance(part, ast.Lambda):
                found.add(body_uses(part))
            elif isinstance(part, ast.GeneratorExp):
                found.add(comprehension_uses(part))
        return found

    def define(self, name: str, uses: Uses) -> None:
        self.bind(name)
        self.remember(name, uses)

    def remember(self, name: str, uses: Uses) -> None:
        known = Uses()
        known.add(self.defined.get(name, known))
        known.add(uses)
        self.defined[name] = known
        self.defines[name] = known.names
        if known.binds | known.mutates:
            self.changes[name] = frozenset(known.binds | known.mutates)

    def hold(self, names: Iterable[str], followed: Uses, value: ast.AST) -> None:
        """These names, just bound, may hold the functions that a value holds."""
        carried = frozenset(carried_names(value))
        for name in names:
            if followed.names:
                self.remember(name, followed)
            if carried:
                self.carries[name] = self.carries.get(name, frozenset()) | carried

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        self.expression(node.annotation, node.value)
        if node.value is not None:
            followed = self.followed(node.value)
            self.target(node.target)
            self.hold(stored(node.target), followed, node.value)
        elif not isinstance(node.target, ast.Name):
            self.expression(node.target)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        self.expression(node.value)
        if isinstance(node.target, ast.Name):
            name = node.target.id
            self.read(name)
            self.mutates.add(name)
            followed = self.followed(node.value)
            followed.add(self.followed(node.target))
            self.bind(name)
            self.hold([name], followed, node.value)
            self.carries[name] = self.carries.get(name, frozenset()) | {name}
        else:
            self.expression(node)

    def visit_Delete(self, node: ast.Delete) -> None:
        for target in node.targets:
            self.remove(target)

    def remove(self, target: ast.AST) -> None:
        if isinstance(target, ast.Name):
            self.read(target.id)
            self.deletes.add(target.id)
            self.certain.discard(target.id)
        elif isinstance(target, ast.Tuple | ast.List):
            for item in target.elts:
                self.remove(item)
        else:
            self.expression(target)

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
        self.expression(*header_parts(node))
        uses = body_uses(node)
        for statement in node.body:
            self.look_inside(statement)
        if node.decorator_list:
            self.take(uses)
        self.define(node.name, uses)
        if changed := altered(node):
            join(self.alters, {node.name: changed})
        if any(isinstance(n, Function) for n in ast.walk(node) if n is not node):
            self.makers.add(node.name)
        self.imports_inside(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self.visit_FunctionDef(node)

    def imports_inside(self, node: ast.AST) -> None:
        """`import` in a function: opaque only where it reaches for the notebook itself."""
        for part in ast.walk(node):
            if isinstance(part, ast.Import) and any(a.name == "__main__" for a in part.names):
                self.opaque.append("__main__")

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self.expression(*node.decorator_list, *node.bases, *(k.value for k in node.keywords))
        uses = class_uses(node)
        self.take(uses)
        for statement in node.body:
            self.look_inside(statement)
        self.define(node.name, uses)
        self.makers.add(node.name)

    def branches(self, *parts: Sequence[ast.stmt]) -> None:
        """Of several ways exactly one is taken: what all bind is bound."""
        before, ends = set(self.certain), []
        self.depth += 1
        for part in parts:
            self.certain = set(before)
            self.run(part)
            if not _leaves(part):
                ends.append(self.certain)
        self.depth -= 1
        self.certain = set.intersection(*ends) if ends else before

    def perhaps(self, part: Sequence[ast.stmt]) -> None:
        """Code that may run, in part or several times."""
        before = set(self.certain)
        self.depth += 1
        self.run(part)
        self.depth -= 1
        self.certain &= before

    def repeat(self, body: Sequence[ast.stmt]) -> None:
        """The body of a loop: what it leaves behind is there when it runs again."""
        self.depth += 1
        before = set(self.certain)
        self.run(body)
        parts = [part for statement in body for part in ast.walk(statement)]
        if any(isinstance(part, ast.Continue) for part in parts):
            self.certain &= before
        for name in {part.id for part in parts if isinstance(part, ast.Name) and part.id in self.defined}:
            self.read(name)
        self.certain &= before
        self.depth -= 1

    def visit_If(self, node: ast.If) -> None:
        self.expression(node.test)
        self.branches(node.body, node.orelse)

    def visit_For(self, node: ast.For | ast.AsyncFor) -> None:
        self.expression(node.iter)
        self.passes |= named(node.iter)
        before, followed = set(self.certain), self.followed(node.iter)
        self.depth += 1
        self.target(node.target)
        self.hold(stored(node.target), followed, node.iter)
        self.repeat(node.body)
        self.depth -= 1
        self.certain &= before
        self.perhaps(node.orelse)

    def visit_AsyncFor(self, node: ast.AsyncFor) -> None:
        self.visit_For(node)

    def visit_While(self, node: ast.While) -> None:
        self.expression(node.test)
        self.repeat(node.body)
        self.expression(node.test)
        self.perhaps(node.orelse)

    def visit_With(self, node: ast.With | ast.AsyncWith) -> None:
        """What the first item enters may swallow an error of all that follows it."""
        sure, depth = set(self.certain), self.depth
        for item in node.items:
            self.expression(item.context_expr)
            self.passes |= named(item.context_expr)
            if item.optional_vars is not None:
                followed = self.followed(item.context_expr)
                self.target(item.optional_vars)
                self.hold(stored(item.optional_vars), followed, item.context_expr)
            if item is node.items[0] and isinstance(item.optional_vars, ast.Name):
                sure.add(item.optional_vars.id)
            self.depth = depth + 1
        self.run(node.body)
        self.depth = depth
        self.certain &= sure

    def visit_AsyncWith(self, node: ast.AsyncWith) -> None:
        self.visit_With(node)

    def visit_Try(self, node: ast.Try) -> None:
        self.perhaps(node.body)
        for handler in node.handlers:
            self.expression(handler.type)
            before = set(self.certain)
            self.depth += 1
            if handler.name:
                self.bind(handler.name)
            self.run(handler.body)
            self.depth -= 1
            self.certain &= before
            if handler.name:
                self.deletes.add(handler.name)
                self.certain.discard(handler.name)
        self.perhaps(node.orelse)
        self.run(node.finalbody)

    visit_TryStar = visit_Try  # type: ignore[assignment]

    def visit_Match(self, node: ast.Match) -> None:
        self.expression(node.subject)
        for case in node.cases:
            before = set(self.certain)
            self.expression(case.pattern)
            self.certain |= {n for part in ast.walk(case.pattern) for n in captures(part)}
            self.depth += 1
            self.expression(case.guard)
            self.run(case.body)
            self.depth -= 1
            self.certain &= before

    def visit_Global(self, node: ast.Global) -> None:
        pass

    def generic_visit(self, node: ast.AST) -> None:
        """Any other statement: its expressions run, its names are read."""
        for child in ast.iter_child_nodes(node):
            self.expression(child)


def _leaves(statements: Sequence[ast.stmt]) -> bool:
    return bool(statements) and isinstance(statements[-1], ast.Raise)
