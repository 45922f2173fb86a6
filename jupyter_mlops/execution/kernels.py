"""The kernels of runs: started on request, or taken from a pool of idle ones."""

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
    """The kernels of one run, started on request.

    :param launched: a process that was started early, for the first request that matches it exactly.
    """

    one_of_many = False  # whether this process has other runs too, at once and later
    hears_signals = True  # whether SIGINT and SIGTERM are for this run

    def __init__(self, launched: tuple[KernelRequest, KernelProcess] | None = None) -> None:
        self.launched = launched

    async def start(self, session: KernelSession) -> None:
        """The main kernel of the run."""
        ahead, self.launched = self.launched, None
        if ahead is not None and session.wanted.is_process_of(ahead[0]):
            await session.start(ahead[1])
            return
        if ahead is not None:
            await ahead[1].end()
        await session.start()

    async def start_helper(self, session: KernelSession) -> None:
        """A kernel for a helper. Call this only if there is room."""
        await session.start()

    @property
    def room(self) -> bool:
        """Whether a helper may be started now."""
        return True

    async def finish(self, write: Callable[[], None], end: Callable[[], Awaitable[None]]) -> None:
        """All cells have run: `write` writes the executed notebook, `end` ends the kernels, even if writing fails."""
        try:
            write()
        finally:
            await end()

    async def close(self) -> None:
        """The run has ended: end unused processes that were started."""
        if self.launched is not None:
            await self.launched[1].end()
            self.launched = None


class SharedKernelPool:
    """The kernels that simultaneous runs share: a pool of idle ones, and a limit on those in use.

    :param limit: maximum number of kernels in use. A run waits for room for its first kernel.
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

    async def expect(self, request: KernelRequest) -> None:
        """Keep kernels of this kind ready from now on."""
        if _can_wait(request):
            self.usual = _key(request)
            if (waiting := await self.pool.take(self.usual, _maker(request))) is not None:
                await waiting.kill()
        self.pool.fill()

    def prepare(self, kinds: Iterable[str | None]) -> None:
        """Announce runs: prepare a kernel for each, as far as there is memory.

        :param kinds: for each run, the kind of kernel of similar runs (`PooledKernelProvider.kind`); None if unknown.
        """
        self.pool.reserve(Counter(self.usual if kind is None else kind for kind in kinds if kind != ""))

    def begin_burst(self) -> None:
        """Many runs are about to begin, until `calm` is set: work that can be delayed is delayed."""
        self.calm.clear()

    def may_defer_shutdown(self, size: int) -> bool:
        """Whether a used kernel may be ended later, while another one is used.

        :param size: its private memory in bytes. The remaining kernels and the idle ones together have at most the
            memory of the idle ones.
        """
        return not self.calm.is_set() and self.pool.held() + sum(self.staying) + size <= self.pool.ahead

    async def defer_shutdown(self, size: int) -> None:
        """Wait until the rush has ended, or has lasted too long."""
        self.staying.append(size)
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(PUT_OFF):
                    await self.calm.wait()
        finally:
            self.staying.remove(size)

    def release(self) -> None:
        """A kernel of a run has ended."""
        self.free.release()
        self.pool.fill()

    async def close(self) -> None:
        """Wait for the kernels that are ending, and end the idle ones."""
        self.calm.set()
        await asyncio.gather(*self.endings, return_exceptions=True)
        await self.pool.close()


class PooledKernelProvider(KernelProvider):
    """The kernels of one run, from the shared ones.

    A run reserves room for its main kernel from its first cell to its end, even if the kernel ends in between: two runs
    that had to request room again while helpers hold theirs could deadlock. `kind` is the kind of kernel that it last
    received; "" if it needed none, or one that can't be prepared.
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
        request = session.wanted
        waiting = None
        if _can_wait(request):
            self.kind = _key(request)
            waiting = await self.shared.pool.take(self.kind, _maker(request))
        if waiting is None:
            await session.start()
        else:
            self.pid = waiting.pid
            self.resident = resident_memory(self.pid)
            await session.take_over(waiting.session)

    async def finish(self, write: Callable[[], None], end: Callable[[], Awaitable[None]]) -> None:
        """End the kernels while the executed notebook is written. Its readers do not wait for exit handlers; room is
        released after them.
        """

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
        """Private memory of its main kernel in bytes: that of the pooled kernel, plus its growth since then."""
        return self.shared.pool.needs.get(self.kind, 0) + max(0, resident_memory(self.pid) - self.resident)

    async def close(self) -> None:
        if self.ending is None:
            self._release()

    def _release(self) -> None:
        if self.holds:
            self.holds = False
            self.shared.release()


class IdleKernel:
    """A connected session that has executed nothing, in a neutral folder."""

    def __init__(self, session: KernelSession) -> None:
        self.session = session

    @property
    def pid(self) -> int:
        launched = self.session.launched
        return 0 if launched is None else int(getattr(launched.manager.provisioner, "pid", 0) or 0)

    async def alive(self) -> bool:
        """Whether it is alive, and equal to the kernel that would be started now."""
        launched = self.session.launched
        return launched is not None and launched.is_as_now() and await self.session.alive()

    async def kill(self) -> None:
        await self.session.kill()


def _can_wait(request: KernelRequest) -> bool:
    """Whether a kernel of this kind can be started before its working folder is known."""
    if not request.python or request.fork != "start":
        return False
    spec = kernel_spec(request.kernel_name)
    return spec is not None and not has_startup_customization(spec.argv, request.environment(), request.cwd)


def _key(request: KernelRequest) -> str:
    env = {
        k: v
        for k, v in sorted(request.environment().items())
        if k not in EVERY_KERNEL_ITS_OWN and not k.startswith(OF_A_LOGIN)
    }
    facts = [request.kernel_name, env]
    return hashlib.blake2b(json.dumps(facts).encode(), digest_size=16).hexdigest()


def _maker(request: KernelRequest) -> Callable[[], Awaitable[IdleKernel]]:
    anywhere = replace(request, cwd="/")

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
