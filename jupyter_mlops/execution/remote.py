"""One block of a local run on another machine: what it is given, what comes back, and who executes it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from jupyter_mlops.execution.committed_state import BlockResult
from jupyter_mlops.execution.redaction import Redaction
from jupyter_mlops.pipeline.model import Settings

EventCallback = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class RemoteBlock:
    """A block whose step runs on a cluster.

    :param step: its name; `settings`: of the step.
    :param cells: positions in the notebook.
    :param before: position of each block above it -> a result that is committed there instead of executing the block.
        Together they are the committed state.
    :param began: when the run began, in seconds since 1970.
    :param redaction: values that leave no process.
    """

    index: int
    step: str
    settings: Settings
    cells: tuple[int, ...]
    before: Mapping[int, BlockResult]
    began: float = 0.0
    redaction: Redaction = field(default_factory=Redaction)


@dataclass(frozen=True)
class RemoteResult:
    """How a block ended on a cluster.

    :param where: the worker and its host, for people; "" if none had it.
    :param result: with its values in files here; None if the block failed.
    :param folder: the working folder there.
    :param inputs: path there -> digest of a file that the block read.
    :param lay_files: lets a folder here have the files that the block wrote.
    :param error: `ename`, `evalue`, `traceback` and `cell` (position in the original notebook), if it failed.
    :param outputs: position of a cell -> `outputs` and `execution_count`, if it failed.
    """

    where: str
    result: BlockResult | None = None
    folder: str = ""
    inputs: Mapping[str, str] = field(default_factory=dict)
    lay_files: Callable[[Path], None] = lambda folder: None
    error: Mapping[str, Any] | None = None
    outputs: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)
    attempts: int = 1
    notes: Sequence[str] = ()


class RemoteExecutor(Protocol):
    """Executes single blocks on a cluster."""

    async def execute(self, block: RemoteBlock, tell: EventCallback) -> RemoteResult:
        """Execute a block, with the retries of its step. Cancelling it stops the block on its worker.

        :param tell: is called with its events: cell, output, retry.
        :raises MlopsError: the cluster can't execute it.
        """
        ...
