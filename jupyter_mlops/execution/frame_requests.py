"""Which frames of a block are profiled and which are kept as predictions, and the results."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_mlops.execution.committed_state import BlockResult
from jupyter_mlops.notebook.tags import read_tags
from jupyter_mlops.pipeline.model import Block
from jupyter_mlops.storage.local import ObjectStore, digest_file

if TYPE_CHECKING:
    from jupyter_mlops.execution.run_context import RunContext

LEAST_SECONDS = 10.0  # that the profiles of a block may take
SHARE = 0.1  # of the seconds of a long block that its profiles may take


class FrameRequests:
    """The frames that a run profiles and keeps."""

    def __init__(self, context: RunContext) -> None:
        self.context = context

    def profiled(self, block: Block) -> list[str]:
        """The variables of a block's `dataset:` tags, if the run has a sink."""
        if self.context.sink.keep_file is None:
            return []
        cells = self.context.record.nb.cells
        tags = [read_tags(cells[i].metadata.get("tags", ())) for i in block.cells]
        return list(dict.fromkeys(name for tag in tags for name in tag.datasets))

    def predicted(self, block: Block) -> list[tuple[str, str]]:
        """The variables of a block's `predictions:` tags, with their keys, if the run has a sink."""
        if self.context.sink.keep_file is None:
            return []
        cells = self.context.record.nb.cells
        tags = [read_tags(cells[i].metadata.get("tags", ())) for i in block.cells]
        return list({name: (name, key) for tag in tags for name, key in tag.predictions}.values())

    def travelling(self, block: Block) -> list[str]:
        """The variables that the step transfers to later ones, if the job's policy has them profiled."""
        sink = self.context.sink
        last = max((b.index for b in self.context.blocks if b.owner == block.owner), default=-1)
        if sink.keep_file is None or not sink.profile_frames or block.index != last:
            return []
        edges = [e for e in self.context.pipeline.edges if e.source == block.owner and e.kind == "data"]
        return sorted({name for edge in edges for name in edge.variables})

    def request(self, block: Block, result: BlockResult, *, ahead: bool) -> dict[str, Any]:
        """What the agent is asked for at the end of a block."""
        names = self.profiled(block)
        references = self.context.sink.references
        travelling = self.travelling(block)
        chosen = {n: references[block.owner, n] for n in (*names, *travelling) if (block.owner, n) in references}
        return {
            "profiles": names, "travelling": travelling, "references": chosen,
            "profile_seconds": max(LEAST_SECONDS, SHARE * result.seconds),
            "predictions": [
                [name, key, str(self.path(block, position, ahead=ahead))]
                for position, (name, key) in enumerate(self.predicted(block))
            ],
        }  # fmt: skip

    def path(self, block: Block, position: int, *, ahead: bool) -> Path:
        """Where the agent puts predictions."""
        return self.context.folder / f"predictions-{'ahead' if ahead else 'block'}-{block.index}-{position}"

    async def take(self, block: Block, result: BlockResult, *, ahead: bool) -> None:
        """Put the files that the agent wrote where a cached result has them, and name them by their digests."""
        for position, (name, _) in enumerate(self.predicted(block)):
            facts = result.frames.get("predictions", {}).get(name)
            if facts is not None:
                path = self.path(block, position, ahead=ahead)
                facts["digest"] = await asyncio.to_thread(self._stored, path)
                facts["bytes"] = path.stat().st_size

    def _stored(self, path: Path) -> str:
        return digest_file(path) if self.context.cache is None else self.context.cache.store.put_file(path)

    def why_incomplete(self, block: Block, result: BlockResult) -> str:
        """Why a cached result lacks a frame that its run asks for; "" if it lacks none."""
        for name in self.profiled(block):
            if name not in result.frames.get("profiles", {}) and not _was_noted(result, name):
                return f"`{name}` was not profiled when it ran"
        for name, key in self.predicted(block):
            facts = result.frames.get("predictions", {}).get(name)
            if facts is None and not _was_noted(result, name):
                return f"the predictions `{name}` were not kept when it ran"
            if facts is not None and facts["key"] != key:
                return f"the predictions `{name}` have another key"
        return ""


def _was_noted(result: BlockResult, name: str) -> bool:
    """Whether the same was tried when the block ran, in vain."""
    return any(f"`{name}`" in note for note in result.frames.get("notes", ()))


class RunFrames:
    """Collects profiles and predictions of committed blocks.

    :param cached_files: where files of cached results are.
    """

    def __init__(self, context: RunContext, requests: FrameRequests) -> None:
        self.context, self.requests = context, requests
        self.profiles: dict[tuple[str, str], dict[str, Any]] = {}
        self.predictions: dict[tuple[str, str], dict[str, Any]] = {}
        self.notes: list[str] = []
        self.waiting: list[asyncio.Task[None]] = []

    def add(self, block: Block, result: BlockResult) -> None:
        """A block's result was committed."""
        if self.context.sink.keep_file is None:
            return
        profiled = {*self.requests.profiled(block), *self.requests.travelling(block)}
        for name, document in result.frames.get("profiles", {}).items():
            if name in profiled:
                self.profiles[block.owner, name] = document
        for position, (name, _) in enumerate(self.requests.predicted(block)):
            facts = result.frames.get("predictions", {}).get(name)
            if facts is not None:
                self.predictions[block.owner, name] = facts
                self.waiting.append(asyncio.ensure_future(self._keep(block, position, name, facts)))
        self.notes += [f"{block.owner}: {note}" for note in result.frames.get("notes", ())]

    async def _keep(self, block: Block, position: int, name: str, facts: dict[str, Any]) -> None:
        places = [self.requests.path(block, position, ahead=ahead) for ahead in (False, True)]
        if self.context.cache is not None:
            store: ObjectStore = self.context.cache.store
            places.insert(0, store.path(facts["digest"]))
        keep = self.context.sink.keep_file
        path = next((place for place in places if place.is_file()), None)
        try:
            assert keep is not None
            if path is None or await asyncio.to_thread(keep, path) != facts["digest"]:
                raise OSError("its file is gone")
        except Exception as error:  # the store is unreachable, the disk is full
            self.predictions.pop((block.owner, name), None)
            self.notes.append(f"{block.owner}: predictions `{name}` were not kept: {error}")

    async def finish(self) -> dict[str, Any]:
        """`profiles` and `predictions`, each with step and variable."""
        await asyncio.gather(*self.waiting)
        return {
            "profiles": [
                {"step": step, "variable": name, "document": document}
                for (step, name), document in self.profiles.items()
            ],
            "predictions": [
                {"step": step, "variable": name, **facts} for (step, name), facts in self.predictions.items()
            ],
        }
