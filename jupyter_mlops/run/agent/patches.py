"""Attributes that a notebook replaced on modules and classes, or added to them."""

from __future__ import annotations

import builtins
import sys
import types
from typing import Any

from .here import MODULE
from .objects import held_by, is_kind, is_of_notebook, resolves

# Their values hold nothing that a notebook has made which could be mistaken for them.
PLAIN = frozenset(
    {str, bytes, int, float, complex, bool, type(None), tuple, list, dict, set, frozenset, types.ModuleType,
     types.BuiltinFunctionType, types.WrapperDescriptorType, types.MethodDescriptorType, types.GetSetDescriptorType}
)  # fmt: skip
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
    """Finds them, by what modules and classes held before.

    :param agent: the agent of the kernel.
    """

    def __init__(self, agent: Any) -> None:
        self.agent = agent
        self.prints: dict[str, dict[str, int]] = {}

    def patchable(self) -> Any:
        """Modules and classes whose attributes a notebook may have replaced, by a path that finds them again."""
        found: dict[str, Any] = {"builtins": builtins}
        for value in list(self.agent.user_ns.values()):
            if is_kind(value, types.ModuleType) and value.__name__ not in ("__main__", MODULE):
                found[value.__name__] = value
                for key, item in list(vars(value).items()):
                    if is_kind(item, type) and not key.startswith("_") and resolves(item):
                        found[item.__module__ + ":" + item.__qualname__] = item
            elif is_kind(value, type) and resolves(value):
                found[value.__module__ + ":" + value.__qualname__] = value
            elif type(value).__module__ != "__main__" and resolves(type(value)):
                kind = type(value)
                found[kind.__module__ + ":" + kind.__qualname__] = kind
        for name in self.agent.local_modules():
            for item in list(vars(sys.modules[name]).values()):
                if is_kind(item, type) and resolves(item):
                    found[item.__module__ + ":" + item.__qualname__] = item
        return found

    def note_import(self, name: str) -> None:
        """What a module and its classes hold when it was just imported."""
        parts = name.split(".")
        for number in range(len(parts)):
            path = ".".join(parts[: number + 1])
            module = sys.modules.get(path)
            if path in self.prints or not isinstance(module, types.ModuleType):
                continue
            held = list(vars(module).items())
            self.prints[path] = {k: id(v) for k, v in held}
            for key, item in held:
                if is_kind(item, type) and not key.startswith("_") and resolves(item):
                    place = item.__module__ + ":" + item.__qualname__
                    self.prints.setdefault(place, {k: id(v) for k, v in vars(item).items()})

    def fingerprints(self) -> Any:
        return {path: {k: id(v) for k, v in vars(target).items()} for path, target in self.patchable().items()}

    def since(self, before: Any) -> Any:
        """Names of pseudo-variables for attributes that were replaced, added by the notebook, or removed."""
        found = []
        local = self.agent.local_modules()
        for path, target in self.patchable().items():
            if isinstance(target, types.ModuleType) and target.__name__ in local:
                continue
            then = before.get(path) or self.prints.get(path)
            for key, value in list(vars(target).items()):
                if key.startswith("__") and key.endswith("__") and not self.of_notebook(value):
                    continue
                if key in OWN_HOOKS.get(path, ()):
                    continue
                changed = then is not None and key in then and then[key] != id(value)
                added = then is not None and key not in then and is_kind(target, type) and not resolves(value)
                if ((changed or added) and not key.startswith("_")) or self.of_notebook(value):
                    found.append(f"@patch|{path}|{key}")
        return found

    def of_notebook(self, value: Any) -> Any:
        if type(value) in PLAIN:
            return False
        if type(value) is types.FunctionType and not value.__dict__:
            return value.__globals__ is self.agent.user_ns
        for item in (value, *(held_by(value, name) for name in ("__func__", "fget", "__wrapped__"))):
            if type(item) is types.FunctionType and item.__globals__ is self.agent.user_ns:
                return True
            if is_kind(item, type) and is_of_notebook(item):
                return True
        if is_kind(value, types.ModuleType):
            return False
        held = held_by(value, "__dict__")
        held = list(held.values()) if is_kind(held, dict) and not is_kind(value, type) else ()
        return is_of_notebook(type(value)) or any(
            (is_kind(h, type) and is_of_notebook(h)) or held_by(h, "__globals__") is self.agent.user_ns for h in held
        )
