"""A process that has imported the modules that kernels need, and forks a kernel on request.

This file uses only the standard library, and ipykernel in the interpreter that runs it. That interpreter runs it with
the number of a connected socket. Each message on it is a JSON object with the descriptors that belong to it:

    {"id", "cmd", "cwd", "env"} + stdin, stdout, stderr, ready  ->  {"id", "pid"} or {"id", "error"}
    when a kernel has ended, without a request                  ->  {"pid", "status"}   (negative: the signal)

A kernel writes one byte to `ready` when its sockets are bound. The process ends when the socket is closed.

Modules that were imported ahead are hidden, so that a kernel starts with the modules of a cold one. `import` restores a
module, with the warning filters and environment variables that its import set, and with its own imports. The server
reports the environment variables that imports read: a kernel that differs in one of them needs another server.

A module is not imported ahead if its import prints, warns or asks the shell for more than is known ahead, because in a
kernel this would appear in a cell. Neither is a module whose import reads the working folder, draws random numbers,
creates a random generator or starts a native thread, unless the server can reproduce the effect in a kernel.
"""

from __future__ import annotations

import builtins
import contextlib
import contextvars
import copyreg
import functools
import importlib
import itertools
import json
import logging
import os
import select
import signal
import socket
import struct
import sys
import types
import warnings
from collections.abc import Callable, Iterator
from typing import Any, cast

MESSAGE = 1 << 20  # bytes of one message at most
# Functions that modules call when they are imported, to tell the shell of themselves: called again in the kernel.
TELLS_SHELL = {("ipywidgets", "_handle_ipython")}
OF_A_KERNEL = {"encoding": "UTF-8", "isatty": lambda: False}  # what ipykernel's streams answer
# What a kernel imports by itself before its first cell; half of its own memory, if it is not there already.
OF_EVERY_KERNEL = (
    "ipykernel.debugger", "IPython.core.completerlib", "IPython.core.oinspect", "IPython.extensions.storemagic",
    "tornado.platform.asyncio", "tornado.queues", "psutil", "sqlite3", "faulthandler", "unicodedata",
)  # fmt: skip
# Names that modules give to the folder they are imported in, and what they say where there is none.
FOLDERS = {"multiprocessing.process": ("ORIGINAL_DIR", None), "rich": ("_IMPORT_CWD", "")}
SHARED = ("random", "numpy.random")  # generators of a process
DRAWS = {"rich.style": {"_id_generator", "getrandbits"}}  # modules that draw, and the names needed to do so anew
OUTLIVES = {"jemalloc_bg_thd"}  # threads of libraries in C that start them anew after a fork, as BLAS does its nameless
SET_MEMORY, SET_MAP = 35, 14  # PR_SET_MM, PR_SET_MM_MAP of prctl(2)
LOOKED_AT = ("get_objects", "get_referrers", "get_freeze_count")  # functions of gc that tell what is frozen

retained: list[Any] = []  # memory that Linux reads for as long as the process lives


class EnvironRecorder:
    """Records the names of environment variables that are read, `*` for all of them, until it is closed."""

    def __init__(self) -> None:
        self.names: set[str] = set()
        kind: Any = type(os.environ)
        self.plain = kind.__getitem__, kind.__iter__
        self.kind = kind

        def noted_item(environ: Any, key: str) -> Any:
            if environ is os.environ:
                self.names.add(os.fsdecode(key))
            return self.plain[0](environ, key)

        def noted_all(environ: Any) -> Any:
            self.names.add("*")
            return self.plain[1](environ)

        kind.__getitem__, kind.__iter__ = noted_item, noted_all

    def now(self) -> dict[str, str]:
        """The environment without recording."""
        recording = self.kind.__getitem__, self.kind.__iter__
        self.kind.__getitem__, self.kind.__iter__ = self.plain
        try:
            return dict(os.environ)
        finally:
            self.kind.__getitem__, self.kind.__iter__ = recording

    def close(self) -> None:
        self.kind.__getitem__, self.kind.__iter__ = self.plain


