"""Collects the effects of a cell from its syntax tree."""

from __future__ import annotations

import ast
import re

from jupyter_mlops.analysis.access import Effects
from jupyter_mlops.analysis.effect_tables import (
    INTERACTIVE,
    LOG_TIME,
    OUTSIDE,
    OWN_PROCESS,
    STATE_CALLS,
    STATE_READS,
    STATE_STORES,
    TIME_FORMATTERS,
    UNSEEDED,
    VOLATILE,
)  # fmt: skip
from jupyter_mlops.analysis.file_uses import FileUses
from jupyter_mlops.analysis.magics import Use, find_use, to_python
from jupyter_mlops.analysis.module_calls import configures_module, is_class, leaves_modules
from jupyter_mlops.analysis.seeds import is_unseeded
from jupyter_mlops.analysis.volatility import Volatility, VolatilityKind, of_call


class EffectVisitor(ast.NodeVisitor):
    """Collects the effects of one cell."""

    def __init__(self, modules: dict[str, str]) -> None:
        self.modules = modules
        self.literals: dict[str, str] = {}
        self.writes: set[str] = set()
        self.state_reads: set[str] = set()
        self.seeds: frozenset[str] = frozenset()
        self.volatile_reasons: list[Volatility] = []
        self.external_actions: list[str] = []
        self.files = FileUses(requests=self.external_actions)
        self.modules_changed: set[str] = set()
        self.interactive_reasons: list[str] = []
        self.logs_elsewhere = self.logs_time = self.reads_file_times = False

    def result(self) -> Effects:
        if self.logs_elsewhere and self.logs_time:
            self.volatile_reasons.append(Volatility(VolatilityKind.OTHER, "the time of a log record"))
        if self.reads_file_times and self.files.writes:
            self.volatile_reasons.append(Volatility(VolatilityKind.OTHER, "the time of a file that it writes"))
        return Effects(
            state_writes=frozenset(self.writes),
            state_reads=frozenset(self.state_reads),
            seeds=self.seeds,
            volatile=tuple(dict.fromkeys(self.volatile_reasons)),
            outside=tuple(dict.fromkeys(self.external_actions)),
            files_read=tuple(dict.fromkeys(self.files.reads)),
            files_written=tuple(dict.fromkeys(self.files.writes)),
            looks_at_files=self.files.looks,
            modules_changed=frozenset(self.modules_changed),
            interactive=tuple(dict.fromkeys(self.interactive_reasons)),
        )

    # -- names

    def add_imports(self, tree: ast.AST) -> None:
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    self.modules[alias.asname or alias.name.split(".")[0]] = (
                        alias.name if alias.asname else alias.name.split(".")[0]
                    )
            elif isinstance(node, ast.ImportFrom) and not node.level:
                for alias in node.names:
                    self.modules[alias.asname or alias.name] = f"{node.module}.{alias.name}"

    def dotted(self, node: ast.AST) -> str:
        """The dotted name of an expression, resolved through the imports; "" if it has none. Starts with `.x` after
        anything other than a name.
        """
        parts: list[str] = []
        while isinstance(node, ast.Attribute | ast.Subscript | ast.Call):
            if isinstance(node, ast.Attribute):
                parts.append(node.attr)
                node = node.value
            else:
                node = node.func if isinstance(node, ast.Call) else node.value
        if not isinstance(node, ast.Name):
            return "." + ".".join(reversed(parts)) if parts else ""
        head = self.modules.get(node.id, node.id)
        return ".".join([head, *reversed(parts)])

    def root_module(self, node: ast.AST) -> str:
        """The imported name at the start of an attribute chain, or ""."""
        while isinstance(node, ast.Attribute | ast.Subscript):
            node = node.value
        return node.id if isinstance(node, ast.Name) and node.id in self.modules else ""

    def is_module_or_class(self, node: ast.AST) -> bool:
        """Whether this names a module or a class. Stores onto these are detected; stores onto other objects are not."""
        name = self.dotted(node)
        return "." not in name or is_class(name)

    # -- what is seen

    def visit_Assign(self, node: ast.Assign) -> None:
        self.generic_visit(node)
        if isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    self.literals[target.id] = node.value.value
        for target in node.targets:
            self.record_store(target)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        self.generic_visit(node)
        self.record_store(node.target)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        self.generic_visit(node)
        self.record_store(node.target)

    def visit_Delete(self, node: ast.Delete) -> None:
        self.generic_visit(node)
        for target in node.targets:
            self.record_store(target)

    def record_store(self, target: ast.AST) -> None:
        if not isinstance(target, ast.Attribute | ast.Subscript):
            return
        name = self.dotted(target)
        for pattern, resource in STATE_STORES:
            if re.fullmatch(pattern, name):
                self.writes.add(resource)
                return
        module = self.root_module(target)
        if module:
            self.writes.add("patches")
            if isinstance(target, ast.Attribute) and target.attr in ("random_state", "rng", "seed"):
                self.volatile_reasons.append(Volatility(VolatilityKind.DESCRIPTOR, f".{target.attr} ="))
            if isinstance(target.value, ast.Attribute | ast.Subscript) or not self.is_module_or_class(target.value):
                self.modules_changed.add(module)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        if re.fullmatch(r"st_[mca]time(_ns)?", node.attr):
            self.reads_file_times = True
        if node.attr in ("ctypes", "__array_interface__"):
            self.volatile_reasons.append(Volatility(VolatilityKind.DESCRIPTOR, f".{node.attr}"))
        name = self.dotted(node)
        for pattern, resource in STATE_READS:
            if re.fullmatch(pattern, name):
                self.state_reads.add(resource)
        self.generic_visit(node)

    def visit_Expr(self, node: ast.Expr) -> None:
        if isinstance(node.value, ast.Call):
            name = self.dotted(node.value.func)
            if not leaves_modules(name):
                self.record_call(node.value.func, name)
        self.generic_visit(node)

    def record_call(self, function: ast.expr, name: str) -> None:
        """Record that a call may change the module of its function."""
        module = self.root_module(function)
        is_state_call = any(re.fullmatch(pattern, name) for pattern, _ in STATE_CALLS)
        if module and "." in name and not is_state_call:
            self.modules_changed.add(module)

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, str) and (match := OWN_PROCESS.match(node.value)):
            self.volatile_reasons.append(Volatility(VolatilityKind.PROCESS, match.group()))

    def visit_Call(self, node: ast.Call) -> None:
        use = find_use(node)
        if use is not None:
            self.record_magic(use)
            return
        name = self.dotted(node.func)
        method = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        if configures_module(name):
            self.record_call(node.func, name)
        for pattern, resource in STATE_CALLS:
            if re.fullmatch(pattern, name):
                self.writes.add(resource)
        for pattern, kind in OUTSIDE:
            if re.fullmatch(pattern, name):
                self.external_actions.append(f"{kind}: {name}")
        if name == "id" or (VOLATILE.fullmatch(name) and not _has_time_argument(name, node)):
            self.volatile_reasons.append(of_call(name))
        if UNSEEDED.fullmatch(name) and is_unseeded(node):
            self.volatile_reasons.append(Volatility(VolatilityKind.OTHER, f"{name}() without a seed"))
        if method in ("fileno", "buffer_info"):
            self.volatile_reasons.append(of_call(f".{method}"))
        if INTERACTIVE.fullmatch(name):
            self.interactive_reasons.append(f"{name}()")
        if name in ("setattr", "delattr") and node.args and self.root_module(node.args[0]):
            self.writes.add("patches")
        self.files.record(node, name, method, self.literals)
        self.record_references(node)
        self.record_log_times(node, name)
        if name == "hash" and node.args and not _is_constant(node.args[0]):
            self.volatile_reasons.append(Volatility(VolatilityKind.OTHER, "hash()"))
        if re.fullmatch(r"os\.path\.get[mca]time", name):
            self.reads_file_times = True
        self.generic_visit(node)

    def record_references(self, node: ast.Call) -> None:
        """Functions that are passed to others, which may call them: `pool.submit(time.time)`."""
        for argument in [*node.args, *(keyword.value for keyword in node.keywords)]:
            if isinstance(argument, ast.Name | ast.Attribute) and VOLATILE.fullmatch(name := self.dotted(argument)):
                self.volatile_reasons.append(Volatility(VolatilityKind.OTHER, name))

    def record_log_times(self, node: ast.Call, name: str) -> None:
        """Log records contain a time; they are data if they go anywhere other than to the standard streams."""
        if name in ("logging.StreamHandler", "logging.basicConfig", "logging.handlers.MemoryHandler"):
            streams = [k.value for k in node.keywords if k.arg in ("stream", "handlers")]
            streams += node.args[:1] if name == "logging.StreamHandler" else []
            self.logs_elsewhere |= any(self.dotted(s) not in ("sys.stdout", "sys.stderr", "") or isinstance(s, ast.Name)
                                       for s in streams)  # fmt: skip
        texts = (part.value for part in ast.walk(node) if isinstance(part, ast.Constant))
        self.logs_time |= any(isinstance(text, str) and LOG_TIME.search(text) is not None for text in texts)

    def record_magic(self, use: Use) -> None:
        kind, prefix = use.magic, "%%" if use.cell else "%"
        label = "!" + use.line if use.name == "!" else f"{prefix}{use.name}"
        self.writes |= kind.state
        if kind.outside:
            self.external_actions.append(f"{kind.outside}: {label}")
        words = use.line.split()
        if kind.volatile or (use.name == "timeit" and "-o" in words):
            self.volatile_reasons.append(Volatility(VolatilityKind.OTHER, label))
        if kind.interactive or (use.name == "matplotlib" and words and words[0] not in ("inline", "--list", "agg")):
            self.interactive_reasons.append(f"{label} {use.line}".strip())
        if use.name in ("writefile", "file") and words:
            self.files.writes.append(words[-1])
        if use.code:
            try:
                tree = ast.parse(to_python(use.code))
            except SyntaxError:
                return
            self.add_imports(tree)
            for statement in tree.body:
                self.visit(statement)


def _has_time_argument(name: str, call: ast.Call) -> bool:
    """Whether a function that defaults to the current time receives a time."""
    argument_count = len(call.args)
    return argument_count >= {"time.strftime": 2}.get(name, 1) and name in TIME_FORMATTERS


def _is_constant(node: ast.expr) -> bool:
    """Whether this literal has the same hash in every process with the same hash seed."""
    if isinstance(node, ast.Tuple):
        return all(map(_is_constant, node.elts))
    return isinstance(node, ast.Constant | ast.JoinedStr)
