"""What one run works on: the pipeline, the options, the stores, and what follows from them about each block."""

from __future__ import annotations

import contextlib
import hashlib
import time
from collections.abc import Callable, Iterable
from functools import cached_property
from pathlib import Path
from typing import Any

from jupyter_mlops.config import RunConfig
from jupyter_mlops.execution import environ_names, notebook_traits, planner
from jupyter_mlops.execution.block_profile import BlockProfile
from jupyter_mlops.execution.cache import Cache, Key, key_of
from jupyter_mlops.execution.committed_state import BlockResult, CommittedState
from jupyter_mlops.execution.file_digests import FileDigests
from jupyter_mlops.execution.frame_requests import FrameRequests
from jupyter_mlops.execution.kept_models import KeptModels
from jupyter_mlops.execution.kernels import KernelProvider
from jupyter_mlops.execution.launch import Fork, KernelRequest
from jupyter_mlops.execution.planner import reach
from jupyter_mlops.execution.profile_store import ProfileStore, block_id
from jupyter_mlops.execution.record import RunNotebook
from jupyter_mlops.execution.redaction import Redaction
from jupyter_mlops.execution.run_options import Options
from jupyter_mlops.execution.run_sink import RunSink
from jupyter_mlops.kernels.preload import SAFE, preload
from jupyter_mlops.pipeline.model import Block, Pipeline, Settings


