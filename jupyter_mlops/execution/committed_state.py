"""The committed state: variables, process state and files after the committed blocks.

It is known here whether or not a kernel holds it. A cached result advances it without a message to any kernel, and a
kernel is brought to it only before it executes a block.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

RANDOM = frozenset({"random", "numpy.random", "torch.random"})


FUNCTION = b"make_function".hex()  # in the pickled value of a resource that holds a function of the notebook


def callbacks(state: Mapping[str, tuple[str, str | None]]) -> frozenset[str]:
    """Resources whose state contains functions of the notebook, such as a formatter. These may read any variable."""
    return frozenset(name for name, (_, value) in state.items() if value is not None and FUNCTION in value)


@dataclass(frozen=True)
class VariableGroup:
    """Variables that are transferred as one because they share objects or memory.

    :param digest: distinguishes values; equal digests mean equal values.
    :param file: where they are pickled; None if only the main kernel has them.
    :param stream: offset and length of the pickle in the file.
    :param buffers: offset, length and identity of each out-of-band buffer.
    :param refs: global names that functions among them may use; `*` for all of them, and with an apostrophe before them
        words of strings, which may be names.
    :param live: variable -> why it can't be transferred.
    :param own: variable -> digest of its value alone, which does not change when other variables share objects with it.
    :param absent: whether only its digest is known: the bytes of a cached result were not stored, or were deleted.
    :param dead: whether it was not looked at because no later block needs it. Then it is absent.
    """

    names: tuple[str, ...]
    digest: str
    types: Mapping[str, str]
    refs: tuple[str, ...]
    file: str | None = None
    stream: tuple[int, int] = (0, 0)
    buffers: tuple[tuple[int, int, str], ...] = ()
    live: Mapping[str, str] = field(default_factory=dict)
    own: Mapping[str, str] = field(default_factory=dict)
    absent: bool = False
    dead: bool = False

    @property
    def size(self) -> int:
        """Its size in a file, in bytes."""
        return self.stream[1] + sum(length for _, length, _ in self.buffers)

    @property
    def portable(self) -> bool:
        return self.file is not None and not self.live

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> VariableGroup:
        return cls(
            names=tuple(data["names"]),
            digest=data["digest"],
            types=dict(data["types"]),
            refs=tuple(data["refs"]),
            file=data.get("file"),
            stream=tuple(data.get("stream", (0, 0))),
            buffers=tuple((b[0], b[1], b[2]) for b in data.get("buffers", ())),
            live=dict(data.get("live", {})),
            own=dict(data.get("own", {})),
            absent=bool(data.get("absent", False)),
            dead=bool(data.get("dead", False)),
        )

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass
class BlockResult:
    """The result of executing one block, complete enough to be reused.

    :param cells: position -> outputs, metadata and whether it was executed.
    :param loaded: name -> digest of the group that a helper received; `values`: the same for each value alone.
    :param regrouped: names that share objects with other names than before, with an unchanged value.
    :param unlooked: names that count as changed only because no later block needs them, so they were not compared.
    :param state: resource -> digest and pickled value (hex) after the block, where it changed.
    :param state_before: resource -> digest when the block began.
    :param read: path -> [mtime_ns, size, inode] of files read; None for a file that was not there.
    :param written: path -> "w" replaced, "a" changed, or the act (`os.remove`).
    :param looks: path -> its properties that were inspected without opening it (`agent.looks.look_of`).
    :param listed: folder -> digest of the names in it.
    :param volatile: readings that differ from run to run: [what, calling module, "" for a cell; ordinal of the cell in
        the block].
    :param scratch: generated names of scratch files.
    :param overlooked: whether files may have been read or inspected unobserved.
    :param displays: display id -> cell -> positions of outputs that show it.
    :param updates: later displays under an id, in order.
    :param widgets: id -> state and buffers of the widgets that it opened.
    :param comms: whether it communicated with widgets of other blocks, or with a front end.
    :param metrics: the last value of each metric; `logged`: `points` as [name, value, step, time], and how many more
        there were.
    :param environ: environment variable that its text names -> digest of its value before the block.
    :param connections: HOST:PORT of each connection that it opened or looked up.
    :param digests: path -> digest of the content of files that it read or wrote, where they are known.
    :param frames: `profiles` by variable, `predictions` by variable, and `notes` on those that could not be made.
    :param models: variable -> the facts of the model that was kept, or `why` it was not.
    """

    index: int
    cells: dict[int, dict[str, Any]] = field(default_factory=dict)
    groups: list[VariableGroup] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    state: dict[str, tuple[str, str | None]] = field(default_factory=dict)
    state_before: dict[str, str] = field(default_factory=dict)
    stuck: dict[str, str] = field(default_factory=dict)
    seeded: list[str] = field(default_factory=list)
    pristine: list[str] = field(default_factory=list)
    read: dict[str, list[int] | None] = field(default_factory=dict)
    written: dict[str, str] = field(default_factory=dict)
    outside: list[str] = field(default_factory=list)
    denied: list[str] = field(default_factory=list)
    looks: dict[str, list[Any]] = field(default_factory=dict)
    listed: dict[str, str] = field(default_factory=dict)
    volatile: list[list[Any]] = field(default_factory=list)
    overlooked: bool = False
    scratch: list[str] = field(default_factory=list)
    modules: dict[str, str] = field(default_factory=dict)
    displays: dict[str, dict[str, list[int]]] = field(default_factory=dict)
    updates: list[dict[str, Any]] = field(default_factory=list)
    widgets: dict[str, dict[str, Any]] = field(default_factory=dict)
    comms: bool = False
    metrics: dict[str, float | int | str] = field(default_factory=dict)
    logged: dict[str, Any] = field(default_factory=dict)
    environ: dict[str, str | None] = field(default_factory=dict)
    connections: list[str] = field(default_factory=list)
    digests: dict[str, str] = field(default_factory=dict)
    frames: dict[str, Any] = field(default_factory=dict)
    models: dict[str, dict[str, Any]] = field(default_factory=dict)
    seconds: float = 0.0
    count: int = 0
    loaded: dict[str, str] = field(default_factory=dict)
    values: dict[str, str] = field(default_factory=dict)
    regrouped: list[str] = field(default_factory=list)
    unlooked: list[str] = field(default_factory=list)
    from_cache: bool = False
    failed_store: str = ""

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> BlockResult:
        result = cls(**{k: v for k, v in data.items() if k not in ("cells", "groups", "state")})
        result.cells = {int(k): v for k, v in data["cells"].items()}
        result.groups = [VariableGroup.from_dict(g) for g in data["groups"]]
        result.state = {k: (v[0], v[1]) for k, v in data["state"].items()}
        return result

    def take(self, answer: Mapping[str, Any]) -> None:
        """Add the agent's answer at the end of the block."""
        self.groups = [VariableGroup.from_dict(g) for g in answer["groups"]]
        for live in answer["live"]:
            self.groups.append(
                VariableGroup(
                    tuple(live["names"]), live["digest"], live["types"], tuple(live["refs"]), live=live["why"]
                )
            )
        for name, kind in answer["dead"].items():
            self.groups.append(VariableGroup((name,), f"dead {kind}", {name: kind}, (), absent=True, dead=True))
        self.deleted = list(answer["deleted"])
        self.state = {k: (v[0], v[1]) for k, v in answer["state"].items()}
        for name in (
            "state_before", "stuck", "seeded", "pristine", "read", "written", "outside", "denied", "looks", "listed",
            "volatile", "overlooked", "scratch",
        ):  # fmt: skip
            setattr(self, name, answer[name])
        self.modules, self.metrics = answer["modules"], answer["metrics"]
        self.logged, self.connections = answer["logged"], list(answer["connections"])
        self.frames = answer["frames"]
        self.failed_store = answer["failed"]
        self.regrouped, self.unlooked = list(answer["regrouped"]), list(answer["unlooked"])

    @property
    def wrote(self) -> set[str]:
        """Names that this block changed."""
        named = {name for group in self.groups for name in group.names} - set(self.regrouped) - set(self.unlooked)
        return named | set(self.deleted)


