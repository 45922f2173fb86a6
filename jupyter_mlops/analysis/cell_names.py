"""What is known of the names of a cell while its statements are visited."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from typing import Self

from jupyter_mlops.analysis.access import Access, Call
from jupyter_mlops.analysis.expressions import carried_names
from jupyter_mlops.analysis.merge import join
from jupyter_mlops.analysis.opaque import HISTORY, OPAQUE_NAMES
from jupyter_mlops.analysis.scope import Uses, body_uses, comprehension_uses


class CellNames:
    """The names that the statements visited so far may read, bind and change.

    :ivar certain_bindings: names that are bound on every path to the current statement.
    :ivar uses_by_name: what the functions of this cell use when they are called.
    :ivar depth: number of enclosing statements whose body may not run.
    """

    def __init__(self) -> None:
        self.reads: set[str] = set()
        self.binds: set[str] = set()
        self.certain_bindings: set[str] = set()
        self.deletes: set[str] = set()
        self.certain_mutations: set[str] = set()
        self.possible_mutations: set[str] = set()
        self.strings: set[str] = set()
        self.string_reads: set[str] = set()
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
            string_reads=frozenset(self.string_reads),
            opaque=tuple(dict.fromkeys(self.opaque)),
            history=tuple(dict.fromkeys(self.history)),
        )

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

    def merge(self, visitor: Self) -> None:
        for name in visitor.reads:
            self.record_read(name)
        for name in visitor.binds:
            self.bind(name, is_certain=False)
        self.certain_mutations |= visitor.certain_mutations
        self.possible_mutations |= visitor.possible_mutations
        self.deletes |= visitor.deletes
        self.certain_bindings -= visitor.deletes
        self.strings |= visitor.strings
        self.string_reads |= visitor.string_reads - self.certain_bindings
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