class StreamProxy:
    """Replaces sys.stdout or sys.stderr during imports; references to it write to the current stream later."""

    def __init__(self, name: str, instead: Any, wrote: Callable[[], None]) -> None:
        self.__dict__.update(_name=name, _instead=instead, _wrote=wrote)

    def __getattr__(self, name: str) -> Any:
        now = getattr(sys, self._name)
        if now is not self:
            return getattr(now, name)
        if name in ("write", "writelines"):
            self._wrote()
        if name in OF_A_KERNEL:
            return OF_A_KERNEL[name]
        return getattr(self._instead, name)


class KernelFacade:
    """The kernel that imports see: its shell, `__main__`, argv and streams. Records access to anything else.

    :param loading: the modules that are being imported, the innermost last.
    """

    def __init__(self, loading: list[str]) -> None:
        self.loading = loading
        self.further: list[str] = []
        self.tellers: set[str] = set()
        self.plain: dict[Any, Any] = {}

    @contextlib.contextmanager
    def shown(self) -> Iterator[None]:
        """Provides these objects within this context."""
        from IPython.core.interactiveshell import InteractiveShell

        python, shell_kind = builtins, cast("Any", InteractiveShell)
        before = sys.argv, sys.stdout, sys.stderr, sys.modules["__main__"]
        folder = os.getcwd, os.getcwdb
        python.get_ipython = self.shell  # type: ignore[attr-defined]
        shell_kind.initialized = self.asked
        sys.argv = [importlib.import_module("ipykernel_launcher").__file__ or ""]
        sys.modules.pop("ipykernel_launcher", None)
        for name in ("stdout", "stderr"):
            wrote = functools.partial(self.further.append, f"wrote to {name}")
            setattr(sys, name, StreamProxy(name, getattr(sys, name), wrote))
        os.getcwd, os.getcwdb = map(self.noted_folder, folder)
        sys.modules["__main__"] = types.ModuleType("__main__")
        try:
            yield
        finally:
            del python.get_ipython, shell_kind.initialized  # type: ignore[attr-defined]
            sys.argv, sys.stdout, sys.stderr, sys.modules["__main__"] = before
            os.getcwd, os.getcwdb = folder

    def noted_folder(self, plain: Callable[[], Any]) -> Callable[[], Any]:
        def noted() -> Any:
            if self.loading and self.loading[-1] not in FOLDERS:
                self.further.append(f"looked at the working folder in {self.loading[-1]}")
            return plain()

        self.plain[noted] = plain
        return noted

    def restore(self, module: types.ModuleType) -> None:
        """Replace functions of ours that a module took by the original ones."""
        for name, value in list(vars(module).items()):
            if isinstance(value, types.FunctionType) and value in self.plain:
                setattr(module, name, self.plain[value])

    def shell(self) -> Any:
        """The result of `get_ipython()`: a shell with a kernel."""
        note = self.further.append

        def look(shell: Any, name: str) -> Any:
            if not name.startswith("__"):
                note(f"asked the shell for {name}")
            raise AttributeError(name)

        return type("ZMQInteractiveShell", (), {"kernel": None, "__getattr__": look})()

    def asked(self) -> bool:
        """Whether there is a shell, for IPython's own functions: not yet."""
        frame: Any = sys._getframe(1)
        while frame is not None and frame.f_globals.get("__name__", "").startswith("IPython."):
            frame = frame.f_back
        name = frame.f_globals.get("__name__", "") if frame is not None else ""
        if frame is not None and (name, frame.f_code.co_name) in TELLS_SHELL:
            self.tellers.add(name)
        else:
            self.further.append(f"{name} asked for the shell")
        return False


