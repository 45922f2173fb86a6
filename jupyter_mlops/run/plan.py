"""What may run when, and what may be adopted: pure decisions over blocks and the line."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from jupyter_mlops.notebook.magics import to_python
from jupyter_mlops.pipeline.model import Block, Pipeline
from jupyter_mlops.run.line import RANDOM, BlockResult, Line


@dataclass(frozen=True)
class Learned:
    """Evidence of an earlier run of a block with the same source.

    :param wrote: names it left different.
    :param state: resources it changed.
    :param writes: paths it wrote anew (never appended to or removed).
    :param outside: acts other than on files.
    :param reads: files it read, but for those of the interpreter and its packages.
    """

    wrote: frozenset[str] = frozenset()
    state: frozenset[str] = frozenset()
    writes: frozenset[str] = frozenset()
    other_writes: bool = False
    outside: bool = False
    seconds: float = 0.0
    ahead_failed: bool = False
    reads: frozenset[str] = frozenset()


def opaque(block: Block) -> bool:
    """Whether the names that a block touches can't be told."""
    return bool(block.access.opaque or block.access.history)


def pinned_until(blocks: Sequence[Block]) -> int:
    """Blocks before this position have to run on the main line: a later one looks at the whole kernel,
    at IPython's memory of it, or can't be read."""
    return max((b.index for b in blocks if opaque(b)), default=-1) + 1


NAMES_AXES = re.compile(
    r"\.names?\s*=[^=]|set_names|rename_axis|setattr|\b(index|columns)\.rename"
    r"|\.(index|columns)\s+is\b|\bis\s+(not\s+)?[\w.\[\]'\"]+\.(index|columns)\b"
)
MEMORY = re.compile(r"share_memory|shares_memory|\.base\b|__array_interface__|byte_bounds|owndata|\.ctypes\b|data_ptr")
PROCESS = re.compile(r"(os\.getp?pid|threading\.\w+|psutil\..*)\(\)")
DESCRIPTOR = re.compile(
    r"os\.(open|pipe2?|dup2?|openpty|memfd_create|eventfd)\(\)|tempfile\.mkstemp\(\)|\.fileno\(\)"
    r"|\.ctypes|\.__array_interface__|\.buffer_info\(\)|ctypes\.addressof\(\)|\.(random_state|rng|seed) ="
)
GENERATOR = re.compile(r"(random\.getstate|numpy\.random\.get_state|torch\..*get_rng_state)\(\)")


def axes_apart(sources: Iterable[str], blocks: Iterable[Block], beside: Collection[str]) -> bool:
    """Whether pandas objects that share an index may be handed on apart.

    Sharing shows only where an index is given a name, or asked whether it is another; frames made from one another
    share theirs all the time, and would all have to travel as one.
    """
    local = {m.split(".")[0] for b in blocks for m in b.access.imports} & set(beside)
    return not local and not any(NAMES_AXES.search(s) for s in sources)


def memory_seen(sources: Iterable[str]) -> bool:
    """Whether the notebook looks at what shares memory, so that pandas' copies on write would show."""
    return any(MEMORY.search(s) for s in sources)


def identity_seen(sources: Iterable[str]) -> bool:
    """Whether the notebook asks if two objects are one, other than None and its like: then equal numbers and texts
    can't stand for one another."""
    return any(_asks_identity(source) for source in sources if " is " in source)


def _asks_identity(source: str) -> bool:
    try:
        tree = ast.parse(to_python(source))
    except SyntaxError:
        return False
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            for number, operator in enumerate(node.ops):
                if isinstance(operator, ast.Is | ast.IsNot) and not any(map(_single, sides[number : number + 2])):
                    return True
    return False


def _single(node: ast.expr) -> bool:
    """Whether an expression gives something there is one of in every process: None, True, a type."""
    if isinstance(node, ast.Constant):
        return node.value is None or isinstance(node.value, bool) or node.value is ...
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "type"


def reads_process(block: Block) -> str:
    """How a block asks which process it runs in; "" if it does not."""
    return next((what for what in block.effects.volatile if PROCESS.fullmatch(what)), "")


def opens_descriptor(block: Block) -> str:
    """How a block opens what is known by a number alone, of this process; "" if it does not."""
    return next((what for what in block.effects.volatile if DESCRIPTOR.fullmatch(what)), "")


def reads_generator(block: Block) -> str:
    """How a block looks at the state of a random generator, which each process has its own of; "" if it does not."""
    return next((what for what in block.effects.volatile if GENERATOR.fullmatch(what)), "")


def reach(block: Block) -> frozenset[str]:
    """The names a block may come near, as far as its text tells."""
    return block.access.touched | block.access.strings


def module_changes(block: Block, later: Iterable[Block]) -> dict[str, list[int]]:
    """Modules whose own state this block may change by a call that stands as a statement, and who uses them later."""
    found: dict[str, list[int]] = {}
    for name in block.effects.modules_changed:
        users = [b.index for b in later if name in reach(b)]
        if users:
            found[name] = users
    return found


