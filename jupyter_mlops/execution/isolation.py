"""Isolated steps: whether the kernel may end after a block, or is fused with later ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from jupyter_mlops.execution import planner, reuse_rules
from jupyter_mlops.execution.committed_state import BlockResult, CommittedState
from jupyter_mlops.execution.run_context import RunContext
from jupyter_mlops.pipeline.model import Block


@dataclass(frozen=True)
class Tie:
    """Why a kernel can't end yet: it holds something that later blocks need and that can't leave it.

    :param name: a variable, a resource, or what a block calls.
    :param type: the type of a variable, "" otherwise.
    """

    name: str
    why: str
    type: str = ""


def kernel_tie(context: RunContext, committed: CommittedState, block: Block) -> Tie | None:
    """Why the main kernel can't end after a block; None if it can."""
    before, later = context.blocks[: block.index + 1], context.blocks[block.index + 1 :]
    if committed.stuck:
        return Tie(*next(iter(committed.stuck.items())))
    if block.index + 1 < context.pinned:
        other = next(b for b in reversed(later) if planner.opaque(b))
        return Tie((*other.access.opaque, *other.access.history)[0], f"{other.owner} may read everything before it")
    process = next(filter(None, map(planner.reads_process, later)), "")
    if process and any(map(planner.reads_process, before)):
        return Tie(process, "it distinguishes processes")
    if any(map(planner.reads_generator, before)):
        return Tie("random", "the state of an unseeded generator was looked at")
    ties = [*_module_ties(before, later), *_group_ties(context, committed, block)]
    return ties[-1] if ties else None


def _module_ties(before: Sequence[Block], later: Sequence[Block]) -> Iterator[Tie]:
    for other in before:
        if changed := planner.module_changes(other, later):
            yield Tie(next(iter(changed)), "a module's own state was changed")


def _group_ties(context: RunContext, committed: CommittedState, block: Block) -> Iterator[Tie]:
    later = context.blocks[block.index + 1 :]
    for group in {id(g): g for g in committed.groups.values()}.values():
        alone = BlockResult(block.index, groups=[group])
        if why := reuse_rules.why_incomplete(alone, later, context.read_by_functions):
            name = next(iter(group.live), group.names[0])
            yield Tie(name, why, group.types.get(name, ""))


def fusion(block: Block, tie: Tie, later: Sequence[Block]) -> dict[str, str]:
    """A tie, as `Outcome.fused` has it."""
    users = [b.owner for b in later if planner.opaque(b) or tie.name in planner.reach(b)]
    return {
        "variable": tie.name,
        "type": tie.type,
        "made_by": block.owner,
        "needed_by": ", ".join(dict.fromkeys(users)),
        "why": tie.why,
    }
