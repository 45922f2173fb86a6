"""Steps on a cluster, for a run in this process. Connects, and imports what that takes, when a step needs it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_mlops.config import RunConfig
from jupyter_mlops.execution.request import RunRequest

if TYPE_CHECKING:
    from jupyter_mlops.execution.remote import EventCallback, RemoteBlock, RemoteResult
    from jupyter_mlops.service.cluster.executor import DaskExecutor
    from jupyter_mlops.service.cluster.remote_steps import DaskSteps


class RemoteSteps:
    """Executes blocks of a run of a notebook on a cluster."""

    def __init__(self, request: RunRequest, config: RunConfig) -> None:
        self.request, self.config = request, config
        self._cluster: DaskExecutor | None = None
        self._steps: DaskSteps | None = None

    async def execute(self, block: RemoteBlock, tell: EventCallback) -> RemoteResult:
        """Execute a block, as `execution.remote.RemoteExecutor` says."""
        from jupyter_mlops.execution.execute import new_run_id
        from jupyter_mlops.service.cluster.executor import DaskExecutor
        from jupyter_mlops.worker.executor import ClusterRequest

        if self._steps is None:
            request = self.request
            run = ClusterRequest(request, new_run_id(), scheduler=request.scheduler, artifacts=request.artifacts)
            self._cluster = DaskExecutor()
            self._steps = self._cluster.steps(run, self.config)
        return await self._steps.execute(block, tell)

    async def close(self) -> None:
        """Disconnect, if anything was connected."""
        if self._cluster is not None:
            await self._cluster.close()
