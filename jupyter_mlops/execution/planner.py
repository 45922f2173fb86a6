"""Decisions on order: pure functions of blocks and the committed state."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from jupyter_mlops.analysis.volatility import VolatilityKind
from jupyter_mlops.execution.block_profile import BlockProfile
from jupyter_mlops.execution.committed_state import RANDOM, CommittedState, VariableGroup
from jupyter_mlops.execution.reasons import Reason, sentences
from jupyter_mlops.pipeline.model import Block, Pipeline


def opaque(block: Block) -> bool:
    """Whether the names that a block accesses can't be determined."""
    return bool(block.access.opaque or block.access.history)


def first_speculable_block(blocks: Sequence[Block]) -> int:
    """The position up to which blocks run on the main kernel, because a later one accesses the whole kernel or
    IPython's history, or can't be analyzed.
    """
    return max((b.index for b in blocks if opaque(b)), default=-1) + 1


def reads_process(block: Block) -> str:
    """How a block identifies its process; "" if it does not."""
    return _cause(block, VolatilityKind.PROCESS)


def opens_descriptor(block: Block) -> str:
    """How a block opens a resource that is identified only by a number of this process; "" if it does not."""
    return _cause(block, VolatilityKind.DESCRIPTOR)


def reads_generator(block: Block) -> str:
    """How a block reads the state of a random generator, which differs between processes; "" if it does not."""
    return _cause(block, VolatilityKind.GENERATOR)


def _cause(block: Block, kind: VolatilityKind) -> str:
    return next((str(cause) for cause in block.effects.volatile if cause.kind is kind), "")


def reach(block: Block) -> frozenset[str]:
    """The names that a block may access, as far as its text shows."""
    return block.access.names | block.access.strings


def rebinds(block: Block) -> frozenset[str]:
    """Names that a block may bind and whose earlier values it never reads: the variable of a loop, of `with`, of an
    import. If it does not bind one after all, because a loop is empty, that name keeps its value.
    """
    access = block.access
    return access.binds - access.reads - access.deletes - access.string_reads


def needs(block: Block) -> frozenset[str]:
    """The names whose earlier values may affect a block, as far as its text shows."""
    return reach(block) - rebinds(block)


def is_tied(group: VariableGroup) -> bool:
    """Whether rebinding one of these variables may be observed: other variables share objects with it, or its deletion
    calls, prints or closes something.
    """
    return len(group.names) > 1 or not goes_unseen(group)


def goes_unseen(group: VariableGroup) -> bool:
    """Whether deleting these values has no effect: values that can be pickled, and closed files."""
    return set(group.live.values()) <= {"a closed file"}


def needs_of(block: Block, line: CommittedState) -> frozenset[str]:
    """The variables that a helper needs for a block: its inputs, and the names that it binds unless their replacement
    is unobserved.
    """
    return needs(block) | {n for n in rebinds(block) if n in line.groups and is_tied(line.groups[n])}


def must_have(block: Block, read_by_functions: Collection[str]) -> frozenset[str]:
    """The names that must exist when a block begins, or when it ends without having bound them.

    :param read_by_functions: global names that functions of the notebook may read; the block may call one.
    """
    return reach(block) - ((rebinds(block) & block.access.certain_bindings) - set(read_by_functions))


def module_changes(block: Block, later: Iterable[Block]) -> dict[str, list[int]]:
    """Modules whose state this block may change by a call statement, and their later users."""
    changes: dict[str, list[int]] = {}
    for name in block.effects.modules_changed:
        users = [b.index for b in later if name in reach(b)]
        if users:
            changes[name] = users
    return changes


@dataclass(frozen=True)
class Wait:
    """Why a block can't run before an earlier one is committed.

    :param kind: "prev", "opaque", "data", "state" or "file".
    :param name: the variable, the resource or the file; "" for the other kinds.
    """

    kind: str
    name: str = ""


