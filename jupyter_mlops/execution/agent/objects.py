"""Predicates on objects."""

from __future__ import annotations

import dis
import importlib
import re
import sys
import types
import weakref
from typing import Any

from . import here

EMPTIED = (str, bytes, tuple)  # kinds whose empty value there is one of
IDENTIFIER = re.compile(r"[^\W\d]\w*")


def globals_of(code: Any) -> Any:
    """Global names that a code object and the code inside it load, store or delete."""
    names = set()
    for instruction in dis.get_instructions(code):
        if instruction.opname in ("LOAD_GLOBAL", "LOAD_NAME", "STORE_GLOBAL", "DELETE_GLOBAL"):
            names.add(instruction.argval)
    for const in code.co_consts:
        if isinstance(const, types.CodeType):
            names |= globals_of(const)
        elif isinstance(const, str) and len(const) < 2000:
            names |= {"'" + word for word in IDENTIFIER.findall(const)}
    return names


def has_effects(code: Any) -> Any:
    """Whether a function has effects other than its result: pickles call some methods, and this must not be visible."""
    stores = ("STORE_GLOBAL", "STORE_ATTR", "STORE_SUBSCR", "DELETE_GLOBAL", "DELETE_ATTR", "DELETE_SUBSCR")
    return bool({"print", "append", "add", "update"} & set(code.co_names)) or any(
        instruction.opname in stores for instruction in dis.get_instructions(code)
    )


def of_user(function: Any) -> Any:
    return getattr(function, "__globals__", None) is here.AGENT.user_ns


def is_kind(obj: Any, kinds: Any) -> bool:
    """`isinstance` by type alone: an object's `__class__` may run its code, and a weak proxy raises if its object
    is gone.
    """
    return issubclass(type(obj), kinds)


def waited_for() -> Any:
    """Addresses of the objects that a `weakref.finalize` waits for."""
    kind: Any = weakref.finalize
    return {id(info.weakref()) for info in list(kind._registry.values())}


def is_watched(obj: Any) -> Any:
    """Whether a weak reference to this object calls a function of the notebook when the object is deleted."""
    if weakref.getweakrefcount(obj) == 0:
        return False
    callbacks = (getattr(reference, "__callback__", None) for reference in weakref.getweakrefs(obj))
    return any(map(of_user, callbacks))


def resolves(obj: Any) -> Any:
    """Whether an object can be imported by its module and name, and is not defined in the notebook."""
    name = getattr(obj, "__qualname__", None) or getattr(obj, "__name__", None)
    module = getattr(obj, "__module__", None)
    if name is None or module is None or module == "__main__" or module not in sys.modules:
        return False
    target = sys.modules[module]
    try:
        for part in name.split("."):
            target = getattr(target, part)
    except AttributeError:
        return False
    return target is obj


def is_of_notebook(cls: Any) -> bool:
    return getattr(cls, "__module__", None) == "__main__"


def is_single(obj: Any) -> Any:
    """Whether Python has only one object for this value."""
    if type(obj) is int:
        return -6 < obj < 257
    return obj is None or isinstance(obj, (bool, types.BuiltinFunctionType)) or (type(obj) in EMPTIED and not obj)


def kind_of(value: Any) -> Any:
    kind = type(value)
    return (
        kind.__qualname__ if kind.__module__ in ("builtins", "__main__") else kind.__module__ + "." + kind.__qualname__
    )


def held_by(value: Any, name: str) -> Any:
    """An attribute, or None, without calling the object's `__getattr__`: that of ctypes loads a library."""
    try:
        return object.__getattribute__(value, name)
    except Exception:
        return None


def object_at(path: str) -> Any:
    module, _, name = path.partition(":")
    target = importlib.import_module(module)
    for part in name.split(".") if name else ():
        target = getattr(target, part)
    return target


def class_data(cls: Any) -> Any:
    """The attributes of a class other than its code."""
    skip = (types.ModuleType, types.FunctionType, types.BuiltinFunctionType, type, staticmethod, classmethod, property)
    return {
        key: value
        for key, value in vars(cls).items()
        if not key.startswith(("__", "_abc_")) and not is_kind(value, skip) and not hasattr(type(value), "__get__")
    }
