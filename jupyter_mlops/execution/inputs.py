"""What the steps of a run read: files, variables, environment variables and connections, by digest."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_mlops.execution import planner
from jupyter_mlops.execution.committed_state import BlockResult, CommittedState
from jupyter_mlops.execution.file_digests import file_facts
from jupyter_mlops.pipeline.model import Block

if TYPE_CHECKING:
    from jupyter_mlops.execution.run_context import RunContext

PACKAGE_FOLDERS = frozenset({"site-packages", "dist-packages"})
CHANGED = "changed during the run"
MOST_CONNECTIONS = 1000  # of a step
RANDOM_IDENTITY = len("live-") + 24  # characters of the digest of a value that has no reproducible one


class StepInputs:
    """The inputs of the steps, as the capsule of a run has them. Code that belongs to no step has its role's name.

    :param folder: the working folder.
    """

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.steps: dict[str, dict[str, Any]] = {}
        self.written: dict[str, set[str]] = {}

    def of(self, owner: str) -> dict[str, Any]:
        """The inputs of a step."""
        empty = {"state": "completed", "files": {}, "variables": {}, "environ": {}, "connections": []}
        return self.steps.setdefault(owner, empty)

    def add_variables(self, block: Block, committed: CommittedState) -> None:
        """Add the variables that a block may read and that earlier steps wrote.

        :param committed: the state before the block.
        """
        names = None if planner.opaque(block) else planner.needs(block).union(*block.access.defines.values())
        own_names = self.written.get(block.owner, set())
        variables = self.of(block.owner)["variables"]
        for name in sorted(committed.closure(names, sharing=False)):
            if not name.startswith("@") and name not in own_names:
                digest = committed.value_digest(name) or ""
                random = digest.startswith("live-") and len(digest) == RANDOM_IDENTITY
                variables.setdefault(name, None if random else digest)

    def add_result(self, block: Block, result: BlockResult) -> None:
        """Add what a block asked of its environment and of the network."""
        step = self.of(block.owner)
        self.written.setdefault(block.owner, set()).update(result.wrote)
        for name, digest in result.environ.items():
            step["environ"].setdefault(name, digest)
        step["connections"] = sorted({*step["connections"], *result.connections})[:MOST_CONNECTIONS]

    def add_file(self, owner: str, path: str, digest: str, size: int, why_not_kept: str | None = None) -> None:
        """Add a file that a step read. The first reading of a path counts.

        :param digest: "" for a file that was not there.
        :param why_not_kept: "" if its bytes are in the object store, None if that was not requested.
        """
        relative = os.path.relpath(path, self.folder) if Path(path).is_relative_to(self.folder) else ""
        name = relative.replace(os.sep, "/") or path
        hashed = digest and " " not in digest
        entry: dict[str, Any] = {"digest": digest if hashed else None, "bytes": size, "kept": why_not_kept == ""}
        entry["inside"] = bool(relative)
        if why_not_kept:
            entry["note"] = why_not_kept
        elif not digest:
            entry["note"] = "there was no such file"
        elif not hashed:
            entry["note"] = "too large for a digest"
        self.of(owner)["files"].setdefault(name, entry)

    def to_dict(self, states: Mapping[str, str]) -> dict[str, Any]:
        """The inputs by step.

        :param states: step -> its state.
        """
        return {
            owner: {**step, "state": states.get(owner, step["state"]), "files": dict(sorted(step["files"].items()))}
            for owner, step in self.steps.items()
        }


class RunInputs:
    """Collects the inputs of a run; digests are computed in threads."""

    def __init__(self, context: RunContext) -> None:
        self.context = context
        self.inputs = StepInputs(context.cwd)
        self.waiting: list[asyncio.Task[None]] = []

    def begin(self, block: Block, committed: CommittedState) -> None:
        """The turn of a block has come."""
        if self.context.python and block.cells:
            self.inputs.add_variables(block, committed)

    def add(self, block: Block, result: BlockResult) -> None:
        """A block ended, as far as it came."""
        if not self.context.python or not block.cells:
            return
        self.inputs.add_result(block, result)
        files = read_files(result)
        if files:
            work = asyncio.to_thread(self._add_files, block.owner, result, files)
            self.waiting.append(asyncio.ensure_future(work))

    def _add_files(self, owner: str, result: BlockResult, files: Mapping[str, list[int] | None]) -> None:
        for path, facts in files.items():
            if os.path.isdir(path):
                continue
            now = file_facts(path)
            size = (now or facts or [0, 0])[1]
            if path in result.written:  # what it was before the step changed it is gone
                self.inputs.add_file(owner, path, " ", size, "the step itself changed it")
            elif path in result.read and path not in result.digests and facts != now:
                self.inputs.add_file(owner, path, " ", (facts or [0, 0])[1], CHANGED)
            else:
                digest = result.digests.get(path) or self.context.digests.digest(path)
                self.inputs.add_file(owner, path, digest, size, self._why_not_kept(path, digest, size))

    def _why_not_kept(self, path: str, digest: str, size: int) -> str | None:
        keep = self.context.sink.keep_input
        if keep is None or not digest:
            return None
        if " " in digest:
            return "too large to be kept"
        return keep(Path(path), digest, size)

    async def finish(self, states: Mapping[str, str]) -> dict[str, Any]:
        """The inputs by step, once all digests are known."""
        if self.waiting:
            await asyncio.gather(*self.waiting, return_exceptions=True)
        return self.inputs.to_dict(states)

    def notes(self) -> list[str]:
        """A sentence for each reason for which bytes of files were not kept."""
        names: dict[str, list[str]] = {}
        for step in self.inputs.steps.values():
            for path, entry in step["files"].items():
                if entry.get("note") and self.context.sink.keep_input is not None and entry["digest"]:
                    names.setdefault(entry["note"], []).append(path)
        return [f"not kept of what was read: {_listed(paths)} ({why})" for why, paths in names.items()]


def read_files(result: BlockResult) -> dict[str, list[int] | None]:
    """The files that a block read, and the sources of the modules of the person's own that it used. Files of installed
    packages are left out: the capsule has the packages."""
    files: dict[str, list[int] | None] = {**dict.fromkeys(result.modules.values()), **result.read}
    return {path: facts for path, facts in files.items() if PACKAGE_FOLDERS.isdisjoint(Path(path).parts)}


def _listed(paths: Iterable[str]) -> str:
    names = sorted(set(paths))
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
