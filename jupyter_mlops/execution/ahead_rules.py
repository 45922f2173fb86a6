"""Which blocks may run ahead of the main line, as far as text, profiles and the committed state show."""

from __future__ import annotations

import itertools
from collections.abc import Collection

from jupyter_mlops.execution import planner
from jupyter_mlops.execution.block_profile import BlockProfile
from jupyter_mlops.execution.committed_state import CommittedState
from jupyter_mlops.execution.run_context import RunContext
from jupyter_mlops.pipeline.model import Block

LOOKED_AHEAD = 30  # blocks after the current one that a second kernel may take


class AheadRules:
    """Answers why a block can't run ahead. Executes nothing and changes nothing."""

    def __init__(self, context: RunContext, committed: CommittedState) -> None:
        self.context, self.committed = context, committed

    def why_never(self, block: Block) -> str:
        """Why a block can never run ahead in this run, whatever precedes it; "" if it can."""
        context = self.context
        if context.is_remote(block):
            return "a cluster executes it"
        if block.index < context.pinned:
            other = next(b for b in reversed(context.blocks) if planner.opaque(b))
            return f"{context.where(other)} may look at everything before it"
        if block.role != "step" or not block.cells:
            return "every step needs it" if block.role in ("imports", "functions") else "it belongs to no step"
        if reader := planner.reads_process(block) or planner.reads_generator(block):
            return f"{reader} tells kernels apart"
        profile = context.profile(block)
        if profile is not None:
            return self._why_not_by_profile(block, profile)
        if block.effects.outside or block.effects.files_written:
            return "it acts on the outside world"
        return ""

    def _why_not_by_profile(self, block: Block, profile: BlockProfile) -> str:
        if profile.outside or profile.writes or profile.other_writes:
            return "it acts on the outside world"
        if profile.ahead_failed:
            return "it failed when it ran ahead in an earlier run"
        if profile.discarded and profile.discarded_below == self.context.sources_before(block):
            return f"an earlier run could not use the result of a second kernel ({profile.discarded})"
        if 0 < profile.seconds < min(0.2, self.context.config.ahead_after):
            return "it is too short to be worth a second kernel"
        return ""

    def why_not(self, block: Block, at: int) -> str:
        """Why a block can't run ahead while the one at position `at` is unfinished; "" if it can."""
        if why := self.why_never(block):
            return why
        context, committed = self.context, self.committed
        names = committed.closure(planner.needs_of(block, committed)) | planner.needs(block)
        for earlier in context.blocks[at : block.index]:
            if context.is_selected(earlier) and (wait := self.wait(earlier, block, names)):
                return planner.wait_in_words(wait, earlier, context.where(earlier))
        for name in sorted(names & set(committed.groups)):
            if not committed.groups[name].portable:
                why = committed.groups[name].live.get(name) or "it was not stored"
                return f"`{name}` can't be transferred to a second kernel ({why})"
        for earlier in context.blocks[: block.index]:
            if changed := planner.module_changes(earlier, [block]):
                return f"{context.where(earlier)} changes the state of {next(iter(changed))}"
        return ""

    def wait(self, earlier: Block, block: Block, names: Collection[str]) -> planner.Wait | None:
        """What a block that needs these names waits for in an earlier one; None if nothing."""
        profile = self.context.profile(earlier)
        return planner.wait_of(earlier, block, names, profile, self.context.prev, self.context.modules)

    def worth_warming(self, at: int) -> bool:
        """Whether a block after the one at `at` may run in parallel with the one before it, as far as is known."""
        context, least = self.context, self.context.config.ahead_after
        later = [b for b in context.blocks[at + 1 :] if b.role == "step" and b.cells and context.is_selected(b)]
        return any(
            not self.why_never(block)
            and not self.wait(before, block, planner.needs(block))
            and all((context.seconds(b) or 1.0) >= least for b in (before, block))
            for before, block in itertools.pairwise(later)
        )

    def needed_ahead(self, block: Block) -> set[str]:
        """Names bound by a block that a helper may need while the main line runs the blocks after it."""
        names = set[str]()
        if self.context.options.jobs < 2:
            return names
        later = [b for b in self.context.later(block) if b.cells][:LOOKED_AHEAD]
        for at, other in enumerate(later[1:], start=1):
            reach = self.committed.closure(planner.reach(other)) | planner.reach(other)
            if not self.why_never(other) and not any(self.wait(b, other, reach) for b in later[:at]):
                names |= reach
        return names
