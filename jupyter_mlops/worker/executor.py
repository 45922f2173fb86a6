"""What executes runs elsewhere than in kernels of the worker: the interface, and what it is given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

from jupyter_mlops.config import RunConfig
from jupyter_mlops.execution.request import RunRequest

if TYPE_CHECKING:
    from jupyter_mlops.storage.store import Store
    from jupyter_mlops.versions.manifest import Manifest

ExecutorName = Literal["local", "dask"]


@dataclass(frozen=True)
class PublishedVersion:
    """The version that a run executes.

    :param facts: `job`, `version` (number), `digest`, `provenance` and `secrets` (names).
    :param strict: whether each worker must have the version's packages; if not, differences are notes.
    """

    manifest: Manifest
    store: Store
    facts: Mapping[str, Any]
    strict: bool = True


@dataclass(frozen=True)
class ClusterRequest:
    """A run for a cluster.

    :param run_id: its name in the artifacts: the same when it is resumed.
    :param version: None: the notebook as it is.
    :param scheduler: address; "": a cluster of this machine.
    :param artifacts: folder or URL that all workers share; "": a folder in the home.
    """

    request: RunRequest
    run_id: str
    version: PublishedVersion | None = None
    scheduler: str = ""
    artifacts: str = ""
    secrets: tuple[str, ...] = field(default=(), repr=False)


class ClusterExecutor(Protocol):
    """Executes runs on a cluster. Returns the record that `execution.execute.execute` returns, for the same events."""

    async def execute(
        self, run: ClusterRequest, config: RunConfig, tell: Callable[[dict[str, Any]], None]
    ) -> dict[str, Any]: ...

    async def close(self) -> None: ...
