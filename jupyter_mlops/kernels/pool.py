"""Kernels that wait, started and connected, for somebody to use them."""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Generic, Protocol, TypeVar


class Ready(Protocol):
    """A kernel that waits."""

    @property
    def pid(self) -> int:
        """The process, whose memory is counted."""

    async def alive(self) -> bool: ...

    async def kill(self) -> None: ...


K = TypeVar("K", bound=Ready)
UNIQUE = re.compile(r"^Private_\w+:\s+(\d+) kB", re.MULTILINE)


def unique_memory(pid: int) -> int:
    """Bytes of memory that this process alone has; 0 if it is gone, or that can't be known here."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    except OSError:
        return 0
    return 1024 * sum(map(int, UNIQUE.findall(text)))


class Pool(Generic[K]):
    """Keeps kernels ready under the keys that were asked for last.

    :param size: kernels that wait, at most.
    :param memory: bytes of their own that all that wait may hold, at most.
    """

    def __init__(self, size: int, memory: int) -> None:
        self.size, self.memory = size, memory
        self.ready: dict[str, list[K]] = {}
        self.makers: dict[str, Callable[[], Awaitable[K]]] = {}
        self.wanted_at: dict[str, float] = {}
        self.needs: dict[str, int] = {}
        self.filling: asyncio.Task[None] | None = None
        self.closed = False

    def __len__(self) -> int:
        return sum(map(len, self.ready.values()))

    def bytes(self) -> int:
        """What the kernels that wait hold of their own."""
        return sum(unique_memory(kernel.pid) for kernels in self.ready.values() for kernel in kernels)

    async def take(self, key: str, make: Callable[[], Awaitable[K]]) -> K | None:
        """A kernel that waits under this key, or None. From now on, kernels of this key are kept ready."""
        self.makers[key] = make
        self.wanted_at[key] = time.monotonic()
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
        """Start kernels, one after the other in the background, until the bounds are reached."""
        if not self.closed and self.size > 0 and (self.filling is None or self.filling.done()):
            self.filling = asyncio.ensure_future(self._fill())

    async def _fill(self) -> None:
        """The key that was wanted last gets all there is room for; kernels of others go as room is needed."""
        while self.wanted_at:
            key = max(self.wanted_at, key=lambda k: self.wanted_at[k])
            if not await self._room_for(key):
                return
            try:
                kernel = await self.makers[key]()
            except Exception:  # whoever wants one next is told why
                self.wanted_at.pop(key, None)
                return
            self.needs[key] = unique_memory(kernel.pid)
            if self.closed or key not in self.wanted_at or self.bytes() + self.needs[key] > self.memory:
                await _end(kernel)
                return
            self.ready.setdefault(key, []).append(kernel)

    async def _room_for(self, key: str) -> bool:
        """Make room for one more of this key, if others can go for it."""
        if len(self.ready.get(key, ())) >= self.size or self.needs.get(key, 0) > self.memory:
            return False
        while len(self) >= self.size or self.bytes() + self._need(key) > self.memory:
            others = [k for k, kernels in self.ready.items() if kernels and k != key]
            if not others:
                return not len(self)
            await _end(self.ready[min(others, key=lambda k: self.wanted_at.get(k, 0.0))].pop())
        return True

    def _need(self, key: str) -> int:
        """What one more kernel of this key will hold: as much as the last one did, or as others do."""
        return self.needs.get(key, self.bytes() // max(1, len(self)))

    async def rest(self, idle: float) -> None:
        """Let go of kernels whose key nobody wanted for `idle` seconds."""
        now = time.monotonic()
        for key in [k for k in self.makers if now - self.wanted_at.get(k, now - idle - 1) > idle]:
            for known in (self.wanted_at, self.makers, self.needs):
                known.pop(key, None)
            for kernel in self.ready.pop(key, []):
                await _end(kernel)

    async def close(self) -> None:
        """End all kernels that wait."""
        self.closed = True
        if self.filling is not None:
            self.filling.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self.filling
        for kernels in self.ready.values():
            while kernels:
                await _end(kernels.pop())


async def _end(kernel: Ready) -> None:
    """End a kernel, whatever state it is in."""
    with contextlib.suppress(Exception):
        await kernel.kill()
