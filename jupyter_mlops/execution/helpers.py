"""Helpers: launching them, waiting for them, using their results, and giving them up."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

from jupyter_mlops.execution import planner, reuse_rules, speculation
from jupyter_mlops.execution.ahead_rules import AheadRules
from jupyter_mlops.execution.block_profile import BlockProfile
from jupyter_mlops.execution.block_requests import BlockRequests
from jupyter_mlops.execution.cached_results import CachedResults
from jupyter_mlops.execution.committed_state import BlockResult, CommittedState
from jupyter_mlops.execution.decision_events import (
    HelperEnded,
    HelperFree,
    HelperObserved,
    InputsCompared,
    MainReached,
    Prospect,
)
from jupyter_mlops.execution.decisions import DecisionCore
from jupyter_mlops.execution.failures import Failures
from jupyter_mlops.execution.file_digests import file_facts
from jupyter_mlops.execution.helper_kernels import HelperKernels
from jupyter_mlops.execution.instructions import CheckResult, Discard, Instruction, Speculate, WaitForHelper, Warm
from jupyter_mlops.execution.run_context import RunContext
from jupyter_mlops.execution.speculative_tasks import SpeculativeExecution, SpeculativeTask, end_task
from jupyter_mlops.execution.step_records import StepRecords
from jupyter_mlops.pipeline.model import Block


class Helpers:
    """The helper kernels of a run, and the blocks that they execute ahead of the main line.

    :ivar tasks: position of a block -> its speculative execution, until its turn comes.
    :ivar leaving: executions that had not begun when the turn of their block came.
    :ivar ending: kernels that are being ended.
    :ivar current_began: when the main kernel began the current block (monotonic).
    """

    def __init__(
        self,
        context: RunContext,
        core: DecisionCore,
        committed: CommittedState,
        failures: Failures,
        records: StepRecords,
        cached: CachedResults,
        rules: AheadRules,
        requests: BlockRequests,
    ) -> None:
        self.context, self.core, self.committed, self.records = context, core, committed, records
        self.failures, self.cached, self.rules = failures, cached, rules
        self.kernels = HelperKernels(context)
        self.execution = SpeculativeExecution(context, committed, self.kernels, requests)
        self.tasks: dict[int, SpeculativeTask] = {}
        self.leaving: list[SpeculativeTask] = []
        self.ending: list[asyncio.Task[None]] = []
        self.current_began = 0.0
        self.stopped = False

    # -- launching

    def delay(self, block: Block) -> float:
        """Seconds that a block runs on the main line before helpers start."""
        return speculation.delay(self.context.config.ahead_after, self.context.seconds(block), bool(self.kernels.idle))

    def launch(self, at: int) -> None:
        """Assign free helpers to blocks ahead of the unfinished one at position `at`."""
        context = self.context
        if not context.python or context.options.jobs < 2 or self.committed.stuck or self.stopped:
            return
        while self._busy() < context.options.jobs - 1 and self.kernels.available:
            instruction = self.core.handle(self._helper_free(at))
            if isinstance(instruction, Warm):
                self.kernels.warm(at)
            if not isinstance(instruction, Speculate):
                return
            block = context.blocks[instruction.index]
            context.tell({"event": "ahead", "step": block.owner})
            task = asyncio.ensure_future(self.execution.speculate(block, at, self.tasks))
            self.tasks[block.index] = SpeculativeTask(task, len(self.committed.wrote_files))

    def _helper_free(self, at: int) -> HelperFree:
        """The event for the decision on a free helper, while the block at position `at` is unfinished."""
        busy_blocks, kernels = {*self.tasks, *self.core.tried}, self.kernels
        later = [b for b in self.context.later(self.context.blocks[at]) if b.index not in busy_blocks]
        present = bool(kernels.idle) or kernels.warming is not None
        return HelperFree(
            block=at,
            prospects=tuple(self._prospect(b, at) for b in later),
            start=speculation.HAND_OFF if kernels.idle else speculation.START,
            may_warm=not present and not self.cached.complete and self.rules.worth_warming(at),
        )

    def _prospect(self, block: Block, at: int) -> Prospect:
        context, cache = self.context, self.context.cache
        why = self.rules.why_not(block, at)
        cached = False
        if not why and cache is not None and not context.must_execute(block):
            cached = cache.find(context.key(block, self.committed), self.committed) is not None
        unknown = speculation.Candidate(block.index, None, None)
        return Prospect(unknown if why or cached else self._candidate(block, at), why, cached)

    def _busy(self) -> int:
        """Number of busy helpers, including those whose kernels are ending."""
        tasks = (*(ahead.task for ahead in (*self.tasks.values(), *self.leaving)), *self.ending)
        return sum(not task.done() for task in tasks)

    def _candidate(self, block: Block, at: int) -> speculation.Candidate:
        between = [
            self.context.seconds(b)
            for b in self.context.blocks[at : block.index]
            if b.index not in self.tasks and b.cells
        ]
        elapsed = time.monotonic() - self.current_began
        return speculation.Candidate(block.index, self.context.seconds(block), speculation.arrival(between, elapsed))

    # -- using a helper's result

    async def result_of(self, block: Block) -> BlockResult | None:
        """The result of a helper for the block whose turn it is; None if there is none that can be used.

        Raises ActDenied if the block is below a failed one and did more than compute.
        """
        ahead = self.tasks.get(block.index)
        if ahead is None:
            return None
        instruction = await self._wait_for(block, ahead)
        del self.tasks[block.index]
        if isinstance(instruction, CheckResult):
            return self._checked(block, ahead)
        if isinstance(instruction, Discard):
            self._discard(block, ahead, instruction)
        else:
            ahead.unwanted = True
            self.leaving.append(ahead)
        return None

    async def _wait_for(self, block: Block, ahead: SpeculativeTask) -> Instruction:
        """Wait for a helper as long as the core says so. Returns its last instruction."""
        working = ahead.began is not None and not ahead.task.done()
        now = time.monotonic()
        event = HelperObserved(
            block=block.index,
            finished=ahead.task.done(),
            began=ahead.began,
            stuck=next(iter(self.committed.stuck.values()), ""),
            stale=self._why_stale(block, ahead) if working else "",
            arrived=now,
            now=now,
            seconds=self.context.seconds(block),
        )
        while isinstance(instruction := self.core.handle(event), WaitForHelper):
            await asyncio.wait({ahead.task}, timeout=max(0.001, min(0.25, instruction.until - time.monotonic())))
            self.launch(block.index)
            event = replace(event, finished=ahead.task.done(), now=time.monotonic())
        return instruction

    def _checked(self, block: Block, ahead: SpeculativeTask) -> BlockResult | None:
        """The result of a helper that has ended; None if it can't be used."""
        outcome = ahead.task.result()
        if outcome is None:
            self.core.handle(HelperEnded(block=block.index, failed=True))
            self.learn_discarded(block, ahead_failed=True)
            return None
        result, session = outcome
        if why := self._why_not_reusable(block, ahead, result):
            stale = self._why_stale(block, ahead)
            instruction = self.core.handle(HelperEnded(block=block.index, why_not=why, stale=stale))
            if isinstance(instruction, Discard):
                self._discard(block, ahead, instruction)
            return None
        self.kernels.idle.append(session)
        self.failures.require_pure(block, result)
        self.core.handle(HelperEnded(block=block.index))
        return result

    def main_reached(self, block: Block) -> MainReached:
        """The event for the decision on a block that neither the cache nor a helper has a result of."""
        serial = self._why_serial()
        return MainReached(block=block.index, serial=serial, blocker="" if serial else self._blocker(block))

    def _why_serial(self) -> str:
        """Why no block runs ahead; "" if blocks may."""
        options = self.context.options
        if not self.context.python:
            return "only Python notebooks run in parallel"
        if options.isolate or options.jobs < 2:
            return "each step has its own kernel" if options.isolate else "one kernel was allowed"
        if self.committed.stuck:
            return "the main kernel has " + next(iter(self.committed.stuck.values()))
        return ""

    def _blocker(self, block: Block) -> str:
        """Why a block that the main line is about to run did not run ahead; "" if unknown."""
        context = self.context
        before = max((b.index for b in context.blocks[: block.index] if context.is_selected(b)), default=block.index)
        return self.core.blockers.get(block.index) or self.rules.why_not(block, before)

    def _why_stale(self, block: Block, ahead: SpeculativeTask) -> str:
        return reuse_rules.why_stale(block, ahead.loaded, ahead.values, self.committed)

    def _why_not_reusable(self, block: Block, ahead: SpeculativeTask, result: BlockResult) -> str:
        since, later = self.committed.wrote_files[ahead.wrote_files_at :], self.context.later(block)
        why = reuse_rules.why_not_reusable(
            block, result, self.committed, file_facts, since, later, self.context.read_by_functions
        )
        if not why and planner.module_changes(block, later):
            return "it changes a module's own state"
        return why

    def _discard(self, block: Block, ahead: SpeculativeTask, instruction: Discard) -> None:
        """End a helper whose result can't be used. The main line does not wait for its end."""
        why, ahead.unwanted = instruction.reason, True
        self.ending.append(asyncio.ensure_future(end_task(ahead)))
        if instruction.learn:
            self.learn_discarded(block, discarded=why)
        self.context.tell({"event": "discarded", "step": block.owner, "why": why})
        self.records.outcome.notes.append(f"{block.owner} ran ahead and then again on the main line: {why}")

    def learn_discarded(self, block: Block, *, discarded: str = "", ahead_failed: bool = False) -> None:
        """Record in a block's profile that a helper's result could not be used."""
        profile = self.context.profile(block) or BlockProfile()
        before = self.context.sources_before(block) if discarded else ""
        profile = replace(profile, discarded=discarded, discarded_below=before, ahead_failed=ahead_failed)
        self.context.evidence.put(self.context.block_id(block), profile)

    def drop_stale(self) -> None:
        """Abandon helpers whose inputs changed since they began, so that they are free for other blocks."""
        for index, ahead in list(self.tasks.items()):
            if ahead.began is not None and not ahead.task.done():
                block = self.context.blocks[index]
                event = InputsCompared(block=index, stale=self._why_stale(block, ahead))
                instruction = self.core.handle(event)
                if isinstance(instruction, Discard):
                    del self.tasks[index]
                    self._discard(block, ahead, instruction)

    async def close(self) -> None:
        """End all helpers."""
        for ahead in (*self.tasks.values(), *self.leaving):
            await end_task(ahead)
        await asyncio.gather(*self.ending, return_exceptions=True)
        await self.kernels.close()
