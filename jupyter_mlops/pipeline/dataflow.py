"""Which step waits for which, and for what: edges from the names, files and process state that blocks touch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from jupyter_mlops.notebook.access import Access
from jupyter_mlops.notebook.merge import follow
from jupyter_mlops.notebook.opaque import BUILTINS
from jupyter_mlops.pipeline.live import LiveValue
from jupyter_mlops.pipeline.model import Block, Edge, EdgeKind, Fusion

# Draws and warnings change these all the time: an edge only where one step sets them and another uses them.
QUIET = frozenset({"warnings"})


@dataclass(frozen=True)
class Flow:
    """What the dataflow of a pipeline is, by step."""

    inputs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    outputs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    after: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    edges: tuple[Edge, ...] = ()
    fusions: tuple[Fusion, ...] = ()


def dataflow(
    blocks: Sequence[Block],
    prev: Sequence[tuple[str, str]],
    learned: Mapping[tuple[int, ...], frozenset[str]],
    live: Mapping[int, Mapping[str, LiveValue]],
) -> Flow:
    """Edges between steps, and what goes in and out of each.

    :param prev: pairs (earlier, later) of `prev:` tags.
    :param learned: cells of a block -> names that an earlier run saw it change.
    :param live: block -> names it binds to something that can't leave its kernel.
    """
    reader = _Reader(blocks, learned)
    for block in blocks:
        reader.read(block)
    for earlier, later in prev:
        reader.add(earlier, later, "prev")
    order = list(dict.fromkeys(b.owner for b in blocks if b.role == "step"))
    rank = {s: i for i, s in enumerate(order)}
    earlier_than: dict[str, set[str]] = {s: set() for s in order}
    for before, after, _ in reader.edges:
        earlier_than[after].add(before)
    mine: dict[str, list[Block]] = {s: [] for s in order}
    for block in blocks:
        mine.setdefault(block.owner, []).append(block)
    return Flow(
        inputs={s: tuple(sorted(reader.inputs[s])) for s in order},
        outputs={s: _outputs(mine[s], reader.used[s]) for s in order},
        after={s: tuple(sorted(earlier_than[s], key=rank.__getitem__)) for s in order},
        edges=_edges(reader, order),
        fusions=tuple(_fusions(blocks, live)),
    )


KINDS: tuple[EdgeKind, ...] = ("data", "prev", "file", "state", "learned")


def _edges(reader: _Reader, order: list[str]) -> tuple[Edge, ...]:
    rank = {s: i for i, s in enumerate(order)}
    found = sorted(reader.edges.items(), key=lambda e: (rank[e[0][0]], rank[e[0][1]], KINDS.index(e[0][2])))
    return tuple(Edge(a, b, tuple(sorted(names)), kind) for (a, b, kind), names in found)


class _Reader:
    """Walks the blocks in notebook order and finds, for all that one reads, the blocks that wrote it last."""

    def __init__(self, blocks: Sequence[Block], learned: Mapping[tuple[int, ...], frozenset[str]]) -> None:
        self.blocks = blocks
        self.learned = learned
        self.defines: dict[str, frozenset[str]] = {}
        self.changes: dict[str, frozenset[str]] = {}
        self.alters: dict[str, frozenset[int | str]] = {}
        self.makers: set[str] = set()
        self.modules: set[str] = set()
        self.rebound: set[str] = set()  # builtins that blocks so far may have bound
        self.changed: dict[int, set[str]] = {}
        self.edges: dict[tuple[str, str, EdgeKind], set[str]] = {}
        self.inputs: dict[str, set[str]] = {b.owner: set() for b in blocks}
        self.used: dict[str, set[str]] = {b.owner: set() for b in blocks}

    def add(self, earlier: str, later: str, kind: EdgeKind, *names: str) -> None:
        if earlier != later:
            self.edges.setdefault((earlier, later, kind), set()).update(names)

    def read(self, block: Block) -> None:
        names = self.names(block)
        for name in names:
            self.follow(block, name)
        if block.role == "step":
            self.state(block)
            self.files(block)
        called = block.access.reads & self.changes.keys()
        alters = {**self.alters, **block.access.alters}
        changed = {n for f in called for n in self.changes[f]}
        changed |= {n for f, given in block.access.calls for at, n in given if at in alters.get(f, ())}
        self.changed[block.index] = changed
        self.rebound |= block.access.binds & BUILTINS
        self.define(block.access)

    def define(self, access: Access) -> None:
        """Take note of the functions a block leaves behind."""
        for name in access.binds | access.deletes:
            self.defines.pop(name, None)
            self.changes.pop(name, None)
            self.alters.pop(name, None)
            self.modules.discard(name)
            self.makers.discard(name)
        self.defines.update(access.defines)
        self.changes.update(access.changes)
        self.alters.update(access.alters)
        self.makers |= access.makers
        self.modules.update(access.modules)
        for name, carried in access.carries.items():
            held = {
                c.removesuffix("()") for c in carried if not c.endswith("()") or c.removesuffix("()") in self.makers
            }
            found = {n for h in held & self.defines.keys() for n in (h, *self.defines[h])}
            if found:
                self.defines[name] = frozenset(found | self.defines.get(name, frozenset()))

    def names(self, block: Block) -> set[str]:
        """What the block reads, functions followed to their free names; everything before it where it is opaque."""
        access = block.access
        found = set(access.reads)
        found |= follow(found, self.defines)
        if access.opaque or access.history:
            found |= {n for other in self.blocks[: block.index] for n in other.access.binds}
        return found - self.modules - (BUILTINS - self.rebound)

    def follow(self, block: Block, name: str) -> None:
        """Edges from those who may have written a name last."""
        for other in reversed(self.blocks[: block.index]):
            access = other.access
            if name in access.certain or name in access.mutates or name in access.deletes:
                self.depend(other, block, name, "data")
                return
            if name in access.binds or access.opaque or name in self.changed.get(other.index, ()):
                self.depend(other, block, name, "data")
            elif name in self.learned.get(other.cells, ()):
                self.depend(other, block, name, "learned")

    def depend(self, other: Block, block: Block, name: str, kind: EdgeKind) -> None:
        if other.role in ("imports", "functions") or other.owner == block.owner:
            return
        if block.role == "step":
            self.inputs[block.owner].add(name)
        if other.role == "step":
            self.used[other.owner].add(name)
            if block.role == "step":
                self.add(other.owner, block.owner, kind, name)

    def state(self, block: Block) -> None:
        touched = (block.effects.state_reads | block.effects.state_writes) - QUIET
        for resource in touched:
            other = self.last(block, lambda b, r=resource: r in b.effects.state_writes)  # type: ignore[misc]
            if other is not None and other.role == "step":
                self.add(other.owner, block.owner, "state", resource)

    def files(self, block: Block) -> None:
        for path in block.effects.files_read:
            other = self.last(block, lambda b, p=path: any(_same(p, w) for w in b.effects.files_written))  # type: ignore[misc]
            if other is not None and other.role == "step":
                self.add(other.owner, block.owner, "file", path)

    def last(self, block: Block, wrote: Callable[[Block], bool]) -> Block | None:
        return next((b for b in reversed(self.blocks[: block.index]) if wrote(b)), None)


def _same(a: str, b: str) -> bool:
    return _plain(a) == _plain(b)


def _plain(path: str) -> str:
    return path.replace("\\", "/").removeprefix("./")


def _outputs(mine: Sequence[Block], used: set[str]) -> tuple[str, ...]:
    """What later steps read of what a step's blocks write; all that they bind if none reads anything."""
    if used:
        return tuple(sorted(used))
    bound = {n for b in mine for n in b.access.binds}
    gone = {n for b in mine for n in b.access.deletes - b.access.certain}
    modules = {n for b in mine for n in b.access.modules}
    return tuple(sorted(n for n in bound - gone - modules if n != "_"))


def _fusions(blocks: Sequence[Block], live: Mapping[int, Mapping[str, LiveValue]]) -> Iterable[Fusion]:
    """Steps that share a kernel because a variable can't leave it, as far as the text tells."""
    for at, found in live.items():
        maker = blocks[at]
        for name, value in found.items():
            needing = _needing(blocks[at + 1 :], name, maker)
            if not needing or maker.role != "step":
                continue
            last = max(b.index for b in needing)
            between = [b.owner for b in blocks[at : last + 1] if b.role == "step"]
            yield Fusion(
                steps=tuple(dict.fromkeys(between)),
                variable=name,
                type=value.type,
                made_by=maker.owner,
                needed_by=tuple(dict.fromkeys(b.owner for b in needing)),
                reason=value.reason,
            )


def _needing(later: Iterable[Block], name: str, maker: Block) -> list[Block]:
    found = []
    defines = dict(maker.access.defines)
    for block in later:
        access = block.access
        defines.update(access.defines)
        reads = access.reads | access.mutates | (access.passes - access.certain)
        if block.owner != maker.owner and block.role == "step" and name in reads | follow(reads, defines):
            found.append(block)
        if name in access.certain | access.deletes:
            break
    return found
