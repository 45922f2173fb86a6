"""The execution of a block in a helper."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from nbclient.exceptions import CellExecutionError

from jupyter_mlops.errors import MlopsError
from jupyter_mlops.execution import planner
from jupyter_mlops.execution.block_requests import BlockRequests, sync
from jupyter_mlops.execution.committed_state import BlockResult, CommittedState
from jupyter_mlops.execution.displays import cell_result, take_outputs
from jupyter_mlops.execution.helper_kernels import HelperKernels
from jupyter_mlops.execution.kernel_session import KernelSession
from jupyter_mlops.execution.run_context import RunContext
from jupyter_mlops.pipeline.model import Block


@dataclass
class SpeculativeTask:
    """A block that a helper executes speculatively.

    :param began: when its first cell began (monotonic); None before.
    :param loaded: name -> digest of the variable group that the helper received.
    :param values: name -> digest of each variable by itself.
    :param unwanted: whether the main line has continued without it; if it has not started, it does not start.
    """

    task: asyncio.Task[tuple[BlockResult, KernelSession] | None]
    wrote_files_at: int
    began: float | None = None
    loaded: dict[str, str] = field(default_factory=dict)
    values: dict[str, str] = field(default_factory=dict)
    unwanted: bool = False


class SpeculativeExecution:
    """Executes blocks in helpers."""

    def __init__(
        self, context: RunContext, committed: CommittedState, kernels: HelperKernels, requests: BlockRequests
    ) -> None:
        self.context, self.committed, self.kernels, self.requests = context, committed, kernels, requests

    async def speculate(
        self, block: Block, at: int, tasks: Mapping[int, SpeculativeTask]
    ) -> tuple[BlockResult, KernelSession] | None:
        """Execute a block in a helper, from the committed state as it is now; None if that fails.

        :param at: position of the unfinished block of the main line.
        :param tasks: position of a block -> its speculative execution, this one included.
        """
        context, committed = self.context, self.committed
        session, warming = self.kernels.take()
        names = committed.closure(planner.needs_of(block, committed))
        groups = list({id(g): g for g in (committed.groups[n] for n in names)}.values())
        between = context.blocks[at : block.index]
        unfinished = tuple(m for b in between for m in b.access.imports)
        count = committed.count + sum(len(b.cells) for b in between if context.is_selected(b))
        snapshot = replace(committed, state=dict(committed.state), imports=list(committed.imports), count=count)
        try:
            session = await self.kernels.start(session, warming)
            removed = [n for n in session.versions if n not in names]
            fresh = [g for g in groups if any(session.versions.get(n) != g.digest for n in g.names)]
            ahead = tuple(m for m in unfinished if m not in snapshot.imports)
            await sync(session, snapshot, fresh, removed, ahead, f"cell {block.cells[0] + 1}")
            result = BlockResult(block.index, count=len(block.cells))
            result.loaded = {n: g.digest for g in groups for n in g.names}
            result.values = {n: g.own.get(n, g.digest) for g in groups for n in g.names}
            task = tasks.get(block.index)
            if task is None or task.unwanted:
                self.kernels.idle.append(session)
                return None
            task.began, task.loaded, task.values = time.monotonic(), result.loaded, result.values
            await self._execute(session, block, result)
            return result, session
        except (CellExecutionError, MlopsError):
            if session is not None:
                await session.kill()
            return None
        except BaseException:
            if session is not None:
                await session.kill()
            raise

    async def _execute(self, session: KernelSession, block: Block, result: BlockResult) -> None:
        """Execute the cells of a block in a helper, and complete its result."""
        context, record = self.context, self.context.record
        await self.requests.begin(session, block, result, guarded=True)
        client = session.client
        assert client is not None
        client.begin_block()
        began, timeout = time.monotonic(), context.settings(block).timeout
        limit = None if timeout is None else began + timeout
        for index in block.cells:
            start = record.now()
            rest = None if limit is None else max(0.001, limit - time.monotonic())
            limits = [t for t in (context.options.cell_timeout, rest) if t is not None]
            await session.run_cell(index, min(limits, default=None))
            end = record.now()
            times = {
                "start_time": start.isoformat(), "end_time": end.isoformat(),
                "duration": (end - start).total_seconds(), "exception": False, "status": "completed",
            }  # fmt: skip
            cell = context.redaction.cell(session.nb.cells[index])
            result.cells[index] = {**cell_result(cell), "papermill": times}
        result.seconds = time.monotonic() - began
        take_outputs(context.redaction, session.nb, result)
        await self.requests.finish(session, block, result, ahead=True)
        self.requests.note_versions(session, result)


async def end_task(ahead: SpeculativeTask) -> None:
    """Cancel a helper whose result is not needed, and end its kernel."""
    ahead.task.cancel()
    with contextlib.suppress(asyncio.CancelledError, Exception):
        if (finished := await ahead.task) is not None:
            await finished[1].kill()