def wait_of(
    earlier: Block,
    later: Block,
    names: Collection[str],
    learned: BlockProfile | None,
    prev: frozenset[tuple[str, str]],
    modules: frozenset[str] = frozenset(),
) -> Wait | None:
    """Why `later` can't run before `earlier` is committed; None if, as far as is known, it can.

    :param names: what `later` needs, including its functions.
    :param prev: pairs (earlier step, later step) of `prev:` tags.
    :param modules: names of modules: a call on one changes it only as far as `modules_changed` shows.
    """
    if (earlier.owner, later.owner) in prev:
        return Wait("prev")
    if opaque(earlier) or opaque(later):
        return Wait("opaque")
    certain = earlier.access.binds | earlier.access.deletes | (earlier.access.certain_mutations - modules)
    if learned is not None:
        certain |= learned.wrote
    tied = learned.tied & rebinds(later) if learned is not None else frozenset()
    if data := (certain & set(names)) | tied:
        return Wait("data", min(data))
    if changed := earlier.effects.modules_changed & set(names):
        return Wait("state", min(changed))
    state = earlier.effects.state_writes | (learned.state if learned is not None else frozenset())
    used = later.effects.state_reads | later.effects.state_writes
    if met := (state - RANDOM - {"warnings"}) or (state & used):
        return Wait("state", min(met))
    written_paths = set(earlier.effects.files_written) | (set(learned.writes) if learned is not None else set())
    if written_paths and (later.effects.looks_at_files or _meets(written_paths, later.effects.files_read)):
        return Wait("file", min(written_paths))
    return None


def dependency_reason(
    earlier: Block,
    later: Block,
    names: Collection[str],
    learned: BlockProfile | None,
    prev: frozenset[tuple[str, str]],
    modules: frozenset[str] = frozenset(),
) -> str:
    """The kind of `wait_of`; "" if there is nothing to wait for."""
    wait = wait_of(earlier, later, names, learned, prev, modules)
    return "" if wait is None else wait.kind


def wait_in_words(wait: Wait, earlier: Block, where: str) -> str:
    """A wait as a clause. `where` contains the position of the earlier block: `cell 3 (load)`."""
    if wait.kind == "prev":
        return f"a prev: tag makes it wait for {earlier.owner}"
    if wait.kind == "opaque":
        return f"the code does not show what it shares with {where}"
    if wait.kind == "data":
        return f"it may use `{wait.name}`, which {where} writes"
    if wait.kind == "state":
        return f"{where} changes the state of {wait.name}"
    return f"it may look at {wait.name}, which {where} writes"


def _meets(writes: Iterable[str], read: Iterable[str]) -> bool:
    ends = {path.replace("\\", "/").rsplit("/", 1)[-1] for path in read}
    return any(path.replace("\\", "/").rsplit("/", 1)[-1] in ends for path in writes)


def is_used(name: str, later: Sequence[Block], read_by_functions: Collection[str]) -> bool:
    """Whether a later block may need the current value of a name, before one certainly rebinds it."""
    for block in later:
        if opaque(block) or name in must_have(block, read_by_functions):
            return True
        if name in block.access.certain_bindings and name not in read_by_functions:
            return False
    return False


def alive_after(later: Iterable[Block], read_by_functions: Collection[str]) -> set[str] | None:
    """The names whose current values one of these blocks may need, before another certainly rebinds them; None if they
    can't be determined.

    :param read_by_functions: global names that functions of the notebook may read; any block may call one.
    """
    alive, rebound = set(read_by_functions), set[str]()
    for block in later:
        if opaque(block):
            return None
        alive |= needs(block) - rebound
        rebound |= (rebinds(block) & block.access.certain_bindings) - set(read_by_functions)
    return alive


def within_reach(block: Block) -> frozenset[str] | None:
    """The names that a block may access, including functions that it defines; None if they can't be determined."""
    return None if opaque(block) else reach(block).union(*block.access.defines.values())


def needed_by(line: CommittedState, later: Iterable[Block]) -> set[str] | None:
    """The names that these blocks may access from here, functions included; None if they can't be determined."""
    names = list(map(within_reach, later))
    if None in names:
        return None
    named = frozenset[str]().union(*(n for n in names if n is not None))
    return line.closure(named) | named


