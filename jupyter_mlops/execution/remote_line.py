"""Steps that run on a cluster while the main line stays here: submitted in notebook order, and committed if the
result is what the main kernel would have computed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from jupyter_mlops.errors import EquivalenceError, InvalidInputError
from jupyter_mlops.execution import planner, remote_paths, reuse_rules
from jupyter_mlops.execution.cached_results import CachedResults
from jupyter_mlops.execution.commits import Commits
from jupyter_mlops.execution.committed_state import RANDOM, BlockResult, CommittedState, VariableGroup
from jupyter_mlops.execution.decision_events import RemoteEnded, RemoteReached
from jupyter_mlops.execution.decisions import OBSERVED_EVERY, DecisionCore
from jupyter_mlops.execution.failures import Failures
from jupyter_mlops.execution.file_digests import file_facts
from jupyter_mlops.execution.helpers import Helpers
from jupyter_mlops.execution.instructions import AcceptFailure, RefuseRemote
from jupyter_mlops.execution.remote import RemoteBlock, RemoteExecutor, RemoteResult
from jupyter_mlops.execution.run_context import RunContext
from jupyter_mlops.execution.run_errors import ActDenied, RemoteFailed
from jupyter_mlops.execution.step_records import StepRecords
from jupyter_mlops.pipeline.model import Block

NO_CLUSTER = "Run it with `jupyter mlops run` or from JupyterLab, or remove `executor` from the settings of the step."
KEEP_HERE = "Remove `executor` from the settings of the step, so that it runs here."


class RemoteLine:
    """Executes blocks on a cluster, and commits their results."""

    def __init__(
        self,
        context: RunContext,
        core: DecisionCore,
        committed: CommittedState,
        commits: Commits,
        records: StepRecords,
        failures: Failures,
        cached: CachedResults,
        helpers: Helpers,
    ) -> None:
        self.context, self.core, self.committed, self.commits = context, core, committed, commits
        self.records, self.failures, self.cached, self.helpers = records, failures, cached, helpers

    async def run(self, block: Block) -> None:
        """Execute a block and commit its result.

        :raises ActDenied: a step above it failed, and a cluster can't be kept from acting on the outside world.
        :raises InvalidInputError: there is no cluster, or none of its workers has what the step needs.
        :raises EquivalenceError: the result can't be what the main kernel would have computed.
        :raises RemoteFailed: the block failed.
        """
        if self.failures.guards(block):
            raise ActDenied
        remote = self.context.options.remote
        if remote is None:
            raise InvalidInputError(
                f"the step {block.owner!r} runs on a cluster, which this run can't reach",
                where=self.context.where(block),
                remedy=NO_CLUSTER,
            )
        why = self._why_not(block)
        if isinstance(self.core.handle(RemoteReached(block=block.index, why_not=why)), RefuseRemote):
            raise self._refusal(block, "can't run on a cluster", why)
        self.records.begin_attempt(block, 1)
        ended = await self._ended(block, remote)
        self.records.begin_attempt(block, ended.attempts)
        self.records.outcome.notes += [self.context.redaction.text(note) for note in ended.notes]
        folder = self.context.cwd
        why = "" if ended.result is None else self._why_not_usable(block, ended.result, ended)
        event = RemoteEnded(block=block.index, where=ended.where, failed=ended.result is None, why_not=why)
        instruction = self.core.handle(event)
        if isinstance(instruction, AcceptFailure) or ended.result is None:
            raise self._failure(block, ended)
        if isinstance(instruction, RefuseRemote):
            raise self._refusal(block, f"ran on {ended.where}, and its result can't be used", why)
        await asyncio.to_thread(ended.lay_files, Path(folder))
        result = remote_paths.located(ended.result, ended.folder, folder)
        if outside := remote_paths.elsewhere((*result.read, *result.modules.values()), folder):
            result.failed_store = f"it read {outside[0]} on another machine"
        self.cached.store(block, result)
        self.commits.reuse(block, result, "completed", reported=True)

    async def _ended(self, block: Block, remote: RemoteExecutor) -> RemoteResult:
        """Execute a block. While it runs, helpers start."""

        def on_event(event: dict[str, Any]) -> None:
            self._tell(block, event)

        work = asyncio.ensure_future(remote.execute(self._remote_block(block), on_event))
        self.helpers.current_began = began = time.monotonic()
        try:
            while not work.done():
                if time.monotonic() - began >= self.helpers.delay(block):
                    self.helpers.launch(block.index)
                await asyncio.wait({work}, timeout=OBSERVED_EVERY)
            return work.result()
        finally:
            if not work.done():
                work.cancel()
                await asyncio.wait({work})

    def _tell(self, block: Block, event: dict[str, Any]) -> None:
        """Pass on an event from a worker, as if the block ran here."""
        if event["event"] == "cell":
            event = {**event, "cell": self._cell(block, event)}
        elif event["event"] == "output":
            event = {**event, "output": self.context.redaction.output(event["output"])}
        self.context.tell({**event, "step": block.owner})

    def _remote_block(self, block: Block) -> RemoteBlock:
        """The block with the committed state, as results of the blocks above it. Values that it does not come near
        stay here."""
        committed = self.committed
        near = committed.closure(None if planner.opaque(block) else planner.reach(block) | planner.needs_of(
            block, committed
        ))  # fmt: skip
        above = self.context.blocks[: block.index]
        results = {b.index: BlockResult(b.index, cells={i: {"outputs": []} for i in b.cells}) for b in above}
        if above:
            groups = {id(group): group for group in committed.groups.values()}.values()
            results[above[-1].index] = replace(
                results[above[-1].index],
                groups=[group if near & set(group.names) else _without_bytes(group) for group in groups],
                state=dict(committed.state),
                seeded=sorted(RANDOM - committed.unseeded),
                written=dict.fromkeys(committed.wrote_files, "w"),
                outside=self._acts(above),
                count=committed.count - 1,
            )
        began = time.time() - (time.monotonic() - self.context.started_at)
        settings, redaction = self.context.settings(block), self.context.redaction
        return RemoteBlock(block.index, block.owner, settings, block.cells, results, began, redaction)

    def _acts(self, above: Sequence[Block]) -> list[str]:
        """Acts on the outside world by which blocks may have written files unseen."""
        profiles = [self.context.profile(block) for block in above]
        acts = [act for block in above for act in block.effects.outside]
        return [*acts, *("it acted in an earlier run" for profile in profiles if profile and profile.outside)]

    def _why_not(self, block: Block) -> str:
        """Why a cluster can't execute a block so that its result is that of the main kernel; "" if it can."""
        context, committed = self.context, self.committed
        if not context.python:
            return "only Python notebooks run on a cluster"
        if block.index < context.pinned:
            other = next(b for b in reversed(context.blocks) if planner.opaque(b))
            return f"{context.where(other)} may look at everything before it"
        if committed.stuck:
            return "the main kernel has " + next(iter(committed.stuck.values()))
        if reader := planner.reads_process(block) or planner.reads_generator(block):
            return f"{reader} tells kernels apart"
        if changed := planner.module_changes(block, context.later(block)):
            return f"it changes the state of {next(iter(changed))}"
        for earlier in context.blocks[: block.index]:
            if changed := planner.module_changes(earlier, [block]):
                return f"{context.where(earlier)} changes the state of {next(iter(changed))}"
        for name in sorted(committed.closure(planner.needs_of(block, committed))):
            if not committed.groups[name].portable:
                live = committed.groups[name].live
                why = live.get(name) or next(iter(live.values()), "it was not stored")
                return f"`{name}` can't be transferred ({why})"
        return ""

    def _why_not_usable(self, block: Block, result: BlockResult, ended: RemoteResult) -> str:
        """Why a result differs from what the main kernel would compute now; "" if it does not."""
        why = remote_paths.why_other_files(result, ended.folder, self.context.cwd, ended.inputs)
        later = self.context.later(block)
        plain = replace(result, read={}, looks={}, listed={})  # files were compared by content
        return why or reuse_rules.why_not_reusable(
            block, plain, self.committed, file_facts, (), later, self.context.read_by_functions
        )

    def _refusal(self, block: Block, words: str, why: str) -> EquivalenceError:
        return EquivalenceError(
            f"the step {block.owner!r} {words}: {why}", where=self.context.where(block), remedy=KEEP_HERE
        )

    def _failure(self, block: Block, ended: RemoteResult) -> RemoteFailed:
        """The failure of a block, whose outputs are shown as far as it came."""
        facts = dict(ended.error or {})
        self.commits.displays.fill_failed(block, ended.outputs)
        self.failures.add(block, frozenset(block.access.writes))
        return RemoteFailed(self._cell(block, facts), facts)

    def _cell(self, block: Block, facts: Mapping[str, Any]) -> int:
        """Position of the cell that failed."""
        positions = self.context.options.positions or range(len(self.context.record.nb.cells))
        return next((i for i in block.cells if positions[i] == facts.get("cell")), block.cells[0])


def _without_bytes(group: VariableGroup) -> VariableGroup:
    return replace(group, file=None, absent=True) if group.portable else group
