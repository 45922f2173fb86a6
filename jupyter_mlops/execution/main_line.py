"""The main kernel: executes blocks in notebook order, with timeouts and retries."""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import replace

import nbformat
from nbclient.exceptions import CellExecutionError

from jupyter_mlops.errors import KernelDiedError, MlopsError, RunFailedError, TimeoutExceededError
from jupyter_mlops.execution import below, planner, retry
from jupyter_mlops.execution.block_requests import BlockRequests
from jupyter_mlops.execution.commits import Commits
from jupyter_mlops.execution.committed_state import BlockResult
from jupyter_mlops.execution.decision_events import AttemptFailed, AttemptObserved
from jupyter_mlops.execution.decisions import DecisionCore
from jupyter_mlops.execution.displays import Displays, cell_result, take_outputs
from jupyter_mlops.execution.failures import Failures
from jupyter_mlops.execution.helpers import Helpers
from jupyter_mlops.execution.instructions import ContinueAttempt, Retry
from jupyter_mlops.execution.kernel_session import KernelSession
from jupyter_mlops.execution.outcome import error_facts
from jupyter_mlops.execution.run_context import RunContext
from jupyter_mlops.execution.run_errors import ActDenied, CellFailed, CellInterrupted, RunExited
from jupyter_mlops.execution.step_records import StepRecords
from jupyter_mlops.pipeline.model import Block