def waits_for(
    earlier: Block,
    later: Block,
    names: Collection[str],
    learned: Learned | None,
    prev: frozenset[tuple[str, str]],
    modules: frozenset[str] = frozenset(),
) -> str:
    """Why `later` can't run before `earlier` has retired; "" if, as far as is known, it can.

    :param names: what `later` may come near, functions followed.
    :param prev: pairs (earlier step, later step) of `prev:` tags.
    :param modules: names of modules: a call on one changes it only as far as `modules_changed` tells.
    """
    if (earlier.owner, later.owner) in prev:
        return "prev"
    if opaque(earlier) or opaque(later):
        return "opaque"
    certain = earlier.access.binds | earlier.access.deletes | (earlier.access.mutates - modules)
    if learned is not None:
        certain |= learned.wrote
    if certain & set(names):
        return "data"
    if earlier.effects.modules_changed & set(names):
        return "state"
    state = earlier.effects.state_writes | (learned.state if learned is not None else frozenset())
    used = later.effects.state_reads | later.effects.state_writes
    if (state - RANDOM - {"warnings"}) or (state & used):
        return "state"
    written = set(earlier.effects.files_written) | (set(learned.writes) if learned is not None else set())
    if written and (later.effects.looks_at_files or _meets(written, later.effects.files_read)):
        return "file"
    return ""


def _meets(written: Iterable[str], read: Iterable[str]) -> bool:
    ends = {path.replace("\\", "/").rsplit("/", 1)[-1] for path in read}
    return any(path.replace("\\", "/").rsplit("/", 1)[-1] in ends for path in written)


def why_not_adopted(
    block: Block,
    result: BlockResult,
    line: Line,
    stat_of: Callable[[str], list[int] | None],
    wrote_since: Collection[str],
    later: Sequence[Block],
) -> str:
    """Why the result of a helper is not what the main line would get now; "" if it is."""
    if result.denied:
        return f"it acts on the outside world ({result.denied[0]})"
    if result.comms:
        return "it opens widgets"
    if result.stuck:
        return "it leaves " + next(iter(result.stuck.values()))
    if line.stuck:
        return "the main kernel has " + next(iter(line.stuck.values()))
    for name in sorted(line.closure(reach(block))):
        if result.loaded.get(name) != line.digest(name):
            return f"`{name}` changed since it started"
    for name in result.loaded:
        if line.digest(name) != result.loaded[name]:
            return f"`{name}` changed since it started"
    for resource in {*result.state_before, *line.state}:
        if line.state.get(resource, ("", None))[0] != result.state_before.get(resource, ""):
            if resource in RANDOM and resource not in result.state:
                continue
            return f"the state of {resource} changed since it started"
    if wrote_since and (result.lists or block.effects.looks_at_files):
        return "files were written since it looked at them"
    if set(wrote_since) & set(result.modules.values()):
        return "a module that it imported was written since"
    for path, facts in result.read.items():
        if stat_of(path) != facts:
            return f"{path} changed since it was read"
    return why_incomplete(result, later)


def why_incomplete(result: BlockResult, later: Sequence[Block]) -> str:
    """Why a result can't stand for the run of its block: something a later one needs would be missing."""
    for group in result.groups:
        if group.portable:
            continue
        for name in group.names:
            user = next((b for b in later if opaque(b) or name in reach(b)), None)
            if user is not None or name.startswith("@"):
                return f"`{name}` can't be handed on ({group.live.get(name) or 'not stored'})"
            if any(name in functions for b in later for functions in b.access.defines.values()):
                return f"`{name}` can't be handed on"
    return ""


def why_not_stored(block: Block, result: BlockResult, cache: str, line: Line) -> str:
    """Why a result is not put into the cache; "" if it is.

    :param cache: the step's setting: "enabled", "disabled" or "".
    """
    if cache == "disabled":
        return "cache:disabled"
    if result.comms or result.stuck:
        return "it leaves state that can't be handed on"
    if result.failed_store:
        return result.failed_store
    if cache == "enabled":
        return ""
    if block.effects.volatile:
        return "it depends on " + block.effects.volatile[0]
    if result.outside or block.effects.outside:
        return (result.outside or list(block.effects.outside))[0]
    drew = line.drew_unseeded(result)
    if drew:
        return f"it draws from {drew[0]}, which nothing seeded"
    if set(result.written) & set(result.read):
        return "it changes a file that it reads"
    if any(how != "w" for how in result.written.values()):
        return "it changes files in place"
    if block.effects.interactive:
        return block.effects.interactive[0]
    if result.lists or block.effects.looks_at_files:
        return "it looks at which files there are"
    return ""


def poisoned(
    block: Block, failed: Iterable[tuple[Block, frozenset[str]]], line: Line, prev: frozenset[tuple[str, str]]
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
    """The steps that `step` stands on, itself included."""
    before: dict[str, set[str]] = {}
    for edge in pipeline.edges:
        before.setdefault(edge.target, set()).add(edge.source)
    found, waiting = {step}, [step]
    while waiting:
        for other in before.get(waiting.pop(), ()):
            if other not in found:
                found.add(other)
                waiting.append(other)
    return found


def prev_pairs(pipeline: Pipeline) -> frozenset[tuple[str, str]]:
    return frozenset((e.source, e.target) for e in pipeline.edges if e.kind == "prev")


@dataclass
class StepRecord:
    """What became of a step in this run."""

    name: str
    state: str = "skipped"
    attempts: int = 0
    seconds: float = 0.0
    reads: list[str] = field(default_factory=list)
    why: str = ""

    def to_dict(self) -> dict[str, object]:
        return {
            "name": self.name,
            "state": self.state,
            "attempts": self.attempts,
            "seconds": round(self.seconds, 6),
            "reads": sorted(self.reads),
        }


def joined_state(states: Sequence[str]) -> str:
    """The state of a step from those of its blocks."""
    for state in ("failed", "stopped"):
        if state in states:
            return state
    if not states or "skipped" in states:
        return "skipped"
    return "cached" if all(s == "cached" for s in states) else "completed"


def settings_of(pipeline: Pipeline) -> Mapping[str, str]:
    return {s.name: s.settings.cache for s in pipeline.steps}
