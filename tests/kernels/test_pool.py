"""Kernels that wait: who gets them, how many there may be, and that none is left behind."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable

import pytest

from jupyter_mlops.kernels import pool as module
from jupyter_mlops.kernels.pool import KernelPool, unique_memory

MB = 1_000_000


class Fake:
    """A kernel that only says what was done to it. Its number is its process."""

    made: list[Fake]
    sizes: dict[int, int]
    gone: list[str]

    def __init__(self, key: str, size: int) -> None:
        self.key, self.pid = key, len(Fake.made) + 1
        self.lives, self.ended = True, False
        self.answers = asyncio.Event()
        self.answers.set()
        Fake.made.append(self)
        Fake.sizes[self.pid] = size

    async def alive(self) -> bool:
        await self.answers.wait()
        return self.lives

    async def kill(self) -> None:
        self.ended = True
        Fake.gone.append(self.key)
        Fake.sizes[self.pid] = 0
        await asyncio.sleep(0)


@pytest.fixture(autouse=True)
def fakes(monkeypatch: pytest.MonkeyPatch) -> None:
    Fake.made, Fake.sizes, Fake.gone = [], {}, []
    monkeypatch.setattr(module, "unique_memory", lambda pid: Fake.sizes[pid])


def maker(key: str, size: int = 10 * MB) -> Callable[[], Awaitable[Fake]]:
    async def make() -> Fake:
        await asyncio.sleep(0)
        return Fake(key, size)

    return make


async def filled(pool: KernelPool[Fake]) -> None:
    pool.fill()
    assert pool.filling is not None
    await pool.filling


def living() -> list[str]:
    return [fake.key for fake in Fake.made if not fake.ended]


def test_a_kernel_that_died_while_it_waited_is_cleaned_up_and_the_next_is_given() -> None:
    async def go() -> None:
        pool: KernelPool[Fake] = KernelPool(2, 100 * MB)
        assert await pool.take("a", maker("a")) is None
        await filled(pool)
        first, second = Fake.made
        first.lives = False
        assert await pool.take("a", maker("a")) is second
        assert (first.ended, second.ended) == (True, False)

    asyncio.run(go())


def test_one_that_can_not_be_asked_or_ended_is_no_trouble_for_who_asks() -> None:
    class Broken(Fake):
        async def alive(self) -> bool:
            raise OSError("gone")

        async def kill(self) -> None:
            raise OSError("gone")

    async def go() -> None:
        async def make() -> Fake:
            return Broken("a", MB)

        pool: KernelPool[Fake] = KernelPool(2, 100 * MB)
        await pool.take("a", make)
        await filled(pool)
        assert len(pool) == 2
        assert await pool.take("a", make) is None
        await pool.close()

    asyncio.run(go())


@pytest.mark.parametrize(("size", "fit"), [(10 * MB, 3), (30 * MB, 1), (16 * MB, 2), (50 * MB, 0)])
def test_memory_is_bounded(size: int, fit: int) -> None:
    """Of what is started, one at most is over the bound, and it doesn't stay."""

    async def go() -> None:
        pool: KernelPool[Fake] = KernelPool(10, 35 * MB)
        await pool.take("a", maker("a", size))
        for _ in range(5):
            await filled(pool)
            assert pool.bytes() <= 35 * MB
        assert len(pool) == len(living()) == fit
        assert len(Fake.made) == max(1, fit)  # what doesn't fit is not tried again and again

    asyncio.run(go())


def test_kernels_of_the_key_that_was_wanted_longest_ago_go_first() -> None:
    async def go() -> None:
        pool: KernelPool[Fake] = KernelPool(3, 1000 * MB)
        for key in "bac":
            await pool.take(key, maker(key))
        pool.ready = {key: [Fake(key, MB)] for key in "abc"}
        await pool.take("d", maker("d"))
        await filled(pool)
        assert living() == ["d", "d", "d"]
        assert Fake.gone == ["b", "a", "c"]

    asyncio.run(go())


def test_a_key_that_is_new_gets_the_memory_of_older_ones() -> None:
    async def go() -> None:
        pool: KernelPool[Fake] = KernelPool(10, 35 * MB)
        await pool.take("a", maker("a"))
        await filled(pool)
        assert living() == ["a", "a", "a"]
        await pool.take("b", maker("b"))
        await filled(pool)
        assert living() == ["b", "b", "b"]

    asyncio.run(go())


def test_a_maker_that_fails_is_not_asked_for_ever_and_what_waits_stays_usable() -> None:
    async def go() -> None:
        asked = 0

        async def fails() -> Fake:
            nonlocal asked
            asked += 1
            if asked > 1:
                raise RuntimeError("no kernel")
            return Fake("a", MB)

        pool: KernelPool[Fake] = KernelPool(3, 100 * MB)
        await pool.take("a", fails)
        await filled(pool)
        await filled(pool)
        assert (asked, len(pool)) == (2, 1)
        assert await pool.take("a", fails) is Fake.made[0]
        assert await pool.take("a", fails) is None
        await filled(pool)
        assert asked == 3

    asyncio.run(go())


def test_rest_ends_what_nobody_wanted_even_if_its_maker_failed() -> None:
    async def go() -> None:
        async def fails() -> Fake:
            if Fake.made:
                raise RuntimeError("no kernel")
            return Fake("a", MB)

        pool: KernelPool[Fake] = KernelPool(3, 100 * MB)
        await pool.take("a", fails)
        await filled(pool)
        await pool.take("b", maker("b"))
        pool.size = 1
        await asyncio.sleep(0.01)
        await pool.evict_idle(0.001)
        assert living() == []
        assert not (pool.ready or pool.wanted_at or pool.needs)

    asyncio.run(go())


