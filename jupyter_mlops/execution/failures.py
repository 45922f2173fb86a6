"""The blocks of a run that failed or were skipped, and what the blocks below them may do."""

from __future__ import annotations

from jupyter_mlops.execution import below, planner
from jupyter_mlops.execution.committed_state import BlockResult, CommittedState
from jupyter_mlops.execution.run_context import RunContext
from jupyter_mlops.execution.run_errors import ActDenied
from jupyter_mlops.pipeline.model import Block


class Failures:
    """The failed and skipped blocks of a run.

    :ivar blocks: each with the names that it may have left in another state.
    """

    def __init__(self, context: RunContext, committed: CommittedState) -> None:
        self.context, self.committed = context, committed
        self.blocks: list[tuple[Block, frozenset[str]]] = []
        self.shortfall = below.Shortfall()

    def __bool__(self) -> bool:
        return bool(self.blocks)

    def add(self, block: Block, names: frozenset[str] = frozenset()) -> None:
        self.blocks.append((block, names))

    def add_once(self, block: Block) -> None:
        """Add a block that failed, unless its names have been added already."""
        if not any(other is block for other, _ in self.blocks):
            self.add(block, frozenset(block.access.writes))

    def why_skipped(self, block: Block) -> str:
        """Why a block is skipped because one above it failed; "" if it runs."""
        if not self.blocks:
            return ""
        if self.shortfall.gate:
            return f"the gate {self.shortfall.gate} did not pass"
        if cause := planner.upstream_failure(block, self.blocks, self.committed, self.context.prev):
            return f"{cause} failed"
        if not self.context.config.keep_going:
            return below.EARLIER_FAILED
        if not self.guards(block):
            return ""
        pure = self.context.python and self.context.cache is not None and not below.may_act(
            block, self.context.profile(block), self.committed, self.shortfall.files
        )  # fmt: skip
        return "" if pure else below.EARLIER_FAILED

    def guards(self, block: Block) -> bool:
        """Whether a block may only compute: one above it failed, or has not ended in another process, and its author
        does not allow it to act anyway."""
        task = self.context.options.task
        guarded = task is not None and task.guarded and block.owner in task.steps
        return (guarded or any(b is not block for b, _ in self.blocks)) and not self.context.settings(block).keep_going

    def require_pure(self, block: Block, result: BlockResult) -> None:
        """Raise ActDenied for a result of a guarded block that did more than compute."""
        if self.guards(block) and below.acted(result, self.shortfall.files):
            self.add(block, frozenset(block.access.writes | result.wrote))
            raise ActDenied

    def note_shortfall(self, block: Block) -> None:
        """Record what the run lacks because a block did not complete."""
        profile = self.context.profile(block)
        self.shortfall.files |= profile.writes if profile is not None else set()
        step, cells = self.context.steps.get(block.owner), self.context.record.nb.cells
        gated = bool(step.gates) if step else any("gate" in cells[i].metadata.get("tags", ()) for i in block.cells)
        if gated and not self.shortfall.gate:
            self.shortfall.gate = block.owner
