"""Buffers that are too large to be known by their content."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from jupyter_mlops.execution.agent import bigs as module
from jupyter_mlops.execution.agent import memory
from jupyter_mlops.execution.agent.bigs import Bigs
from jupyter_mlops.execution.agent.memory import fingerprint

LENGTH = 5_000_000  # numbers that take more bytes than are looked at each time


class Kernel:
    """A packing whose groups are arrays, and what becomes known of them block by block."""

    def __init__(self, **arrays: Any) -> None:
        self.groups: dict[str, Any] = {}
        self.arrays = arrays
        self.bigs = Bigs(self)
        self.after(certain=list(arrays))

    def mapped_id(self, raw: Any, look: bool) -> None:
        return None

    def is_mapped(self, address: int) -> bool:
        return False

    def before(self, certain: Any = (), needed: Any = None) -> None:
        self.bigs.begin(set(self.arrays), set(certain), needed)

    def after(self, certain: Any = (), promised: Any = ()) -> dict[str, str]:
        """What each array is known by after a block."""
        self.bigs.certain = set(certain)
        self.bigs.promised = dict(promised)
        known = {}
        for name, array in self.arrays.items():
            raw = memoryview(array).cast("B")
            self.bigs.promise([name], [raw])
            known[name] = self.bigs.ident([name], raw)
            assert self.bigs.ident([name], raw) == known[name]
            unlooked = self.bigs.not_looked([name])
            self.groups[name] = SimpleNamespace(names=[name], bigs=self.bigs.of([raw]), unlooked=unlooked)
        self.bigs.end()
        return known


@pytest.fixture
def kernel() -> Kernel:
    return Kernel(a=np.zeros(LENGTH), b=np.ones(LENGTH))


@pytest.fixture
def looked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """One item for each look at all bytes of a buffer."""
    looks: list[int] = []

    def look(raw: Any) -> Any:
        looks.append(raw.nbytes)
        return fingerprint(raw)

    monkeypatch.setattr(module, "fingerprint", look)
    return looks


@pytest.mark.parametrize("fast", [True, False])
@pytest.mark.parametrize("at", [0, 1, LENGTH // 2, LENGTH - 1])
def test_a_change_of_any_byte_shows(kernel: Kernel, at: int, fast: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    assert memory.VIEW is not None
    if not fast:
        monkeypatch.setattr(memory, "VIEW", None)
    kernel.before()
    first = kernel.after()
    kernel.before()
    assert kernel.after() == first
    kernel.before()
    kernel.arrays["a"].view("u1")[8 * at + 3] ^= 1
    changed = kernel.after()
    assert changed["a"] != first["a"] and changed["b"] == first["b"]


def test_nobody_looks_at_what_certainly_changes(kernel: Kernel, looked: list[int]) -> None:
    first = kernel.after(certain="ab")
    kernel.before(certain="ab")
    second = kernel.after(certain="ab")
    assert not looked and not set(first.values()) & set(second.values())


def test_a_reader_costs_one_look_where_the_last_one_is_known(kernel: Kernel, looked: list[int]) -> None:
    kernel.before()
    kernel.after()
    assert len(looked) == 4
    kernel.before()
    kernel.after()
    assert len(looked) == 6


def test_what_no_later_block_needs_is_not_looked_at_and_counts_as_changed(kernel: Kernel, looked: list[int]) -> None:
    first = kernel.after(certain="ab")
    kernel.before(needed=set("b"))
    second = kernel.after()
    assert len(looked) == 2
    assert second["a"] != first["a"] and second["b"] == first["b"]
    assert kernel.groups["a"].unlooked and not kernel.groups["b"].unlooked


def test_what_ran_again_is_known_as_before(kernel: Kernel) -> None:
    size = LENGTH * 8
    kernel.before(certain="a")
    known = kernel.after(certain="a", promised={"a": [(size, "one")], "b": [(size, "two")]})
    assert known["a"] == "one" and known["b"] != "two"
    kernel.before(certain="a")
    assert kernel.after(certain="a", promised={"a": [(size - 8, "three")]})["a"] != "three"
    kernel.before(certain="a")
    assert kernel.after(certain="a", promised={"a": [(size, "three"), (size, "four")]})["a"] != "three"


def test_memory_is_held_between_blocks_alone(kernel: Kernel, looked: list[int]) -> None:
    [big] = kernel.groups["a"].bigs
    assert big.raw is not None
    kernel.bigs.begin({"b"}, set(), None)
    assert big.raw is not None
    kernel.before(certain="ab")
    assert big.raw is None and len(looked) == 1


def test_memory_that_somebody_would_miss_is_looked_at_and_not_held(looked: list[int]) -> None:
    growing = bytearray(LENGTH * 8)
    kernel = Kernel(a=growing)
    first = kernel.after()
    growing.append(1)  # raises BufferError while somebody holds it
    growing.pop()
    kernel.before()
    assert kernel.after() == first
    kernel.before()
    growing[7] = 1
    assert kernel.after() != first


def test_a_copy_that_was_made_for_pickling_is_not_held(kernel: Kernel) -> None:
    own = np.zeros(LENGTH)
    raws = [memoryview(made).cast("B") for made in (np.zeros(LENGTH), np.zeros(LENGTH).view(), own, own.view())]
    assert [kernel.bigs.may_hold(raw) for raw in raws[:2]] == [False, False]
    del own
    assert [kernel.bigs.may_hold(raw) for raw in (memoryview(v).cast("B") for v in kernel.arrays.values())] == [
        True
    ] * 2


def test_what_was_asked_for_is_forgotten_if_a_block_could_not_be_finished(kernel: Kernel) -> None:
    kernel.before()
    first = kernel.after()
    kernel.before()
    kernel.bigs.ident(["a"], memoryview(kernel.arrays["a"]).cast("B"))
    kernel.before()
    kernel.arrays["a"][0] = 5
    assert kernel.after()["a"] != first["a"]
