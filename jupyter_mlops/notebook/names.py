"""Which names of the user namespace a cell may read, bind and change, by scope."""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from jupyter_mlops.notebook.access import Access, Call
from jupyter_mlops.notebook.magics import Use, to_python, use_of

BUILTINS: frozenset[str] = frozenset(dir(builtins)) | {"get_ipython", "display", "__file__", "__name__", "__doc__"}
OPAQUE_NAMES = frozenset({"eval", "exec", "compile", "globals", "locals", "__main__", "__import__"})
OPAQUE_WITHOUT_ARGUMENTS = frozenset({"vars", "dir"})
OPAQUE_ATTRIBUTES = frozenset(
    {"currentframe", "_getframe", "f_globals", "f_locals", "user_ns", "user_global_ns", "user_module", "get_objects",
     "run_module", "run_path", "_current_frames", "set_trace"}
)  # fmt: skip
OPAQUE_PAIRS = frozenset({("sys", "modules"), ("inspect", "stack"), ("inspect", "trace"), ("importlib", "reload")})
HISTORY = re.compile(r"_{1,3}|_\d+|_i{1,3}|_i\d+|In|Out|_ih|_oh|_dh|_exit_code")
WORD = re.compile(r"[^\W\d]\w*")
PURE = frozenset({"len", "type", "isinstance", "issubclass", "id", "range", "callable", "hasattr"})
# Methods that people call as a statement to see something: possible writes like any call, but no certain ones.
SHOWING = frozenset(
    "head tail describe info sample plot hist boxplot value_counts nunique unique isna isnull notna sum mean median std"
    " var min max count corr cov quantile items keys values to_string to_csv to_parquet to_json to_markdown to_numpy"
    " copy groupby pivot_table summary score predict transform get_params format join split strip".split()
)
SHELL_NAME = re.compile(r"\$\{?([^\W\d]\w*)|\{([^{}]+)\}")
LONGEST_TEXT = 20_000

MAGIC_METHODS = frozenset({"run_line_magic", "run_cell_magic", "system", "getoutput", "getoutputs"})

Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


def access(source: str) -> Access:
    """What one cell does to names. Raises SyntaxError for a cell that can't be parsed."""
    tree = ast.parse(to_python(source))
    visitor = Cell()
    visitor.run(tree.body)
    return visitor.result()


def merge(accesses: Iterable[Access]) -> Access:
    """What several cells do, run in order: what an earlier one certainly binds is no read of a later one."""
    reads: set[str] = set()
    binds: set[str] = set()
    certain: set[str] = set()
    deletes: set[str] = set()
    mutates: set[str] = set()
    passes: set[str] = set()
    strings: set[str] = set()
    defines: dict[str, frozenset[str]] = {}
    changes: dict[str, frozenset[str]] = {}
    alters: dict[str, frozenset[int | str]] = {}
    calls: list[Call] = []
    makers: set[str] = set()
    carries: dict[str, frozenset[str]] = {}
    modules: dict[str, str] = {}
    imports: list[str] = []
    star: list[str] = []
    opaque: list[str] = []
    history: list[str] = []
    for one in accesses:
        followed = follow(one.reads | one.mutates | one.passes, defines)
        reads |= {n for n in one.reads | followed if n not in certain}
        mutates |= one.mutates
        passes |= one.passes | followed
        binds |= one.binds
        certain = (certain - one.deletes) | one.certain
        deletes |= one.deletes
        strings |= one.strings
        for name in one.binds:
            defines.pop(name, None)
            changes.pop(name, None)
            alters.pop(name, None)
            carries.pop(name, None)
            makers.discard(name)
        defines.update(one.defines)
        changes.update(one.changes)
        alters.update(one.alters)
        calls += one.calls
        carries.update(one.carries)
        makers |= one.makers
        modules.update(one.modules)
        imports += [m for m in one.imports if m not in imports]
        star += one.star
        opaque += one.opaque
        history += one.history
    return Access(
        reads=frozenset(reads),
        binds=frozenset(binds),
        certain=frozenset(certain),
        deletes=frozenset(deletes),
        mutates=frozenset(mutates),
        passes=frozenset(passes),
        defines=defines,
        changes=changes,
        alters=alters,
        calls=tuple(dict.fromkeys(calls)),
        makers=frozenset(makers),
        carries=carries,
        modules=modules,
        imports=tuple(imports),
        star=tuple(star),
        strings=frozenset(strings),
        opaque=tuple(dict.fromkeys(opaque)),
        history=tuple(dict.fromkeys(history)),
    )


