"""What a block does to files and to the world."""

from __future__ import annotations

import importlib
import os
import sys
import types
from typing import Any, ClassVar

from . import here

_IMPORTLIB = os.path.dirname(importlib.__file__) + os.sep


class AheadDenied(BaseException):
    """A step that runs ahead may not act on the outside world."""


class Watch:
    """An audit hook that notes files and outside acts while a block runs, and can forbid them."""

    WRITES = frozenset(
        "os.remove os.rename os.mkdir os.rmdir os.truncate os.link os.symlink os.chmod os.chown os.utime "
        "shutil.copyfile shutil.move shutil.rmtree shutil.copytree shutil.make_archive shutil.unpack_archive".split()
    )
    OUTSIDE: ClassVar[dict[str, str]] = {
        "subprocess.Popen": "process", "os.system": "process", "os.exec": "process", "os.posix_spawn": "process",
        "os.spawn": "process", "os.fork": "process", "os.forkpty": "process", "pty.spawn": "process",
        "socket.connect": "network", "socket.bind": "network", "socket.sendto": "network",
        "socket.getaddrinfo": "network", "socket.gethostbyname": "network", "urllib.Request": "network",
        "http.client.connect": "network", "ftplib.connect": "network", "smtplib.connect": "network",
        "webbrowser.open": "process", "sqlite3.connect": "database", "os.kill": "process", "os.putenv": "",
    }  # fmt: skip
    LISTS = frozenset({"os.listdir", "os.scandir", "glob.glob", "os.walk"})

    def __init__(self) -> None:
        self.on = False
        self.guarded = False
        roots = {sys.prefix, sys.base_prefix, sys.exec_prefix, "/usr", "/proc", "/sys", "/dev", "/etc", "/lib"}
        home = os.path.expanduser("~")
        roots |= {os.path.join(home, part) for part in (".cache", ".config", ".ipython", ".jupyter", ".matplotlib")}
        self.ignored = tuple(os.path.realpath(root) + os.sep for root in roots) + tuple(r + os.sep for r in roots)
        self.ignored += (os.path.join(os.path.realpath("/tmp"), "ipykernel_"),)
        self.at(os.getcwd())
        self.databases: dict[str, Any] = {}
        self.clear()

    def at(self, folder: str) -> None:
        """A person works in this folder: it counts even below one that is ignored, such as `/usr/src/app` is."""
        here = folder.rstrip(os.sep) + os.sep
        self.here = "" if any(root.startswith(here) for root in self.ignored) else here

    def ignores(self, path: str) -> bool:
        return path.startswith(self.ignored) and not (self.here and path.startswith(self.here))

    def clear(self) -> None:
        self.read: dict[str, Any] = {}
        self.written: dict[str, str] = {}
        self.outside: list[str] = []
        self.denied: list[str] = []
        self.lists = False
        self.ids = False

    def __call__(self, event: str, args: Any) -> None:
        if not self.on:
            return
        if event == "builtins.id":
            self.ids = self.ids or sys._getframe(1).f_globals is here.AGENT.user_ns
        elif event == "open":
            self.open(*args)
        elif self.OUTSIDE.get(event):
            if event == "sqlite3.connect" and args and args[0] in (":memory:", ""):
                return
            if not self.importing():
                text = f"{self.OUTSIDE[event]}: {event}"
                self.outside.append(text)
                self.deny(text)
            if event == "sqlite3.connect" and args:
                self.database(args[0])
        elif event in self.WRITES:
            for path in args[:2]:
                if isinstance(path, (str, bytes, os.PathLike)):
                    self.write(path, event)
        elif event in self.LISTS and not self.importing():
            self.lists = True

    def importing(self) -> Any:
        frame: types.FrameType | None = sys._getframe(2)
        while frame is not None:
            name = frame.f_code.co_filename
            if name.startswith(("<frozen importlib", _IMPORTLIB)):
                return True
            if name.startswith("<ipython") or "ipykernel_" in name:
                return False
            frame = frame.f_back
        return False

    def open(self, path: Any, mode: Any, flags: Any) -> None:
        if isinstance(path, int) or path is None:
            return
        if mode is not None and isinstance(mode, str):
            writes, both = any(c in mode for c in "wax+"), any(c in mode for c in "a+")
        else:
            flags = flags or 0
            writes = bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))
            both = bool(flags & (os.O_RDWR | os.O_APPEND))
        if writes:
            self.write(path, "a" if both else "w")
        else:
            name = self.name(path)
            if name is not None and not name.endswith(".pyc"):
                self.note(name)

    def database(self, told: Any) -> None:
        """SQLite opens its files unheard: what they are is noted now, and looked at again after each block."""
        try:
            text = os.fsdecode(told)
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
                found = os.stat(path)
            except OSError:
                continue
            if path == name or found.st_size:
                facts.append((path, found.st_mtime_ns, found.st_size))
        return facts

    def look_at_databases(self) -> None:
        """Those that this block changed were written by it, and are not what it was given to read."""
        for name, before in self.databases.items():
            now = self.facts_of_database(name)
            if now != before:
                self.databases[name] = now
                self.read.pop(name, None)
                self.written.setdefault(name, "w")

    def note(self, name: str) -> None:
        if name not in self.read and name not in self.written:
            try:
                facts = os.stat(name)
            except OSError:
                self.read[name] = None
            else:
                self.read[name] = [facts.st_mtime_ns, facts.st_size, facts.st_ino]

    def write(self, path: Any, how: Any) -> None:
        name = self.name(path)
        if name is None or "__pycache__" in name:
            return
        self.written.setdefault(name, how)
        if self.guarded:
            self.deny("writes " + name)

    def deny(self, what: Any) -> None:
        if self.guarded:
            self.denied.append(what)
            raise AheadDenied(what)

    def name(self, path: str) -> Any:
        try:
            text = os.path.abspath(os.fsdecode(path))
        except (TypeError, ValueError, OSError):
            return None
        return None if self.ignores(text) else text
