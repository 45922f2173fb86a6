"""Blocks, lines and results for tests, from a few words."""

from __future__ import annotations

from typing import Any

from jupyter_mlops.analysis.effects import effects
from jupyter_mlops.analysis.names import access
from jupyter_mlops.execution.committed_state import BlockResult, CommittedState, VariableGroup
from jupyter_mlops.pipeline.model import Block

MODULES = {"np": "numpy", "pd": "pandas", "os": "os", "plt": "matplotlib.pyplot", "random": "random", "lib": "lib"}


def block(source: str, index: int = 0, owner: str = "") -> Block:
    """A block of one cell."""
    return Block(index, owner or f"s{index}", "step", (index,), access(source), effects(source, MODULES))


def blocks(*sources: str) -> list[Block]:
    return [block(source, index) for index, source in enumerate(sources)]


def artifact(
    *names: str, digest: str = "d", refs: tuple[str, ...] = (), live: str = "", own: str = ""
) -> VariableGroup:
    """Variables in one group; `live`: why they can't leave; `own`: the digest of the first one's value alone."""
    held = {names[0]: live} if live else {}
    return VariableGroup(
        names, digest, {}, refs, None if live else "file", live=held, own={names[0]: own} if own else {}
    )


def absent(*names: str) -> VariableGroup:
    """Variables of which the digest alone is known."""
    return VariableGroup(names, "d", {}, (), absent=True)


def line(*groups: VariableGroup, **facts: Any) -> CommittedState:
    made = CommittedState(groups={n: g for g in groups for n in g.names})
    for name, value in facts.items():
        setattr(made, name, value)
    return made


def result(**facts: Any) -> BlockResult:
    return BlockResult(0, **facts)
