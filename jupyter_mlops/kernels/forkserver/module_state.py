"""The state of a process that imports read or change: random generators, threads, loggers, folders."""

from __future__ import annotations

import contextlib
import itertools
import logging
import os
import sys
from typing import Any, cast

# Names that modules give to the folder they are imported in, and what they say where there is none.
FOLDERS = {"multiprocessing.process": ("ORIGINAL_DIR", None), "rich": ("_IMPORT_CWD", "")}
SHARED = ("random", "numpy.random")  # generators of a process
DRAWS = {"rich.style": {"_id_generator", "getrandbits"}}  # modules that draw, and the names needed to do so anew
OUTLIVES = {"jemalloc_bg_thd"}  # threads of libraries in C that start them anew after a fork, as BLAS does its nameless


def state_of(generator: str) -> Any:
    """The comparable state of a shared generator; None if its module is not loaded."""
    module: Any = sys.modules.get(generator)
    if module is None:
        return None
    if generator == "random":
        return module.getstate()
    name, key, *rest = module.get_state()
    return name, key.tobytes(), *rest


def named_threads() -> set[str]:
    """The names of native threads with their own name, which a forked process would lack."""
    names = set()
    for task in os.listdir("/proc/self/task") if os.path.isdir("/proc/self/task") else ():
        with contextlib.suppress(OSError), open(f"/proc/self/task/{task}/comm") as comm:
            names.add(comm.read().strip())
    with contextlib.suppress(OSError), open("/proc/self/comm") as comm:
        names.discard(comm.read().strip())
    return names - OUTLIVES


def makers_of_generators(names: list[str]) -> list[str]:
    """The modules among these that hold a generator other than the shared ones."""
    random, numpy = cast("Any", sys.modules["random"]), cast("Any", sys.modules.get("numpy.random"))
    kinds = (random.Random, *((numpy.RandomState, numpy.Generator) if numpy is not None else ()))
    shared = {random._inst, *((numpy.mtrand._rand,) if numpy is not None else ())}
    makers = []
    for name in names:
        module = sys.modules[name]
        values = list(getattr(module, "__dict__", {}).values())
        if any(isinstance(v, kinds) and v not in shared and not isinstance(v, random.SystemRandom) for v in values):
            makers.append(name)
    return makers


def reset_module_state(name: str, module: Any) -> None:
    """Update the values that the import of a module takes from the process, for a module that was imported ahead."""
    if name in FOLDERS:
        variable, nowhere = FOLDERS[name]
        try:
            setattr(module, variable, os.path.abspath(os.getcwd()))
        except OSError:
            setattr(module, variable, nowhere)
    if name == "multiprocessing.process":
        module.current_process().authkey = os.urandom(32)
    if name in DRAWS:
        module._id_generator = itertools.count(module.getrandbits(24))


def next_thread() -> int:
    """The number of the next unnamed thread."""
    threading: Any = sys.modules["threading"]
    return int(repr(threading._counter.__self__).removeprefix("count(").removesuffix(")"))  # its text is all it tells


def count_threads_from(number: int) -> None:
    threading: Any = sys.modules["threading"]
    threading._counter = itertools.count(number).__next__


def loggers() -> list[tuple[str, logging.Logger]]:
    named = [(n, g) for n, g in logging.root.manager.loggerDict.items() if isinstance(g, logging.Logger)]
    return [*named, (logging.root.name, logging.root)]
