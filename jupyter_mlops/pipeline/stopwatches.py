"""Blocks that read the clock only to print durations: their results can be cached."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from jupyter_mlops.analysis.effects import stopwatch_names, without_clock
from jupyter_mlops.analysis.volatility import VolatilityKind
from jupyter_mlops.pipeline.model import Block


def stopwatches(
    blocks: Sequence[Block], sources: Mapping[int, str], reported_cells: Collection[int] = ()
) -> tuple[Block, ...]:
    """The blocks; those with a stopwatch are marked (`Effects.stopwatch`), and the clock is not among their causes of
    volatility.

    A reading that a later block may access is data.

    :param sources: position of a cell -> its text, for cells that can be read.
    :param reported_cells: positions of cells whose variables are the run's metrics, models or datasets.
    """
    result: list[Block] = []
    modules: dict[str, str] = {}
    for block in blocks:
        modules.update(block.access.modules)
        is_reported = reported_cells and set(block.cells) & set(reported_cells)
        result.append(block if is_reported else _mark(block, blocks[block.index + 1 :], sources, modules))
    return tuple(result)


def _mark(block: Block, later_blocks: Sequence[Block], sources: Mapping[int, str], modules: Mapping[str, str]) -> Block:
    if not any(volatility.kind is VolatilityKind.CLOCK for volatility in block.effects.volatile):
        return block
    names = stopwatch_names((sources[i] for i in block.cells if i in sources), modules)
    if names is None or any(b.access.opaque or names & (b.access.names | b.access.strings) for b in later_blocks):
        return block
    return replace(block, effects=without_clock(block.effects, names))