class ImportFingerprints:
    """The origin of modules that were imported ahead, and the files that they read there."""

    def __init__(self) -> None:
        self.path: list[str] = []
        self.found: dict[str, str | None] = {}
        self.stamps: dict[str, list[Stamp]] = {}
        self.checked: set[str] = set()
        self.finder: Any = sys.modules["_frozen_importlib_external"].PathFinder

    def note(self, modules: dict[str, types.ModuleType]) -> None:
        """Record where each package is found, and the state of files that no installation tracks."""
        self.path = list(sys.path)
        for name, module in modules.items():
            top = name.partition(".")[0]
            if top not in self.found:
                self.found[top] = self.find(top)
            file = getattr(module, "__file__", None)
            if file and not file.startswith(installed()):
                self.stamps.setdefault(top, []).append(stamp(file))
        if "matplotlib" in modules:
            self.stamps["matplotlib"] = settings_of_matplotlib(modules)

    def find(self, top: str) -> str | None:
        spec = self.finder.find_spec(top)
        return None if spec is None else spec.origin

    def changed(self, tops: set[str], modules: dict[str, types.ModuleType]) -> set[str]:
        """The packages among these for which an import would find other files now."""
        added = [entry for entry in sys.path if entry not in self.path]
        plain = [entry for entry in sys.path if entry in self.path] == self.path
        finders = [self.finder._path_importer_cache(entry) for entry in dict.fromkeys(added)]
        stamps = {
            top
            for top in tops - self.checked
            if any(finder is not None and finder.find_spec(top) is not None for finder in finders)
            or not (plain or self.find(top) == self.found.get(top))
            or self.stamps.get(top, []) != self.now(top, modules)
        }
        self.checked |= tops - stamps
        return stamps

    def now(self, top: str, modules: dict[str, types.ModuleType]) -> list[Stamp]:
        if top == "matplotlib" and top in modules:
            return settings_of_matplotlib(modules)
        return [stamp(path) for path, _, _ in self.stamps.get(top, ())]


Stamp = tuple[str, int, int]


def stamp(path: str) -> Stamp:
    """A file with its time and size, which are 0 if it does not exist."""
    try:
        facts = os.stat(path)
    except OSError:
        return path, 0, 0
    return path, facts.st_mtime_ns, facts.st_size


