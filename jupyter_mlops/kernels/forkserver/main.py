"""The life of a fork server: it imports, reports, and serves."""

from __future__ import annotations

import importlib
import json
import os
import socket
import sys
import types
from typing import Any

from .fingerprints import installed_now, looked_at_from_the_start
from .garbage_collection import freeze_gc
from .preload import ImportRecorder
from .preloaded_modules import PreloadedModules
from .recorders import EnvironRecorder
from .server import Server


def main(number: int, preload: list[str], failed: dict[str, str]) -> None:
    """Import, report failed imports, and serve until the owner has ended.

    :param failed: modules that an earlier attempt could not import ahead.
    """
    connection = socket.socket(fileno=number)
    if not os.environ.get("MPLBACKEND"):
        os.environ["MPLBACKEND"] = "module://matplotlib_inline.backend_inline"
    packages = installed_now()
    environ = EnvironRecorder()
    for name in ("runpy", "ipykernel.kernelapp", "ipykernel.ipkernel", "ipykernel.zmqshell", "ipykernel_launcher"):
        importlib.import_module(name)
    sys.modules.pop("ipykernel_launcher", None)
    environ.names |= looked_at_from_the_start(packages)
    preloaded = PreloadedModules()
    recorder = ImportRecorder(preloaded, environ)
    untouched = environ.now()
    failed.update(recorder.fill(preload))
    environ.close()
    good = [name for name in preload if name not in recorder.unsafe]
    if len(good) < len(preload):  # what was imported can't be undone
        os.set_inheritable(connection.detach(), True)
        os.execve(sys.executable, [*sys.orig_argv[:-2], json.dumps(good), json.dumps(failed)], untouched)
    prepare_native()
    threading: Any = sys.modules.get("threading")
    threads = [t.name for t in threading.enumerate()][1:] if threading else []
    freeze_gc(preloaded)
    message = {"started": os.getpid(), "failed": failed, "threads": threads, "reads": sorted(environ.names)}
    message["installed"] = packages
    connection.send(json.dumps(message).encode())
    if not threads:
        Server(connection, preloaded).run()


def prepare_native() -> None:
    """Redirect the calls here that the agent of every kernel would otherwise have to redirect, library by library."""
    place = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "native.py")
    native = types.ModuleType("_jupyter_mlops_agent.native")  # the agent knows its own frames by this name
    before = set(sys.modules)
    with open(place, "rb") as source:
        exec(compile(source.read(), place, "exec"), native.__dict__)
    native.prepare()
    for name in set(sys.modules) - before:
        del sys.modules[name]
