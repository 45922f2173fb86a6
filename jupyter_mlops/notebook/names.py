"""Which names of the user namespace a cell may read, bind and change, by scope."""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from jupyter_mlops.notebook.access import Access, Call
from jupyter_mlops.notebook.magics import Use, to_python, use_of

BUILTINS: frozenset[str] = frozenset(dir(builtins)) | {"get_ipython", "display", "__file__", "__name__", "__doc__"}
OPAQUE_NAMES = frozenset({"eval", "exec", "compile", "globals", "locals", "__main__", "__import__"})
OPAQUE_WITHOUT_ARGUMENTS = frozenset({"vars", "dir"})
OPAQUE_ATTRIBUTES = frozenset(
    {"currentframe", "_getframe", "f_globals", "f_locals", "user_ns", "user_global_ns", "user_module", "get_objects",
     "run_module", "run_path", "_current_frames", "set_trace"}
)  # fmt: skip
OPAQUE_PAIRS = frozenset(
    {("sys", "modules"), ("inspect", "stack"), ("inspect", "trace"), ("importlib", "reload")}
) | frozenset((module, name) for module in ("builtins", "__builtins__") for name in OPAQUE_NAMES)
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
SHELL_OUTPUT = re.compile(r"--(?:out|err|proc)[ =]\s*([^\W\d]\w*)")
SHELL_ASSIGNMENT = re.compile(r"(?:\s*-\w+)*\s*([^\W\d]\w*)\s*=")
LONGEST_TEXT = 20_000

MAGIC_METHODS = frozenset({"run_line_magic", "run_cell_magic", "system", "getoutput", "getoutputs"})

Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
T = TypeVar("T")


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
        used = one.reads | one.mutates | one.passes
        followed = follow(used, defines)
        reads |= {n for n in one.reads | followed if n not in certain}
        opaque += sorted(followed & OPAQUE_NAMES - certain)
        history += sorted(n for n in followed - certain if HISTORY.fullmatch(n))
        mutates |= one.mutates
        passes |= one.passes | followed
        binds |= one.binds.union(*(changes[n] for n in used | followed if n in changes))
        certain = (certain - one.deletes) | one.certain
        deletes |= one.deletes
        strings |= one.strings
        for name in one.certain:
            defines.pop(name, None)
            changes.pop(name, None)
            alters.pop(name, None)
            carries.pop(name, None)
            makers.discard(name)
        for name in one.binds | one.deletes:
            modules.pop(name, None)
        _join(defines, one.defines)
        _join(changes, one.changes)
        _join(alters, one.alters)
        _join(carries, one.carries)
        calls += one.calls
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


def _join(known: dict[str, frozenset[T]], more: Mapping[str, frozenset[T]]) -> None:
    for name, found in more.items():
        known[name] = known.get(name, frozenset()) | found


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
    """What the code of one scope and the scopes inside it does to names that are not its own.

    :param fixed: names declared `global`: no scope around it can hide them.
    """

    reads: set[str] = field(default_factory=set)
    binds: set[str] = field(default_factory=set)
    deletes: set[str] = field(default_factory=set)
    mutates: set[str] = field(default_factory=set)
    passes: set[str] = field(default_factory=set)
    fixed: set[str] = field(default_factory=set)

    @property
    def names(self) -> frozenset[str]:
        return frozenset(self.reads | self.binds | self.mutates | self.passes)

    def add(self, other: Uses, hidden: Iterable[str] = ()) -> None:
        hide = set(hidden) - other.fixed
        self.fixed |= other.fixed
        self.deletes |= other.deletes
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


def stored(target: ast.AST) -> list[str]:
    """Names that a target of an assignment binds."""
    return [n.id for n in ast.walk(target) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]


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
        self.removed: set[str] = set()
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
        found.deletes |= self.removed & self.declared
        found.reads |= self.removed & self.declared
        found.fixed |= self.declared
        return found

    # -- names

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Load):
            self.own.reads.add(node.id)
        else:
            self.locals.add(node.id)
        if isinstance(node.ctx, ast.Del):
            self.removed.add(node.id)

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
        self.own.mutates |= named(node) if name is None else {name}

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
        if not isinstance(node.func, ast.Name):
            receiver = root(node.func)
            self.own.passes |= named(node.func) if receiver is None else {receiver}
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
        walrus = {n.target.id for n in walruses(node)}
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
    changed: set[str] = set()
    rebound: set[str] = set()
    for statement in node.body:
        scope = Scope()
        scope.visit(statement)
        changed |= scope.own.mutates.union(*(inner.mutates for inner in scope.inner)) - rebound
        if isinstance(statement, ast.Assign):
            rebound |= scope.locals
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
            scope.own.passes |= named(generator.iter)
        for condition in generator.ifs:
            scope.visit(condition)
    for part in results(node):
        scope.visit(part)
    uses = scope.uses()
    uses.reads |= read_before_walrus(node)
    return uses


def results(node: Comprehension) -> list[ast.expr]:
    return [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]


def walruses(node: ast.AST) -> Iterator[ast.NamedExpr]:
    """Those that bind in the scope around a comprehension or an expression: a lambda keeps its own."""
    if isinstance(node, ast.NamedExpr):
        yield node
    if not isinstance(node, ast.Lambda):
        for child in ast.iter_child_nodes(node):
            yield from walruses(child)


def read_before_walrus(node: Comprehension) -> set[str]:
    """Names that a comprehension binds by `:=` and may read before (`[total := total + x for x in xs]`)."""
    targets = {w.target.id for w in walruses(node)}
    early: set[str] = set()
    bound: set[str] = set()
    parts = [part for generator in node.generators for part in (generator.iter, *generator.ifs)]
    for part in [*parts, *results(node)] if targets else ():
        ends = {w.target.id: (w.end_lineno or 0, w.end_col_offset or 0) for w in always(part)}
        for name in ast.walk(part):
            if not isinstance(name, ast.Name) or not isinstance(name.ctx, ast.Load) or name.id not in targets - bound:
                continue
            if name.id not in ends or (name.lineno, name.col_offset) < ends[name.id]:
                early.add(name.id)
        bound |= ends.keys()
    return early


def always(node: ast.AST) -> Iterator[ast.NamedExpr]:
    """The walruses of an expression that are evaluated whenever it is."""
    if isinstance(node, ast.NamedExpr):
        yield node
    children = list(ast.iter_child_nodes(node))
    if isinstance(node, ast.BoolOp):
        children = [node.values[0]]
    elif isinstance(node, ast.IfExp):
        children = [node.test]
    elif isinstance(node, ast.Compare):
        children = [node.left, node.comparators[0]]
    elif isinstance(node, ast.Lambda | Comprehension):
        children = []
    for child in children:
        yield from always(child)


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
        _join(self.defines, inner.defines)
        _join(self.changes, inner.changes)
        _join(self.alters, inner.alters)
        _join(self.carries, inner.carries)
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
            _join(self.alters, {node.name: changed})
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