def test_rest_while_one_is_started() -> None:
    async def go() -> None:
        begun, go_on = asyncio.Event(), asyncio.Event()

        async def slow() -> Fake:
            begun.set()
            await go_on.wait()
            return Fake("a", MB)

        pool: KernelPool[Fake] = KernelPool(3, 100 * MB)
        await pool.take("a", slow)
        pool.fill()
        await begun.wait()
        await asyncio.sleep(0.01)
        await pool.evict_idle(0.001)
        go_on.set()
        assert pool.filling is not None
        await pool.filling
        assert (len(pool), living()) == (0, [])

    asyncio.run(go())


def test_who_is_cancelled_while_taking_leaves_the_kernel_to_the_next() -> None:
    async def go() -> None:
        pool: KernelPool[Fake] = KernelPool(1, 100 * MB)
        await pool.take("a", maker("a"))
        await filled(pool)
        only = Fake.made[0]
        only.answers.clear()
        taking = asyncio.ensure_future(pool.take("a", maker("a")))
        await asyncio.sleep(0)
        taking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await taking
        only.answers.set()
        assert await pool.take("a", maker("a")) is only

    asyncio.run(go())


def test_two_who_ask_at_once_get_two() -> None:
    async def go() -> None:
        pool: KernelPool[Fake] = KernelPool(2, 100 * MB)
        await pool.take("a", maker("a"))
        await filled(pool)
        got = await asyncio.gather(*(pool.take("a", maker("a")) for _ in range(3)))
        assert [fake.pid if fake else None for fake in got] == [1, 2, None]

    asyncio.run(go())


def test_closing_while_one_is_started_leaves_nothing() -> None:
    async def go() -> None:
        begun = asyncio.Event()
        undone = []

        async def slow() -> Fake:
            if Fake.made:
                begun.set()
                try:
                    await asyncio.sleep(60)
                except asyncio.CancelledError:
                    undone.append("cancelled")
                    raise
            return Fake("a", MB)

        pool: KernelPool[Fake] = KernelPool(3, 100 * MB)
        await pool.take("a", slow)
        pool.fill()
        await begun.wait()
        await pool.close()
        assert (undone, living(), len(pool)) == (["cancelled"], [], 0)
        pool.fill()
        assert pool.filling is not None
        assert pool.filling.done()

    asyncio.run(go())


@pytest.mark.parametrize("size", [0, -1])
def test_a_pool_of_none(size: int) -> None:
    async def go() -> None:
        pool: KernelPool[Fake] = KernelPool(size, 100 * MB)
        assert await pool.take("a", maker("a")) is None
        pool.fill()
        assert pool.filling is None
        await pool.close()

    asyncio.run(go())


def test_those_who_are_expected_find_kernels_ready() -> None:
    async def go() -> None:
        pool: KernelPool[Fake] = KernelPool(2, 25 * MB, 60 * MB)
        await pool.take("a", maker("a"))
        await pool.take("b", maker("b"))
        pool.reserve({"a": 4, "b": 1, "unknown": 7})
        await filled(pool)
        assert sorted(living()) == ["a", "a", "a", "a", "b"]
        for _ in range(4):
            pool.reserve({"a": 4 - len(Fake.gone)})  # told again while they come
            assert await pool.take("a", maker("a")) is not None
            Fake.gone.append("taken")
        Fake.gone.clear()
        await filled(pool)
        assert sorted(k.key for kernels in pool.ready.values() for k in kernels) == ["a", "b"]

    asyncio.run(go())


def test_kernels_for_who_is_expected_have_a_bound_of_their_own_and_don_t_go_for_others() -> None:
    async def go() -> None:
        pool: KernelPool[Fake] = KernelPool(2, 25 * MB, 60 * MB)
        await pool.take("a", maker("a"))
        pool.reserve({"a": 100})
        await filled(pool)
        assert living() == ["a"] * 6
        await pool.take("b", maker("b"))
        await filled(pool)
        assert living() == ["a"] * 6

    asyncio.run(go())


def test_kernels_of_which_nobody_knows_how_they_are_made_any_more_go_too(monkeypatch: pytest.MonkeyPatch) -> None:
    async def go() -> None:
        monkeypatch.setattr(module, "KNOWN", 1)
        pool: KernelPool[Fake] = KernelPool(3, 100 * MB)
        await pool.take("a", maker("a"))
        await filled(pool)
        await pool.take("b", maker("b"))
        del pool.wanted_at["b"]  # as when a maker failed
        await filled(pool)
        assert living() == ["a", "a", "a"]
        await asyncio.sleep(0.01)
        await pool.evict_idle(0.001)
        assert living() == []

    asyncio.run(go())


@pytest.mark.parametrize(("idle", "left"), [(1e12, ["a", "a"]), (1.0, [])])
def test_who_was_expected_and_does_not_come_is_not_waited_for_for_ever(
    monkeypatch: pytest.MonkeyPatch, idle: float, left: list[str]
) -> None:
    async def go() -> None:
        pool: KernelPool[Fake] = KernelPool(2, 25 * MB, 60 * MB)
        await pool.take("b", maker("b"))
        await pool.evict_idle(-1.0)  # nobody wanted any for long, but it is known how they are made
        await pool.take("a", maker("a"))
        pool.reserve({"a": 4, "b": 1})
        await filled(pool)
        await pool.evict_idle(1000.0)
        assert sorted(living()) == ["a", "a", "a", "a", "b"]
        monkeypatch.setattr(module.time, "monotonic", lambda: 1e9)
        await pool.evict_idle(idle)
        assert living() == left

    asyncio.run(go())


def test_memory_of_a_process_that_is_gone_is_none() -> None:
    assert unique_memory(2**22 + 1) == 0
    assert unique_memory(os.getpid()) > MB
