"""Observes what a block does to files and to the outside world, and what it reads from there."""

from __future__ import annotations

import importlib
import os
import sys
from _thread import get_ident
from typing import Any, ClassVar

from . import here
from .connections import Connections
from .looks import listing_of, look_of
from .readers import (
    CLOCK,
    ENTROPY,
    IDENTITY,
    SITES,
    STDLIB,
    asked_for_module,
    asking,
    caller,
    importer,
    is_cell,
    is_installed,
    is_standard,
)
from .scratch import leave_out, scratch_names
from .seeded import is_seeded

SOURCES = (".py", ".pyc", ".pyi", ".so", ".pyd", ".pth", ".egg-link")
OF_DISTRIBUTIONS = (".dist-info" + os.sep, ".egg-info" + os.sep)
# Devices that hold nothing.
STREAMS = ("/dev/null", "/dev/zero", "/dev/full", "/dev/tty", "/dev/stdin", "/dev/stdout", "/dev/stderr", "/dev/fd",
           "/dev/ptmx", "/dev/pts")  # fmt: skip
RANDOM_DEVICES = ("/dev/urandom", "/dev/random", "/dev/hwrng")
# What the system says of itself and of its processes. Libraries ask how much memory and how many cores there are.
OF_SYSTEM = ("/proc/", "/sys/", "/dev/")
SHARED_MEMORY = "/dev/shm/"
# Files that a library makes for itself and would make again: (library, a part of the path).
OWN_CACHES = (
    ("matplotlib", "fontlist-"), ("matplotlib", ".matplotlib-lock"), ("matplotlib", "tex.cache"),
    ("numba", "__pycache__"), ("fontconfig", "fontconfig"), ("IPython", "history.sqlite"),
    ("joblib", "joblib_memmapping"), ("joblib", "loky"), ("multiprocessing", "pymp-"), ("kaleido", "kaleido"),
)  # fmt: skip
# Functions that start a process to count the cores, and nothing else: (end of the module's name, start of theirs).
COUNT_CORES = (("loky.backend.context", "_count_physical_cores"),)
# Functions that ask of a path only what kind of thing is there.
ASK_KIND = frozenset(
    "exists lexists isfile isdir islink ismount is_file is_dir is_symlink is_mount realpath _joinrealpath resolve"
    " samefile samestat expanduser which _access_check makedirs rmtree _rmtree_unsafe _rmtree_safe_fd".split()
)
PATH_MODULES = frozenset(
    "genericpath posixpath ntpath pathlib pathlib._local pathlib._abc pathlib._os os shutil".split()
)
SHOWS_SOURCE = frozenset({"linecache", "inspect", "tokenize", "traceback"})  # for tracebacks and warnings
OF_KERNEL = frozenset({"IPython", "ipykernel", "debugpy"})
# Functions that ask of a path only whether to remove it if writing it fails.
ASK_TO_CLEAN_UP = frozenset({("PIL.Image", "save")})
LOOKS_KEPT = 4000  # paths that a block may look at and still be known by what they are


class AheadDenied(BaseException):
    """A speculative step may not act on the outside world."""