@functools.cache
def installed() -> tuple[str, ...]:
    """The folders of the standard library and of installed packages."""
    import sysconfig

    library = {sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    folders = {entry for entry in sys.path if entry.endswith(("site-packages", "dist-packages"))}
    return tuple(f"{folder}{os.sep}" for folder in library | folders)


def installed_now() -> list[Stamp]:
    """The state of folders with installed packages, and of the files there that refer to other folders."""
    folders = [entry for entry in sys.path if entry.endswith(("site-packages", "dist-packages"))]
    inside = [os.path.join(f, n) for f in folders if os.path.isdir(f) for n in sorted(os.listdir(f))]
    return [stamp(path) for path in (*folders, *(path for path in inside if path.endswith(".pth")))]


def looked_at_from_the_start(packages: list[Stamp]) -> set[str]:
    """The environment variables that may have been read before recording began, `*` for any of them."""
    names = {"*"} if {"sitecustomize", "usercustomize"} & sys.modules.keys() else set()
    for path in (path for path, _, _ in packages if path.endswith(".pth")):
        with contextlib.suppress(OSError), open(path, encoding="utf-8", errors="replace") as lines:
            for line in lines:
                if line.startswith(("import ", "import\t")):
                    names.update(word for word in sys.modules["re"].findall(r"\w+", line) if word.isupper())
    return names


def settings_of_matplotlib(modules: dict[str, types.ModuleType]) -> list[Stamp]:
    """The files of settings and styles that matplotlib reads when it is imported in this place."""
    library: Any = modules["matplotlib"]
    styles = os.path.join(library.get_configdir(), "stylelib")
    names = sorted(os.listdir(styles)) if os.path.isdir(styles) else []
    return [stamp(path) for path in (library.matplotlib_fname(), *(os.path.join(styles, name) for name in names))]


class PreloadedModules:
    """Modules that were imported ahead, and that are hidden until they are imported."""

    def __init__(self, environ: EnvironRecorder) -> None:
        self.environ = environ
        self.modules: dict[str, types.ModuleType] = {}
        self.uses: dict[str, list[str]] = {}
        self.missed: set[str] = set()
        self.unsafe: set[str] = set()  # modules whose import changes more than what it defines
        self.filters: dict[str, list[tuple[Any, bool]]] = {}
        self.bound: set[str] = set()
        self.variables: dict[str, dict[str, str]] = {}
        self.loggers: dict[str, list[tuple[Any, str, Any]]] = {}
        self.threads: dict[str, int] = {}
        self.pickled: dict[str, dict[Any, Any]] = {}
        self.places = ImportFingerprints()
        self.loading: list[str] = []
        self.surroundings = KernelFacade(self.loading)
        self.bootstrap: Any = importlib._bootstrap

    # -- in the server

    def fill(self, names: list[str]) -> dict[str, str]:  # noqa: C901 (to be split into recorders)
        """Import these modules and hide everything that came with them. Returns those that can't be imported ahead."""
        before = set(sys.modules)
        failing: set[str] = set()
        filters = list(warnings.filters)
        failed = {}
        plain_import, plain_find = builtins.__import__, self.bootstrap._find_and_load
        stack = self.loading

        def noted_import(
            name: str, globals: Any = None, locals: Any = None, fromlist: Any = (), level: int = 0
        ) -> Any:  # fmt: skip
            """Extension modules call it with keyword arguments."""
            importer = (globals or {}).get("__name__", "")
            module = plain_import(name, globals, locals, fromlist, level)
            if importer in stack:  # not a function of it, called by a module that is loaded later
                self.note_use(importer, name, globals or {}, (globals, locals, fromlist, level))
            return module

        def noted_find(name: str, import_: Any) -> Any:
            if stack:
                self.uses.setdefault(stack[-1], []).append(name)
            stack.append(name)
            failing.add(name)
            number, ahead, variables = len(sys.modules), list(warnings.filters), self.environ.now()
            threads, pickled = self.unnoted_threads(), dict(copyreg.dispatch_table)
            state = state_of("random") if name in DRAWS else None
            try:
                return plain_find(name, import_)
            finally:
                stack.pop()
                if state is not None and DRAWS[name] <= vars(sys.modules.get(name, types)).keys():
                    sys.modules["random"].setstate(state)
                self.note_made(name, number, before, failing)
                self.note_filters(name, ahead)
                self.note_variables(name, variables)
                self.note_threads(name, threads)
                self.note_pickled(name, pickled)

        python: Any = builtins

        def noted_logger(verb: str) -> Any:
            plain = getattr(logging.Logger, verb)

            def noted(logger: Any, value: Any) -> None:
                if stack:
                    self.loggers.setdefault(stack[-1], []).append((logger, verb, value))
                plain(logger, value)

            return noted

        levels = {name: logger.level for name, logger in _loggers()}
        threads, pickled = next_thread(), dict(copyreg.dispatch_table)
        plain_logger = {verb: getattr(logging.Logger, verb) for verb in ("addHandler", "setLevel")}
        for verb in plain_logger:
            setattr(logging.Logger, verb, noted_logger(verb))
        python.__import__, self.bootstrap._find_and_load = noted_import, noted_find
        try:
            for name in (*OF_EVERY_KERNEL, *names):
                self.surroundings.further.clear()
                states, number, had = [state_of(generator) for generator in SHARED], len(sys.modules), named_threads()
                try:
                    with self.surroundings.shown():
                        importlib.import_module(name)
                except BaseException as error:
                    failed[name] = f"{type(error).__name__}: {error}"
                if any(old not in (None, state_of(draws)) for draws, old in zip(SHARED, states, strict=True)):
                    self.surroundings.further.append("drew random numbers")
                if started := named_threads() - had:
                    self.surroundings.further.append(f"started the thread {min(started)}")
                for maker in makers_of_generators(list(sys.modules)[number:]):
                    self.surroundings.further.append(f"made a random generator in {maker}")
                if self.surroundings.further:
                    failed[name] = f"not ahead: it {self.surroundings.further[0]}"
                    self.unsafe.add(name)
                if name not in names:  # a kernel without it does without; what it says is not said in a cell
                    failed.pop(name, None)
        finally:
            python.__import__, self.bootstrap._find_and_load = plain_import, plain_find
            for verb, plain in plain_logger.items():
                setattr(logging.Logger, verb, plain)
        for logger, verb, value in [change for inner in self.loggers.values() for change in inner]:
            if verb == "addHandler":
                logger.removeHandler(value)
            else:
                logger.setLevel(levels.get(logger.name, logging.NOTSET))
        self.missed = {name for name in self.uses if name not in sys.modules}  # their packages may be there
        for name in [n for n in sys.modules if n not in before]:
            module = sys.modules.pop(name)
            if isinstance(module, types.ModuleType):
                self.modules[name] = module
                self.surroundings.restore(module)
                parent, _, last = name.rpartition(".")
                owner = self.modules.get(parent) or sys.modules.get(parent)
                if owner is not None and vars(owner).get(last) is module:
                    delattr(owner, last)
                    self.bound.add(name)
        warnings.filters[:] = filters  # type: ignore[index]
        count_threads_from(threads)
        copyreg.dispatch_table.clear()
        copyreg.dispatch_table.update(pickled)
        self.places.note(self.modules)
        return failed

    def note_made(self, name: str, number: int, before: set[str], names: set[str]) -> None:
        """Record the modules that a module created itself, without an import, such as pyexpat's.

        :param number: the number of modules when its import began; the newer ones come last.
        """
        for created in list(sys.modules)[number:]:
            if created not in names and created not in before:
                names.add(created)
                self.uses.setdefault(name, []).append(created)

    def note_use(self, importer: str, name: str, space: Any, args: Any) -> None:
        """Record the imports that a module made while it was imported, including modules that were loaded already."""
        level = args[3] if len(args) > 3 else 0
        package = space.get("__package__") or importer
        if level:
            parts = package.split(".")
            base = ".".join(parts[: len(parts) - level + 1])
            name = f"{base}.{name}" if name else base
        names = [name, *(f"{name}.{part}" for part in (args[2] or () if len(args) > 2 else ()))]
        self.uses.setdefault(importer, []).extend(n for n in names if n in sys.modules)

    def note_filters(self, name: str, ahead: list[Any]) -> None:
        recorded = [item for inner in self.filters.values() for item, _ in inner]
        now = list(warnings.filters)
        last = max((at for at, item in enumerate(now) if item in ahead), default=len(now))
        added = [(item, at > last) for at, item in enumerate(now) if item not in ahead and item not in recorded]
        if added:
            self.filters[name] = added

    def note_variables(self, name: str, before: dict[str, str]) -> None:
        recorded = {key for inner in self.variables.values() for key in inner}
        added = {k: v for k, v in self.environ.now().items() if before.get(k) != v and k not in recorded}
        if added:
            self.variables[name] = added

    def unnoted_threads(self) -> int:
        return next_thread() - sum(self.threads.values())

    def note_threads(self, name: str, before: int) -> None:
        """The number of unnamed threads that it has created but not started."""
        if added := self.unnoted_threads() - before:
            self.threads[name] = added

    def note_pickled(self, name: str, before: dict[Any, Any]) -> None:
        recorded = {kind for inner in self.pickled.values() for kind in inner}
        added = {
            k: reducer
            for k, reducer in copyreg.dispatch_table.items()
            if before.get(k) is not reducer and k not in recorded
        }
        if added:
            self.pickled[name] = added

    # -- in a kernel

    def install(self) -> None:
        """Let imports find the hidden modules."""
        plain = self.bootstrap._find_and_load
        space: dict[str, Any] = {"aside": self, "plain": plain}
        code = (
            "def _find_and_load(name, import_):\n"
            "    if name in aside.modules and (order := aside.usable(name)):\n"
            "        return aside.bring(name, order)\n"
            "    return plain(name, import_)\n"
        )
        exec(compile(code, "<frozen importlib._bootstrap>", "exec"), space)
        self.bootstrap._find_and_load = space["_find_and_load"]

    def usable(self, name: str) -> list[str]:
        """The modules that are imported with a module, and the module itself last, if an import in this place would
        find the same files. Modules that differ are dropped, with all modules that import them.

        If not, what differs is forgotten with all that has imported it.
        """
        order = self.imported_with(name)
        changed = self.places.changed({module.partition(".")[0] for module in order}, self.modules)
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
            if member in order and member in self.surroundings.tellers:
                self.surroundings.tellers.discard(member)
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


def state_of(generator: str) -> Any:
    """The comparable state of a shared generator; None if its module is not loaded."""
    module: Any = sys.modules.get(generator)
    if module is None:
        return None
    if generator == "random":
        return module.getstate()
    name, key, *rest = module.get_state()
    return name, key.tobytes(), *rest


def named_threads() -> set[str]:
    """The names of native threads with their own name, which a forked process would lack."""
    names = set()
    for task in os.listdir("/proc/self/task") if os.path.isdir("/proc/self/task") else ():
        with contextlib.suppress(OSError), open(f"/proc/self/task/{task}/comm") as comm:
            names.add(comm.read().strip())
    with contextlib.suppress(OSError), open("/proc/self/comm") as comm:
        names.discard(comm.read().strip())
    return names - OUTLIVES


def makers_of_generators(names: list[str]) -> list[str]:
    """The modules among these that hold a generator other than the shared ones."""
    random, numpy = cast("Any", sys.modules["random"]), cast("Any", sys.modules.get("numpy.random"))
    kinds = (random.Random, *((numpy.RandomState, numpy.Generator) if numpy is not None else ()))
    shared = {random._inst, *((numpy.mtrand._rand,) if numpy is not None else ())}
    makers = []
    for name in names:
        module = sys.modules[name]
        values = list(getattr(module, "__dict__", {}).values())
        if any(isinstance(v, kinds) and v not in shared and not isinstance(v, random.SystemRandom) for v in values):
            makers.append(name)
    return makers


def reset_module_state(name: str, module: Any) -> None:
    """Update the values that the import of a module takes from the process, for a module that was imported ahead."""
    if name in FOLDERS:
        variable, nowhere = FOLDERS[name]
        try:
            setattr(module, variable, os.path.abspath(os.getcwd()))
        except OSError:
            setattr(module, variable, nowhere)
    if name == "multiprocessing.process":
        module.current_process().authkey = os.urandom(32)
    if name in DRAWS:
        module._id_generator = itertools.count(module.getrandbits(24))


def next_thread() -> int:
    """The number of the next unnamed thread."""
    threading: Any = sys.modules["threading"]
    return int(repr(threading._counter.__self__).removeprefix("count(").removesuffix(")"))  # its text is all it tells


def count_threads_from(number: int) -> None:
    threading: Any = sys.modules["threading"]
    threading._counter = itertools.count(number).__next__


def _loggers() -> list[tuple[str, logging.Logger]]:
    loggers = [(n, g) for n, g in logging.root.manager.loggerDict.items() if isinstance(g, logging.Logger)]
    return [*loggers, (logging.root.name, logging.root)]


class Server:
    """Waits for requests and for the ends of kernels."""

    def __init__(self, connection: socket.socket, aside: PreloadedModules) -> None:
        self.connection = connection
        self.aside = aside
        self.wake, wake = os.pipe()
        os.set_blocking(wake, False)
        os.set_blocking(self.wake, False)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        self.wake_end = wake

    def run(self) -> None:
        poller = select.poll()
        poller.register(self.connection, select.POLLIN)
        poller.register(self.wake, select.POLLIN)
        while True:
            for number, _ in poller.poll():
                if number == self.wake:
                    with contextlib.suppress(BlockingIOError):
                        os.read(self.wake, 4096)
                    self.reap()
                elif not self.serve():
                    return

    def reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            self.send({"pid": pid, "status": os.waitstatus_to_exitcode(status)})

    def send(self, message: dict[str, Any]) -> None:
        with contextlib.suppress(OSError):
            self.connection.send(json.dumps(message).encode())

    def serve(self) -> bool:
        data, numbers, _, _ = socket.recv_fds(self.connection, MESSAGE, 8)
        if not data:
            return False
        request = json.loads(data)
        try:
            pid = self.fork(request, numbers)
        except OSError as error:
            self.send({"id": request["id"], "error": str(error)})
        else:
            self.send({"id": request["id"], "pid": pid})
        finally:
            for number in numbers:
                os.close(number)
        return True

    def fork(self, request: dict[str, Any], numbers: list[int]) -> int:
        pid = os.fork()
        if pid:
            return pid
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            self.connection.close()
            os.close(self.wake)
            os.close(self.wake_end)
            # Modules that were imported ahead may have made contexts of their own, as `decimal` does when it is used.
            contextvars.Context().run(become_kernel, request, numbers, self.aside)
        except SystemExit as left:
            code = left.code
            _leave(code if isinstance(code, int) else 1 if code else 0)
        except BaseException:
            import traceback

            traceback.print_exc(file=sys.__stderr__)
            _leave(1)
        _leave(0)
        return 0


def _leave(status: int) -> None:
    """End a forked kernel like an interpreter: exit handlers first."""
    import atexit

    with contextlib.suppress(BaseException):
        _join_threads()
    with contextlib.suppress(BaseException):
        atexit._run_exitfuncs()
    for stream in (sys.__stdout__, sys.__stderr__):
        with contextlib.suppress(Exception):
            stream.flush()  # type: ignore[union-attr]
    os._exit(status)


def _join_threads() -> None:
    threading: Any = sys.modules.get("threading")
    if threading is not None:
        threading._shutdown()


def become_kernel(request: dict[str, Any], numbers: list[int], aside: PreloadedModules) -> None:
    """Turn this forked process into the kernel that `cmd` would start. Returns when the kernel ends."""
    os.setsid()
    for place, number in enumerate(numbers[:3]):
        os.dup2(number, place)
    ready = numbers[3]
    for number in numbers[:3]:
        if number > 2:
            os.close(number)
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["env"])
    command = request["cmd"]
    sys.orig_argv[:] = command
    launcher = importlib.import_module("ipykernel_launcher")
    sys.argv[:] = [launcher.__file__ or "", *_after_module(command)]
    sys.modules.pop("ipykernel_launcher", None)
    with contextlib.suppress(Exception):
        set_process_title(command, request["env"])
    threading: Any = sys.modules["threading"]
    threading.main_thread()._set_native_id()
    reseed_generators(aside)
    aside.install()
    from ipykernel.kernelapp import IPKernelApp

    app: Any = IPKernelApp.instance()
    app.parent_handle = os.getppid()
    bind = app.init_heartbeat

    def bound() -> None:
        bind()
        os.write(ready, b"1")
        os.close(ready)

    app.init_heartbeat = bound
    app.initialize(sys.argv[1:])
    app.start()