def follow(names: Iterable[str], defines: Mapping[str, frozenset[str]]) -> set[str]:
    """The names that functions among these use, and the functions among those, and so on."""
    found: set[str] = set()
    waiting = [n for n in names if n in defines]
    while waiting:
        for name in defines[waiting.pop()]:
            if name not in found:
                found.add(name)
                if name in defines:
                    waiting.append(name)
    return found


@dataclass
class Uses:
    """What the code of one scope and the scopes inside it does to names that are not its own."""

    reads: set[str] = field(default_factory=set)
    binds: set[str] = field(default_factory=set)
    mutates: set[str] = field(default_factory=set)
    passes: set[str] = field(default_factory=set)

    @property
    def names(self) -> frozenset[str]:
        return frozenset(self.reads | self.binds | self.mutates | self.passes)

    def add(self, other: Uses, hidden: Iterable[str] = ()) -> None:
        hide = set(hidden)
        self.reads |= other.reads - hide
        self.binds |= other.binds - hide
        self.mutates |= other.mutates - hide
        self.passes |= other.passes - hide


def root(node: ast.AST) -> str | None:
    """The name at the start of a chain of attributes, items and calls (`a.b[0].c()` -> a)."""
    while True:
        if isinstance(node, ast.Name):
            return node.id
        if isinstance(node, ast.Attribute | ast.Subscript | ast.Starred):
            node = node.value
        elif isinstance(node, ast.Call):
            node = node.func
        else:
            return None


def named(node: ast.AST) -> set[str]:
    """Names of an expression that may stand for the objects it yields; its own local names left out."""
    if isinstance(node, ast.Name):
        return {node.id}
    if isinstance(node, ast.Lambda):
        arguments = {a.arg for a in ast.walk(node.args) if isinstance(a, ast.arg)}
        return (named(node.body) - arguments) | named(node.args)
    found: set[str] = set()
    for child in ast.iter_child_nodes(node):
        found |= named(child)
    if isinstance(node, Comprehension):
        bound = {n.id for g in node.generators for n in ast.walk(g.target) if isinstance(n, ast.Name)}
        found = (found - bound) | named(node.generators[0].iter)
    return found


def carried_names(node: ast.AST) -> set[str]:
    """Names whose functions the value of an expression may hold; with `()` behind it the name that was called."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        parts = (*node.args, *(k.value for k in node.keywords))
        return {f"{node.func.id}()"}.union(*map(carried_names, parts))
    if isinstance(node, ast.Lambda | Comprehension):
        return named(node)
    found = {node.id} if isinstance(node, ast.Name) else set()
    return found.union(*(carried_names(child) for child in ast.iter_child_nodes(node)))


def is_magic_call(node: ast.AST) -> bool:
    """Whether this is `get_ipython().run_line_magic(...)` or its like, as IPython's transformer writes magics."""
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in MAGIC_METHODS):
        return False
    inner = node.func.value
    return isinstance(inner, ast.Call) and isinstance(inner.func, ast.Name) and inner.func.id == "get_ipython"


