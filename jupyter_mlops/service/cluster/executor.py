"""Runs on Dask: connects, checks the workers, drives the run and puts its record together."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jupyter_mlops.config import RunConfig
from jupyter_mlops.errors import ClusterError, TimeoutExceededError, UnknownStepError
from jupyter_mlops.service.cluster.cluster_run import ClusterRun, failure_of, require_workers
from jupyter_mlops.service.cluster.connection import Connection, connect
from jupyter_mlops.service.cluster.preparation import (
    Preparation,
    check_versions,
    check_workers,
    described_environment,
    environment_notes,
    new_check,
    prepare,
    with_version,
)
from jupyter_mlops.service.cluster.remote_steps import DaskSteps
from jupyter_mlops.service.cluster.run_record import lay_files, run_record
from jupyter_mlops.worker.executor import ClusterRequest

EventCallback = Callable[[dict[str, Any]], None]
RELEASE_QUESTION = (
    "__import__('jupyter_mlops.service.cluster.remote_task', fromlist=['release_run'])"
    ".release_run(place, digest, run_id)"
)


class DaskExecutor:
    """Executes runs on Dask clusters. Runs at once share a connection, and the cluster of this machine."""

    def __init__(self) -> None:
        self._connections: dict[str, Connection] = {}
        self._lock = asyncio.Lock()

    async def execute(self, run: ClusterRequest, config: RunConfig, tell: EventCallback) -> dict[str, Any]:
        """Execute a run. Returns the record that `execution.execute.execute` returns; tells the same events.

        Cancelling it stops the run on all workers; the record covers what was executed until then.

        :raises InvalidInputError: before anything ran. ClusterError: the cluster can't execute it.
        """
        from jupyter_mlops.execution.execute import output_path, require_report

        output = output_path(run.request, config, run.run_id)
        require_report(run.request, output)
        connection, preparation = await self.prepared(run, config)
        process = preparation.process
        process.artifacts.describe(process.description())
        steps = [step.name for step in process.pipeline.steps]
        selected_steps, selected_tasks = _selection(run, preparation)
        tell({"event": "run", "id": run.run_id, "steps": steps, "output": str(output)})
        driver = ClusterRun(
            connection, preparation, config, tell, token=uuid.uuid4().hex, selected=selected_tasks,
            bound=run.request.jobs,
        )  # fmt: skip
        driver.notes += [
            f"the step {step.name!r} has the setting executor=local, and ran on the cluster as all steps of this run"
            for step in process.pipeline.steps if step.settings.executor == "local"
        ]  # fmt: skip
        stopped, error = await self._drive(driver, run.request.run_timeout)
        reasons = {step: why for task, why in driver.graph.reasons.items() for step in driver.graph.tasks[task].steps}
        record, nb = await asyncio.to_thread(
            run_record, process, run.run_id, selected=selected_steps, stopped=stopped, error=error,
            notes=driver.notes, reasons=reasons,
        )  # fmt: skip
        record["writes"] = await asyncio.to_thread(lay_files, process, process.folder)
        record["output"] = str(output)
        await asyncio.to_thread(_write, nb, output, run)
        await self.release(connection, preparation, run.run_id)
        return record

    def steps(self, run: ClusterRequest, config: RunConfig) -> DaskSteps:
        """What executes single steps of a run whose main line stays here."""
        return DaskSteps(self, run, config)

    async def prepared(self, run: ClusterRequest, config: RunConfig) -> tuple[Connection, Preparation]:
        """Connect, check the workers, and put the version into the artifacts.

        :raises InvalidInputError: the notebook can't run on a cluster. ClusterError: the cluster can't execute it.
        """
        connection = await self._connection(run.scheduler or config.scheduler, config, run.request.jobs)
        return connection, await self._prepare(connection, run, config)

    async def _drive(self, driver: ClusterRun, limit: float | None) -> tuple[bool, dict[str, Any] | None]:
        """Run until the end. Returns whether it was stopped, and the error that ended it."""
        step = next(iter(driver.first_cells), "")
        cell = driver.first_cells.get(step, 0)
        work = asyncio.ensure_future(driver.run())
        try:
            finished, _ = await asyncio.wait({work}, timeout=limit)
            if not finished:
                work.cancel()
                await asyncio.wait({work})
                late = TimeoutExceededError(f"the run took longer than {limit:g} s")
                return False, failure_of(late, step, cell)
            await work
        except asyncio.CancelledError:
            work.cancel()
            await asyncio.wait({work})
            return True, None
        except ClusterError as error:
            return False, failure_of(error, step, cell)
        return False, None

    async def _prepare(self, connection: Connection, run: ClusterRequest, config: RunConfig) -> Preparation:
        """Check the workers, and put the version into the artifacts."""
        await self._await_worker(connection, config)
        if connection.is_local:
            return await asyncio.to_thread(prepare, run, config, in_place=run.version is None, local=True)
        await check_versions(connection)
        check = await asyncio.to_thread(new_check, run, config, False)
        reports = await check_workers(connection, check)
        in_place = run.version is None and all(report.has_notebook for report in reports.values())
        preparation = await asyncio.to_thread(prepare, run, config, in_place=in_place, local=False)
        process = preparation.process
        secrets = process.secret_names(step.settings for step in process.pipeline.steps)
        environment = process.manifest.environment if run.version is not None else None
        if run.version is None:
            environment = await asyncio.to_thread(described_environment, process.manifest.kernel)
        reports = await check_workers(connection, with_version(check, process.manifest, environment, secrets))
        strict = run.version.strict if run.version is not None else True
        return Preparation(process, preparation.place, preparation.template, environment_notes(reports, strict=strict))

    async def _await_worker(self, connection: Connection, config: RunConfig) -> None:
        """Wait for a first worker: a cluster that grows on demand has none until it has a task."""
        if await connection.workers():
            return
        probe = connection.client.submit(abs, 1, pure=False, key=f"jupyter-mlops-probe-{uuid.uuid4().hex}")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(config.cluster_timeout):
                await probe
        require_workers(await connection.workers(), config.cluster_timeout, connection.address)

    async def _connection(self, scheduler: str, config: RunConfig, jobs: int) -> Connection:
        """The connection to a scheduler, which is shared."""
        async with self._lock:
            connection = self._connections.get(scheduler)
            if connection is not None and connection.is_lost:
                await connection.close()
                connection = None
            if connection is None:
                connection = await connect(scheduler, config.cluster_timeout, jobs or config.jobs)
                self._connections[scheduler] = connection
            return connection

    async def release(self, connection: Connection, preparation: Preparation, run_id: str) -> None:
        """Let the workers reuse the working folders of the run."""
        if preparation.place.folder or connection.is_lost:
            return
        names = {"place": preparation.place, "digest": preparation.process.digest, "run_id": run_id}
        with contextlib.suppress(Exception):
            async with asyncio.timeout(5.0):
                await connection.ask(eval, RELEASE_QUESTION, names)

    async def close(self) -> None:
        """Disconnect from all clusters, and end the one of this machine."""
        for connection in self._connections.values():
            await connection.close()
        self._connections.clear()


def _selection(run: ClusterRequest, preparation: Preparation) -> tuple[set[str] | None, set[str] | None]:
    """The steps and the tasks that a run with --only executes; None: all."""
    from jupyter_mlops.execution.planner import needed_for
    from jupyter_mlops.export.build import ancestors

    process, request = preparation.process, run.request
    for step in (request.only_step, request.from_step):
        if step and step not in process.names:
            raise UnknownStepError(f"there is no step {step!r}", remedy=f"Steps: {', '.join(process.names)}.")
    if not request.only_step:
        return None, None
    needed = needed_for(request.only_step, process.pipeline)
    chosen = {task.name for task in process.tasks if needed & set(task.steps)}
    steps = {step for task in process.tasks if task.name in chosen for step in task.steps}
    steps |= ancestors(process.tasks, sorted(steps))
    return steps, {task.name for task in process.tasks if set(task.steps) & steps}


def _write(nb: Any, output: Path, run: ClusterRequest) -> None:
    """Write the executed notebook, and its report."""
    from jupyter_mlops.notebook.writer import write_notebook

    request = run.request
    nb.metadata.papermill.update(input_path=str(request.notebook), output_path=str(output))
    write_notebook(nb, output)
    if request.report is not None:
        from jupyter_mlops.execution.report import write_report

        write_report(nb, request.report, request.notebook.stem, code=request.report_code)
