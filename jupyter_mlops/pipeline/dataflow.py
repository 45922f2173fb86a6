"""The edges between steps, derived from the names, files and process state that blocks access."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from jupyter_mlops.analysis.access import Access
from jupyter_mlops.analysis.merge import reachable_names
from jupyter_mlops.analysis.opaque import BUILTINS
from jupyter_mlops.pipeline.model import Block, Edge, EdgeKind, Fusion
from jupyter_mlops.pipeline.unpicklable_values import UnpicklableValue

# Draws and warnings change these all the time: an edge only where one step sets them and another uses them.
IGNORED_STATE = frozenset({"warnings"})


@dataclass(frozen=True)
class DataflowResult:
    """The dataflow of a pipeline, by step."""

    inputs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    outputs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    after: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    edges: tuple[Edge, ...] = ()
    fusions: tuple[Fusion, ...] = ()


def dataflow(
    blocks: Sequence[Block],
    prev: Sequence[tuple[str, str]],
    observed_writes: Mapping[tuple[int, ...], frozenset[str]],
    unpicklable_values: Mapping[int, Mapping[str, UnpicklableValue]],
) -> DataflowResult:
    """Edges between steps, and the inputs and outputs of each step.

    :param prev: pairs (earlier, later) of `prev:` tags.
    :param observed_writes: cells of a block -> names that it changed in an earlier run.
    :param unpicklable_values: block -> names that it binds to values that can't leave its kernel.
    """
    analyzer = _DataflowAnalyzer(blocks, observed_writes)
    for block in blocks:
        analyzer.analyze(block)
    for source, target in prev:
        analyzer.add(source, target, "prev")
    order = list(dict.fromkeys(b.owner for b in blocks if b.role == "step"))
    rank = {s: i for i, s in enumerate(order)}
    predecessors: dict[str, set[str]] = {s: set() for s in order}
    for predecessor, successor, _ in analyzer.edges:
        predecessors[successor].add(predecessor)
    blocks_by_step: dict[str, list[Block]] = {s: [] for s in order}
    for block in blocks:
        blocks_by_step.setdefault(block.owner, []).append(block)
    return DataflowResult(
        inputs={s: tuple(sorted(analyzer.inputs[s])) for s in order},
        outputs={s: _outputs(blocks_by_step[s], analyzer.used_names[s]) for s in order},
        after={s: tuple(sorted(predecessors[s], key=rank.__getitem__)) for s in order},
        edges=_edges(analyzer, order),
        fusions=tuple(_fusions(blocks, unpicklable_values)),
    )


KINDS: tuple[EdgeKind, ...] = ("data", "prev", "file", "state", "learned")


def _edges(analyzer: _DataflowAnalyzer, order: list[str]) -> tuple[Edge, ...]:
    rank = {s: i for i, s in enumerate(order)}
    items = sorted(analyzer.edges.items(), key=lambda e: (rank[e[0][0]], rank[e[0][1]], KINDS.index(e[0][2])))
    return tuple(Edge(a, b, tuple(sorted(names)), kind) for (a, b, kind), names in items)


class _DataflowAnalyzer:
    """Walks the blocks in notebook order, and finds the blocks that last wrote what each block reads."""

    def __init__(self, blocks: Sequence[Block], observed_writes: Mapping[tuple[int, ...], frozenset[str]]) -> None:
        self.blocks = blocks
        self.observed_writes = observed_writes
        self.defines: dict[str, frozenset[str]] = {}
        self.global_mutations: dict[str, frozenset[str]] = {}
        self.argument_mutations: dict[str, frozenset[int | str]] = {}
        self.closure_factories: set[str] = set()
        self.modules: set[str] = set()
        self.rebound_builtins: set[str] = set()  # builtins that blocks so far may have bound
        self.mutated_names: dict[int, set[str]] = {}
        self.edges: dict[tuple[str, str, EdgeKind], set[str]] = {}
        self.inputs: dict[str, set[str]] = {b.owner: set() for b in blocks}
        self.used_names: dict[str, set[str]] = {b.owner: set() for b in blocks}

    def add(self, source: str, target: str, kind: EdgeKind, *names: str) -> None:
        if source != target:
            self.edges.setdefault((source, target, kind), set()).update(names)

    def analyze(self, block: Block) -> None:
        names = self.names(block)
        for name in names:
            self.link_writers(block, name)
        if block.role == "step":
            self.add_state_edges(block)
            self.add_file_edges(block)
        called_names = block.access.reads & self.global_mutations.keys()
        argument_mutations = {**self.argument_mutations, **block.access.argument_mutations}
        mutated_names = {n for f in called_names for n in self.global_mutations[f]}
        mutated_names |= {
            n
            for f, arguments in block.access.calls
            for position, n in arguments
            if position in argument_mutations.get(f, ())
        }
        self.mutated_names[block.index] = mutated_names
        self.rebound_builtins |= block.access.binds & BUILTINS
        self.define(block.access)

    def define(self, access: Access) -> None:
        """Record the functions that a block defines."""
        for name in access.binds | access.deletes:
            self.defines.pop(name, None)
            self.global_mutations.pop(name, None)
            self.argument_mutations.pop(name, None)
            self.modules.discard(name)
            self.closure_factories.discard(name)
        self.defines.update(access.defines)
        self.global_mutations.update(access.global_mutations)
        self.argument_mutations.update(access.argument_mutations)
        self.closure_factories |= access.closure_factories
        self.modules.update(access.modules)
        for name, carried_names in access.carried_functions.items():
            functions = {
                c.removesuffix("()")
                for c in carried_names
                if not c.endswith("()") or c.removesuffix("()") in self.closure_factories
            }
            free_names = {n for h in functions & self.defines.keys() for n in (h, *self.defines[h])}
            if free_names:
                self.defines[name] = frozenset(free_names | self.defines.get(name, frozenset()))

    def names(self, block: Block) -> set[str]:
        """The names that the block reads, including free names of the functions it calls; all earlier names if it is
        opaque.
        """
        access = block.access
        names = set(access.reads)
        names |= reachable_names(names, self.defines)
        if access.opaque or access.history:
            names |= {n for earlier_block in self.blocks[: block.index] for n in earlier_block.access.binds}
        return names - self.modules - (BUILTINS - self.rebound_builtins)

    def link_writers(self, block: Block, name: str) -> None:
        """Edges from the blocks that may have written a name last."""
        for writer in reversed(self.blocks[: block.index]):
            access = writer.access
            if name in access.certain_bindings or name in access.certain_mutations or name in access.deletes:
                self.add_dependency(writer, block, name, "data")
                return
            if name in access.binds or access.opaque or name in self.mutated_names.get(writer.index, ()):
                self.add_dependency(writer, block, name, "data")
            elif name in self.observed_writes.get(writer.cells, ()):
                self.add_dependency(writer, block, name, "learned")

    def add_dependency(self, writer: Block, block: Block, name: str, kind: EdgeKind) -> None:
        if writer.role in ("imports", "functions") or writer.owner == block.owner:
            return
        if block.role == "step":
            self.inputs[block.owner].add(name)
        if writer.role == "step":
            self.used_names[writer.owner].add(name)
            if block.role == "step":
                self.add(writer.owner, block.owner, kind, name)

    def add_state_edges(self, block: Block) -> None:
        resources = (block.effects.state_reads | block.effects.state_writes) - IGNORED_STATE
        for resource in resources:
            writer = self.last_writer(block, lambda b, r=resource: r in b.effects.state_writes)  # type: ignore[misc]
            if writer is not None and writer.role == "step":
                self.add(writer.owner, block.owner, "state", resource)

    def add_file_edges(self, block: Block) -> None:
        for path in block.effects.files_read:
            writer = self.last_writer(block, lambda b, p=path: any(_same_path(p, w) for w in b.effects.files_written))  # type: ignore[misc]
            if writer is not None and writer.role == "step":
                self.add(writer.owner, block.owner, "file", path)

    def last_writer(self, block: Block, predicate: Callable[[Block], bool]) -> Block | None:
        return next((b for b in reversed(self.blocks[: block.index]) if predicate(b)), None)


def _same_path(first: str, second: str) -> bool:
    return _normalize_path(first) == _normalize_path(second)


def _normalize_path(path: str) -> str:
    return path.replace("\\", "/").removeprefix("./")


def _outputs(blocks: Sequence[Block], used_names: set[str]) -> tuple[str, ...]:
    """The names written by a step that later steps read; all names that it binds if no step reads any."""
    if used_names:
        return tuple(sorted(used_names))
    bound_names = {n for b in blocks for n in b.access.binds}
    deleted_names = {n for b in blocks for n in b.access.deletes - b.access.certain_bindings}
    modules = {n for b in blocks for n in b.access.modules}
    return tuple(sorted(n for n in bound_names - deleted_names - modules if n != "_"))


def _fusions(
    blocks: Sequence[Block], unpicklable_values: Mapping[int, Mapping[str, UnpicklableValue]]
) -> Iterable[Fusion]:
    """Steps that share a kernel because a variable can't leave it, as far as the text shows."""
    for index, values in unpicklable_values.items():
        producer = blocks[index]
        for name, value in values.items():
            consumers = _consumers(blocks[index + 1 :], name, producer)
            if not consumers or producer.role != "step":
                continue
            last = max(b.index for b in consumers)
            owners = [b.owner for b in blocks[index : last + 1] if b.role == "step"]
            yield Fusion(
                steps=tuple(dict.fromkeys(owners)),
                variable=name,
                type=value.type,
                made_by=producer.owner,
                needed_by=tuple(dict.fromkeys(b.owner for b in consumers)),
                reason=value.reason,
            )


def _consumers(later_blocks: Iterable[Block], name: str, producer: Block) -> list[Block]:
    consumers = []
    defines = dict(producer.access.defines)
    for block in later_blocks:
        access = block.access
        defines.update(access.defines)
        reads = access.reads | access.certain_mutations | (access.possible_mutations - access.certain_bindings)
        if block.owner != producer.owner and block.role == "step" and name in reads | reachable_names(reads, defines):
            consumers.append(block)
        if name in access.certain_bindings | access.deletes:
            break
    return consumers
