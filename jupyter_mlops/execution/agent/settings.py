"""Settings of the interpreter and its standard library, each as the difference from the state at the start of the
kernel.

Every setting is one resource. Reading one never imports a module: a module that is not imported has its defaults.
"""

from __future__ import annotations

import contextvars
import functools
import gc
import importlib
import sys
from collections.abc import Callable
from typing import Any

from . import here

LOOP_PATCHERS = {"_nest_asyncio2": "nest_asyncio2", "_nest_patched": "nest_asyncio"}  # mark on asyncio -> module


def _module(name: str) -> Any:
    return sys.modules.get(name)


# -- the interpreter


def _limits() -> dict[str, Any]:
    """Numbers of the interpreter that have a getter and a setter."""
    facts: dict[str, Any] = {"gc.threshold": gc.get_threshold(), "sys.switchinterval": sys.getswitchinterval()}
    facts["sys.dont_write_bytecode"] = sys.dont_write_bytecode
    if hasattr(sys, "get_int_max_str_digits"):
        facts["sys.int_max_str_digits"] = sys.get_int_max_str_digits()
    socket, threading = _module("socket"), _module("threading")
    facts["socket"] = socket.getdefaulttimeout() if socket is not None else None
    facts["threading"] = _stack_size(threading) if threading is not None else None
    return facts


def _stack_size(threading: Any) -> int:
    """The stack size of new threads; reading it resets it to the default."""
    size: int = threading.stack_size()
    threading.stack_size(size)
    return size


def get_limits() -> Any:
    base = here.AGENT.base_interpreter
    return {k: v for k, v in _limits().items() if v != base.get(k) and (v or base.get(k) is not None)}


def set_limits(value: Any) -> None:
    target, now = {**here.AGENT.base_interpreter, **value}, _limits()
    put: dict[str, Callable[[Any], Any]] = {
        "gc.threshold": lambda v: gc.set_threshold(*v),
        "sys.switchinterval": sys.setswitchinterval,
        "sys.int_max_str_digits": lambda v: sys.set_int_max_str_digits(v),
        "sys.dont_write_bytecode": lambda v: setattr(sys, "dont_write_bytecode", v),
        "socket": lambda v: importlib.import_module("socket").setdefaulttimeout(v),
        "threading": lambda v: importlib.import_module("threading").stack_size(v or 0),
    }
    for key, item in target.items():
        if now.get(key) != item:
            put[key](item)


def note_limits() -> dict[str, Any]:
    """The interpreter's numbers when the agent starts."""
    return _limits()


# -- the standard library


def get_csv() -> Any:
    csv = _module("csv")
    if csv is None:
        return {}
    names = ("delimiter", "doublequote", "escapechar", "lineterminator", "quotechar", "quoting", "skipinitialspace")
    settings: dict[str, Any] = {}
    for name in csv.list_dialects():
        dialect = csv.get_dialect(name)
        settings[name] = {key: getattr(dialect, key) for key in (*names, "strict")}
    limit = csv.field_size_limit()
    excel = {
        "delimiter": ",", "doublequote": True, "escapechar": None, "lineterminator": "\r\n", "quotechar": '"',
        "quoting": 0, "skipinitialspace": False, "strict": 0,
    }  # fmt: skip
    base = {"excel": excel, "excel-tab": {**excel, "delimiter": "\t"}}
    base["unix"] = {**excel, "lineterminator": "\n", "quoting": 1}
    return {} if settings == base and limit == 131072 else {"dialects": settings, "limit": limit}


def set_csv(value: Any) -> None:
    csv = _module("csv")
    if csv is None and not value:
        return
    csv = importlib.import_module("csv")
    dialects = value.get("dialects", {})
    for name in set(csv.list_dialects()) - set(dialects) if value else ():
        csv.unregister_dialect(name)
    for name, facts in dialects.items():
        csv.register_dialect(name, **{k: v for k, v in facts.items() if k != "strict"}, strict=bool(facts["strict"]))
    csv.field_size_limit(value.get("limit", 131072))


def get_multiprocessing() -> Any:
    """The start method, if it differs from the one that libraries get by default."""
    context = _module("multiprocessing.context")
    if context is None:
        return ""
    method = context._default_context.get_start_method(allow_none=True)
    usual = context._default_context._default_context.get_start_method()
    return "" if method in (None, usual) else method


def set_multiprocessing(value: Any) -> None:
    if _module("multiprocessing.context") is None and not value:
        return
    importlib.import_module("multiprocessing").set_start_method(value or None, force=True)


def get_mimetypes() -> Any:
    """Entries added to the table that a module builds from files of this machine."""
    mimetypes = _module("mimetypes")
    if mimetypes is None or not mimetypes.inited:
        return {}
    from_files = _mimetypes_of_files()
    added = [{k: v for k, v in mimetypes._db.types_map[n].items() if from_files[n].get(k) != v} for n in (0, 1)]
    return {"types": added} if any(added) else {}


@functools.cache
def _mimetypes_of_files() -> Any:
    mimetypes = sys.modules["mimetypes"]
    return mimetypes.MimeTypes(mimetypes.knownfiles).types_map


def set_mimetypes(value: Any) -> None:
    if value:
        mimetypes = importlib.import_module("mimetypes")
        for strict, types in enumerate(value["types"]):
            for extension, kind in types.items():
                mimetypes.add_type(kind, extension, bool(strict))


# -- contexts


def get_decimal() -> Any:
    """The context of `decimal`, read without creating one: a cell with `await` runs in a copy of the context."""
    if _module("decimal") is None:
        return None
    context = next((v for k, v in contextvars.copy_context().items() if k.name == "decimal_context"), None)
    if context is None:
        return None
    decimal = sys.modules["decimal"]
    if here.AGENT.awaits:
        return context.copy()
    default = repr(decimal.Context()).split("flags")[0]
    return context.copy() if repr(context).split("flags")[0] != default else None


def set_decimal(value: Any) -> None:
    decimal = importlib.import_module("decimal")
    decimal.setcontext(value.copy() if value is not None else decimal.Context())


# -- event loops


def get_loops() -> Any:
    """The library that made the event loop reentrant, and the policy for new loops."""
    asyncio = _module("asyncio")
    if asyncio is None:
        return {}
    loops = {}
    patcher = next((m for mark, m in LOOP_PATCHERS.items() if hasattr(asyncio, mark)), "")
    if patcher:
        loops["reentrant"] = patcher
    policy = getattr(_module("asyncio.events"), "_event_loop_policy", None)
    kind = type(policy)
    if policy is not None and not kind.__module__.startswith("asyncio.") and kind.__module__ != "__main__":
        loops["policy"] = f"{kind.__module__}:{kind.__qualname__}"
    return loops


def set_loops(value: Any) -> None:
    """Make the loop reentrant in the same way as the library did; this is never undone."""
    from .objects import object_at

    if "policy" in value:
        importlib.import_module("asyncio").set_event_loop_policy(object_at(value["policy"])())
    if "reentrant" in value:
        importlib.import_module(value["reentrant"]).apply()


SETTINGS = {
    "decimal": (get_decimal, set_decimal),
    "interpreter": (get_limits, set_limits),
    "csv": (get_csv, set_csv),
    "multiprocessing": (get_multiprocessing, set_multiprocessing),
    "mimetypes": (get_mimetypes, set_mimetypes),
    "event loops": (get_loops, set_loops),
}