class Scope(ast.NodeVisitor):
    """One scope: what it loads, binds and declares, and the uses of the scopes inside it."""

    def __init__(self, *, is_class: bool = False) -> None:
        self.own = Uses()
        self.locals: set[str] = set()
        self.declared: set[str] = set()
        self.outer: set[str] = set()
        self.inner: list[Uses] = []
        self.is_class = is_class

    def uses(self) -> Uses:
        """What is left once the scope's own names are taken away."""
        mine = self.locals - self.declared - self.outer
        found = Uses()
        if self.is_class:
            found.add(self.own)
            found.binds -= mine
        else:
            found.add(self.own, mine)
        for inner in self.inner:
            found.add(inner, () if self.is_class else mine)
        found.binds |= self.locals & self.declared
        return found

    # -- names

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Load):
            self.own.reads.add(node.id)
        else:
            self.locals.add(node.id)

    def visit_Global(self, node: ast.Global) -> None:
        self.declared.update(node.names)

    def visit_Nonlocal(self, node: ast.Nonlocal) -> None:
        self.outer.update(node.names)

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
        self.change(node.target)
        if isinstance(node.target, ast.Name):
            self.own.reads.add(node.target.id)
            self.locals.add(node.target.id)
        else:
            self.visit(node.target)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        if not isinstance(node.ctx, ast.Load):
            self.change(node)
        self.visit(node.value)

    def visit_Subscript(self, node: ast.Subscript) -> None:
        if not isinstance(node.ctx, ast.Load):
            self.change(node)
        self.generic_visit(node)

    def change(self, node: ast.AST) -> None:
        name = root(node)
        if name is not None:
            self.own.mutates.add(name)

    def visit_Expr(self, node: ast.Expr) -> None:
        value = node.value.value if isinstance(node.value, ast.Await) else node.value
        if isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute):
            in_place = any(k.arg in ("inplace", None) for k in value.keywords)
            if in_place or value.func.attr not in SHOWING:
                self.change(value.func)
        self.visit(node.value)

    def visit_Call(self, node: ast.Call) -> None:
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name not in PURE:
            for argument in (*node.args, *(k.value for k in node.keywords)):
                self.own.passes |= named(argument)
        receiver = root(node.func)
        if receiver is not None and not isinstance(node.func, ast.Name):
            self.own.passes.add(receiver)
        self.generic_visit(node)

    def visit_For(self, node: ast.For | ast.AsyncFor) -> None:
        self.own.passes |= named(node.iter)
        self.generic_visit(node)

    def visit_AsyncFor(self, node: ast.AsyncFor) -> None:
        self.visit_For(node)

    def visit_Starred(self, node: ast.Starred) -> None:
        if isinstance(node.ctx, ast.Load):
            self.own.passes |= named(node.value)
        self.generic_visit(node)

    # -- scopes inside

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self.locals.add(node.name)
        self.header(node)
        self.inner.append(body_uses(node))

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self.visit_FunctionDef(node)

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self.header(node)
        self.inner.append(body_uses(node))

    def header(self, node: Function) -> None:
        """What is evaluated where the function stands: defaults, decorators, annotations."""
        for part in header_parts(node):
            self.visit(part)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self.locals.add(node.name)
        for part in (*node.decorator_list, *node.bases, *(k.value for k in node.keywords)):
            self.visit(part)
        self.inner.append(class_uses(node))

    def comprehension(self, node: Comprehension) -> None:
        self.visit(node.generators[0].iter)
        self.own.passes |= named(node.generators[0].iter)
        walrus = {n.target.id for n in ast.walk(node) if isinstance(n, ast.NamedExpr)}
        self.locals |= walrus
        uses = comprehension_uses(node)
        uses.binds -= walrus
        self.inner.append(uses)

    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = comprehension


def header_parts(node: Function) -> list[ast.expr]:
    arguments = node.args
    found: list[ast.expr] = [*arguments.defaults, *(d for d in arguments.kw_defaults if d is not None)]
    if not isinstance(node, ast.Lambda):
        found += node.decorator_list
        every = (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg)
        found += [a.annotation for a in every if a is not None and a.annotation is not None]
        if node.returns is not None:
            found.append(node.returns)
    return found


def body_uses(node: Function) -> Uses:
    """What calling a function may do to names outside of it."""
    scope = Scope()
    arguments = node.args
    for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg):
        if argument is not None:
            scope.locals.add(argument.arg)
    for part in [node.body] if isinstance(node, ast.Lambda) else node.body:
        scope.visit(part)
    return scope.uses()


