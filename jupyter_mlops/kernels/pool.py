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
            except BaseException:  # whoever asked is cancelled: the next one gets it
                waiting.insert(0, kernel)
                raise
            if alive:
                return kernel
            await kernel.kill()
        return None

    def fill(self) -> None:
        """Start kernels, one after the other in the background, until the bounds are reached."""
        if not self.closed and self.size > 0 and (self.filling is None or self.filling.done()):
            self.filling = asyncio.ensure_future(self._fill())

    async def _fill(self) -> None:
        """The key that was wanted last gets all there is room for; kernels of others go as room is needed."""
        while self.wanted_at:
            key = max(self.wanted_at, key=lambda k: self.wanted_at[k])
            here = self.ready.setdefault(key, [])
            if len(here) >= self.size or (here and self.bytes() * (len(self) + 1) > self.memory * len(self)):
                return
            if len(self) >= self.size:
                await self._drop_oldest(key)
            try:
                kernel = await self.makers[key]()
            except Exception:  # whoever wants one next is told why
                self.wanted_at.pop(key, None)
                return
            if self.closed:
                await kernel.kill()
                return
            here.append(kernel)
            if self.bytes() > self.memory:
                here.remove(kernel)
                await kernel.kill()
                return

    async def _drop_oldest(self, keep: str) -> None:
        others = [k for k, kernels in self.ready.items() if kernels and k != keep]
        if others:
            await self.ready[min(others, key=lambda k: self.wanted_at.get(k, 0.0))].pop().kill()

    async def rest(self, idle: float) -> None:
        """Let go of kernels whose key nobody wanted for `idle` seconds."""
        now = time.monotonic()
        for key in [k for k, at in self.wanted_at.items() if now - at > idle]:
            del self.wanted_at[key], self.makers[key]
            for kernel in self.ready.pop(key, []):
                await kernel.kill()

    async def close(self) -> None:
        """End all kernels that wait."""
        self.closed = True
        if self.filling is not None:
            self.filling.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self.filling
        for kernels in self.ready.values():
            while kernels:
                await kernels.pop().kill()