class Watch:
    """Records what a block reads, inspects, writes and asks for while it runs, and can forbid acts.

    Python's own acts raise audit events; `native`, where available, records calls of compiled libraries into libc.

    read      path -> facts when it was first opened; None if it was not there
    looks     path -> what was seen of it without opening: see `look_of`
    listed    folder -> digest of the names in it
    written   path -> "w" replaced, "a" changed, or the act
    outside   acts other than on files: "network: socket.connect"
    volatile  readings that differ from run to run: [what, who, in which cell of the block]
    """

    WRITES = frozenset(
        "os.remove os.rename os.mkdir os.rmdir os.truncate os.link os.symlink os.chmod os.chown os.utime "
        "shutil.copyfile shutil.move shutil.rmtree shutil.copytree shutil.make_archive shutil.unpack_archive".split()
    )
    TWO_PATHS = frozenset({"os.rename", "os.link", "os.symlink", "shutil.move", "shutil.copytree", "shutil.copyfile"})
    OUTSIDE: ClassVar[dict[str, str]] = {
        "subprocess.Popen": "process", "os.system": "process", "os.exec": "process", "os.posix_spawn": "process",
        "os.spawn": "process", "os.fork": "process", "os.forkpty": "process", "pty.spawn": "process",
        "socket.connect": "network", "socket.bind": "network", "socket.sendto": "network",
        "socket.getaddrinfo": "network", "socket.gethostbyname": "network", "urllib.Request": "network",
        "http.client.connect": "network", "http.client.send": "network",
        "ftplib.connect": "network", "smtplib.connect": "network",
        "webbrowser.open": "process", "sqlite3.connect": "database", "os.kill": "process", "os.putenv": "",
    }  # fmt: skip
    LISTS = frozenset({"os.listdir", "os.scandir", "os.walk"})
    SCRATCH = frozenset({"tempfile.mkstemp", "tempfile.mkdtemp"})
    HEARD = frozenset({"builtins.id", "open", *WRITES, *OUTSIDE, *LISTS, *SCRATCH})

    def __init__(self) -> None:
        self.on = False
        self.guarded = False
        self.native: Any = None
        self.thread = get_ident()
        self.at(os.getcwd())
        self.databases: dict[str, Any] = {}
        self.own_caches: set[str] = set()  # files and folders that libraries keep for themselves
        self.ours = (os.path.dirname(sys._getframe().f_code.co_filename) + os.sep,)
        self.clear()

    def install(self) -> None:
        """Observe this process from now on."""
        self.native = importlib.import_module(here.MODULE + ".native").install(self.noticed)
        sys.addaudithook(self)

    def at(self, folder: str) -> None:
        """Register a folder as the user's working folder."""
        self.here = folder.rstrip(os.sep) + os.sep

    def clear(self) -> None:
        self.read: dict[str, Any] = {}
        self.looks: dict[str, Any] = {}
        self.listed: dict[str, str] = {}
        self.written: dict[str, str] = {}
        self.new: set[str] = set()
        self.random_paths: set[str] = set()
        self.outside: list[str] = []
        self.connections = Connections()
        self.denied: list[str] = []
        self.volatile: list[list[Any]] = []
        self.many = False
        self.ids = False
        self.cell = -1
        self.scratch: list[str] = []

    def begin(self, guarded: bool) -> None:
        """Prepare for a block.

        :param guarded: whether it may not act on the outside world.
        """
        self.clear()
        self.guarded = guarded
        if self.native is not None:
            self.native.update()
            self.native.paths()
            self.native.watch(True)
        self.on = True

    def pause(self) -> bool:
        """The agent is about to act. Returns whether recording was on."""
        was, self.on = self.on, False
        if self.native is not None:
            self.native.watch(False)
        return was

    def go_on(self, on: bool) -> None:
        self.on = on
        if self.native is not None:
            self.native.watch(on)

    def finish(self) -> None:
        """The block has ended: add the facts that are only known now."""
        self.pause()
        if self.native is not None:
            paths, overflowed = self.native.paths()
            self.many = self.many or overflowed
            for deed, path, writes in paths:
                self.native_path(deed, path, writes, self.guarded)
        self.look_at_databases()
        self.scratch = scratch_names(self.random_paths, self.looks)
        notes = (self.read, self.looks, self.listed, self.written)
        leave_out({name for name in self.new if not os.path.lexists(name)} | self.own_caches, notes)

    # -- audit events of Python

    def __call__(self, event: str, args: Any) -> None:
        if not self.on and not (self.guarded and get_ident() != self.thread):
            return  # a thread that a guarded block left stays guarded while the agent itself writes
        if event not in self.HEARD or is_ours(sys._getframe().f_back):
            return
        if self.native is None or not self.on:
            self.heard(event, args)
            return
        self.native.watch(False)  # looking at what is about to happen is no look of the block's
        try:
            self.heard(event, args)
        finally:
            self.native.watch(True)

    def heard(self, event: str, args: Any) -> None:
        if event == "builtins.id":
            frame = sys._getframe(1).f_back
            self.ids = self.ids or (frame is not None and frame.f_globals is here.AGENT.user_ns)
        elif event == "open":
            self.open(*args)
        elif event in self.SCRATCH:
            self.random_paths.add(os.path.abspath(os.fsdecode(args[0])))
        elif self.OUTSIDE.get(event):
            if event == "sqlite3.connect" and args and args[0] in (":memory:", ""):
                return
            if not self.importing() and not counts_cores(asking(sys._getframe(2))):
                text = f"{self.OUTSIDE[event]}: {event}"
                self.outside.append(text)
                self.connections.note(event, args)
                self.deny(text)
            if event == "sqlite3.connect" and args:
                self.database(args[0])
        elif event in self.WRITES:
            for path in args[: 2 if event in self.TWO_PATHS else 1]:
                if event == "os.mkdir" and os.path.isdir(path):
                    self.look(path, "kind")  # it fails, as `exist_ok` expects
                elif isinstance(path, (str, bytes, os.PathLike)):
                    self.write(path, event)
        elif event in self.LISTS:
            self.list_folder(args[0] if args else None)

    def importing(self) -> bool:
        return bool(caller(sys._getframe()).kind == "import")

    def open(self, path: Any, mode: Any, flags: Any) -> None:
        if isinstance(path, int) or path is None:
            return
        if mode is not None and isinstance(mode, str):
            writes, is_update = any(c in mode for c in "wax+"), "a" in mode or {"r", "+"} <= set(mode)
        else:
            flags = flags or 0
            writes = bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))
            new = flags & os.O_EXCL or flags & os.O_TRUNC
            is_update = bool(flags & (os.O_RDWR | os.O_APPEND)) and not new
        if writes and os.path.isdir(path):
            return  # a scratch file without a name
        if writes:
            self.write(path, "a" if is_update else "w")
        else:
            name = self.name(path)
            if name is not None and not (self.importing() and not os.path.exists(name)):
                self.note(name)

    def list_folder(self, folder: Any) -> None:
        if isinstance(folder, int):
            return
        if caller(sys._getframe()).kind == "import":
            return
        name = self.name(folder if folder is not None else ".")
        if name is not None and name not in self.listed:
            self.listed[name] = ""  # for the event that comes of looking
            self.listed[name] = listing_of(name)

    def database(self, address: Any) -> None:
        """SQLite opens its files without audit events: they are recorded now, and inspected again after each block."""
        try:
            text = os.fsdecode(address)
        except TypeError:
            return
        if text.startswith("file:"):
            import urllib.parse

            text = urllib.parse.unquote(text[5:].partition("?")[0].partition("#")[0])
        name = self.name(text)
        if name is not None and name not in self.databases:
            self.databases[name] = self.facts_of_database(name)
            self.note(name)

    def facts_of_database(self, name: str) -> Any:
        facts = []
        for path in (name, name + "-wal"):
            try:
                status = os.stat(path)
            except OSError:
                continue
            if path == name or status.st_size:
                facts.append((path, status.st_mtime_ns, status.st_size))
        return facts

    def look_at_databases(self) -> None:
        """Files that this block changed count as written by it, not as its inputs."""
        for name, before in self.databases.items():
            now = self.facts_of_database(name)
            if now != before:
                self.databases[name] = now
                self.read.pop(name, None)
                self.written.setdefault(name, "w")

    # -- notes of compiled code

    def noticed(self, records: Any) -> None:
        """The current frame has read the clock, drawn entropy, or inspected a path."""
        frame = sys._getframe(1).f_back
        if frame is None:
            return
        for reading, from_python in records:
            if reading == "look":
                self.looked(frame, is_ours(frame))
            elif reading == "clock":
                self.reading("the clock", caller(frame, CLOCK), CLOCK)
            elif reading == "entropy":
                if not is_seeded(asking(frame)):
                    self.reading("entropy", caller(frame, ENTROPY), ENTROPY)
            elif from_python and caller(frame, IDENTITY).personal:
                self.reading("which process or host this is", caller(frame), ())

    def reading(self, kind: str, asker: Any, harmless: Any) -> None:
        if asker.kind == "import" or asker.among(harmless):
            return
        entry = [kind, asker.name if asker.kind != "cell" else "", self.cell]
        if entry not in self.volatile:
            self.volatile.append(entry)

    def looked(self, frame: Any, by_agent: bool) -> None:
        """Paths were inspected without being opened.

        :param by_agent: whether the agent itself did so.
        """
        paths, overflowed = self.native.looks()
        self.many = self.many or overflowed
        if not paths or by_agent:
            return
        asker = caller(frame, OF_KERNEL)
        if asker.kind == "import" and (module := asked_for_module(frame)):
            self.not_found(module)  # found or not: it counts where one lies
        if asker.kind == "import" or asker.among(OF_KERNEL) or frame.f_globals.get("__name__") in SHOWS_SOURCE:
            return
        outer = asking(frame)
        if (outer.f_globals.get("__name__"), outer.f_code.co_name) in ASK_TO_CLEAN_UP:
            return
        name = frame.f_code.co_name
        kind_only = name in ASK_KIND and frame.f_globals.get("__name__") in PATH_MODULES
        if not kind_only and frame.f_back is not None and name == "stat":
            outer = frame.f_back
            kind_only = outer.f_code.co_name in ASK_KIND and outer.f_globals.get("__name__") in PATH_MODULES
        for path in paths:
            self.look(path, "kind" if kind_only else "all" if asker.personal else "size")

    def look(self, path: str, scope: str) -> None:
        name = self.name(path)
        if name is None or name in self.written:
            return
        if len(self.looks) >= LOOKS_KEPT:
            self.many = True
        elif name not in self.looks or len(self.looks[name]) < len(result := look_of(name, scope)):
            self.looks[name] = result if name in self.looks else look_of(name, scope)

    def not_found(self, module: str) -> None:
        """A module was looked up. If a cell or a local module does so, it inspects every place where the module
        may be.
        """
        if not self.on or "." in module or not importer(sys._getframe()).personal:
            return
        for entry in sys.path:
            for name in (module, module + ".py"):
                path = os.path.abspath(os.path.join(entry, name))
                self.looks.setdefault(path, look_of(path, "kind"))

    def found(self, module: str) -> None:
        """A cell or a local module imports a module: one of that name in the notebook's own folders would have had
        precedence.
        """
        if not self.on or "." in module or not importer(sys._getframe()).personal:
            return
        spec = getattr(sys.modules.get(module), "__spec__", None)
        origin = getattr(spec, "origin", None)
        if not isinstance(origin, str) or origin in ("built-in", "frozen"):
            return
        for entry in sys.path:
            folder = os.path.abspath(entry)
            if origin.startswith(os.path.join(folder, module)):
                return
            if not (is_standard(folder + os.sep) or is_installed(folder + os.sep)) and os.path.isdir(folder):
                for name in (module, module + ".py"):
                    path = os.path.join(folder, name)
                    self.looks.setdefault(path, look_of(path, "kind"))

    def native_path(self, deed: int, path: str, writes: bool, guarded: bool) -> None:
        if deed in (self.native.CONNECT, self.native.START):
            text = "network: getaddrinfo" if deed == self.native.CONNECT else "process: " + path
            self.outside.append(text)
            if guarded:
                self.denied.append(text)
            return
        if path.startswith(OF_SYSTEM) and not path.startswith(SHARED_MEMORY):
            return  # compiled libraries ask for cores, memory and seeds of hashes
        name = self.name(path)
        if writes and deed == self.native.OPEN and os.path.isdir(path):
            return  # a scratch file without a name
        if name is None or name in self.databases:  # SQLite opens what it only reads for writing too
            return
        if writes:
            self.written.setdefault(name, "w" if deed == self.native.OPEN else "changed")
            if guarded:
                self.denied.append("writes " + name)
        elif deed == self.native.LIST:
            self.listed.setdefault(name, listing_of(name))
        elif deed == self.native.LOOK:
            self.look(name, "size")
        else:
            self.note(name)

    # -- what counts

    def note(self, name: str) -> None:
        if name not in self.read and name not in self.written:
            try:
                facts = os.stat(name)
            except OSError:
                self.read[name] = None
            else:
                self.read[name] = [facts.st_mtime_ns, facts.st_size, facts.st_ino]

    def write(self, path: Any, mode: Any) -> None:
        name = self.name(path)
        if name is None or "__pycache__" in name:
            return
        if self.is_own_cache(name):
            self.own_caches.add(name)
            return
        if name not in self.written and not os.path.lexists(name):
            self.new.add(name)
        self.written.setdefault(name, mode)
        if self.guarded:
            self.deny("writes " + name)

    def is_own_cache(self, name: str) -> bool:
        matching = {library for library, part in OWN_CACHES if part in name}
        return bool(matching) and caller(sys._getframe(), matching).among(matching)

    def deny(self, act: Any) -> None:
        if self.guarded:
            self.denied.append(act)
            raise AheadDenied(act)

    def name(self, path: Any) -> Any:
        """The absolute path of a relevant file; None for streams, installed code and the agent's own files."""
        try:
            text = os.path.abspath(os.fsdecode(path))
        except (TypeError, ValueError, OSError):
            return None
        if (text + os.sep).startswith(OF_SYSTEM) and not text.startswith(SHARED_MEMORY):
            return self.of_system(text)
        if text.startswith(SITES):
            code = text.endswith(SOURCES) or any(part in text for part in OF_DISTRIBUTIONS) or os.path.isdir(text)
            return None if code else text
        if text.startswith((STDLIB, *self.ours)) or is_cell(text):
            return None
        if text.endswith(".pyc") and (os.sep + "__pycache__" + os.sep in text or _below_prefix(text)):
            return None
        return text

    def of_system(self, text: str) -> Any:
        if text.startswith(STREAMS):
            return None
        frame = sys._getframe()
        if text.startswith(RANDOM_DEVICES):
            self.reading("entropy", caller(frame, ENTROPY), ENTROPY)
        elif caller(frame).personal:
            self.reading("the state of this machine (" + text + ")", caller(frame), ())
        return None


def is_ours(frame: Any) -> bool:
    """Whether the agent itself acts."""
    return frame is not None and (frame.f_globals.get("__name__") or "").startswith(here.MODULE)


def counts_cores(frame: Any) -> bool:
    """Whether a library asks for the number of cores."""
    name, function = frame.f_globals.get("__name__") or "", frame.f_code.co_name
    return any(name.endswith(module) and function.startswith(start) for module, start in COUNT_CORES)


def _below_prefix(path: str) -> bool:
    """Whether the interpreter stores its byte code there (`PYTHONPYCACHEPREFIX`)."""
    return sys.pycache_prefix is not None and path.startswith(os.path.abspath(sys.pycache_prefix) + os.sep)
