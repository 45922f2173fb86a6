"""Random numbers that imports draw."""

from __future__ import annotations

import importlib
import sys
from typing import Any

from .resources import RESOURCES, digest_of


class ImportDraws:
    """Prevents imports from counting as draws of unseeded random numbers.

    pandas draws one number when it is imported, scikit-learn two. This has no visible effect if the generator is
    unseeded, but a block that drew unseeded numbers could never be cached. The state from before the import is
    restored, unless the module seeded the generator. It wraps the step of the import system whose frames Python itself
    takes out of tracebacks.
    """

    WRAPPER = (
        "def _find_and_load(name, import_):\n"
        "    noted = before(name)\n"
        "    try:\n"
        "        return original(name, import_)\n"
        "    finally:\n"
        "        after(name, noted)\n"
    )

    def __init__(self, agent: Any) -> None:
        self.agent = agent
        self.busy = False
        self.fresh_numpy: Any = None
        bootstrap: Any = importlib._bootstrap
        space: dict[str, Any] = {"before": self.before, "after": self.after, "original": bootstrap._find_and_load}
        exec(compile(self.WRAPPER, "<frozen importlib._bootstrap>", "exec"), space)
        bootstrap._find_and_load = space["_find_and_load"]

    def before(self, name: str) -> Any:
        if self.busy:
            return None
        self.busy = True
        return {n: v for n, v in ((n, self.untouched(n)) for n in ("random", "numpy.random")) if v is not None}

    def untouched(self, name: str) -> Any:
        value = RESOURCES[name][0]()
        return value if value is not None and not self.agent.state.random_digest(name)[0] else None

    def after(self, name: str, states: Any) -> None:
        self.agent.sources.note(name)
        if name in ("numpy.random", "numpy.random.mtrand") and "numpy.random" not in self.agent.state.start_random:
            self.note_numpy()
        if states is None:
            return
        self.busy = False
        if name not in sys.modules:
            self.agent.watch.not_found(name)
        else:
            self.agent.watch.found(name)
        if self.agent.watch.native is not None:
            self.agent.watch.native.update()
        try:
            if "numpy.random" not in self.agent.state.start_random:
                self.note_numpy()
            self.agent.patches.note_import(name)
            for generator, value in states.items():
                self.put_back(generator, value)
            if "numpy.random" not in states and self.fresh_numpy is not None:
                self.put_back("numpy.random", self.fresh_numpy)
            self.fresh_numpy = None
        except Exception:
            pass

    def note_numpy(self) -> None:
        value = RESOURCES["numpy.random"][0]()
        if value is not None:
            self.fresh_numpy = value
            self.agent.state.start_random["numpy.random"] = digest_of(value)

    def put_back(self, name: str, value: Any) -> None:
        now = RESOURCES[name][0]()
        if now is not None and _only_drew(name, value, now):
            RESOURCES[name][1](value)


def _only_drew(name: str, before: Any, after: Any) -> Any:
    """Whether a generator reached one state from another by a few draws, and not by a seed."""
    if name == "random":
        import random

        generator = random.Random()
        generator.setstate(before)
        generator.getrandbits(32 * 624)
        return after[1][:-1] in (before[1][:-1], generator.getstate()[1][:-1]) and after != before
    numpy = sys.modules["numpy"]
    generator = numpy.random.RandomState()
    generator.set_state(before)
    generator.bytes(4 * 624)
    keys = [before["state"]["key"], generator.get_state(legacy=False)["state"]["key"]]
    moved = after["state"]["pos"] != before["state"]["pos"]
    return moved and any((after["state"]["key"] == key).all() for key in keys)
