"""Turns a forked process into a kernel, and ends it as an interpreter ends."""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
from typing import Any

from .preloaded_modules import PreloadedModules
from .process_title import set_process_title


def become_kernel(request: dict[str, Any], numbers: list[int], preloaded: PreloadedModules) -> None:
    """Turn this forked process into the kernel that `cmd` would start. Returns when the kernel ends."""
    os.setsid()
    for place, number in enumerate(numbers[:3]):
        os.dup2(number, place)
    ready = numbers[3]
    for number in numbers[:3]:
        if number > 2:
            os.close(number)
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["env"])
    command = request["cmd"]
    sys.orig_argv[:] = command
    launcher = importlib.import_module("ipykernel_launcher")
    sys.argv[:] = [launcher.__file__ or "", *_after_module(command)]
    sys.modules.pop("ipykernel_launcher", None)
    with contextlib.suppress(Exception):
        set_process_title(command, request["env"])
    threading: Any = sys.modules["threading"]
    threading.main_thread()._set_native_id()
    reseed_generators(preloaded)
    preloaded.install()
    from ipykernel.kernelapp import IPKernelApp

    app: Any = IPKernelApp.instance()
    app.parent_handle = os.getppid()
    bind = app.init_heartbeat

    def bound() -> None:
        bind()
        os.write(ready, b"1")
        os.close(ready)

    app.init_heartbeat = bound
    app.initialize(sys.argv[1:])
    app.start()


def _after_module(command: list[str]) -> list[str]:
    return command[command.index("-m") + 2 :]


def reseed_generators(preloaded: PreloadedModules) -> None:
    """Random generators that belong to this process only, as in a new process."""
    for name in ("numpy.random", "random"):
        module: Any = sys.modules.get(name) or preloaded.modules.get(name)
        if module is not None:
            module.seed()


def leave(status: int) -> None:
    """End a forked kernel like an interpreter: exit handlers first."""
    import atexit

    with contextlib.suppress(BaseException):
        _join_threads()
    with contextlib.suppress(BaseException):
        atexit._run_exitfuncs()
    for stream in (sys.__stdout__, sys.__stderr__):
        with contextlib.suppress(Exception):
            stream.flush()  # type: ignore[union-attr]
    os._exit(status)


def _join_threads() -> None:
    threading: Any = sys.modules.get("threading")
    if threading is not None:
        threading._shutdown()