def set_process_title(command: list[str], env: dict[str, str]) -> None:
    """Show this command and environment in `ps` and other tools, if the system supports it."""
    ctypes: Any = importlib.import_module("ctypes")
    words = [b"\0".join([*map(os.fsencode, parts), b""]) for parts in (command, [f"{k}={v}" for k, v in env.items()])]
    title = b"".join(words)
    retained.append(ctypes.create_string_buffer(title, len(title)))
    start = ctypes.addressof(retained[-1])
    middle, end = start + len(words[0]), start + len(title)
    library = ctypes.CDLL(None, use_errno=True)
    library.sbrk.restype = ctypes.c_void_p
    with open("/proc/self/stat", "rb") as stat:
        fields = [0, 0, 0, *map(int, stat.read().rpartition(b") ")[2].split()[1:])]  # numbered as proc(5) does
    places = [*fields[25:27], *fields[44:47], library.sbrk(0), fields[27], start, middle, middle, end]
    memory_map = struct.pack("=11QQII", *places, 0, 0, 0xFFFFFFFF)
    library.prctl(SET_MEMORY, SET_MAP, memory_map, len(memory_map), 0)


def freeze_gc(aside: PreloadedModules) -> None:
    """Exclude existing objects from garbage collection in all kernels, until code queries the collector for objects."""
    mine = "gc" not in sys.modules
    collector: Any = aside.modules.get("gc") or importlib.import_module("gc")
    if mine:
        aside.modules["gc"] = collector
        sys.modules.pop("gc", None)
    collector.collect()
    collector.freeze()
    plain = {name: getattr(collector, name) for name in LOOKED_AT}

    def looked_at(name: str) -> Any:
        def look(*arguments: Any, **options: Any) -> Any:
            if vars(collector)[name] is look:
                vars(collector).update(plain)
                collector.unfreeze()
            return plain[name](*arguments, **options)

        return look

    vars(collector).update({name: looked_at(name) for name in plain})


