"""The kernels of helpers: idle ones, and one that is being prepared."""

from __future__ import annotations

import asyncio
import contextlib

from jupyter_mlops.errors import MlopsError
from jupyter_mlops.execution.block_requests import sync
from jupyter_mlops.execution.committed_state import CommittedState
from jupyter_mlops.execution.kernel_session import KernelSession, blank_copy
from jupyter_mlops.execution.run_context import RunContext


class HelperKernels:
    """Starts kernels for helpers, and keeps them while they are idle.

    :ivar idle: kernels that are free.
    :ivar warming: a kernel that starts before there is work for it.
    """

    def __init__(self, context: RunContext) -> None:
        self.context = context
        self.idle: list[KernelSession] = []
        self.warming: asyncio.Task[KernelSession | None] | None = None

    @property
    def available(self) -> bool:
        """Whether a helper may have a kernel now."""
        return bool(self.idle or self.warming or self.context.kernels.room)

    def take(self) -> tuple[KernelSession | None, asyncio.Task[KernelSession | None] | None]:
        """An idle kernel, or the one that is being warmed; neither if there is none."""
        if self.idle:
            return self.idle.pop(), None
        warming, self.warming = self.warming, None
        return None, warming

    async def start(
        self, session: KernelSession | None, warming: asyncio.Task[KernelSession | None] | None
    ) -> KernelSession:
        """A running kernel: the one that `take` gave, or a new one."""
        if warming is not None:
            session = await warming
        if session is None:
            session = self._session()
            try:
                await self.context.kernels.start_helper(session)
            except BaseException:
                await session.kill()
                raise
        return session

    def warm(self, at: int) -> None:
        """Start a kernel that imports what the blocks up to the one at `at` import."""
        self.warming = asyncio.ensure_future(self._warmed(at))

    async def _warmed(self, at: int) -> KernelSession | None:
        """A kernel that has imported what the blocks up to `at` import; None if it can't start."""
        session = self._session()
        try:
            await self.context.kernels.start_helper(session)
            ahead = tuple(dict.fromkeys(m for b in self.context.blocks[: at + 1] for m in b.access.imports))
            await sync(session, CommittedState(), [], [], ahead, "")
            return session
        except MlopsError:
            await session.kill()
            return None
        except BaseException:
            await session.kill()
            raise

    def _session(self) -> KernelSession:
        context = self.context
        return KernelSession(
            blank_copy(context.record.nb), context.kernel_request("start"),
            facts=context.agent_facts, startup_timeout=context.config.startup_timeout,
        )  # fmt: skip

    async def close(self) -> None:
        """End the kernels."""
        if self.warming is not None:
            self.warming.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                if (session := await self.warming) is not None:
                    await session.kill()
        for session in self.idle:
            await session.close(patience=2.0)