@dataclass
class CommittedState:
    """Variables, process state and files after the committed blocks."""

    groups: dict[str, VariableGroup] = field(default_factory=dict)
    state: dict[str, tuple[str, str | None]] = field(default_factory=dict)
    unseeded: set[str] = field(default_factory=lambda: set(RANDOM))
    imports: list[str] = field(default_factory=list)
    stuck: dict[str, str] = field(default_factory=dict)
    stuck_for_good: dict[str, str] = field(default_factory=dict)
    touched_modules: dict[str, str] = field(default_factory=dict)
    wrote_files: list[str] = field(default_factory=list)
    count: int = 1

    def digest(self, name: str) -> str | None:
        group = self.groups.get(name)
        return None if group is None else group.digest

    def value_digest(self, name: str) -> str | None:
        """The digest of a value alone, regardless of shared objects."""
        group = self.groups.get(name)
        return None if group is None else group.own.get(name, group.digest)

    def closure(self, names: Iterable[str] | None, *, sharing: bool = True) -> set[str]:
        """These names, the names that their functions use, and names that share objects with them; None for
        everything.
        """
        everything = set(self.groups)
        if names is None:
            return everything
        always = {n for n in everything if n.startswith("@")}
        reachable = {n for n in names if n in everything} | always
        waiting = list(reachable)
        while waiting:
            group = self.groups[waiting.pop()]
            if "*" in group.refs:
                return everything
            for other in (*(group.names if sharing else ()), *(r.lstrip("'") for r in group.refs)):
                if other in everything and other not in reachable:
                    reachable.add(other)
                    waiting.append(other)
        return reachable

    def apply(self, result: BlockResult, imports: Iterable[str]) -> None:
        """Commit a block: apply its result to the state."""
        self._judge_random(result)
        for name in result.deleted:
            self.groups.pop(name, None)
        for group in result.groups:
            for name in group.names:
                self.groups[name] = group
        self.state.update(result.state)
        self.imports += [m for m in imports if m not in self.imports]
        self.stuck = {**self.stuck_for_good, **result.stuck}
        self.wrote_files += list(result.written)
        self.count += result.count

    def _judge_random(self, result: BlockResult) -> None:
        for name in RANDOM:
            if name in result.seeded:
                self.unseeded.discard(name)

    def drew_unseeded(self, result: BlockResult) -> list[str]:
        """Generators that this block drew from although they were not seeded."""
        generators = []
        for name in RANDOM & set(result.state):
            if name in result.seeded or name not in self.unseeded:
                continue
            first_seen = not result.state_before.get(name) and name != "random"
            if not (first_seen and name in result.pristine):
                generators.append(name)
        return sorted(generators)