def _after_module(command: list[str]) -> list[str]:
    return command[command.index("-m") + 2 :]


def reseed_generators(aside: PreloadedModules) -> None:
    """Random generators that belong to this process only, as in a new process."""
    for name in ("numpy.random", "random"):
        module: Any = sys.modules.get(name) or aside.modules.get(name)
        if module is not None:
            module.seed()


def prepare_native() -> None:
    """Redirect the calls here that the agent of every kernel would otherwise have to redirect, library by library."""
    place = os.path.join(os.path.dirname(os.path.abspath(__file__)), "native.py")
    native = types.ModuleType("_jupyter_mlops_agent.native")  # the agent knows its own frames by this name
    before = set(sys.modules)
    with open(place, "rb") as source:
        exec(compile(source.read(), place, "exec"), native.__dict__)
    native.prepare()
    for name in set(sys.modules) - before:
        del sys.modules[name]


def main(number: int, preload: list[str], failed: dict[str, str]) -> None:
    """Import, report failed imports, and serve until the owner has ended.

    :param failed: modules that an earlier attempt could not import ahead.
    """
    connection = socket.socket(fileno=number)
    if sys.path and sys.path[0] == os.path.dirname(os.path.abspath(__file__)):
        del sys.path[0]
    if not os.environ.get("MPLBACKEND"):
        os.environ["MPLBACKEND"] = "module://matplotlib_inline.backend_inline"
    packages = installed_now()
    environ = EnvironRecorder()
    for name in ("runpy", "ipykernel.kernelapp", "ipykernel.ipkernel", "ipykernel.zmqshell", "ipykernel_launcher"):
        importlib.import_module(name)
    sys.modules.pop("ipykernel_launcher", None)
    environ.names |= looked_at_from_the_start(packages)
    aside = PreloadedModules(environ)
    untouched = environ.now()
    failed.update(aside.fill(preload))
    environ.close()
    good = [name for name in preload if name not in aside.unsafe]
    if len(good) < len(preload):  # what was imported can't be undone
        os.set_inheritable(connection.detach(), True)
        os.execve(sys.executable, [*sys.orig_argv[:-2], json.dumps(good), json.dumps(failed)], untouched)
    prepare_native()
    threading: Any = sys.modules.get("threading")
    threads = [t.name for t in threading.enumerate()][1:] if threading else []
    freeze_gc(aside)
    message = {"started": os.getpid(), "failed": failed, "threads": threads, "reads": sorted(environ.names)}
    message["installed"] = packages
    connection.send(json.dumps(message).encode())
    if not threads:
        Server(connection, aside).run()


if __name__ == "__main__":
    main(int(sys.argv[1]), json.loads(sys.argv[2]), json.loads(sys.argv[3]))
