"""What executes runs elsewhere than in kernels of the worker: the interface, and what it is given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

from jupyter_mlops.config import RunConfig
from jupyter_mlops.execution.execute import new_run_id
from jupyter_mlops.execution.remote import RemoteExecutor
from jupyter_mlops.execution.request import RunRequest

if TYPE_CHECKING:
    from jupyter_mlops.jobs.policies import Policies
    from jupyter_mlops.jobs.records import Run, VersionRow
    from jupyter_mlops.storage.store import Store
    from jupyter_mlops.versions.manifest import Manifest


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


def executor_of(run: Run, rules: Policies, config: RunConfig) -> str:
    """What executes a run: as it was started, as its job's policy says, or as this worker is configured."""
    return str(run.options.get("executor") or rules.executor or config.executor)


def cluster_request(
    run: Run, request: RunRequest, rules: Policies, version: VersionRow, manifest: Manifest, store: Store
) -> ClusterRequest:
    """The run of a job for a cluster. Its name there is the same when another worker resumes it."""
    published = None
    if not run.options.get("in_folder"):
        facts = {
            "job": run.job or manifest.name, "version": version.number, "digest": version.digest,
            "author": version.author, "message": version.message, "created": "",
            "provenance": dict(version.provenance), "secrets": list(rules.secrets),
        }  # fmt: skip
        published = PublishedVersion(manifest, store, facts, strict=rules.environment == "locked")
    return ClusterRequest(
        request,
        run.id if run.attempt <= 1 else f"{run.id}-{run.attempt}",
        published,
        scheduler=run.options.get("scheduler") or rules.scheduler,
        artifacts=run.options.get("artifacts") or rules.artifacts,
    )


class ClusterExecutor(Protocol):
    """Executes runs on a cluster. Returns the record that `execution.execute.execute` returns, for the same events."""

    async def execute(
        self, run: ClusterRequest, config: RunConfig, tell: Callable[[dict[str, Any]], None]
    ) -> dict[str, Any]: ...

    def steps(self, run: ClusterRequest, config: RunConfig) -> RemoteExecutor:
        """What executes single steps of a run whose main line stays here."""
        ...

    async def close(self) -> None: ...


def with_steps(request: RunRequest, cluster: ClusterExecutor | None, config: RunConfig) -> RunRequest:
    """The request of a notebook's run, with a cluster for the steps whose settings name one."""
    if cluster is None:
        return request
    run = ClusterRequest(request, new_run_id(), scheduler=request.scheduler, artifacts=request.artifacts)
    return replace(request, remote=cluster.steps(run, config))
