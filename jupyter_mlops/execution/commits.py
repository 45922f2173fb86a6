"""Committing results, in notebook order."""

from __future__ import annotations

from collections.abc import Callable

from jupyter_mlops.execution.cached_results import CachedResults
from jupyter_mlops.execution.committed_state import BlockResult, CommittedState
from jupyter_mlops.execution.displays import Displays
from jupyter_mlops.execution.frame_requests import RunFrames
from jupyter_mlops.execution.inputs import RunInputs
from jupyter_mlops.execution.kept_models import notes_on
from jupyter_mlops.execution.run_context import RunContext
from jupyter_mlops.execution.step_records import StepRecords
from jupyter_mlops.pipeline.model import Block


class Commits:
    """Makes results part of the committed state.

    :ivar on_commit: is called whenever the committed state has changed.
    """

    def __init__(
        self,
        context: RunContext,
        committed: CommittedState,
        records: StepRecords,
        displays: Displays,
        cached: CachedResults,
        inputs: RunInputs,
        frames: RunFrames,
    ) -> None:
        self.context, self.committed, self.records = context, committed, records
        self.displays, self.cached, self.inputs, self.frames = displays, cached, inputs, frames
        self.on_commit: Callable[[], None] = lambda: None

    def commit(self, block: Block, result: BlockResult) -> None:
        """Make a block's result part of the committed state."""
        self.cached.note_creators(block, result)
        self.inputs.add(block, result)
        self.frames.add(block, result)
        self.context.commit_to(self.committed, block, result)
        self.on_commit()
        self.displays.commit(block, result)
        self.records.metrics.add(result.metrics, result.logged)
        outcome = self.records.outcome
        outcome.models += [
            {"step": block.owner, "name": name, **facts}
            for name, facts in result.models.items()
            if name in block.models and "artifact" in facts
        ]
        outcome.notes += notes_on(result.models, block.owner, block.models)

    def note_failed(self, block: Block, result: BlockResult | None) -> None:
        """Keep what a failed block read, and the metrics that it logged. Nothing else of it is committed.

        :param result: what the block left; None if its kernel could not say.
        """
        if result is not None:
            self.inputs.add(block, result)
            self.records.metrics.add(result.metrics, result.logged)

    def reuse(self, block: Block, result: BlockResult, state: str, *, reported: bool = False) -> None:
        """Use a result instead of executing its block.

        :param state: "cached", or "completed" for the result of a helper or a cluster.
        :param reported: whether its outputs were reported while it ran.
        """
        self.displays.fill_cells(block, result, self.committed.count)
        if state == "completed" and not reported:
            for index in block.cells:
                self.displays.show_cell(block, index)
        self.commit(block, result)
        self.records.finish(block, state, 0.0 if state == "cached" else result.seconds, result)
