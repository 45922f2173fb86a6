"""What blocks do by calling what other cells define, and the names under which a changed module is known."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from jupyter_mlops.notebook.access import Effects
from jupyter_mlops.notebook.effects import cell_definitions, merge_effects
from jupyter_mlops.pipeline.model import Block

UNPICKLES = re.compile(
    r"\b(pickle|joblib|dill|cloudpickle|torch|shelve|pd|pandas)\.(load|loads|open|read_pickle|Unpickler)\b"
)


def follow(blocks: Sequence[Block], sources: Mapping[int, str]) -> tuple[Block, ...]:
    """The blocks, each with what the functions and classes that it may come near do to the clock and to modules.

    What they do to files, to the network and to process state is seen when the block runs.

    :param sources: position of a cell -> its text, for cells that can be read.
    """
    modules: dict[str, str] = {}
    for block in blocks:
        modules.update(block.access.modules)
    blocks = [_unpickling(block, blocks, sources) for block in blocks]
    made = _definitions(blocks, sources, modules)
    uses = {name: used for block in blocks for name, used in block.access.defines.items()}
    return tuple(replace(block, effects=_followed(block, made, uses, modules)) for block in blocks)


def _unpickling(block: Block, blocks: Sequence[Block], sources: Mapping[int, str]) -> Block:
    """A pickle in a file names classes and functions of the notebook that no cell does."""
    if not any(UNPICKLES.search(sources.get(index, "")) for index in block.cells):
        return block
    made = frozenset(name for other in blocks[: block.index] for name in other.access.defines)
    return replace(block, access=replace(block.access, strings=block.access.strings | made))


def _definitions(
    blocks: Sequence[Block], sources: Mapping[int, str], modules: Mapping[str, str]
) -> dict[str, list[Effects]]:
    found: dict[str, list[Effects]] = {}
    for block in blocks:
        for index in block.cells:
            for name, acts in cell_definitions(sources.get(index, ""), modules).items():
                found.setdefault(name, []).append(acts)
    return found


def _followed(
    block: Block, made: Mapping[str, list[Effects]], uses: Mapping[str, frozenset[str]], modules: Mapping[str, str]
) -> Effects:
    names, waiting = set(), [*block.access.touched, *block.access.strings]
    while waiting:
        name = waiting.pop()
        if name in made and name not in names:
            names.add(name)
            waiting += uses.get(name, ())
    called = merge_effects(acts for name in sorted(names) for acts in made[name])
    own = block.effects
    volatile = (*own.volatile, *(what for what in called.volatile if what not in own.volatile))
    changed = own.modules_changed | called.modules_changed
    return replace(own, volatile=volatile, modules_changed=_known_as(changed, modules)) if names or changed else own


def _known_as(changed: frozenset[str], modules: Mapping[str, str]) -> frozenset[str]:
    """All names of the notebook that lead into the packages that these lead into."""
    packages = {modules.get(name, name).split(".")[0] for name in changed}
    return changed | {name for name, dotted in modules.items() if dotted.split(".")[0] in packages}
