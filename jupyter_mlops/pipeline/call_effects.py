"""The effects of blocks through calls of functions that other cells define, and the names of changed modules."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from jupyter_mlops.analysis.access import Effects
from jupyter_mlops.analysis.effects import cell_definitions, merge_effects
from jupyter_mlops.pipeline.model import Block

UNPICKLES = re.compile(
    r"\b(pickle|joblib|dill|cloudpickle|torch|shelve|pd|pandas)\.(load|loads|open|read_pickle|Unpickler)\b"
)


def with_call_effects(blocks: Sequence[Block], sources: Mapping[int, str]) -> tuple[Block, ...]:
    """The blocks, each with the effects on clock and modules of the functions and classes that it may access.

    Their effects on files, network and process state are observed when the block runs.

    :param sources: position of a cell -> its text, for cells that can be read.
    """
    modules: dict[str, str] = {}
    for block in blocks:
        modules.update(block.access.modules)
    blocks = [_with_pickled_names(block, blocks, sources) for block in blocks]
    definitions = _definitions(blocks, sources, modules)
    uses = {name: names for block in blocks for name, names in block.access.defines.items()}
    return tuple(replace(block, effects=_effects_with_calls(block, definitions, uses, modules)) for block in blocks)


def _with_pickled_names(block: Block, blocks: Sequence[Block], sources: Mapping[int, str]) -> Block:
    """A pickle in a file refers to classes and functions of the notebook that no cell names."""
    if not any(UNPICKLES.search(sources.get(index, "")) for index in block.cells):
        return block
    defined_names = frozenset(name for earlier_block in blocks[: block.index] for name in earlier_block.access.defines)
    access = block.access
    strings, string_reads = access.strings | defined_names, access.string_reads | defined_names
    return replace(block, access=replace(access, strings=strings, string_reads=string_reads))


def _definitions(
    blocks: Sequence[Block], sources: Mapping[int, str], modules: Mapping[str, str]
) -> dict[str, list[Effects]]:
    definitions: dict[str, list[Effects]] = {}
    for block in blocks:
        for index in block.cells:
            for name, effects in cell_definitions(sources.get(index, ""), modules).items():
                definitions.setdefault(name, []).append(effects)
    return definitions


def _effects_with_calls(
    block: Block,
    definitions: Mapping[str, list[Effects]],
    uses: Mapping[str, frozenset[str]],
    modules: Mapping[str, str],
) -> Effects:
    names, pending = set(), [*block.access.names, *block.access.strings]
    while pending:
        name = pending.pop()
        if name in definitions and name not in names:
            names.add(name)
            pending += uses.get(name, ())
    block_effects = block.effects
    call_effects = merge_effects(effects for name in sorted(names) for effects in definitions[name])
    stopwatch = merge_effects([block_effects, call_effects]).stopwatch
    volatile_reasons = (
        *block_effects.volatile,
        *(reason for reason in call_effects.volatile if reason not in block_effects.volatile),
    )
    changed_modules = block_effects.modules_changed | call_effects.modules_changed
    if not (names or changed_modules):
        return block_effects
    return replace(
        block_effects,
        volatile=volatile_reasons,
        modules_changed=_with_aliases(changed_modules, modules),
        stopwatch=stopwatch,
    )


def _with_aliases(changed_modules: frozenset[str], modules: Mapping[str, str]) -> frozenset[str]:
    """All names of the notebook that refer to modules of the packages to which these names refer."""
    packages = {modules.get(name, name).split(".")[0] for name in changed_modules}
    return changed_modules | {name for name, dotted in modules.items() if dotted.split(".")[0] in packages}