class RunContext:
    """The inputs of one run. They do not change while it runs, apart from the profiles and the notebook's outputs.

    :param kernel_name: the kernelspec of all kernels of the run.
    :param folder: a temporary folder for pickled variables.
    :param base: what the cache keys of all blocks depend on: environment, working folder, hash seed.
    :param tell: is called with each event.
    :param sink: where it puts what it leaves behind; None: it leaves digests alone.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        record: RunNotebook,
        kernel_name: str,
        cwd: str,
        folder: Path,
        *,
        config: RunConfig | None = None,
        options: Options | None = None,
        cache: Cache | None = None,
        base: str = "",
        evidence: ProfileStore | None = None,
        kernels: KernelProvider | None = None,
        tell: Callable[[dict[str, Any]], None] = lambda event: None,
        sink: RunSink | None = None,
    ) -> None:
        self.pipeline, self.record, self.kernel_name, self.cwd = pipeline, record, kernel_name, cwd
        self.folder, self.cache, self.tell = folder, cache, tell
        self.config, self.options = config or RunConfig(), options or Options()
        self.evidence = evidence or ProfileStore(None)
        self.kernels = kernels or KernelProvider()
        self.sink = sink or RunSink()
        self.frames = FrameRequests(self)
        self.digests = cache.files if cache is not None else FileDigests()
        self.python = pipeline.language == "python"
        self.blocks = pipeline.blocks
        self.steps = {s.name: s for s in pipeline.steps}
        self.prev = planner.prev_pairs(pipeline)
        self.modules = frozenset(n for b in self.blocks for n in b.access.modules)
        functions = [names for b in self.blocks for names in b.access.defines.values()]
        self.read_by_functions = frozenset[str]().union(*functions)
        self.pinned = planner.first_speculable_block(self.blocks)
        self.finalizes = notebook_traits.finalizes(
            [*(c.source for c in self.record.nb.cells), *local_sources(Path(self.cwd), self.blocks)]
        )
        self.handed_until = max((b.index for b in self.blocks if self._begins_anew(b)), default=0)
        self.redaction = Redaction(self.options.secrets)
        self.models = KeptModels(self.config, folder, self.redaction, elsewhere=self.options.task is not None)
        self.agent_facts = self._agent_facts()
        self.base = f"{base} {self.agent_facts}"
        self.preload = preload((m for b in self.blocks for m in b.access.imports), {*SAFE, *self.config.fork_safe})
        self.started_at = time.monotonic()
        self._ids: dict[int, str] = {}

    def _agent_facts(self) -> dict[str, Any]:
        """What the agent must know about the notebook's text."""
        sources = [c.source for c in self.record.nb.cells]
        return {
            "axes_apart": notebook_traits.axes_apart([*sources, *local_sources(Path(self.cwd), self.blocks)]),
            "memory_seen": notebook_traits.memory_seen(sources),
            "identity_seen": notebook_traits.identity_seen(sources),
            "awaits": any("await" in s or "async " in s for s in sources),
            "backend_seen": notebook_traits.backend_seen(sources),
        }

    def alive_after(self, block: Block) -> list[str] | None:
        """The names whose values are needed after a block; None if all of them may be."""
        if self.options.hands_on_all or self.options.task is not None or self.options.stop_before or self.finalizes:
            return None
        names = planner.alive_after(self.blocks[block.index + 1 :], self.read_by_functions)
        return None if names is None else sorted(names)

    @property
    def notebook(self) -> str:
        """The notebook's name in the cache."""
        return f"{self.cwd}/{self.pipeline.name}"

    def kernel_request(self, fork: Fork) -> KernelRequest:
        """The kernel request of this run. A single run starts a fork server only for a kernel that it needs many of."""
        if not self.config.fork_kernels:
            fork = ""
        elif self.kernels.one_of_many:
            fork = "start"
        return KernelRequest(
            self.kernel_name, self.cwd, self.config.hash_seed, self.python, fork, self.preload, self.options.env
        )  # fmt: skip

    # -- which blocks run

    def is_selected(self, block: Block) -> bool:
        """Whether the options include a block."""
        if self.options.task is not None:
            last = max((b.index for b in self.blocks if b.owner in self.options.task.steps), default=-1)
            return self.options.task.includes(block, last)
        if not self.options.only:
            return True
        needed = planner.needed_for(self.options.only, self.pipeline)
        last = max(b.index for b in self.blocks if b.owner == self.options.only)
        return block.index <= last and (block.role != "step" or block.owner in needed)

    def must_execute(self, block: Block) -> bool:
        """Whether the options forbid a cached result for a block."""
        if self.options.only:
            return block.owner == self.options.only
        if not self.options.redo_from:
            return False
        return block.index >= min(b.index for b in self.blocks if b.owner == self.options.redo_from)

    def later(self, block: Block) -> list[Block]:
        """The blocks of this run after a block, including those that other processes execute."""
        if self.options.task is not None:
            return list(self.blocks[block.index + 1 :])
        return [b for b in self.blocks[block.index + 1 :] if self.is_selected(b)]

    def hand_on(self, block: Block, result: BlockResult, state: CommittedState) -> None:
        """Hand a result on to the other processes of the run, if there are any.

        :param state: the committed state before the block.
        """
        if self.options.task is not None:
            files = {*result.read, *result.modules.values()} - {*result.written, *result.digests}
            result.digests.update({path: self.digests.digest(path) for path in files})
            self.options.task.on_result(block, result, state)

    # -- one block

    @cached_property
    def environ_key(self) -> bytes:
        """The key for digests of environment variables."""
        return environ_names.key_of(Path(self.config.home))

    def environ_names(self, block: Block) -> list[str]:
        """The environment variables that a block's text names, and that of functions that it may call."""
        names = reach(block)
        texts = self.sources(block)
        for other in self.blocks:
            if other is not block and names & other.access.defines.keys():
                texts += self.sources(other)
        return list(dict.fromkeys(name for text in texts for name in environ_names.names_in(text)))

    def settings(self, block: Block) -> Settings:
        """The settings of a block's step; the defaults if it belongs to no step."""
        step = self.steps.get(block.owner)
        return step.settings if step is not None else Settings()

    def is_remote(self, block: Block) -> bool:
        """Whether a cluster executes a block, while the main line stays here."""
        return self.options.task is None and bool(block.cells) and self.settings(block).executor not in ("", "local")

    def _begins_anew(self, block: Block) -> bool:
        """Whether a block may begin in a kernel that executed nothing above it: all values above it are stored."""
        return bool(self.settings(block).retries) or self.is_remote(block)

    def sources(self, block: Block) -> list[str]:
        return [self.record.nb.cells[i].source for i in block.cells]

    def block_id(self, block: Block) -> str:
        """The key of a block's profile."""
        if block.index not in self._ids:
            self._ids[block.index] = block_id(self.sources(block))
        return self._ids[block.index]

    def profile(self, block: Block) -> BlockProfile | None:
        """What earlier runs showed of a block."""
        return self.evidence.get(self.block_id(block))

    def seconds(self, block: Block) -> float | None:
        """Seconds that a block took in an earlier run; None if unknown."""
        profile = self.profile(block)
        return profile.seconds if profile is not None and profile.seconds > 0 else None

    def where(self, block: Block) -> str:
        """`cell 3 (load)`"""
        cell = f"cell {block.cells[0] + 1}" if block.cells else "a part without code"
        return f"{cell} ({block.owner})" if block.owner in self.steps else cell

    def sources_before(self, block: Block) -> str:
        """Digest of the sources of the blocks before a block, parameters excluded."""
        return block_id(s for b in self.blocks[: block.index] if b.role != "parameters" for s in self.sources(b))

    def key(self, block: Block, state: CommittedState) -> Key:
        """The cache key of a block at a committed state."""
        cells = self.record.nb.cells
        raises = any("raises-exception" in cells[i].metadata.get("tags", []) for i in block.cells)
        opaque = planner.opaque(block)
        base = self.base
        if opaque:
            before = [cells[i].source for b in self.blocks[: block.index] for i in b.cells]
            base = hashlib.blake2b("\0".join([base, *before]).encode(), digest_size=16).hexdigest()
        return key_of(block, self.sources(block), raises or opaque, state, base, opaque, self.read_by_functions)

    def commit_to(self, state: CommittedState, block: Block, result: BlockResult) -> None:
        """Commit a block's result to a state, with the same effect as if the block had run."""
        for name in block.effects.modules_changed:
            state.touched_modules[name] = f"{block.index}:{self.block_id(block)}"
        if opened := planner.opens_descriptor(block):
            state.stuck_for_good["descriptors"] = f"what {opened} opened"
        drew = state.drew_unseeded(result)
        state.apply(result, block.access.imports)
        state.unseeded |= set(drew)

    def seeds(self, block: Block) -> dict[int, list[str]]:
        """The generators that each cell of a block seeds: position in the block -> names."""
        from jupyter_mlops.analysis.effects import cell_effects

        modules: dict[str, str] = {}
        for other in self.blocks[: block.index + 1]:
            modules.update(other.access.modules)
        seeds_of_cells: dict[int, list[str]] = {}
        for ordinal, source in enumerate(self.sources(block)):
            with contextlib.suppress(SyntaxError):
                if seeds := cell_effects(source, modules).seeds:
                    seeds_of_cells[ordinal] = sorted(seeds)
        return seeds_of_cells

    def metric_names(self, block: Block) -> list[str]:
        from jupyter_mlops.notebook.metrics import metric_names

        chosen = set(self.pipeline.metrics)
        return [n for i in block.cells if i in chosen for n in metric_names(self.record.nb.cells[i].source)]


def local_sources(folder: Path, blocks: Iterable[Block]) -> list[str]:
    """Sources of the modules beside a notebook, if it imports one of them; "" for one that can't be read."""
    named = {m.split(".")[0] for b in blocks for m in b.access.imports}
    beside = [p for p in folder.glob("*") if p.suffix == ".py" or (p.stem in named and p.is_dir())]
    if not any(p.stem in named for p in beside):
        return []
    return [_text(q) for p in beside for q in (p.rglob("*.py") if p.is_dir() else (p,))]


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
