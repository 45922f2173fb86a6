"""The use of the cache in one run: which results are reused, and which are stored."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from jupyter_mlops.execution import planner, reuse_rules
from jupyter_mlops.execution.agent.memory import HASHED
from jupyter_mlops.execution.cache import Cache, Key, kept_of
from jupyter_mlops.execution.committed_state import BlockResult, CommittedState
from jupyter_mlops.execution.decision_events import CacheSearched, ResultReady
from jupyter_mlops.execution.decisions import DecisionCore
from jupyter_mlops.execution.file_digests import file_facts
from jupyter_mlops.execution.instructions import Store
from jupyter_mlops.execution.profile_store import learn
from jupyter_mlops.execution.redaction import Redaction
from jupyter_mlops.execution.run_context import RunContext
from jupyter_mlops.pipeline.model import Block


class CachedResults:
    """Finds cached results for the blocks of a run, and stores new ones.

    :ivar planned: results that were chosen before any block ran.
    :ivar complete: whether all blocks have one, so that no kernel is needed.
    :ivar unstored: cached results whose blocks run again because bytes of their values were not stored.
    :ivar key: the cache key of the block whose turn it is.
    """

    def __init__(self, context: RunContext, committed: CommittedState, core: DecisionCore) -> None:
        self.context, self.committed, self.core = context, committed, core
        self.planned: dict[int, BlockResult] = {}
        self.complete = False
        self.unstored: dict[int, BlockResult] = {}
        self.key = Key("")
        self.creators: dict[str, frozenset[int]] = {}  # digest of a group -> blocks that must run to recreate it
        self.took: dict[int, float] = {}
        self.storing: list[asyncio.Task[None]] = []

    # -- finding

    async def plan(self) -> None:
        """Find the cached results to reuse before any block has to run.

        If every block has one, no kernel is needed. Otherwise the bytes of everything that the first block without one
        and later blocks may need must be stored: results are reused only up to a block where that holds.
        """
        cache = self.context.cache
        if cache is None or not self.context.python or self.context.options.task is not None:
            return
        blocks = [b for b in self.context.blocks if self.context.is_selected(b)]
        results, states = await self._in_order(cache, blocks)
        self.complete = len(results) == len(blocks)
        if self.complete:
            self.planned = results
            return
        first = next((b.index for b in blocks if self._why_not_planned(b, results, states)), len(self.context.blocks))
        start = planner.starts_at(states, blocks, first)
        self.planned = {index: result for index, result in results.items() if index < start}

    async def _in_order(
        self, cache: Cache, blocks: Sequence[Block]
    ) -> tuple[dict[int, BlockResult], dict[int, CommittedState]]:
        """Cached results of these blocks, up to the first without one, and the committed state before each block."""
        state, results, states = CommittedState(), dict[int, BlockResult](), dict[int, CommittedState]()
        for block in blocks:
            states[block.index] = replace(state, groups=dict(state.groups))
            stops = self.context.must_execute(block) or block.owner == self.context.options.stop_before
            result = None if stops else cache.find(self.context.key(block, state), state)
            if result is None or self._why_data_missing(block, result):
                break
            results[block.index] = result
            self.context.commit_to(state, block, result)
            await asyncio.sleep(0)
        return results, states

    def _why_not_planned(
        self, block: Block, results: Mapping[int, BlockResult], states: Mapping[int, CommittedState]
    ) -> str:
        """Why a block has to run although nothing before it does; "" if its cached result can be reused."""
        if block.index not in results or not block.cells:
            return "" if block.index in results else "it has no cached result"
        return self._why_not_searched(block, states[block.index]) or self._why_unusable(block, results[block.index])

    def search(self, block: Block) -> tuple[CacheSearched, BlockResult | None]:
        """The cached result that can stand for the block whose turn it is, and the event for the decision on it."""
        cache, index = self.context.cache, block.index
        if cache is None or not self.context.python or self.context.must_execute(block) or not block.cells:
            return CacheSearched(block=index, enabled=False), None
        if index in self.planned:
            return CacheSearched(block=index, present=True), self.planned[index]
        why = self._why_not_searched(block, self.committed)
        key = self.context.key(block, self.committed)
        result = None if why else cache.find(key, self.committed)
        if result is None:
            why = why or cache.why_missing(key, self.committed, self.context.notebook)
        else:
            why = self._why_unusable(block, result)
            if not why and (why := self._why_run_again(block, result)):
                self.unstored[index] = result
        event = CacheSearched(block=index, present=result is not None, why_not=why)
        return event, None if why else result

    def _why_not_searched(self, block: Block, state: CommittedState) -> str:
        """Why no cached result may be reused for a block at this point; "" if one may."""
        if block.index < self.context.pinned:
            other = next(b for b in reversed(self.context.blocks) if planner.opaque(b))
            return f"{self.context.where(other)} may look at everything before it"
        if state.stuck:
            return "the main kernel has " + next(iter(state.stuck.values()))
        if changed := planner.module_changes(block, self.context.later(block)):
            return f"it changes the state of {next(iter(changed))}"
        return ""

    def _why_unusable(self, block: Block, result: BlockResult) -> str:
        """Why a cached result lacks something that a later block needs; "" if it is complete."""
        later = self.context.later(block)
        return (
            next(iter(result.stuck.values()), "")
            or self._why_data_missing(block, result)
            or reuse_rules.why_incomplete(result, later, self.context.read_by_functions)
        )

    def _why_data_missing(self, block: Block, result: BlockResult) -> str:
        """Which profile, prediction or model a cached result lacks; "" if none."""
        context = self.context
        return context.frames.why_incomplete(block, result) or context.models.why_missing(block, result)

    def _why_run_again(self, block: Block, result: BlockResult) -> str:
        """Which value of a cached result a later block needs although its bytes were not stored; "" if none."""
        if not any(group.absent for group in result.groups):
            return ""
        groups = {**self.committed.groups, **{n: g for g in result.groups for n in g.names}}
        absent = planner.needs_absent(
            replace(self.committed, groups=groups), self.context.later(block), self.context.read_by_functions
        )
        if absent is None:
            return ""
        name, user = absent
        return f"`{name}` was not stored, and {self.context.where(user)} may need it"

    # -- storing

    def store(self, block: Block, result: BlockResult) -> None:
        """Record the profile of a block that ran, and begin to store its result."""
        context, cache = self.context, self.context.cache
        context.evidence.put(context.block_id(block), learn(result, context.profile(block)))
        event, files = self._examine(block, result)
        if not isinstance(self.core.handle(event), Store) or cache is None or files is None:
            return
        cost = self.cost(block, result)
        self.storing.append(
            asyncio.ensure_future(
                asyncio.to_thread(_store, cache, self.key, result, files, context.redaction, cost, context.notebook)
            )
        )

    def _examine(self, block: Block, result: BlockResult) -> tuple[ResultReady, dict[str, str] | None]:
        """The event for the decision on storing a result, and the digests of its files."""
        cache, index = self.context.cache, block.index
        if cache is None or not self.context.python:
            return ResultReady(block=index, cache=False), None
        state = CommittedState(unseeded=set(self.committed.unseeded))
        if why := reuse_rules.why_not_stored(block, result, self.context.settings(block).cache, state):
            return ResultReady(block=index, why_not=why), None
        if not self.key.digest or self._is_stored(block, result):
            return ResultReady(block=index, stored=True), None
        changed = changed_input(result)
        return ResultReady(block=index, changed=changed), None if changed else _files_of(cache, result)

    def _is_stored(self, block: Block, result: BlockResult) -> bool:
        """Whether a block that ran again gave its cached result, with no additional bytes to store."""
        cached = self.unstored.get(block.index)
        if cached is None:
            return False
        stored = kept_of(result, self.cost(block, result))
        had = {g.digest for g in cached.groups if g.file}
        return {g.digest for g in cached.groups} == {g.digest for g in result.groups} and all(
            g.digest in had for g in stored if g.file
        )

    async def flush(self) -> None:
        """Wait until all results are stored."""
        if self.storing:
            await asyncio.gather(*self.storing)

    async def close(self) -> None:
        """Wait until all results are stored or failed to be, and trim the cache."""
        for task in self.storing:
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await task
        if self.context.cache is not None:
            self.context.cache.bound()

    # -- identities

    def identities(self, block: Block, result: BlockResult) -> dict[str, list[tuple[int, str]]]:
        """The identities of a block's large buffers in its cached result, if it ran again with the same outputs.

        If the outputs differ, its cached result is dropped.
        """
        cached, cache = self.unstored.get(block.index), self.context.cache
        if cached is None or cache is None:
            return {}
        if _plain_outputs(cached) != _plain_outputs(result):
            del self.unstored[block.index]
            cache.drop(self.key)
            return {}
        if self.context.settings(block).cache == "enabled":
            return {}
        return {
            "\0".join(sorted(group.names)): [(size, ident) for _, size, ident in group.buffers if size > HASHED]
            for group in cached.groups
            if not group.live
        }

    def identify_live(self, block: Block, result: BlockResult) -> None:
        """Identify live variables of a reproducible block by its key and by the files it read."""
        cache = self.context.cache
        if cache is None or not any(g.live for g in result.groups):
            return
        state = CommittedState(unseeded=set(self.committed.unseeded))
        if changed_input(result) or reuse_rules.why_not_stored(block, result, "", state):
            return
        origin = f"{self.key} {sorted(_files_of(cache, result).items())}"
        result.groups = [
            replace(g, digest=f"live-{hashlib.blake2b(f'{origin} {g.names}'.encode(), digest_size=20).hexdigest()}")
            if g.live
            else g
            for g in result.groups
        ]

    # -- what it would cost to compute values again

    def note_creators(self, block: Block, result: BlockResult) -> None:
        """Record which blocks must run to recreate the values of this one that were not stored."""
        creators, self.took[block.index] = self._creators_of(block), result.seconds
        cost = self.cost(block, result)
        for group, stored in zip(result.groups, kept_of(result, cost), strict=True):
            self.creators[group.digest] = creators if stored.file is None else frozenset()

    def _creators_of(self, block: Block) -> frozenset[int]:
        """The blocks that must run to recreate this one's values: itself, and those that create what it needs."""
        names = self.committed.closure(planner.within_reach(block))
        return frozenset({block.index}).union(
            *(self.creators.get(self.committed.groups[name].digest, frozenset()) for name in names)
        )

    def cost(self, block: Block, result: BlockResult) -> float:
        """Seconds of computing to recreate a block's values from what is stored. Infinite for a step whose author
        enabled its cache, and for values that other processes receive in any case."""
        if self.context.options.task is not None:
            return math.inf
        if self.context.settings(block).cache == "enabled":
            return math.inf
        return result.seconds + sum(self.took.get(index, 0.0) for index in self._creators_of(block) - {block.index})


def changed_input(result: BlockResult) -> str:
    """A file that a block read, did not write, and that has changed since; "" if there is none."""
    paths = (p for p, facts in result.read.items() if p not in result.written and file_facts(p) != facts)
    return next(paths, "")


def _files_of(cache: Cache, result: BlockResult) -> dict[str, str]:
    """Digests of the files that a block read (as they were) and wrote (as they are)."""
    return {p: cache.file_digest(p) for p in (*result.read, *result.written, *result.modules.values())}


def _plain_outputs(result: BlockResult) -> list[list[dict[str, Any]]]:
    """The outputs of a block, execution counts aside."""
    return [
        [{k: v for k, v in output.items() if k != "execution_count"} for output in result.cells[place]["outputs"]]
        for place in sorted(result.cells)
    ]


def _store(
    cache: Cache, key: Key, result: BlockResult, files: dict[str, str], secrets: Redaction, cost: float, notebook: str
) -> None:
    with contextlib.suppress(OSError):
        names = {g.file for g in kept_of(result, cost) if g.file} if secrets else set()
        if any(secrets.shows(Path(name).read_bytes()) for name in names):
            return  # a variable holds a secret
        cache.store_result(key, result, files, cost, notebook)
