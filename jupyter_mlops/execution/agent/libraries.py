"""Replacements that one library made in another while a step ran, and that other kernels would lack."""

from __future__ import annotations

import ast
import functools
import re
import sys
import types
from typing import Any

from .here import MODULE
from .objects import is_kind
from .settings import LOOP_PATCHERS, get_loops

# Modules that libraries are known to patch; looked at after every block.
WATCHED = (
    "asyncio asyncio.base_events asyncio.events asyncio.futures asyncio.runners asyncio.tasks builtins codecs "
    "concurrent.futures datetime functools http.client importlib inspect io json json.decoder json.encoder logging "
    "multiprocessing os os.path pathlib pickle queue random select selectors shutil signal socket ssl subprocess sys "
    "tempfile threading time urllib.request warnings requests requests.adapters requests.api requests.sessions"
).split()
CLASSES = (
    "asyncio.base_events:BaseEventLoop asyncio.selector_events:BaseSelectorEventLoop "
    "asyncio.unix_events:_UnixSelectorEventLoop asyncio.unix_events:_UnixDefaultEventLoopPolicy datetime:datetime "
    "http.client:HTTPConnection json.decoder:JSONDecoder json.encoder:JSONEncoder logging:Logger pathlib:Path "
    "requests.sessions:Session socket:socket subprocess:Popen threading:Thread urllib.request:OpenerDirector"
).split()
# The kernel's own libraries replace what they like: each kernel has it.
KERNEL = frozenset({"IPython", "ipykernel", "matplotlib_inline", "ipywidgets", "comm", "debugpy", "_pydevd_bundle",
                    "pydevd", "traitlets", MODULE})  # fmt: skip
PATCHING = re.compile(r"patch|install|apply|enable|activate|hook|instrument|inject|monkey|setup|start|extend|regist")
CODE = (types.FunctionType, types.BuiltinFunctionType, type)


class Libraries:
    """Compares functions and classes of modules with those that the modules held when they were first seen.

    :param agent: the agent of the kernel.
    """

    def __init__(self, agent: Any) -> None:
        self.agent = agent
        self.pristine: dict[str, dict[str, Any]] = {}
        self.loaded: frozenset[str] = frozenset()
        self.calls: set[str] = set()
        self.everywhere = False
        self.excused: set[tuple[str, str, int]] = set()

    def begin(self) -> None:
        """Prepare for a block: record what is new."""
        self.loaded = frozenset(sys.modules)
        self.calls = set()
        self._note(self._targets())

    def before_cell(self, text: str) -> set[str]:
        """Record all modules before a cell that may patch some; this is too slow to do before each cell.

        Returns the calls on libraries in the cell: the library, a space, the name that is called.
        """
        calls = self._called(text)
        self.calls |= calls
        if not self.everywhere and any(PATCHING.search(call.rpartition(" ")[2]) for call in self.calls):
            self.everywhere = True
            self._note(self._targets())
        return calls

    def replaced(self) -> dict[str, str]:
        """Functions and classes that a library replaced by its own: module and name -> the library."""
        replacements = {}
        for path, target in self._targets().items():
            before, now = self.pristine.get(path), vars(target)
            for key, old in list(before.items()) if before is not None else ():
                new = now.get(key)
                if new is old or new is None or (path, key, id(new)) in self.excused:
                    continue
                library = library_of(new)
                if library in ("", "__main__", path.partition(".")[0].partition(":")[0], library_of(old)):
                    continue
                if library in KERNEL or self._replayed(library) or self._by_import(library):
                    self.excused.add((path, key, id(new)))
                    continue
                replacements[f"{path}.{key}".replace(":", ".")] = library
        return replacements

    def _replayed(self, library: str) -> bool:
        """Whether restoring the state of the event loops makes this replacement in every kernel."""
        return library in LOOP_PATCHERS.values() or (library == "asyncio" and "reentrant" in get_loops())

    def _by_import(self, library: str) -> bool:
        """Whether importing the library makes the replacement, which other kernels repeat."""
        return library not in self.loaded and library.lstrip("_") not in {call.partition(" ")[0] for call in self.calls}

    def _targets(self) -> dict[str, Any]:
        names = list(sys.modules) if self.everywhere else [n for n in WATCHED if n in sys.modules]
        targets: dict[str, Any] = {}
        for name in names:
            module = sys.modules.get(name)
            if type(module) is types.ModuleType and name not in ("__main__", MODULE):
                targets[name] = module
        for path in CLASSES:
            name, _, kind = path.partition(":")
            cls = vars(sys.modules[name]).get(kind) if name in sys.modules else None
            if is_kind(cls, type):
                targets[path] = cls
        return targets

    def _note(self, targets: dict[str, Any]) -> None:
        for path, target in targets.items():
            if path not in self.pristine:
                self.pristine[path] = {k: v for k, v in list(vars(target).items()) if isinstance(v, CODE)}

    def _called(self, text: str) -> set[str]:
        try:
            tree = ast.parse(text)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return set()
        calls = set()
        origins = _imports(tree)
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                root, name = _root(node.func)
                value = self.agent.user_ns.get(root)
                library = value.__name__ if is_kind(value, types.ModuleType) else getattr(value, "__module__", None)
                library = library if isinstance(library, str) and library != "__main__" else origins.get(root, "")
                if library:
                    calls.add(f"{library.partition('.')[0].lstrip('_')} {name}")
        return calls


def _imports(tree: ast.AST) -> dict[str, str]:
    """Names that a cell imports, and their modules."""
    imports = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imports.update({a.asname or a.name.partition(".")[0]: a.name for a in node.names})
        elif isinstance(node, ast.ImportFrom) and node.module:
            imports.update({a.asname or a.name: node.module for a in node.names})
    return imports


def _root(node: ast.AST) -> tuple[str, str]:
    """The first name of an attribute chain, and its last part."""
    last = node.attr if isinstance(node, ast.Attribute) else ""
    while isinstance(node, ast.Attribute):
        node = node.value
    return (node.id, last or node.id) if isinstance(node, ast.Name) else ("", "")


def library_of(value: Any) -> str:
    """The package of a function or class; of a partial, that of its function."""
    while type(value) is functools.partial:
        value = value.func
    space = getattr(value, "__globals__", None)
    name = space.get("__name__") if isinstance(space, dict) else getattr(value, "__module__", None)
    return name.partition(".")[0] if isinstance(name, str) else ""
