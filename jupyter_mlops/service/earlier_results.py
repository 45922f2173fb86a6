"""The results of the steps that a task waits for."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from jupyter_mlops.errors import InvalidInputError

if TYPE_CHECKING:
    from jupyter_mlops.execution.run_artifacts import HandedOn, RunArtifacts
    from jupyter_mlops.pipeline.model import Pipeline


def results_of(artifacts: RunArtifacts, pipeline: Pipeline, needed: Collection[str], step: str) -> dict[int, HandedOn]:
    """Block index -> result of the blocks of these steps, and of blocks outside of steps that differ each time.

    :param step: the step that needs them.
    :raises InvalidInputError: a result is missing.
    """
    results: dict[int, HandedOn] = {}
    for block in pipeline.blocks:
        if block.owner in needed or (block.role != "step" and block.effects.volatile):
            handed_on = artifacts.result(block.index)
            if handed_on is not None:
                results[block.index] = handed_on
            elif block.owner in needed:
                raise InvalidInputError(
                    f"the step {block.owner!r} has no result in this run, and {step!r} needs it",
                    where=artifacts.location,
                    remedy="It failed, has not run, or ran with other artifacts.",
                )
    return results


def results_above(artifacts: RunArtifacts, block: int) -> dict[int, HandedOn]:
    """The results of all blocks above one. Raises InvalidInputError if one is missing."""
    results = {index: artifacts.result(index) for index in range(block)}
    if missing := [index for index, handed_on in results.items() if handed_on is None]:
        raise InvalidInputError(f"the result of block {missing[0]} is missing", where=artifacts.location)
    return {index: handed_on for index, handed_on in results.items() if handed_on is not None}


def variables_near(pipeline: Pipeline, handed_on: Mapping[int, HandedOn], steps: Collection[str]) -> set[str] | None:
    """The variables that blocks of a task may come near; None for all.

    :param steps: those of the task.
    """
    from jupyter_mlops.execution.committed_state import CommittedState
    from jupyter_mlops.execution.planner import opaque, reach

    line = CommittedState()
    for block in pipeline.blocks:
        if block.index in handed_on:
            line.apply(handed_on[block.index].result, ())
    blocks = [b for b in pipeline.blocks if b.index not in handed_on]
    executed = [b for b in blocks if b.owner in steps or b.role != "step"]
    if any(map(opaque, executed)):
        return None
    return line.closure(frozenset[str]().union(*map(reach, executed)))
