"""Where the kernels of runs come from: started when they are asked for, or taken from a pool of ready ones."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace

import nbformat

from jupyter_mlops.execution.environment import kernel_spec
from jupyter_mlops.execution.kernel_session import KernelSession
from jupyter_mlops.execution.launch import KernelProcess, KernelRequest, launch
from jupyter_mlops.kernels.forkserver_client import EVERY_KERNEL_ITS_OWN
from jupyter_mlops.kernels.pool import KernelPool, resident_memory
from jupyter_mlops.kernels.startup import has_startup_customization

# What terminals and logins put into the environment: a kernel that waits can be given it afterwards.
OF_A_LOGIN = ("SSH_", "XDG_SESSION", "XDG_SEAT", "XDG_VTNR", "TERM", "TMUX", "WINDOWID", "VTE_", "DBUS_", "GPG_", "STY")
PUT_OFF = 1.0  # seconds at most by which the end of a kernel is put off while other runs begin


class KernelProvider:
    """The kernels of one run: started when they are asked for.

    :param launched: a process that was started early, for the first request that matches it exactly.
    """

    one_of_many = False  # whether this process has other runs too, at once and later
    hears_signals = True  # whether SIGINT and SIGTERM are for this run

    def __init__(self, launched: tuple[KernelRequest, KernelProcess] | None = None) -> None:
        self.launched = launched

    async def start(self, session: KernelSession) -> None:
        """Give the main line its kernel."""
        ahead, self.launched = self.launched, None
        if ahead is not None and session.wanted.is_process_of(ahead[0]):
            await session.start(ahead[1])
            return
        if ahead is not None:
            await ahead[1].end()
        await session.start()

    async def start_helper(self, session: KernelSession) -> None:
        """Give a helper its kernel. To be asked for only where there is room."""
        await session.start()

    @property
    def room(self) -> bool:
        """Whether a helper may be started now."""
        return True

    async def finish(self, write: Callable[[], None], end: Callable[[], Awaitable[None]]) -> None:
        """No cell is left to run: `write` writes the record, `end` ends the kernels, whatever becomes of the record."""
        try:
            write()
        finally:
            await end()

    async def close(self) -> None:
        """The run is over: end what was started and not used."""
        if self.launched is not None:
            await self.launched[1].end()
            self.launched = None


class SharedKernelPool:
    """What many runs at once take their kernels from: a pool of ready ones, and a bound on those in use.

    :param limit: kernels in use at once, at most. A run that needs its first one waits for room.
    """

    def __init__(self, pool: KernelPool[IdleKernel], limit: int) -> None:
        self.pool, self.limit = pool, limit
        self.endings: set[asyncio.Task[None]] = set()
        self.free = asyncio.Semaphore(limit)
        self.usual = ""
        self.calm = asyncio.Event()
        self.calm.set()
        self.staying: list[int] = []

    def of_run(self) -> PooledKernelProvider:
        return PooledKernelProvider(self)

    async def expect(self, wanted: KernelRequest) -> None:
        """Keep kernels like this ready from now on."""
        if _can_wait(wanted):
            self.usual = _key(wanted)
            if (waiting := await self.pool.take(self.usual, _maker(wanted))) is not None:
                await waiting.kill()
        self.pool.fill()

    def prepare(self, kinds: Iterable[str | None]) -> None:
        """Runs will soon begin: have a kernel ready for each, as far as there is memory.

        :param kinds: for each run, the kind of kernel that runs like it had (`PooledKernelProvider.kind`); None if
            unknown.
        """
        self.pool.reserve(Counter(self.usual if kind is None else kind for kind in kinds if kind != ""))

    def begin_burst(self) -> None:
        """Many runs are to begin, until `calm` is set: what can be done after that is put off."""
        self.calm.clear()

    def may_defer_shutdown(self, size: int) -> bool:
        """Whether a kernel that is done with may be ended later, and another one used meanwhile.

        :param size: bytes of its own. All that stay hold no more, with those that wait, than those that wait may.
        """
        return not self.calm.is_set() and self.pool.held() + sum(self.staying) + size <= self.pool.ahead

    async def defer_shutdown(self, size: int) -> None:
        """Until the rush is over, or has taken too long."""
        self.staying.append(size)
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(PUT_OFF):
                    await self.calm.wait()
        finally:
            self.staying.remove(size)

    def release(self) -> None:
        """Somebody's kernel has ended."""
        self.free.release()
        self.pool.fill()

    async def close(self) -> None:
        """Wait for the kernels that are ending, and end those that wait."""
        self.calm.set()
        await asyncio.gather(*self.endings, return_exceptions=True)
        await self.pool.close()


