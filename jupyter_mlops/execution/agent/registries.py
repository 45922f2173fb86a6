"""Process state that can be read, or whose changes are observed, but that can't be set in another kernel."""

from __future__ import annotations

import contextlib
import importlib
import os
import re
import sys
import types
from typing import Any

from .libraries import KERNEL, library_of
from .objects import is_of_notebook, of_user

# Calls that leave something which nothing can read: the library and the function -> what is left.
UNREADABLE = {
    "codecs register": "a codec search function",
    "codecs register_error": "a codec error handler",
    "sys addaudithook": "an audit hook",
    "os putenv": "an environment variable that os.environ does not show",
    "os unsetenv": "an environment variable that os.environ does not show",
}
SETS_MODULES = re.compile(
    r"\bmodules(\[[^\]]*\]\s*=[^=]|\.(update|setdefault|__setitem__)\b)|setitem\(.*\bmodules\b|['\"]sys\.modules"
)
SIGNALS = "SIGALRM SIGUSR1 SIGUSR2 SIGTERM SIGHUP SIGPIPE SIGCHLD SIGQUIT SIGWINCH SIGPROF SIGVTALRM".split()


class Registries:
    """Compares the readable state with the state at the start of the kernel.

    :param agent: the agent of the kernel.
    """

    def __init__(self, agent: Any) -> None:
        self.agent = agent
        with contextlib.suppress(ImportError):
            importlib.import_module("resource")  # its limits have to be read before a cell changes them
        self.base = readings()
        self.base_formatters = self._formatters()
        self.left: dict[str, str] = {}
        self.modules: dict[str, Any] = {}
        self.stubs: dict[str, Any] = {}

    def before_cell(self, text: str, calls: set[str]) -> None:
        """Prepare for a cell. State that a call makes unreadable stays so for the life of the kernel."""
        for call in calls & set(UNREADABLE):
            self.left[call] = UNREADABLE[call]
        if SETS_MODULES.search(text) and not self.modules:
            self.modules = dict(sys.modules)

    def stuck(self) -> dict[str, str]:
        """State that can't be transferred, with a description."""
        reasons = dict(self.left)
        now = readings()
        reasons.update({name: _reason(name) for name, value in now.items() if value != self.base.get(name)})
        if self._reloads() and (stale := self.agent.sources.stale()):
            reasons["autoreload"] = f"the module {min(stale)}, which autoreload will reload"
        if self._formatters() != self.base_formatters:
            reasons["formatters"] = "a display formatter that was changed"
        for name, module in self._stubs().items():
            if sys.modules.get(name) is module:
                reasons["modules"] = f"the module {name}, which can't be imported"
        return reasons

    def _reloads(self) -> bool:
        magics: Any = self.agent.shell.magics_manager.registry.get("AutoreloadMagics")
        return bool(getattr(getattr(magics, "_reloader", None), "enabled", False))

    def _formatters(self) -> dict[str, Any]:
        """The active display formatters and their functions, except those of the kernel's own libraries."""
        display = self.agent.shell.display_formatter
        formatters: dict[str, Any] = {"active": sorted(display.active_types)}
        for mime, formatter in display.formatters.items():
            printers = getattr(formatter, "type_printers", {})
            formatters[mime] = {kind: id(f) for kind, f in printers.items() if library_of(f) not in KERNEL}
        return formatters

    def _stubs(self) -> dict[str, Any]:
        """Entries of `sys.modules` that a cell created or replaced by assignment, and that no import recreates."""
        before, self.modules = self.modules, {}
        for name, module in list(sys.modules.items()) if before else ():
            if before.get(name) is not module and getattr(module, "__spec__", None) is None:
                self.stubs[name] = module
        return self.stubs


def readings() -> dict[str, Any]:
    """State that is compared by value; state with a fixed default is left out when it has that default."""
    values: dict[str, Any] = {}
    profile = sys.getprofile()
    if profile is not None and of_user(profile):
        values["profile"] = True
    if sys.unraisablehook is not sys.__unraisablehook__:
        values["unraisable"] = id(sys.unraisablehook)
    if hasattr(os, "getpriority"):
        values["priority"] = os.getpriority(os.PRIO_PROCESS, 0)
    values.update(_of_signals(sys.modules.get("signal")))
    values.update(_of_logging(sys.modules.get("logging")))
    values.update(_of_modules())
    return values


def _of_signals(signal: Any) -> dict[str, Any]:
    if signal is None:
        return {}
    numbers = [getattr(signal, name) for name in SIGNALS if hasattr(signal, name)]
    values: dict[str, Any] = {"signals": tuple(_identity(signal.getsignal(n)) for n in numbers)}
    if hasattr(signal, "getitimer") and signal.getitimer(signal.ITIMER_REAL)[0]:
        values["timer"] = True
    return values


def _of_logging(logging: Any) -> dict[str, Any]:
    if logging is None:
        return {}
    values: dict[str, Any] = {}
    kind = logging.getLoggerClass()
    if kind is not logging.Logger and is_of_notebook(kind):
        values["logger class"] = id(kind)
    if logging.getLogRecordFactory() is not logging.LogRecord:
        values["log records"] = id(logging.getLogRecordFactory())
    if logging._warnings_showwarning is not None:
        values["captured warnings"] = True
    if logging.lastResort is not logging._defaultLastResort or not logging.raiseExceptions:
        values["logging"] = (id(logging.lastResort), logging.raiseExceptions)
    return values


def _of_modules() -> dict[str, Any]:
    values: dict[str, Any] = {}
    resource, tracemalloc = sys.modules.get("resource"), sys.modules.get("tracemalloc")
    if isinstance(resource, types.ModuleType):
        limits: Any = resource
        values["limits"] = tuple(
            limits.getrlimit(n) for n in (limits.RLIMIT_NOFILE, limits.RLIMIT_AS, limits.RLIMIT_CPU)
        )
    if isinstance(tracemalloc, types.ModuleType) and tracemalloc.is_tracing():
        values["memory"] = True
    decimal: Any = sys.modules.get("decimal")
    if decimal is not None:
        default = decimal.DefaultContext
        values["decimal"] = (
            default.prec,
            default.rounding,
            default.Emin,
            default.Emax,
            default.capitals,
            default.clamp,
        )
        if values["decimal"] == (28, "ROUND_HALF_EVEN", -999999, 999999, 1, 0):
            del values["decimal"]
    return values


def _identity(handler: Any) -> Any:
    return handler if isinstance(handler, int) else id(handler)


def _reason(name: str) -> str:
    return {
        "profile": "a profile function",
        "unraisable": "a hook for errors that can't be raised",
        "priority": "another priority of the process",
        "signals": "a signal handler",
        "timer": "a timer that runs",
        "logger class": "a logger class of the notebook",
        "log records": "a factory of log records",
        "captured warnings": "warnings that go to logging",
        "logging": "logging's own last resort",
        "limits": "limits of the process",
        "memory": "memory that is traced",
        "decimal": "a default context of decimal",
    }[name]
