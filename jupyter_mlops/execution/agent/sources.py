"""Local modules as they were imported, for kernels that would import another text."""

from __future__ import annotations

import importlib
import importlib.machinery
import importlib.util
import os
import sys
import types
from dataclasses import dataclass, replace
from typing import Any

from . import here

WRAPPER = """
def _exec(spec, module):
    try:
        return original(spec, module)
    finally:
        after(spec.name)
"""


@dataclass(frozen=True)
class Source:
    """The text from which a module was executed.

    :param facts: modification time in ns and size of its file at that time.
    :param reloaded: whether it was executed more than once, so that a kernel may have an earlier text.
    """

    path: str
    text: bytes
    facts: tuple[int, int] = (0, 0)
    reloaded: bool = False

    def code(self) -> types.CodeType:
        code: types.CodeType = compile(self.text, self.path, "exec", dont_inherit=True)
        return code


class Sources:
    """Records the text of each local module when it is executed.

    :param agent: the agent of the kernel.
    """

    def __init__(self, agent: Any) -> None:
        self.agent = agent
        self.executed: dict[str, Source] = {}
        self.specs: dict[str, Any] = {}
        self.finder: Any = None

    def hook_reload(self) -> None:
        """Observe `importlib.reload`, with a function whose frames Python itself removes from tracebacks."""
        bootstrap: Any = importlib._bootstrap
        space: dict[str, Any] = {"original": bootstrap._exec, "after": self.note}
        exec(compile(WRAPPER, "<frozen importlib._bootstrap>", "exec"), space)
        bootstrap._exec = space["_exec"]

    def note(self, name: str) -> None:
        """A module may have been executed, by an import or a reload. Importing a loaded module changes nothing."""
        module = sys.modules.get(name)
        spec, path = getattr(module, "__spec__", None), getattr(module, "__file__", None)
        if spec is None or not path or self.specs.get(name) is spec or not self.agent.is_own_file(path):
            return
        loader = getattr(spec, "loader", None)
        source = loader.source if isinstance(loader, Loader) else _read(os.path.abspath(path))
        if source is not None:
            self.specs[name] = spec
            self.executed[name] = replace(source, reloaded=source.reloaded or name in self.executed)

    def other(self) -> dict[str, Any]:
        """Modules that another kernel would import from another text, or has loaded from an earlier one.

        name -> path, text, and whether it was executed more than once.
        """
        others = {}
        moved = sys.path != self.agent.base_path or _folder() != self.agent.base_cwd
        self._note_patched()
        folders = {os.path.abspath(entry) for entry in sys.path}
        for name, source in list(self.executed.items()):
            hidden = (moved or _root(source) not in folders) and _hidden(name, source)
            other = source.reloaded or hidden or not _is_on_disk(source)
            if other and name in sys.modules:
                others[name] = (source.path, source.text, source.reloaded)
        return others

    def _note_patched(self) -> None:
        """IPython's autoreload may patch the functions of a module in place instead of executing it again."""
        magics: Any = self.agent.shell.magics_manager.registry.get("AutoreloadMagics")
        reloader = getattr(getattr(magics, "_reloader", None), "deduper_reloader", None)
        texts: Any = getattr(reloader, "source_by_modname", {})
        for name in self.executed.keys() & texts.keys():
            text = texts[name].encode()
            if text and text != self.executed[name].text:
                self.executed[name] = replace(self.executed[name], text=text, facts=(0, 0), reloaded=True)

    def stale(self) -> set[str]:
        """Modules whose files differ from the text that they were executed from."""
        return {n for n, source in self.executed.items() if n in sys.modules and not _is_on_disk(source)}

    def serve(self, texts: Any) -> None:
        """Import these modules from these texts from now on; execute those again that are loaded from another text."""
        if self.finder is None:
            self.finder = Finder()
            sys.meta_path.insert(0, self.finder)
        self.finder.sources = {
            name: Source(path, text, reloaded=reloaded) for name, (path, text, reloaded) in texts.items()
        }
        for name, source in self.finder.sources.items():
            loaded = self.executed.get(name)
            if name in sys.modules and loaded is not None and loaded.text != source.text:
                exec(source.code(), vars(sys.modules[name]))
                self.executed[name] = source


class Finder:
    """Finds modules whose text was recorded, before the path is searched."""

    def __init__(self) -> None:
        self.sources: dict[str, Source] = {}

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        source = self.sources.get(name)
        if source is None or target is not None:  # a reload reads the file
            return None
        folder = [os.path.dirname(source.path)] if os.path.basename(source.path) == "__init__.py" else None
        return importlib.util.spec_from_file_location(
            name, source.path, loader=Loader(name, source), submodule_search_locations=folder
        )


class Loader(importlib.machinery.SourceFileLoader):
    """Loads a module from a recorded text instead of its file."""

    def __init__(self, name: str, source: Source) -> None:
        super().__init__(name, source.path)
        self.source = source

    def get_code(self, fullname: str) -> types.CodeType:
        return self.source.code()


def _read(path: str) -> Source | None:
    if not path.endswith(".py"):
        return None
    try:
        facts = os.stat(path)
        with open(path, "rb") as file:
            return Source(path, file.read(), (facts.st_mtime_ns, facts.st_size))
    except OSError:
        return None


def _is_on_disk(source: Source) -> bool:
    try:
        facts = os.stat(source.path)
    except OSError:
        return False
    if (facts.st_mtime_ns, facts.st_size) == source.facts:
        return True
    now = _read(source.path)
    return now is not None and now.text == source.text


def _hidden(name: str, source: Source) -> bool:
    """Whether the path leads to another file for this name now, or to no file."""
    if "." in name:
        return False
    try:
        spec = importlib.machinery.PathFinder.find_spec(name)
    except Exception:
        return True
    return spec is None or spec.origin is None or os.path.abspath(spec.origin) != source.path


def _root(source: Source) -> str:
    """The folder in which the import system looks for a top-level module with this source."""
    folder, file = os.path.split(source.path)
    return os.path.dirname(folder) if file == "__init__.py" else folder


def _folder() -> str:
    try:
        return os.getcwd()
    except OSError:
        return ""


def get_sources() -> Any:
    return here.AGENT.sources.other()


def set_sources(value: Any) -> None:
    here.AGENT.sources.serve(value)


SOURCES = {"module sources": (get_sources, set_sources)}