class PooledKernelProvider(KernelProvider):
    """The kernels of one run, from what it shares with others.

    A run holds room for its main kernel from its first cell to its end, whatever becomes of the kernel in between:
    two runs that had to ask again while helpers hold theirs could wait for each other for ever. `kind` is what kind of
    kernel it was given last, in the words of what it shares; "" if it needed none, or one that can't be made ready.
    """

    one_of_many = True
    hears_signals = False

    def __init__(self, shared: SharedKernelPool) -> None:
        super().__init__()
        self.shared = shared
        self.ending: asyncio.Task[None] | None = None
        self.holds = False
        self.kind = ""
        self.pid = self.resident = 0

    @property
    def room(self) -> bool:
        return not self.shared.free.locked()

    async def start(self, session: KernelSession) -> None:
        if not self.holds:
            await self.shared.free.acquire()
            self.holds = True
        await self._give(session)

    async def start_helper(self, session: KernelSession) -> None:
        await self.shared.free.acquire()
        released = False

        def release() -> None:
            nonlocal released
            if not released:
                released = True
                self.shared.release()

        session.on_end = release
        try:
            await self._give(session)
        except BaseException:
            await session.kill()
            release()
            raise

    async def _give(self, session: KernelSession) -> None:
        wanted = session.wanted
        waiting = None
        if _can_wait(wanted):
            self.kind = _key(wanted)
            waiting = await self.shared.pool.take(self.kind, _maker(wanted))
        if waiting is None:
            await session.start()
        else:
            self.pid = waiting.pid
            self.resident = resident_memory(self.pid)
            await session.take_over(waiting.session)

    async def finish(self, write: Callable[[], None], end: Callable[[], Awaitable[None]]) -> None:
        """The kernels end while the record is written. Whoever waits for that does not wait for their exit handlers;
        room is given back after them."""

        async def ending() -> None:
            try:
                if self.pid and self.shared.may_defer_shutdown(size := self._size()):
                    self._release()
                    await self.shared.defer_shutdown(size)
                await end()
            finally:
                self._release()

        self.ending = asyncio.ensure_future(ending())
        self.shared.endings.add(self.ending)
        self.ending.add_done_callback(self.shared.endings.discard)
        await asyncio.sleep(0)  # let the shutdown request go out
        write()

    def _size(self) -> int:
        """Bytes that its main kernel holds of its own now, as it was taken from the pool."""
        return self.shared.pool.needs.get(self.kind, 0) + max(0, resident_memory(self.pid) - self.resident)

    async def close(self) -> None:
        if self.ending is None:
            self._release()

    def _release(self) -> None:
        if self.holds:
            self.holds = False
            self.shared.release()


class IdleKernel:
    """A connected session that has run nothing, in no folder of anybody's."""

    def __init__(self, session: KernelSession) -> None:
        self.session = session

    @property
    def pid(self) -> int:
        launched = self.session.launched
        return 0 if launched is None else int(getattr(launched.manager.provisioner, "pid", 0) or 0)

    async def alive(self) -> bool:
        """Whether it is there, and is what would be started now."""
        launched = self.session.launched
        return launched is not None and launched.is_as_now() and await self.session.alive()

    async def kill(self) -> None:
        await self.session.kill()


def _can_wait(wanted: KernelRequest) -> bool:
    """Whether a kernel like this can be started before it is known where it is to work."""
    if not wanted.python or wanted.fork != "start":
        return False
    spec = kernel_spec(wanted.kernel_name)
    return spec is not None and not has_startup_customization(spec.argv, wanted.environment(), wanted.cwd)


def _key(wanted: KernelRequest) -> str:
    env = {
        k: v
        for k, v in sorted(wanted.environment().items())
        if k not in EVERY_KERNEL_ITS_OWN and not k.startswith(OF_A_LOGIN)
    }
    facts = [wanted.kernel_name, env]
    return hashlib.blake2b(json.dumps(facts).encode(), digest_size=16).hexdigest()


def _maker(wanted: KernelRequest) -> Callable[[], Awaitable[IdleKernel]]:
    anywhere = replace(wanted, cwd="/")

    async def make() -> IdleKernel:
        session = KernelSession(nbformat.v4.new_notebook(), anywhere)
        launched = await launch(anywhere)
        try:
            await session.connect(launched)
        except BaseException:
            with contextlib.suppress(Exception):
                await session.kill()
                await launched.end()
            raise
        return IdleKernel(session)

    return make
