"""The kernel that imports see while they are made ahead."""

from __future__ import annotations

import builtins
import contextlib
import functools
import importlib
import os
import sys
import types
from collections.abc import Callable, Iterator
from typing import Any, cast

from .module_state import FOLDERS
from .recorders import StreamProxy

# Functions that modules call when they are imported, to tell the shell of themselves: called again in the kernel.
TELLS_SHELL = {("ipywidgets", "_handle_ipython")}


class KernelFacade:
    """The kernel that imports see: its shell, `__main__`, argv and streams. Records access to anything else.

    :param loading: the modules that are being imported, the innermost last.
    """

    def __init__(self, loading: list[str]) -> None:
        self.loading = loading
        self.further: list[str] = []
        self.tellers: set[str] = set()
        self.plain: dict[Any, Any] = {}

    @contextlib.contextmanager
    def shown(self) -> Iterator[None]:
        """Provides these objects within this context."""
        from IPython.core.interactiveshell import InteractiveShell

        python, shell_kind = builtins, cast("Any", InteractiveShell)
        before = sys.argv, sys.stdout, sys.stderr, sys.modules["__main__"]
        folder = os.getcwd, os.getcwdb
        python.get_ipython = self.shell  # type: ignore[attr-defined]
        shell_kind.initialized = self.asked
        sys.argv = [importlib.import_module("ipykernel_launcher").__file__ or ""]
        sys.modules.pop("ipykernel_launcher", None)
        for name in ("stdout", "stderr"):
            wrote = functools.partial(self.further.append, f"wrote to {name}")
            setattr(sys, name, StreamProxy(name, getattr(sys, name), wrote))
        os.getcwd, os.getcwdb = map(self.noted_folder, folder)
        sys.modules["__main__"] = types.ModuleType("__main__")
        try:
            yield
        finally:
            del python.get_ipython, shell_kind.initialized  # type: ignore[attr-defined]
            sys.argv, sys.stdout, sys.stderr, sys.modules["__main__"] = before
            os.getcwd, os.getcwdb = folder

    def noted_folder(self, plain: Callable[[], Any]) -> Callable[[], Any]:
        def noted() -> Any:
            if self.loading and self.loading[-1] not in FOLDERS:
                self.further.append(f"looked at the working folder in {self.loading[-1]}")
            return plain()

        self.plain[noted] = plain
        return noted

    def restore(self, module: types.ModuleType) -> None:
        """Replace functions of ours that a module took by the original ones."""
        for name, value in list(vars(module).items()):
            if isinstance(value, types.FunctionType) and value in self.plain:
                setattr(module, name, self.plain[value])

    def shell(self) -> Any:
        """The result of `get_ipython()`: a shell with a kernel."""
        note = self.further.append

        def look(shell: Any, name: str) -> Any:
            if not name.startswith("__"):
                note(f"asked the shell for {name}")
            raise AttributeError(name)

        return type("ZMQInteractiveShell", (), {"kernel": None, "__getattr__": look})()

    def asked(self) -> bool:
        """Whether there is a shell, for IPython's own functions: not yet."""
        frame: Any = sys._getframe(1)
        while frame is not None and frame.f_globals.get("__name__", "").startswith("IPython."):
            frame = frame.f_back
        name = frame.f_globals.get("__name__", "") if frame is not None else ""
        if frame is not None and (name, frame.f_code.co_name) in TELLS_SHELL:
            self.tellers.add(name)
        else:
            self.further.append(f"{name} asked for the shell")
        return False
