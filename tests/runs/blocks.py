"""Blocks, lines and results for tests, from a few words."""

from __future__ import annotations

from typing import Any

from jupyter_mlops.notebook.effects import effects
from jupyter_mlops.notebook.names import access
from jupyter_mlops.pipeline.model import Block
from jupyter_mlops.run.line import Artifact, BlockResult, Line

MODULES = {"np": "numpy", "pd": "pandas", "os": "os", "plt": "matplotlib.pyplot", "random": "random", "lib": "lib"}


def block(source: str, index: int = 0, owner: str = "") -> Block:
    """A block of one cell."""
    return Block(index, owner or f"s{index}", "step", (index,), access(source), effects(source, MODULES))


def blocks(*sources: str) -> list[Block]:
    return [block(source, index) for index, source in enumerate(sources)]


def artifact(*names: str, digest: str = "d", refs: tuple[str, ...] = (), live: str = "") -> Artifact:
    """Variables in one group; `live`: why they can't leave."""
    return Artifact(names, digest, {}, refs, None if live else "file", live={names[0]: live} if live else {})


def line(*groups: Artifact, **facts: Any) -> Line:
    made = Line(groups={n: g for g in groups for n in g.names})
    for name, value in facts.items():
        setattr(made, name, value)
    return made


def result(**facts: Any) -> BlockResult:
    return BlockResult(0, **facts)
