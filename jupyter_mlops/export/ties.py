"""Steps that can't be separated, since a kernel holds something that one makes and another needs. Pure.

The same reasons make an isolated run keep its kernel (`execution/isolation.py`), as far as the text shows them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from jupyter_mlops.execution import planner
from jupyter_mlops.execution.below import HARMLESS
from jupyter_mlops.execution.block_profile import BlockProfile
from jupyter_mlops.pipeline.model import Block, Pipeline


def ties(pipeline: Pipeline, profiles: Mapping[int, BlockProfile]) -> Iterator[tuple[frozenset[str], str]]:
    """Sets of steps that must share a process, and why.

    :param profiles: block index -> what an earlier run showed of it.
    """
    blocks = [block for block in pipeline.blocks if block.role == "step"]
    for fusion in pipeline.fusions:
        yield frozenset(fusion.steps), fusion.reason
    for place, block in enumerate(blocks):
        before, later = blocks[:place], blocks[place + 1 :]
        if planner.opaque(block):
            reason = (*block.access.opaque, *block.access.history)[0]
            yield _owners([*before, block]), f"{reason} may read everything before it"
        if process := planner.reads_process(block):
            others = [b for b in later if planner.reads_process(b)]
            yield _owners([block, *others]), f"{process} tells processes apart"
        if generator := planner.reads_generator(block):
            yield _owners([block, *later]), f"{generator} looks at the state of an unseeded generator"
        if opened := planner.opens_descriptor(block):
            yield _owners([block, *later]), f"{opened} opens what no other process has"
        for module, users in planner.module_changes(block, later).items():
            yield _owners([block, *(b for b in later if b.index in users)]), f"the state of {module} is changed"
        for name in sorted(profiles[block.index].holds if block.index in profiles else ()):
            others = later if name not in HARMLESS else [b for b in later if "matplotlib" in b.effects.state_reads]
            yield _owners([block, *others]), f"{name} can't leave the kernel"
        for name in sorted(profiles[block.index].closed if block.index in profiles else ()):
            yield _owners([block, *_users(name, later)]), f"the closed file `{name}` can't leave the kernel"
        for name in sorted(profiles[block.index].live if block.index in profiles else ()):
            others = [b for b in later if name in planner.reach(b)]
            yield _owners([block, *others]), f"`{name}` can't leave the kernel"


def _users(name: str, later: list[Block]) -> Iterator[Block]:
    """The blocks that may use the value that a name has now, before one binds it again."""
    for place, block in enumerate(later):
        if not planner.is_used(name, later[: place + 1], ()):
            continue
        yield block
        if name in block.access.certain_bindings:
            return


def _owners(blocks: list[Block]) -> frozenset[str]:
    return frozenset(block.owner for block in blocks)
