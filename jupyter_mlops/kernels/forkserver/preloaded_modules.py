"""Modules that were imported ahead are hidden, and restored in a kernel when it imports them."""

from __future__ import annotations

import copyreg
import importlib
import os
import sys
import types
import warnings
from collections.abc import Iterator
from typing import Any

from .fingerprints import ImportFingerprints
from .kernel_facade import TELLS_SHELL
from .module_state import count_threads_from, next_thread, reset_module_state


class PreloadedModules:
    """Modules that were imported ahead, and that are hidden until they are imported.

    Each of the other attributes maps a module to what its import did.

    :ivar modules: the hidden modules.
    :ivar uses: the modules that it imported.
    :ivar missed: modules that were looked for, and that do not exist.
    :ivar filters: warning filters that it added, and whether at the end.
    :ivar bound: modules that are an attribute of their package.
    :ivar variables: environment variables that it set.
    :ivar loggers: a logger, the name of one of its methods, and the argument.
    :ivar threads: the number of unnamed threads that it created.
    :ivar pickled: functions that it registered with copyreg.
    :ivar tellers: modules that told the shell of themselves.
    """

    def __init__(self) -> None:
        self.modules: dict[str, types.ModuleType] = {}
        self.uses: dict[str, list[str]] = {}
        self.missed: set[str] = set()
        self.filters: dict[str, list[tuple[Any, bool]]] = {}
        self.bound: set[str] = set()
        self.variables: dict[str, dict[str, str]] = {}
        self.loggers: dict[str, list[tuple[Any, str, Any]]] = {}
        self.threads: dict[str, int] = {}
        self.pickled: dict[str, dict[Any, Any]] = {}
        self.tellers: set[str] = set()
        self.fingerprints = ImportFingerprints()

    def install(self) -> None:
        """Let imports find the hidden modules."""
        bootstrap: Any = importlib._bootstrap
        plain = bootstrap._find_and_load
        space: dict[str, Any] = {"preloaded": self, "plain": plain}
        code = (
            "def _find_and_load(name, import_):\n"
            "    if name in preloaded.modules and (order := preloaded.usable(name)):\n"
            "        return preloaded.bring(name, order)\n"
            "    return plain(name, import_)\n"
        )
        exec(compile(code, "<frozen importlib._bootstrap>", "exec"), space)
        bootstrap._find_and_load = space["_find_and_load"]

    def usable(self, name: str) -> list[str]:
        """The modules that are imported with a module, and the module itself last, if an import in this place would
        find the same files. Modules that differ are dropped, with all modules that import them.

        If not, what differs is forgotten with all that has imported it.
        """
        order = self.imported_with(name)
        changed = self.fingerprints.changed({module.partition(".")[0] for module in order}, self.modules)
        if not changed:
            return order
        imported_by: dict[str, set[str]] = {}
        for user, used in self.uses.items():
            for module in used:
                imported_by.setdefault(module, set()).add(user)
        waiting = [module for module in self.modules if module.partition(".")[0] in changed]
        while waiting:
            module = waiting.pop()
            if self.modules.pop(module, None) is not None:
                waiting += imported_by.get(module, ())
                waiting += [inner for inner in self.modules if inner.startswith(f"{module}.")]
        return []

    def imported_with(self, name: str) -> list[str]:
        """The hidden modules that a module imported, in the order of completion, and the module itself last."""
        order: list[str] = []
        visited = {name}
        waiting = [(name, self.first_of(name))]
        while waiting:
            module, others = waiting[-1]
            other = next((o for o in others if o not in visited and (o in self.modules or o in self.missed)), None)
            if other is None:
                waiting.pop()
                if module in self.modules:
                    order.append(module)
            else:
                visited.add(other)
                waiting.append((other, self.first_of(other)))
        return order

    def first_of(self, name: str) -> Iterator[str]:
        """The modules that are imported for a module: its package, and its own imports."""
        parent = name.rpartition(".")[0]
        return iter((*([parent] if parent else ()), *self.uses.get(name, ())))

    def bring(self, name: str, order: list[str]) -> types.ModuleType:
        """Restore a module, after the modules that it imported."""
        for member in order:
            module = self.modules.pop(member, None)
            if module is None:
                continue
            sys.modules[member] = module
            filters: Any = warnings.filters
            added_filters = self.filters.pop(member, [])
            filters[:0] = [item for item, appended in added_filters if not appended]
            filters += [item for item, appended in added_filters if appended]
            self.mutated()
            os.environ.update(self.variables.pop(member, {}))
            copyreg.dispatch_table.update(self.pickled.pop(member, {}))
            if threads := self.threads.pop(member, 0):
                count_threads_from(next_thread() + threads)
            reset_module_state(member, module)
            for logger, verb, value in self.loggers.pop(member, []):
                getattr(logger, verb)(value)
        for member in reversed(order):
            parent, _, last = member.rpartition(".")
            if parent in sys.modules and member in sys.modules and member in self.bound:
                vars(sys.modules[parent]).setdefault(last, sys.modules[member])
        for member, function in TELLS_SHELL:
            if member in order and member in self.tellers:
                self.tellers.discard(member)
                vars(sys.modules[member])[function]()
        restored: types.ModuleType = sys.modules[name]
        return restored

    @staticmethod
    def mutated() -> None:
        machinery: Any = warnings
        if hasattr(machinery, "_filters_mutated"):
            machinery._filters_mutated()
        else:
            machinery._filters_mutated_lock_held()