def needs_absent(
    line: CommittedState, later: Iterable[Block], read_by_functions: Collection[str] = ()
) -> tuple[str, Block] | None:
    """A committed variable without stored bytes, and a block that may need it; None if there is none.

    :param read_by_functions: global names that functions of the notebook may read; any block may call one.
    """
    if not any(group.absent for group in line.groups.values()):
        return None
    rebound = set[str]()
    for block in later:
        for name in sorted(line.closure(within_reach(block))):
            group = line.groups[name]
            unneeded = group.dead and (name in rebound or name in rebinds(block)) and name not in read_by_functions
            if group.absent and not unneeded:
                return name, block
        if not opaque(block):
            rebound |= rebinds(block) & block.access.certain_bindings
    return None


def starts_at(
    lines: Mapping[int, CommittedState], blocks: Sequence[Block], first: int, read_by_functions: Collection[str] = ()
) -> int:
    """Where a run that uses cached results has to begin: the last block, up to the first without a result, from which
    all values that it and later blocks may need are stored.

    :param lines: position of a block -> the committed state before it, according to cached results.
    :param blocks: the blocks of the run.
    :param first: the position of the first block without a cached result.
    """
    for index in sorted(lines, reverse=True):
        later = [b for b in blocks if b.index >= index]
        if index <= first and needs_absent(lines[index], later, read_by_functions) is None:
            return index
    return 0


def upstream_failure(
    block: Block, failed: Iterable[tuple[Block, frozenset[str]]], line: CommittedState, prev: frozenset[tuple[str, str]]
) -> str:
    """The owner of a failed or skipped block that this one depends on, or ""."""
    names = line.closure(reach(block)) | reach(block)
    for other, wrote in failed:
        if other.owner == block.owner or (other.owner, block.owner) in prev:
            return other.owner
        if opaque(block) or opaque(other) or (wrote | other.access.writes) & names:
            return other.owner
        if (other.effects.state_writes - {"warnings"}) & (block.effects.state_reads | block.effects.state_writes):
            return other.owner
        if other.effects.state_writes - RANDOM - {"warnings"} or other.effects.modules_changed & names:
            return other.owner
        if other.effects.files_written and (
            block.effects.looks_at_files or _meets(other.effects.files_written, block.effects.files_read)
        ):
            return other.owner
    return ""


def needed_for(step: str, pipeline: Pipeline) -> set[str]:
    """The steps that `step` depends on, itself included."""
    before: dict[str, set[str]] = {}
    for edge in pipeline.edges:
        before.setdefault(edge.target, set()).add(edge.source)
    needed, waiting = {step}, [step]
    while waiting:
        for other in before.get(waiting.pop(), ()):
            if other not in needed:
                needed.add(other)
                waiting.append(other)
    return needed


def prev_pairs(pipeline: Pipeline) -> frozenset[tuple[str, str]]:
    return frozenset((e.source, e.target) for e in pipeline.edges if e.kind == "prev")


@dataclass
class StepRecord:
    """The outcome of a step in this run."""

    name: str
    state: str = "skipped"
    attempts: int = 0
    seconds: float = 0.0
    reads: list[str] = field(default_factory=list)
    reasons: list[Reason] = field(default_factory=list)

    def to_dict(self) -> dict[str, object]:
        return {
            "name": self.name,
            "state": self.state,
            "attempts": self.attempts,
            "seconds": round(self.seconds, 6),
            "reads": sorted(self.reads),
            "why": sentences(self.reasons),
        }


def joined_state(states: Sequence[str]) -> str:
    """The state of a step, from the states of its blocks."""
    for state in ("failed", "stopped"):
        if state in states:
            return state
    if not states or "skipped" in states:
        return "skipped"
    return "cached" if all(s == "cached" for s in states) else "completed"


def settings_of(pipeline: Pipeline) -> Mapping[str, str]:
    return {s.name: s.settings.cache for s in pipeline.steps}
