"""Imports modules ahead of the kernels, and records what each import changes."""

from __future__ import annotations

import builtins
import contextlib
import copyreg
import importlib
import logging
import sys
import types
import warnings
from collections.abc import Callable, Iterator
from typing import Any

from .kernel_facade import KernelFacade
from .module_state import (
    DRAWS,
    SHARED,
    count_threads_from,
    loggers,
    makers_of_generators,
    named_threads,
    next_thread,
    state_of,
)
from .preloaded_modules import PreloadedModules
from .recorders import EnvironRecorder

# What a kernel imports by itself before its first cell; half of its own memory, if it is not there already.
OF_EVERY_KERNEL = (
    "ipykernel.debugger", "IPython.core.completerlib", "IPython.core.oinspect", "IPython.extensions.storemagic",
    "tornado.platform.asyncio", "tornado.queues", "psutil", "sqlite3", "faulthandler", "unicodedata",
)  # fmt: skip


class ImportRecorder:
    """Imports modules ahead and records what each import changes, so that a kernel can do the same.

    :ivar unsafe: modules whose import changes more than what it defines.
    """

    def __init__(self, preloaded: PreloadedModules, environ: EnvironRecorder) -> None:
        self.preloaded, self.environ = preloaded, environ
        self.unsafe: set[str] = set()
        self.loading: list[str] = []
        self.facade = KernelFacade(self.loading)
        self.bootstrap: Any = importlib._bootstrap
        self.before = set(sys.modules)
        self.attempted: set[str] = set()

    def fill(self, names: list[str]) -> dict[str, str]:
        """Import these modules and hide everything that came with them. Returns those that can't be imported ahead."""
        filters, pickled, threads = list(warnings.filters), dict(copyreg.dispatch_table), next_thread()
        failed = {}
        with self.loggers_recorded(), self.imports_recorded():
            for name in (*OF_EVERY_KERNEL, *names):
                problem = self.import_ahead(name)
                if problem and name in names:  # a kernel without one of the others does without
                    failed[name] = problem
        self.preloaded.missed = {n for n in self.preloaded.uses if n not in sys.modules}  # their packages may be there
        self.hide()
        warnings.filters[:] = filters  # type: ignore[index]
        count_threads_from(threads)
        copyreg.dispatch_table.clear()
        copyreg.dispatch_table.update(pickled)
        self.preloaded.tellers |= self.facade.tellers
        self.preloaded.fingerprints.note(self.preloaded.modules)
        return failed

    def import_ahead(self, name: str) -> str:
        """Import a module. Returns why it can't be imported ahead, "" if it can."""
        further, problem = self.facade.further, ""
        further.clear()
        states, number, had = {g: state_of(g) for g in SHARED}, len(sys.modules), named_threads()
        try:
            with self.facade.shown():
                importlib.import_module(name)
        except BaseException as error:
            problem = f"{type(error).__name__}: {error}"
        if any(old not in (None, state_of(generator)) for generator, old in states.items()):
            further.append("drew random numbers")
        if started := named_threads() - had:
            further.append(f"started the thread {min(started)}")
        for maker in makers_of_generators(list(sys.modules)[number:]):
            further.append(f"made a random generator in {maker}")
        if further:
            self.unsafe.add(name)
            return f"not ahead: it {further[0]}"
        return problem

    @contextlib.contextmanager
    def loggers_recorded(self) -> Iterator[None]:
        """Record the handlers and levels that imports set on loggers, and undo them at the end."""
        levels = {name: logger.level for name, logger in loggers()}
        plain = {verb: getattr(logging.Logger, verb) for verb in ("addHandler", "setLevel")}
        for verb in plain:
            setattr(logging.Logger, verb, self.recorded_method(verb))
        try:
            yield
        finally:
            for verb, method in plain.items():
                setattr(logging.Logger, verb, method)
        for logger, verb, value in [change for inner in self.preloaded.loggers.values() for change in inner]:
            if verb == "addHandler":
                logger.removeHandler(value)
            else:
                logger.setLevel(levels.get(logger.name, logging.NOTSET))

    def recorded_method(self, verb: str) -> Callable[[logging.Logger, Any], None]:
        plain = getattr(logging.Logger, verb)

        def recorded(logger: logging.Logger, value: Any) -> None:
            if self.loading:
                self.preloaded.loggers.setdefault(self.loading[-1], []).append((logger, verb, value))
            plain(logger, value)

        return recorded

    @contextlib.contextmanager
    def imports_recorded(self) -> Iterator[None]:
        """Record which modules a module imports, and what it changes."""
        python: Any = builtins
        plain_import, plain_find = builtins.__import__, self.bootstrap._find_and_load

        def recorded_import(
            name: str, globals: Any = None, locals: Any = None, fromlist: Any = (), level: int = 0
        ) -> Any:  # fmt: skip
            """Extension modules call it with keyword arguments."""
            importer = (globals or {}).get("__name__", "")
            module = plain_import(name, globals, locals, fromlist, level)
            if importer in self.loading:  # not a function of it, called by a module that is loaded later
                self.note_use(importer, name, globals or {}, (globals, locals, fromlist, level))
            return module

        def recorded_find(name: str, import_: Any) -> Any:
            with self.changes_recorded(name):
                return plain_find(name, import_)

        python.__import__, self.bootstrap._find_and_load = recorded_import, recorded_find
        try:
            yield
        finally:
            python.__import__, self.bootstrap._find_and_load = plain_import, plain_find

    @contextlib.contextmanager
    def changes_recorded(self, name: str) -> Iterator[None]:
        """Record what the import of a module changes."""
        if self.loading:
            self.preloaded.uses.setdefault(self.loading[-1], []).append(name)
        self.loading.append(name)
        self.attempted.add(name)
        number, filters, variables = len(sys.modules), list(warnings.filters), self.environ.now()
        threads, pickled = self.unnoted_threads(), dict(copyreg.dispatch_table)
        state = state_of("random") if name in DRAWS else None
        try:
            yield
        finally:
            self.loading.pop()
            if state is not None and DRAWS[name] <= vars(sys.modules.get(name, types)).keys():
                sys.modules["random"].setstate(state)
            self.note_created(name, number)
            self.note_filters(name, filters)
            self.note_variables(name, variables)
            self.note_threads(name, threads)
            self.note_pickled(name, pickled)

    def hide(self) -> None:
        """Take the modules that were imported out of the process."""
        modules = self.preloaded.modules
        for name in [n for n in sys.modules if n not in self.before]:
            module = sys.modules.pop(name)
            if isinstance(module, types.ModuleType):
                modules[name] = module
                self.facade.restore(module)
                parent, _, last = name.rpartition(".")
                owner = modules.get(parent) or sys.modules.get(parent)
                if owner is not None and vars(owner).get(last) is module:
                    delattr(owner, last)
                    self.preloaded.bound.add(name)

    def note_created(self, name: str, number: int) -> None:
        """Record the modules that a module created itself, without an import, such as pyexpat's.

        :param number: the number of modules when its import began; the newer ones come last.
        """
        for created in list(sys.modules)[number:]:
            if created not in self.attempted and created not in self.before:
                self.attempted.add(created)
                self.preloaded.uses.setdefault(name, []).append(created)

    def note_use(self, importer: str, name: str, space: Any, args: Any) -> None:
        """Record the imports that a module made while it was imported, including modules that were loaded already."""
        level = args[3] if len(args) > 3 else 0
        package = space.get("__package__") or importer
        if level:
            parts = package.split(".")
            base = ".".join(parts[: len(parts) - level + 1])
            name = f"{base}.{name}" if name else base
        names = [name, *(f"{name}.{part}" for part in (args[2] or () if len(args) > 2 else ()))]
        self.preloaded.uses.setdefault(importer, []).extend(n for n in names if n in sys.modules)

    def note_filters(self, name: str, ahead: list[Any]) -> None:
        recorded = [item for inner in self.preloaded.filters.values() for item, _ in inner]
        now = list(warnings.filters)
        last = max((at for at, item in enumerate(now) if item in ahead), default=len(now))
        added = [(item, at > last) for at, item in enumerate(now) if item not in ahead and item not in recorded]
        if added:
            self.preloaded.filters[name] = added

    def note_variables(self, name: str, before: dict[str, str]) -> None:
        recorded = {key for inner in self.preloaded.variables.values() for key in inner}
        added = {k: v for k, v in self.environ.now().items() if before.get(k) != v and k not in recorded}
        if added:
            self.preloaded.variables[name] = added

    def unnoted_threads(self) -> int:
        return next_thread() - sum(self.preloaded.threads.values())

    def note_threads(self, name: str, before: int) -> None:
        """The number of unnamed threads that it has created but not started."""
        if added := self.unnoted_threads() - before:
            self.preloaded.threads[name] = added

    def note_pickled(self, name: str, before: dict[Any, Any]) -> None:
        recorded = {kind for inner in self.preloaded.pickled.values() for kind in inner}
        added = {
            k: reducer
            for k, reducer in copyreg.dispatch_table.items()
            if before.get(k) is not reducer and k not in recorded
        }
        if added:
            self.preloaded.pickled[name] = added
