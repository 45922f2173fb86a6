"""Attributes of modules and classes that a notebook replaced or added."""

from __future__ import annotations

import ast
import builtins
import sys
import threading
import types
from typing import Any

from .here import MODULE
from .objects import held_by, is_kind, is_of_notebook, resolves

# Their values hold nothing that a notebook has made which could be mistaken for them.
PLAIN = frozenset(
    {str, bytes, int, float, complex, bool, type(None), tuple, list, dict, set, frozenset, types.ModuleType,
     types.BuiltinFunctionType, types.WrapperDescriptorType, types.MethodDescriptorType, types.GetSetDescriptorType}
)  # fmt: skip
KERNEL = frozenset(
    {"IPython", "ipykernel", "matplotlib_inline"}
)  # packages that adapt others to the kernel they run in
BY_NAME = frozenset({"setattr", "delattr", "vars", "__dict__", "patch", "monkeypatch", "__setattr__", "exec", "eval"})
# What IPython itself sets, and what is state of the process.
OWN_HOOKS = {
    "builtins": frozenset({"input", "getpass", "display", "get_ipython", "help"}),
    "sys": frozenset(
        "excepthook displayhook stdout stderr stdin argv path last_type last_value last_traceback last_exc ps1 ps2"
        " path_importer_cache".split()
    ),
    "time": frozenset({"tzname", "timezone", "altzone", "daylight"}),
}


class Patches:
    """Detects them by comparison with earlier attributes of modules and classes.

    :param agent: the agent of the kernel.
    """

    def __init__(self, agent: Any) -> None:
        self.agent = agent
        self.prints: dict[str, dict[str, int]] = {}
        self.of_itself: dict[tuple[str, str], int] = {}
        self.texts: dict[str, frozenset[str]] = {}

    def patchable(self) -> Any:
        """Modules and classes whose attributes a notebook may have replaced, by import path."""
        targets: dict[str, Any] = {"builtins": builtins}
        for value in list(self.agent.user_ns.values()):
            if is_kind(value, types.ModuleType) and value.__name__ not in ("__main__", MODULE):
                targets[value.__name__] = value
                for key, item in list(vars(value).items()):
                    if is_kind(item, type) and not key.startswith("_") and resolves(item):
                        targets[item.__module__ + ":" + item.__qualname__] = item
            elif is_kind(value, type) and resolves(value):
                targets[value.__module__ + ":" + value.__qualname__] = value
            elif type(value).__module__ != "__main__" and resolves(type(value)):
                kind = type(value)
                targets[kind.__module__ + ":" + kind.__qualname__] = kind
        for name in self.agent.local_modules():
            for item in list(vars(sys.modules[name]).values()):
                if is_kind(item, type) and resolves(item):
                    targets[item.__module__ + ":" + item.__qualname__] = item
        return targets

    def note_import(self, name: str) -> None:
        """The attributes of a module and its classes immediately after its import."""
        parts = name.split(".")
        for number in range(len(parts)):
            path = ".".join(parts[: number + 1])
            module = sys.modules.get(path)
            if path in self.prints or not isinstance(module, types.ModuleType):
                continue
            attributes = list(vars(module).items())
            self.prints[path] = {k: id(v) for k, v in attributes}
            for key, item in attributes:
                if is_kind(item, type) and not key.startswith("_") and resolves(item):
                    place = item.__module__ + ":" + item.__qualname__
                    self.prints.setdefault(place, {k: id(v) for k, v in vars(item).items()})

    def fingerprints(self) -> Any:
        return {path: {k: id(v) for k, v in vars(target).items()} for path, target in self.patchable().items()}

    def since(self, before: Any) -> Any:
        """Names of pseudo-variables for attributes that were replaced, added by the notebook, or removed."""
        patched = []
        local = self.agent.local_modules()
        for path, target in self.patchable().items():
            if isinstance(target, types.ModuleType) and target.__name__ in local:
                continue
            earlier = before.get(path) or self.prints.get(path)
            for key, value in list(vars(target).items()):
                if key.startswith("__") and key.endswith("__") and not self.of_notebook(value):
                    continue
                if key in OWN_HOOKS.get(path, ()):
                    continue
                changed = earlier is not None and key in earlier and earlier[key] != id(value)
                new = earlier is not None and key not in earlier
                added = new and (path == "builtins" or (is_kind(target, type) and not resolves(value)))
                public = (changed or added) and not key.startswith("_") and not self.by_itself(path, target, key)
                if public or self.of_notebook(value):
                    patched.append(f"@patch|{path}|{key}")
        return patched

    def by_itself(self, path: str, target: Any, key: str) -> bool:
        """Whether a library replaced this attribute itself on first use, or the kernel's packages did to support the
        library. Every kernel does this by itself. An attribute that the notebook stores does not count.
        """
        value = vars(target)[key]
        target_package, package = package_of(target), package_of(value)
        if package not in KERNEL and not (package == target_package and isinstance(value, OF_ITSELF)):
            return False
        if package not in KERNEL and self.of_itself.setdefault((path, key), id(value)) != id(value):
            return False
        stored = self.stored()
        return not ({"*", key} & stored)

    def stored(self) -> frozenset[str]:
        """Names of attributes that the notebook's cells and modules store, as far as their text shows; `*` for any."""
        import linecache

        attributes: set[str] = set()
        names = [*getattr(self.agent.shell.compile, "_filename_map", {}), *self.agent.local_modules().values()]
        for name in names:
            if name not in self.texts:
                entry: Any = linecache.cache.get(name)
                text = "".join(entry[2] if entry is not None and len(entry) > 2 else linecache.getlines(name))
                self.texts[name] = frozenset() if MODULE in text else stored_attributes(text)
            attributes |= self.texts[name]
        return frozenset(attributes)

    def of_notebook(self, value: Any) -> Any:
        """Whether a value is a function or class of the notebook, or holds one directly."""
        kind = type(value)
        if kind in PLAIN:
            return False
        if kind is types.FunctionType and not value.__dict__:
            return value.__globals__ is self.agent.user_ns
        if is_kind(value, type):
            return is_of_notebook(value) or any(self.is_own(vars(value).get(name)) for name in HOLDERS)
        if is_of_notebook(kind):
            return True
        names, has_dict, _ = holders_of(kind)
        if kind is types.FunctionType and value.__globals__ is self.agent.user_ns:
            return True
        if any(self.is_own(held_by(value, name)) for name in names):
            return True
        attributes: Any = held_by(value, "__dict__") if has_dict else None
        return is_kind(attributes, dict) and any(map(self.is_own, list(attributes.values())))

    def is_own(self, item: Any) -> bool:
        """Whether this is a function or a class of the notebook itself."""
        kind = type(item)
        if kind in PLAIN:
            return False
        if kind is types.FunctionType:
            return item.__globals__ is self.agent.user_ns
        if is_kind(item, type):
            return is_of_notebook(item)
        return holders_of(kind)[2] and held_by(item, "__globals__") is self.agent.user_ns