def altered(node: ast.FunctionDef | ast.AsyncFunctionDef) -> frozenset[int | str]:
    """Positions and names of the parameters whose objects a function changes in place, before it rebinds them."""
    scope = Scope()
    for statement in node.body:
        scope.visit(statement)
    changed = scope.own.mutates - scope.locals
    places = [a.arg for a in (*node.args.posonlyargs, *node.args.args)]
    names = changed & {*places, *(a.arg for a in node.args.kwonlyargs)}
    return frozenset({*names, *(at for at, name in enumerate(places) if name in names)})


def class_uses(node: ast.ClassDef) -> Uses:
    """What a class body and its methods may do to names outside of the class."""
    scope = Scope(is_class=True)
    for statement in node.body:
        scope.visit(statement)
    return scope.uses()


def comprehension_uses(node: Comprehension) -> Uses:
    """What a comprehension does to names outside, its first iterable left aside."""
    scope = Scope()
    for number, generator in enumerate(node.generators):
        scope.visit(generator.target)
        if number:
            scope.visit(generator.iter)
        for condition in generator.ifs:
            scope.visit(condition)
    for part in [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]:
        scope.visit(part)
    return scope.uses()


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
        """Uses of names by code that runs, or may run, here."""
        for name in sorted(uses.reads | uses.mutates | uses.passes):
            self.read(name)
        for name in uses.binds:
            self.bind(name, certain=False)
        self.mutates |= uses.mutates
        self.passes |= uses.passes

    def read(self, name: str) -> None:
        if name not in self.certain:
            self.reads.add(name)
            if name in OPAQUE_NAMES:
                self.opaque.append(name)
            if HISTORY.fullmatch(name):
                self.history.append(name)
        uses = self.defined.get(name)
        if uses is not None:
            del self.defined[name]
            self.take(uses)
            self.defined[name] = uses

    def bind(self, name: str, *, certain: bool = True) -> None:
        self.binds.add(name)
        self.defined.pop(name, None)
        self.defines.pop(name, None)
        self.changes.pop(name, None)
        self.alters.pop(name, None)
        self.carries.pop(name, None)
        self.makers.discard(name)
        self.modules.pop(name, None)
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
            self.look_inside(node)

    def look_inside(self, node: ast.AST) -> None:
        magics = {id(at) for part in ast.walk(node) if is_magic_call(part) for at in ast.walk(part) if isinstance(at, ast.Name)}
        for part in ast.walk(node):
            if isinstance(part, ast.Name) and part.id == "get_ipython" and id(part) not in magics:
                self.opaque.append("get_ipython()")
            if isinstance(part, ast.Constant) and isinstance(part.value, str) and len(part.value) < LONGEST_TEXT:
                self.strings.update(WORD.findall(part.value))
            elif isinstance(part, ast.Attribute):
                self.look_at_attribute(part)
            elif isinstance(part, ast.Call):
                self.look_at_call(part)

    def look_at_attribute(self, node: ast.Attribute) -> None:
        base = node.value.id if isinstance(node.value, ast.Name) else ""
        if node.attr in OPAQUE_ATTRIBUTES or (base, node.attr) in OPAQUE_PAIRS:
            self.opaque.append(f"{base}.{node.attr}" if base else node.attr)

    def look_at_call(self, node: ast.Call) -> None:
        use = use_of(node)
        if use is not None:
            self.magic(use)
            return
        if isinstance(node.func, ast.Name):
            name = node.func.id
            places: list[tuple[int | str, ast.expr]] = [*enumerate(node.args), *((k.arg, k.value) for k in node.keywords if k.arg)]
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
        for at, word in enumerate(words[:-1]):
            if word in ("--out", "--err", "--proc"):
                self.bind(words[at + 1])

    def expand(self, text: str) -> None:
        for name, code in SHELL_NAME.findall(text):
            for word in [name] if name else WORD.findall(code):
                if word not in BUILTINS:
                    self.read(word)

    def absorb(self, inner: Cell) -> None:
        for name in inner.reads:
            self.read(name)
        for name in inner.binds:
            self.bind(name, certain=False)
        self.mutates |= inner.mutates
        self.passes |= inner.passes
        self.deletes |= inner.deletes
        self.strings |= inner.strings
        self.defines.update(inner.defines)
        self.changes.update(inner.changes)
        self.alters.update(inner.alters)
        self.calls += inner.calls
        self.carries.update(inner.carries)
        self.makers |= inner.makers
        self.defined.update(inner.defined)
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
            if isinstance(target, ast.Name) and followed.names:
                self.remember(target.id, followed)
            if isinstance(target, ast.Name) and (carried := carried_names(node.value)):
                self.carries[target.id] = frozenset(carried)

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
        self.defined[name] = uses
        self.defines[name] = uses.names
        if uses.binds | uses.mutates:
            self.changes[name] = frozenset(uses.binds | uses.mutates)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        self.expression(node.annotation, node.value)
        if node.value is not None:
            followed = self.followed(node.value)
            self.target(node.target)
            if isinstance(node.target, ast.Name) and followed.names:
                self.remember(node.target.id, followed)
        elif not isinstance(node.target, ast.Name):
            self.expression(node.target)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        self.expression(node.value)
        if isinstance(node.target, ast.Name):
            self.read(node.target.id)
            self.mutates.add(node.target.id)
            self.bind(node.target.id)
        else:
            self.expression(node)

    def visit_Delete(self, node: ast.Delete) -> None:
        for target in node.targets:
            if isinstance(target, ast.Name):
                self.read(target.id)
                self.deletes.add(target.id)
                self.certain.discard(target.id)
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
            self.alters[node.name] = changed
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
        for part in parts:
            self.certain = set(before)
            self.run(part)
            if not _leaves(part):
                ends.append(self.certain)
        self.certain = set.intersection(*ends) if ends else before

    def perhaps(self, part: Sequence[ast.stmt]) -> None:
        """Code that may run, in part or several times."""
        before = set(self.certain)
        self.run(part)
        self.certain &= before

    def visit_If(self, node: ast.If) -> None:
        self.expression(node.test)
        self.branches(node.body, node.orelse)

    def visit_For(self, node: ast.For | ast.AsyncFor) -> None:
        self.expression(node.iter)
        self.passes |= named(node.iter)
        before = set(self.certain)
        self.target(node.target)
        self.run(node.body)
        self.certain &= before
        self.perhaps(node.orelse)

    def visit_AsyncFor(self, node: ast.AsyncFor) -> None:
        self.visit_For(node)

    def visit_While(self, node: ast.While) -> None:
        self.expression(node.test)
        self.perhaps(node.body)
        self.expression(node.test)
        self.perhaps(node.orelse)

    def visit_With(self, node: ast.With | ast.AsyncWith) -> None:
        before = set(self.certain)
        for item in node.items:
            self.expression(item.context_expr)
            self.passes |= named(item.context_expr)
            if item.optional_vars is not None:
                self.target(item.optional_vars)
        bound = {n for n in self.certain if n not in before}
        self.perhaps(node.body)
        self.certain |= bound - self.deletes

    def visit_AsyncWith(self, node: ast.AsyncWith) -> None:
        self.visit_With(node)

    def visit_Try(self, node: ast.Try) -> None:
        self.perhaps(node.body)
        for handler in node.handlers:
            self.expression(handler.type)
            before = set(self.certain)
            if handler.name:
                self.bind(handler.name)
            self.run(handler.body)
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
            self.expression(case.pattern, case.guard)
            self.perhaps(case.body)

    def visit_Global(self, node: ast.Global) -> None:
        pass

    def generic_visit(self, node: ast.AST) -> None:
        """Any other statement: its expressions run, its names are read."""
        for child in ast.iter_child_nodes(node):
            self.expression(child)


def _leaves(statements: Sequence[ast.stmt]) -> bool:
    return bool(statements) and isinstance(statements[-1], ast.Raise)
