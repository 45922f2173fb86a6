"""The run loop's own bookkeeping, without kernels."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

from jupyter_mlops.run.loop import Ahead, RunLoop


def test_a_helper_that_is_done_before_it_hears_that_it_is_given_up_leaves_no_kernel() -> None:
    killed = []

    async def kill() -> None:
        killed.append(True)

    async def deaf() -> Any:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            return "result", SimpleNamespace(kill=kill)

    async def go() -> None:
        loop = object.__new__(RunLoop)
        loop.ahead = {0: Ahead(asyncio.ensure_future(deaf()), 0)}
        await asyncio.sleep(0)
        block: Any = SimpleNamespace(index=0)
        assert await loop._from_helper(block) is None

    asyncio.run(go())
    assert killed == [True]
