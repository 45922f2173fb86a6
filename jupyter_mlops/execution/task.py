"""A task of a run whose steps run in separate processes: what it executes, and what others have executed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from jupyter_mlops.errors import EquivalenceError
from jupyter_mlops.execution.below import HARMLESS
from jupyter_mlops.execution.committed_state import BlockResult, CommittedState
from jupyter_mlops.pipeline.model import Block

if TYPE_CHECKING:
    from nbformat import NotebookNode


@dataclass(frozen=True)
class Task:
    """The part of a run that one process executes.

    :param steps: the steps to execute here.
    :param results: block index -> result of another task, which is committed instead of executing the block.
    :param until: position of the last block to execute; None: the last of `steps`.
    :param guarded: whether the steps may only compute, since earlier steps of the notebook have not ended.
    :param on_result: called with a block that was executed, its result and the state in which it was executed.
    :param on_notebook: called with the executed notebook, which is not written to a file.
    """

    steps: tuple[str, ...]
    results: Mapping[int, BlockResult] = field(default_factory=dict)
    until: int | None = None
    guarded: bool = False
    on_result: Callable[[Block, BlockResult, CommittedState], None] = lambda block, result, line: None
    on_notebook: Callable[[NotebookNode], None] = lambda nb: None

    def includes(self, block: Block, last: int) -> bool:
        """Whether a block is part of the run as this process sees it.

        :param last: index of the last block of `steps`.
        """
        if self.until is not None:
            return block.index in self.results or block.index == self.until
        if block.index in self.results or block.owner in self.steps:
            return True
        return block.role != "step" and block.index <= last


def require_complete(results: Mapping[int, BlockResult], owners: Mapping[int, str]) -> None:
    """Raises EquivalenceError if a kernel held something that can't leave it, so that no other process can continue.

    :param owners: block index -> its step.
    """
    for index, result in sorted(results.items()):
        for name, why in result.stuck.items():
            if name not in HARMLESS:
                raise EquivalenceError(
                    f"the kernel of the step {owners[index]!r} had {why}, which other processes don't have",
                    where=f"step {owners[index]}",
                    remedy="Make it in the step that uses it, or give both the same step:NAME tag.",
                )
