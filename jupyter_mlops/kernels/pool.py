"""Idle kernels, started and connected, for runs to use."""

from __future__ import annotations

import asyncio
import contextlib
import mmap
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Generic, Protocol, TypeVar


class PooledKernel(Protocol):
    """An idle kernel."""

    @property
    def pid(self) -> int:
        """The process whose memory is counted."""

    async def alive(self) -> bool: ...

    async def kill(self) -> None: ...


K = TypeVar("K", bound=PooledKernel)
KNOWN = 100  # keys of which it is known how a kernel is made
EXPECTED = 60.0  # seconds that kernels wait for who was expected and does not come
UNIQUE = re.compile(r"^Private_\w+:\s+(\d+) kB", re.MULTILINE)


def unique_memory(pid: int) -> int:
    """Private memory of this process in bytes; 0 if it has ended or this is unknown."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    except OSError:
        return 0
    return 1024 * sum(map(int, UNIQUE.findall(text)))


def resident_memory(pid: int) -> int:
    """Memory of this process in bytes, shared memory included; 0 if unknown. Much cheaper to query."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]) * mmap.PAGESIZE
    except (OSError, ValueError, IndexError):
        return 0


class KernelPool(Generic[K]):
    """Keeps kernels ready for the keys that were requested last, and more for announced requests.

    :param size: maximum number of idle kernels, apart from announced requests.
    :param memory: their maximum private memory in bytes.
    :param ahead: maximum private memory in bytes of all idle kernels, those for announced requests included.
    """

    def __init__(self, size: int, memory: int, ahead: int = 0) -> None:
        self.size, self.memory, self.ahead = size, memory, ahead
        self.ready: dict[str, list[K]] = {}
        self.makers: dict[str, Callable[[], Awaitable[K]]] = {}
        self.wanted_at: dict[str, float] = {}
        self.needs: dict[str, int] = {}
        self.expected: dict[str, int] = {}
        self.expected_until: dict[str, float] = {}
        self.filling: asyncio.Task[None] | None = None
        self.closed = False

    def __len__(self) -> int:
        return sum(map(len, self.ready.values()))

    def bytes(self) -> int:
        """The private memory of all idle kernels."""
        return sum(unique_memory(kernel.pid) for kernels in self.ready.values() for kernel in kernels)

    def reserve(self, counts: Mapping[str, int]) -> None:
        """Announce requests for kernels of these keys: start as many as fit into memory.

        It may be called again meanwhile: each request that arrives is removed from the announced ones. A key that was
        never requested is ignored, because its factory is unknown.
        """
        for key, number in counts.items():
            if key in self.makers:
                self.expected[key] = max(self.expected.get(key, 0), number)
                self.expected_until[key] = time.monotonic() + EXPECTED
        if self.expected:
            self.fill()

    async def take(self, key: str, make: Callable[[], Awaitable[K]]) -> K | None:
        """An idle kernel of this key, or None. From now on, kernels of this key are kept ready."""
        self.makers.pop(key, None)
        self.makers[key] = make
        while len(self.makers) > KNOWN:
            del self.makers[next(iter(self.makers))]
        self.wanted_at[key] = time.monotonic()
        if key in self.expected:
            self.expected[key] -= 1
            if not self.expected[key]:
                self._expect_no_more(key)
        while waiting := self.ready.get(key):
            kernel = waiting.pop(0)
            try:
                alive = await kernel.alive()
            except Exception:
                alive = False
            except BaseException:  # whoever asked is cancelled: the next one gets it
                self.ready.setdefault(key, []).insert(0, kernel)
                raise
            if alive:
                return kernel
            await _end(kernel)
        return None

    def fill(self) -> None:
        """Start kernels in the background, one after the other, until the limits are reached."""
        if not self.closed and self.size > 0 and (self.filling is None or self.filling.done()):
            self.filling = asyncio.ensure_future(self._fill())

    async def _fill(self) -> None:
        while (key := self._expected_next()) is not None or (key := await self._wanted_next()) is not None:
            try:
                kernel = await self.makers[key]()
            except Exception:  # whoever wants one next is told why
                self.wanted_at.pop(key, None)
                self._expect_no_more(key)
                return
            self.needs[key] = unique_memory(kernel.pid)
            bound = self.ahead if key in self.expected else self.memory
            unwanted = key not in self.wanted_at and key not in self.expected
            if self.closed or unwanted or self.held() + self.needs[key] > bound:
                await _end(kernel)
                return
            self.ready.setdefault(key, []).append(kernel)

    def _expected_next(self) -> str | None:
        """The key with more announced requests than idle kernels."""
        for key, number in self.expected.items():
            if len(self.ready.get(key, ())) < number and self.held() + self._need(key) <= self.ahead:
                return key
        return None

    async def _wanted_next(self) -> str | None:
        """The key that was requested last, if there is room: it gets all of it; kernels of other keys end when it needs
        theirs.
        """
        keys = self.wanted_at.keys() & self.makers.keys()
        key = max(keys, key=lambda k: self.wanted_at[k], default=None)
        return key if key is not None and await self._room_for(key) else None

    async def _room_for(self, key: str) -> bool:
        """Make room for one more kernel of this key, if others can end."""
        if len(self.ready.get(key, ())) >= self.size or self.needs.get(key, 0) > self.memory:
            return False
        while len(self) >= self.size or self.held() + self._need(key) > self.memory:
            others = [k for k in self.ready if self._spare(k) and k != key]
            if not others:
                return not len(self)
            await _end(self.ready[min(others, key=lambda k: self.wanted_at.get(k, 0.0))].pop())
        return True

    def _spare(self, key: str) -> int:
        """The number of idle kernels of this key beyond its announced requests."""
        return max(0, len(self.ready.get(key, ())) - self.expected.get(key, 0))

    def held(self) -> int:
        """Bytes that the idle kernels had when they started; it does not change while they are idle."""
        return sum(self.needs.get(key, 0) * len(kernels) for key, kernels in self.ready.items())

    def _expect_no_more(self, key: str) -> None:
        self.expected.pop(key, None)
        self.expected_until.pop(key, None)

    def _need(self, key: str) -> int:
        """The expected memory of another kernel of this key: that of the last one, or of other keys."""
        return self.needs.get(key, self.held() // max(1, len(self)))

    async def evict_idle(self, idle: float) -> None:
        """End kernels whose key was not requested for `idle` seconds, and those for announced requests that did not
        arrive.
        """
        now = time.monotonic()
        for key in [k for k, until in self.expected_until.items() if until < now]:
            self._expect_no_more(key)
        for key in list(self.ready):
            while self._spare(key) > max(0, self.size):
                await _end(self.ready[key].pop())
        for key in [k for k in {*self.wanted_at, *self.ready} if now - self.wanted_at.get(k, now - idle - 1) > idle]:
            if key in self.expected:
                continue
            self.wanted_at.pop(key, None)
            self.needs.pop(key, None)
            for kernel in self.ready.pop(key, []):
                await _end(kernel)

    async def close(self) -> None:
        """End all idle kernels."""
        self.closed = True
        if self.filling is not None:
            self.filling.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self.filling
        for kernels in self.ready.values():
            while kernels:
                await _end(kernels.pop())


async def _end(kernel: PooledKernel) -> None:
    """End a kernel, whatever its state."""
    with contextlib.suppress(Exception):
        await kernel.kill()
