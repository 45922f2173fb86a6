"""Single steps of a run on this machine, executed on Dask workers.

The committed state goes to the artifacts as results of the blocks above, and one task executes one block. Each block is
a separate run there, so that attempts of different blocks never meet.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable
from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from jupyter_mlops.config import RunConfig
from jupyter_mlops.execution.remote import RemoteBlock, RemoteResult
from jupyter_mlops.execution.run_artifacts import RunArtifacts
from jupyter_mlops.export.plan import ExportTask
from jupyter_mlops.service.cluster.cluster_run import ClusterRun
from jupyter_mlops.service.cluster.connection import Connection
from jupyter_mlops.service.cluster.preparation import Preparation
from jupyter_mlops.service.step import TaskProcess
from jupyter_mlops.worker.executor import ClusterRequest

EventCallback = Callable[[dict[str, Any]], None]
PASSED_ON = ("cell", "output", "retry", "placed")


class Cluster(Protocol):
    """What the executor does for each run."""

    async def prepared(self, run: ClusterRequest, config: RunConfig) -> tuple[Connection, Preparation]:
        """Connect, check the workers, and put the version into the artifacts."""
        ...

    async def release(self, connection: Connection, preparation: Preparation, run_id: str) -> None:
        """Let the workers reuse the working folders of the run."""
        ...


class DaskSteps:
    """Executes blocks of one run on a cluster. Connects when the first block needs it."""

    def __init__(self, cluster: Cluster, run: ClusterRequest, config: RunConfig) -> None:
        self.cluster, self.config = cluster, config
        self.run = replace(run, run_id=f"{run.run_id}-{uuid.uuid4().hex[:8]}")
        self._prepared: tuple[Connection, Preparation] | None = None

    async def execute(self, block: RemoteBlock, tell: EventCallback) -> RemoteResult:
        """Execute a block, as `execution.remote.RemoteExecutor` says."""
        connection, preparation = await self._preparation()
        preparation = await asyncio.to_thread(self._of_block, preparation, block)
        process = preparation.process
        await asyncio.to_thread(_put_state, process, block)

        def on_event(event: dict[str, Any]) -> None:
            if event["event"] in PASSED_ON:
                tell(event)

        driver = ClusterRun(connection, preparation, self.config, on_event, token=uuid.uuid4().hex)
        try:
            await driver.run()
            return await asyncio.to_thread(_result, driver, block)
        finally:
            await self.cluster.release(connection, preparation, process.request.run_id)

    async def _preparation(self) -> tuple[Connection, Preparation]:
        if self._prepared is None or self._prepared[0].is_lost:
            self._prepared = await self.cluster.prepared(self.run, self.config)
        return self._prepared

    def _of_block(self, preparation: Preparation, block: RemoteBlock) -> Preparation:
        """The preparation of the run that executes one block."""
        settings = block.settings
        request = replace(
            preparation.template, run_id=f"{self.run.run_id}-{block.index}", block=block.index, use_cache=False,
            from_step="", part_of=self.run.request.notebook.name,
        )  # fmt: skip
        process = copy(preparation.process)
        process.request = request
        process.artifacts = RunArtifacts(request.artifacts, request.run_id, process.home, block.redaction)
        process.tasks = (
            ExportTask(
                block.step, (block.step,), retries=settings.retries, backoff=settings.backoff,
                timeout=settings.timeout, limits=settings.limits,
            ),
        )  # fmt: skip
        return replace(preparation, process=process, template=request, notes=())


def _put_state(process: TaskProcess, block: RemoteBlock) -> None:
    """Store the committed state. Raises EquivalenceError for a variable that holds a secret."""
    for _, result in sorted(block.before.items()):
        process.artifacts.put_result(result, process.folder, block.began)


def _result(driver: ClusterRun, block: RemoteBlock) -> RemoteResult:
    """How the block ended, from the artifacts."""
    artifacts, step = driver.process.artifacts, block.step
    facts = artifacts.step(step) or {}
    where = driver.places.get(step, "")
    notes = [*driver.notes, *(facts.get("notes") or ())]
    attempts = int(facts.get("attempt") or 1)
    handed_on = artifacts.result(block.index) if driver.graph.states[step] == "completed" else None
    if handed_on is None:
        outputs = {int(index): cell for index, cell in (facts.get("cells") or {}).items()}
        return RemoteResult(where, error=facts.get("error"), outputs=outputs, attempts=attempts, notes=notes)

    def lay_files(folder: Path) -> None:
        artifacts.lay_files(handed_on.files, folder)

    return RemoteResult(
        where, artifacts.fetch(handed_on.result, None), handed_on.folder, handed_on.inputs, lay_files,
        attempts=attempts, notes=notes,
    )  # fmt: skip
