"""The files that imports find and read, and whether an import would find the same ones now."""

from __future__ import annotations

import contextlib
import functools
import os
import sys
import types
from typing import Any

Stamp = tuple[str, int, int]


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