class MainLine:
    """Executes blocks in the main kernel, and commits their results.

    :ivar session: the main kernel; None before the first block that needs it, and after it was dropped.
    """

    def __init__(
        self,
        context: RunContext,
        core: DecisionCore,
        commits: Commits,
        records: StepRecords,
        displays: Displays,
        failures: Failures,
        requests: BlockRequests,
        helpers: Helpers,
    ) -> None:
        self.context, self.core, self.commits, self.records = context, core, commits, records
        self.displays, self.failures, self.requests, self.helpers = displays, failures, requests, helpers
        self.session: KernelSession | None = None
        self.partial: BlockResult | None = None  # what the latest failed attempt left, as far as it is known

    # -- the kernel

    async def start(self) -> KernelSession:
        """The main kernel. Starts it if there is none."""
        context = self.context
        if self.session is None:
            self.session = KernelSession(
                context.record.nb,
                context.kernel_request("start" if context.options.isolate else "running"),
                facts=context.agent_facts,
                startup_timeout=context.config.startup_timeout,
                on_output=self.displays.on_output,
            )
            await context.kernels.start(self.session)
            if self.session.language_info:
                context.record.nb.metadata["language_info"] = nbformat.from_dict(self.session.language_info)
        return self.session

    async def drop(self) -> None:
        """End the main kernel at once."""
        session, self.session = self.session, None
        if session is not None:
            await session.kill()

    async def restart(self) -> None:
        """End the main kernel as a program ends. The next block starts another."""
        session, self.session = self.session, None
        if session is not None:
            await session.close()

    async def _interrupt(self) -> None:
        """Interrupt the main kernel. Its variables are not trusted afterwards."""
        session, self.session = self.session, None
        if session is not None:
            await session.interrupt()
            await session.close(patience=1.0)

    async def detach(self, block: Block) -> None:
        """Transfer what a block needs to the main kernel, and detach from it."""
        session = await self.start()
        await self.requests.sync(session, block)
        await session.send_hello()
        self.session = None
        session.detach()

    async def close(self, *, stopped: bool) -> None:
        """End the main kernel of a finished run."""
        if self.session is not None:
            if stopped:
                await self.session.interrupt()
            await self.session.close(patience=1.0 if stopped else 5.0)

    # -- a block

    async def run(self, block: Block) -> None:
        """Execute a block, with its retries, and commit its result."""
        settings = self.context.settings(block)
        failures_before = list(self.failures.blocks)
        for attempt in range(1, settings.retries + 2):
            self.records.begin_attempt(block, attempt)
            self.partial = None
            try:
                result = await self._attempt(block, settings.timeout)
            except RunFailedError as error:
                if not await self._begins_again(block, attempt, error):
                    self.commits.note_failed(block, self.partial)
                    raise
                self.failures.blocks = list(failures_before)
                continue
            self.commits.cached.store(block, result)
            self.context.hand_on(block, result, self.commits.committed)
            self.commits.commit(block, result)
            if self.session is not None:
                self.requests.note_versions(self.session, result)
            self.records.finish(block, "completed", result.seconds, result)
            return

    async def _begins_again(self, block: Block, attempt: int, error: RunFailedError) -> bool:
        """Whether to retry a failed block. If so, discards the main kernel and waits for the backoff first."""
        context, notes, settings = self.context, self.records.outcome.notes, self.context.settings(block)
        attempts, facts = settings.retries + 1, error_facts(error)
        message = context.redaction.text(f"{facts['ename']}: {facts['evalue']}")
        rest = context.blocks[block.index :]
        blocker = retry.why_not(self.commits.committed, rest) if attempt < attempts else ""
        wait = retry.wait_after(attempt, settings.backoff)
        instruction = self.core.handle(
            AttemptFailed(
                block=block.index, attempt=attempt, attempts=attempts, wait=wait, blocker=blocker, message=message
            )
        )
        if not isinstance(instruction, Retry):
            if blocker:
                notes.append(retry.note(block.owner, attempt, attempts, message, f"not retried: {blocker}"))
            return False
        await self.drop()
        notes.append(retry.note(block.owner, attempt, attempts, message, f"retried after {wait:g} s"))
        context.tell(
            {"event": "retry", "step": block.owner, "attempt": attempt, "of": attempts, "wait": wait, "why": message}
        )
        for index in block.cells:
            context.record.nb.cells[index].update(outputs=[], execution_count=None)
        await asyncio.sleep(wait)
        return True

    async def _attempt(self, block: Block, limit: float | None) -> BlockResult:
        """Execute a block once. While it runs, helpers start."""
        await self.start()  # the step's time does not include the start of the kernel
        work = asyncio.ensure_future(self._execute(block))
        self.helpers.current_began = began = time.monotonic()
        try:
            while not work.done():
                now, delay = time.monotonic(), self.helpers.delay(block)
                event = AttemptObserved(block=block.index, began=began, now=now, delay=delay, limit=limit)
                instruction = self.core.handle(event)
                if not isinstance(instruction, ContinueAttempt):
                    late = TimeoutExceededError(f"the step {block.owner!r} took longer than {limit:g} s")
                    raise CellInterrupted(self.records.running_cell(block), late)
                if instruction.launch:
                    self.helpers.launch(block.index)
                await asyncio.wait({work}, timeout=instruction.seconds)
            return await work
        finally:
            if not work.done():
                work.cancel()
                with contextlib.suppress(asyncio.CancelledError, Exception):
                    await work
                await self._interrupt()

    async def _execute(self, block: Block) -> BlockResult:
        session = await self.start()
        guarded = self.failures.guards(block)
        result = BlockResult(block.index, count=len(block.cells))
        if self.context.python:
            await self.requests.sync(session, block)
            await self.requests.begin(session, block, result, guarded=guarded)
        began = time.monotonic()
        client = session.client
        assert client is not None
        client.begin_block()
        with self.displays.hold_back() if guarded else contextlib.nullcontext():
            for index in block.cells:
                await self._run_cell(session, block, index, result)
            result.seconds = time.monotonic() - began
            take_outputs(self.context.redaction, self.context.record.nb, result)
            await self.requests.finish(session, block, result, ahead=False)
            if guarded and below.acting(result.stuck):
                await self.drop()
            self.failures.require_pure(block, result)
        return result

    async def _run_cell(self, session: KernelSession, block: Block, index: int, result: BlockResult) -> None:
        record = self.context.record
        cell = record.nb.cells[index]
        record.cell_start(cell, index)
        self.context.tell({"event": "cell", "step": block.owner, "cell": index})
        try:
            await session.run_cell(index, self.context.options.cell_timeout)
        except asyncio.CancelledError as error:
            record.cell_exception(cell, cell_index=index, exception=error)
            raise
        except (CellExecutionError, KernelDiedError, TimeoutExceededError) as error:
            record.cell_exception(cell, cell_index=index, exception=error)
            if isinstance(error, CellExecutionError):
                if await self._note_failed(session, block, result) or error.ename == "AheadDenied":
                    raise ActDenied from None
                exits = error.ename == "SystemExit" and error.evalue in ("", "0", "None")
                raise (RunExited() if exits else CellFailed(index, error)) from None
            await self.drop()
            raise CellInterrupted(index, error) from None
        finally:
            self.displays.end_cell()
            self.context.redaction.cell(cell)
            record.cell_complete(cell, cell_index=index)
            result.cells[index] = cell_result(cell)

    async def _note_failed(self, session: KernelSession, block: Block, result: BlockResult) -> list[str]:
        """Record what a block wrote before it failed, so that no later block relies on it. Returns the acts that the
        guard denied.
        """
        names, denied = set(block.access.writes), list[str]()
        if self.context.python:
            with contextlib.suppress(MlopsError):
                answer = await session.ask("finish", touched=sorted(planner.reach(block)), file=None, budget=1.0)
                self.partial = replace(result)
                self.partial.take(answer)
                for group in (*answer["groups"], *answer["live"]):
                    names |= set(group["names"])
                denied = answer["denied"]
                if self.failures.guards(block) and below.acting(answer["stuck"]):
                    await self.drop()
        self.failures.add(block, frozenset(names))
        return denied
