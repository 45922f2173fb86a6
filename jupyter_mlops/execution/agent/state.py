"""The state of this process, and the part of it that can't be transferred to another kernel."""

from __future__ import annotations

import copyreg
import hashlib
import os
import pickle
import sys
import types
from typing import Any

from .objects import is_of_notebook, of_user
from .pickler import Live, pickle_plain
from .resources import RANDOM, RESOURCE_DEFAULTS, RESOURCES, digest_of


class State:
    """The resources of a kernel, as digests and pickles.

    :param agent: the agent of the kernel.
    """

    def __init__(self, agent: Any) -> None:
        self.agent = agent
        self.start_random: dict[str, str] = {}

    def random_digest(self, name: str) -> Any:
        """Digest and value of a random generator's state; "" if it is unused since the kernel started."""
        value = RESOURCES[name][0]()
        if value is None:
            return "", None
        digest = digest_of(value)
        return ("", None) if digest == self.start_random.get(name) else (digest, value)

    def pristine(self) -> Any:
        """Generators that are unused since the kernel started, or since they were seeded."""
        names = []
        at: Any
        for name, at in (("random", lambda v: v[1][-1]), ("numpy.random", lambda v: v["state"]["pos"])):
            value = RESOURCES[name][0]()
            if value is not None and at(value) == 624:
                names.append(name)
        return names

    def values(self) -> Any:
        """Digest and payload of each resource; "" is its default."""
        resources, stuck = {}, {}
        for name, (get, _) in RESOURCES.items():
            try:
                if name in RANDOM:
                    digest, value = self.random_digest(name)
                    resources[name] = (digest, pickle.dumps(value, 4) if digest else None)
                    continue
                value = get()
                if not value or (name == "warnings" and value == {"filters": None, "seen": {}, "once": {}}):
                    resources[name] = ("", None)
                    continue
                if name == "logging" and any("live" in facts[3] for facts in value["loggers"].values()):
                    raise Live("logging handlers")
                stream = pickle_plain(self.agent, value)
                digest = hashlib.blake2b(stream, digest_size=16).hexdigest()
                resources[name] = (digest, stream)
            except Exception as error:
                stuck[name] = f"{type(error).__name__}: {error}"
                resources[name] = ("live-" + os.urandom(8).hex(), None)
        return resources, stuck

    def set(self, state: Any) -> None:
        now = None
        for name, (_, put) in RESOURCES.items():
            if name not in state:
                continue
            digest, payload = state[name]
            if name in RANDOM and not digest:
                continue
            now = now or self.values()[0]
            if now[name][0] == digest and name != "warnings":
                continue
            put(pickle.loads(bytes.fromhex(payload)) if payload else RESOURCE_DEFAULTS.get(name, {}))

    def stuck(self) -> Any:  # noqa: C901 (to become a table of probes)
        """State that can't be transferred to another kernel, and why."""
        reasons = {}
        if (sys.stdout, sys.stderr, sys.displayhook, sys.excepthook) != self.agent.base_streams:
            reasons["streams"] = "sys.stdout, sys.stderr or a hook is replaced"
        threading = sys.modules.get("threading")
        for thread in threading.enumerate() if threading else ():
            if getattr(getattr(thread, "_target", None), "__globals__", None) is self.agent.user_ns:
                reasons["threads"] = "a running thread"
        asyncio = sys.modules.get("asyncio")
        try:
            tasks = asyncio.all_tasks() if asyncio else ()
        except RuntimeError:
            tasks = ()
        for task in tasks:
            frame = getattr(task.get_coro(), "cr_frame", None)
            if frame is not None and frame.f_globals is self.agent.user_ns:
                reasons["tasks"] = "a pending task"
        for formatter in self.agent.shell.display_formatter.formatters.values():
            for printers in (getattr(formatter, "type_printers", {}), getattr(formatter, "deferred_printers", {})):
                if any(getattr(f, "__globals__", None) is self.agent.user_ns for f in printers.values()):
                    reasons["formatters"] = "a display formatter of the notebook"
        for kind in self.agent.shell.magics_manager.magics.values():
            functions = [f for f in kind.values() if isinstance(f, (types.FunctionType, types.MethodType))]
            if any(
                getattr(f, "__globals__", None) is self.agent.user_ns for f in functions
            ):  # others may be lazy: a look would import them
                reasons["magics"] = "a magic of the notebook"
        if count_transformers(self.agent.shell) != self.agent.base_transformers:
            reasons["transformers"] = "an input transformer"
        for callbacks in self.agent.shell.events.callbacks.values():
            if any(getattr(f, "__globals__", None) is self.agent.user_ns for f in callbacks):
                reasons["events"] = "a callback of the notebook"
        signal: Any = sys.modules.get("signal")
        for number in ("SIGALRM", "SIGUSR1", "SIGUSR2", "SIGTERM", "SIGINT") if signal else ():
            handler = signal.getsignal(getattr(signal, number)) if hasattr(signal, number) else None
            if getattr(handler, "__globals__", None) is self.agent.user_ns:
                reasons["signals"] = "a signal handler of the notebook"
        if getattr(self.agent.shell, "custom_exceptions", None):
            reasons["exceptions"] = "an exception handler of the notebook"
        mock: Any = sys.modules.get("unittest.mock")
        if mock is not None and getattr(mock._patch, "_active_patches", None):
            reasons["mocks"] = "a mock.patch that was not stopped"
        for name in self.agent.local_modules():
            cached = (v for v in vars(sys.modules[name]).values() if type(v).__name__ == "_lru_cache_wrapper")
            if any(function.cache_info().currsize for function in cached):
                reasons["caches"] = f"a cache that a function of {name} has filled"
        numpy = sys.modules.get("numpy")
        if numpy is not None and hasattr(numpy, "geterrcall") and numpy.geterrcall() is not None:
            reasons["numpy"] = "a function that numpy calls at errors"
        if any(is_of_notebook(type(finder)) for finder in sys.meta_path):
            reasons["importers"] = "an importer of the notebook"
        if any(map(of_user, copyreg.dispatch_table.values())):
            reasons["copyreg"] = "a reduction that the notebook registered with copyreg"
        for place, library in self.agent.libraries.replaced().items():
            reasons["libraries"] = f"{place}, which {library} replaced"
        reasons.update(self.agent.registries.stuck())
        if sys.gettrace() is not None and getattr(sys.gettrace(), "__globals__", None) is self.agent.user_ns:
            reasons["trace"] = "a trace function"
        return reasons


def count_transformers(shell: Any) -> Any:
    """The number of transformers of each kind."""
    manager = getattr(shell, "input_transformer_manager", None)
    kinds = [getattr(manager, n, ()) for n in ("cleanup_transforms", "line_transforms", "token_transformers")]
    return [len(kind) for kind in (shell.ast_transformers, getattr(shell, "input_transformers_post", ()), *kinds)]