OF_ITSELF = (types.FunctionType, type, threading.Thread)


HOLDERS = ("__func__", "fget", "__wrapped__")
_holders: dict[type, tuple[tuple[str, ...], bool, bool]] = {}


def holders_of(kind: type) -> tuple[tuple[str, ...], bool, bool]:
    """Of a class: attributes by which its instances hold a function, whether they have a `__dict__`, whether they have
    `__globals__`.
    """
    facts = _holders.get(kind)
    if facts is None:
        spaces = [vars(cls) for cls in kind.__mro__]
        names = tuple(name for name in HOLDERS if any(name in space for space in spaces))
        facts = names, bool(kind.__dictoffset__), any("__globals__" in space for space in spaces)
        if not is_of_notebook(kind):  # whose classes are not kept alive
            _holders[kind] = facts
    return facts


def package_of(value: Any) -> str:
    """The package of a module, class, function or other object; "" if unknown."""
    if is_kind(value, types.ModuleType):
        name = value.__name__
    elif is_kind(value, (type, types.FunctionType)):
        name = value.__module__
    elif is_kind(value, types.MethodType):
        name = type(value.__self__).__module__
    else:
        name = type(value).__module__
    return name.partition(".")[0] if isinstance(name, str) else ""


def stored_attributes(source: str) -> frozenset[str]:
    """Names of attributes that a text stores or deletes; `*` if it may store one under a name computed at run time."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return frozenset({"*"})
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and not isinstance(node.ctx, ast.Load):
            names.add(node.attr)
        name = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
        if name in BY_NAME:
            names.add("*")
    return frozenset(names)
