"""The run loop: executes a pipeline once, block after block."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time

from jupyter_mlops.errors import MlopsError, RunStoppedError, TimeoutExceededError
from jupyter_mlops.execution.ahead_rules import AheadRules
from jupyter_mlops.execution.block_requests import BlockRequests
from jupyter_mlops.execution.cache import Key
from jupyter_mlops.execution.cached_results import CachedResults
from jupyter_mlops.execution.commits import Commits
from jupyter_mlops.execution.committed_state import CommittedState
from jupyter_mlops.execution.decision_events import BlockEnded, End, StepIsolated, TurnBegan
from jupyter_mlops.execution.decisions import DecisionCore
from jupyter_mlops.execution.displays import Displays
from jupyter_mlops.execution.failures import Failures
from jupyter_mlops.execution.frame_requests import RunFrames
from jupyter_mlops.execution.helpers import Helpers
from jupyter_mlops.execution.inputs import RunInputs
from jupyter_mlops.execution.instructions import Detach, EndRun, Fail, Fuse, Omit, Restart, SearchCache, Skip, UseCached
from jupyter_mlops.execution.isolation import Tie, fusion, kernel_tie
from jupyter_mlops.execution.main_line import MainLine
from jupyter_mlops.execution.outcome import Outcome
from jupyter_mlops.execution.profile_store import learn
from jupyter_mlops.execution.remote_line import RemoteLine
from jupyter_mlops.execution.run_context import RunContext
from jupyter_mlops.execution.run_errors import ActDenied, RunExited
from jupyter_mlops.execution.step_records import StepRecords
from jupyter_mlops.pipeline.model import Block


class RunLoop:
    """Runs a pipeline once."""

    def __init__(self, context: RunContext) -> None:
        self.context = context
        self.committed = committed = CommittedState()
        self.records = records = StepRecords(context)
        self.failures = Failures(context, committed)
        self.displays = Displays(context)
        self.core = core = DecisionCore(lambda: time.monotonic() - context.started_at, records.note)
        self.cached = CachedResults(context, committed, core)
        self.inputs, self.frames = RunInputs(context), RunFrames(context, context.frames)
        self.commits = Commits(context, committed, records, self.displays, self.cached, self.inputs, self.frames)
        rules = AheadRules(context, committed)
        requests = BlockRequests(context, committed, self.cached, rules)
        self.helpers = Helpers(context, core, committed, self.failures, records, self.cached, rules, requests)
        self.main = MainLine(context, core, self.commits, records, self.displays, self.failures, requests, self.helpers)
        self.remote = RemoteLine(
            context, core, committed, self.commits, records, self.failures, self.cached, self.helpers
        )
        self.commits.on_commit = self.helpers.drop_stale
        self.stop_reason = ""

    # -- the whole run

    async def run(self) -> Outcome:
        """Run to the end, to the first failure that leaves nothing to do, or until it is stopped."""
        records, limit = self.records, self.context.options.run_timeout
        work = asyncio.ensure_future(self._run())
        handled = self._catch_signals(work) if self.context.kernels.hears_signals else []
        try:
            finished, _ = await asyncio.wait({work}, timeout=limit)
            if not finished:
                self._stop(work, f"the run took longer than {limit:g} s")
                with contextlib.suppress(asyncio.CancelledError):
                    await work
                records.fail_current(TimeoutExceededError.code, self.stop_reason)
            else:
                await work
        except asyncio.CancelledError:
            if not self.stop_reason:
                self._stop(work, "cancelled")
                with contextlib.suppress(asyncio.CancelledError):
                    await work
            records.outcome.state = "stopped"
            records.mark_current("stopped")
        finally:
            for number in handled:
                asyncio.get_running_loop().remove_signal_handler(number)
        if not self.stop_reason:
            self.displays.write_widgets(self.main.session)
        records.settle(self.committed.wrote_files)
        records.outcome.inputs = self.context.redaction.clean(
            await self.inputs.finish({step.name: step.state for step in records.outcome.steps})
        )
        records.outcome.frames = self.context.redaction.clean(await self.frames.finish())
        records.outcome.notes += [*self.inputs.notes(), *self.context.redaction.clean(self.frames.notes)]
        self.context.evidence.save()
        return records.outcome

    def _catch_signals(self, work: asyncio.Future[None]) -> list[signal.Signals]:
        handled = []
        for number in (signal.SIGINT, signal.SIGTERM):
            with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
                asyncio.get_running_loop().add_signal_handler(number, self._stop, work, number.name)
                handled.append(number)
        return handled

    def _stop(self, work: asyncio.Future[None], reason: str) -> None:
        if not self.stop_reason:
            self.stop_reason, self.helpers.stopped = reason, True
            work.cancel()

    async def _run(self) -> None:
        await self.cached.plan()
        for block in self.context.blocks:
            if not await self._take_turn(block):
                self.records.current = None
                return
        self.records.current = None
        await self.cached.flush()

    # -- one block

    async def _take_turn(self, block: Block) -> bool:
        """Decide on a block and perform the decision. Returns whether the run continues."""
        self.records.current = block
        match self.core.handle(self._turn(block)):
            case SearchCache():
                return await self._commit_or_fail(block)
            case Omit():
                task = self.context.options.task
                if task is None or task.until is None:
                    self.records.finish(block, "skipped", 0.0)
                if task is not None:  # another process executes it: cells are numbered as there
                    self.committed.count += len(block.cells)
            case Skip(reason=why):
                self.failures.add(block)
                self._skip(block, why)
            case Detach():
                self.records.current = None
                await self.main.detach(block)
                await self.cached.flush()
                return False
            case EndRun():
                return False
        return True

    def _turn(self, block: Block) -> TurnBegan:
        selected = self.context.is_selected(block)
        stops = block.owner == self.context.options.stop_before
        return TurnBegan(
            block=block.index,
            selected=selected,
            stops=stops,
            failed=bool(self.failures),
            why_skipped=self.failures.why_skipped(block) if selected and not stops else "",
        )

    async def _commit_or_fail(self, block: Block) -> bool:
        """Commit a block, or record why that is not possible. Returns whether the run continues."""
        try:
            await self._commit_block(block)
            return True
        except RunExited:
            return self._end_block(block, End.EXITED, f"cell {block.cells[-1] + 1} ended the run with sys.exit()")
        except ActDenied:
            return self._end_block(block, End.DENIED)
        except MlopsError as error:
            self.failures.add_once(block)
            if isinstance(error, RunStoppedError):
                raise
            return self._end_block(block, End.FAILED, str(error.message), error)

    def _end_block(self, block: Block, end: End, message: str = "", error: MlopsError | None = None) -> bool:
        """Decide on a block that did not complete. Returns whether the run continues."""
        match self.core.handle(BlockEnded(block=block.index, end=end, message=message)):
            case EndRun(reason=why):
                self.records.outcome.notes.append(why)
                return False
            case Skip(reason=why):
                self._skip(block, why)
            case Fail() if error is not None:
                self.failures.note_shortfall(block)
                self.records.fail(block, error)
        return True

    async def _commit_block(self, block: Block) -> None:
        """Commit a block: with a cached result, with that of a helper, or by executing it."""
        context = self.context
        self.records.begin(block)
        self.inputs.begin(block, self.committed)
        if (task := context.options.task) is not None and block.index in task.results:
            self.commits.reuse(block, task.results[block.index], "cached")
            return
        self.cached.key = context.key(block, self.committed) if context.python else Key("")
        event, cached = self.cached.search(block)
        if cached is not None:
            self.failures.require_pure(block, cached)
        if isinstance(self.core.handle(event), UseCached) and cached is not None:
            context.evidence.put(context.block_id(block), context.profile(block) or learn(cached))
            context.hand_on(block, cached, self.committed)
            self.commits.reuse(block, cached, "cached")
            return
        if context.is_remote(block):
            await self.remote.run(block)
            return
        result = await self.helpers.result_of(block)
        if result is not None:
            self.cached.store(block, result)
            self.commits.reuse(block, result, "completed")
            return
        self.core.handle(self.helpers.main_reached(block))
        await self.main.run(block)
        if context.options.isolate:
            await self._restart_or_fuse(block)

    async def _restart_or_fuse(self, block: Block) -> None:
        """End the kernel after an isolated step, unless it holds something a later step needs that can't leave it."""
        later, fused = self.context.blocks[block.index + 1 :], self.records.outcome.fused
        last, running = not later, self.main.session is not None
        tie = kernel_tie(self.context, self.committed, block) if running and not last else None
        tie = tie or Tie("", "")
        reported = any(tie.name == fact["variable"] for fact in fused)
        event = StepIsolated(
            block=block.index, last=last, running=running, tie=tie.name, why=tie.why, reported=reported
        )
        match self.core.handle(event):
            case Restart():
                await self.main.restart()
            case Fuse(report=True):
                fused.append(fusion(block, tie, later))

    def _skip(self, block: Block, why: str) -> None:
        """Skip a block, or drop its result, because one above it failed."""
        self.failures.note_shortfall(block)
        self.records.skip(block, why)

    async def close(self) -> None:
        """End the kernels of a finished run."""
        await self.helpers.close()
        await self.main.close(stopped=bool(self.stop_reason))
        await self.cached.close()
