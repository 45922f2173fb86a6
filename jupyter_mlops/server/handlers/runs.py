"""Runs: create, list, read, stop, repair."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any, cast

from jupyter_core.utils import ensure_async
from jupyter_server.auth.decorator import authorized
from pydantic import BaseModel, ConfigDict, Field
from tornado import web

from jupyter_mlops.errors import InvalidInputError
from jupyter_mlops.server.operation import Handler, operation
from jupyter_mlops.server.schemas.base import LARGEST
from jupyter_mlops.server.schemas.pipelines import Analysis
from jupyter_mlops.server.schemas.runs import (
    Comparison,
    EmptyBody,
    RepairCreate,
    RepairNotebook,
    Reproduction,
    RunCreate,
    RunInputs,
    RunLog,
    RunPage,
    RunRead,
    SortKey,
    Suspects,
)
from jupyter_mlops.service import comparisons, notebook_runs, repairs, runs, versions
from jupyter_mlops.states import RunState

RESOURCE = "mlops:runs"
INERT = "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'; font-src data:"  # of a page


class RunsQuery(BaseModel):
    """The selection and the order of runs."""

    model_config = ConfigDict(extra="forbid")

    job: str = ""
    notebook: str = Field("", description="Runs of this notebook without a version.")
    state: list[RunState] = Field(default_factory=list)
    trigger: list[str] = Field(default_factory=list)
    batch: int | None = Field(None, ge=0, le=LARGEST)
    schedule: int | None = Field(None, ge=0, le=LARGEST)
    since: float | None = Field(None, description="Created at this time or later, in seconds since 1970.")
    until: float | None = None
    sort: SortKey = "-created"
    after: str = Field("", description="`next` of the previous page.")
    limit: int = Field(50, ge=1, le=500)


class LogQuery(BaseModel):
    """The selected part of a log."""

    model_config = ConfigDict(extra="forbid")

    offset: int = Field(0, ge=0, le=LARGEST, description="Byte to start from.")


class RunsHandler(Handler):
    auth_resource = RESOURCE

    @web.authenticated
    @authorized
    @operation("Runs, page by page", query=RunsQuery, response=RunPage)
    async def get(self, query: RunsQuery) -> dict[str, Any]:
        page, next_cursor = await self.context.run_io(
            notebook_runs.runs, self.context.space, job=query.job, notebook=query.notebook,
            after=_decode_cursor(query.after),
            limit=query.limit, sort=query.sort, states=query.state, triggers=query.trigger,
            batch_id=query.batch, schedule_id=query.schedule, since=query.since, until=query.until,
        )  # fmt: skip
        return {"runs": page, "next": None if next_cursor is None else _encode_cursor(next_cursor)}

    @web.authenticated
    @authorized
    @operation("Run a notebook as it was saved, or a job's version", body=RunCreate, response=RunRead, status=201)
    async def post(self, body: RunCreate) -> dict[str, Any]:
        options = {
            "from_step": body.from_step, "only_step": body.only_step, "use_cache": body.use_cache,
        }  # fmt: skip
        if body.notebook is not None:
            nb = await self.context.notebook(body.notebook)
            path = body.notebook.strip("/")
            run = await self.context.run_io(
                notebook_runs.start, self.context.space, nb, path, body.parameters, options, self.context.folder(path)
            )
        else:
            run = await self.context.run_io(
                notebook_runs.start_job, self.context.space, body.job or "", body.parameters, options
            )
        self.context.on_change(run)
        return run


class RunHandler(Handler):
    auth_resource = RESOURCE

    @web.authenticated
    @authorized
    @operation("One run with its steps", response=RunRead)
    async def get(self, run_id: str) -> dict[str, Any]:
        return await self.context.run_io(notebook_runs.run, self.context.space, run_id)


class RunStopHandler(Handler):
    auth_resource = RESOURCE

    @web.authenticated
    @authorized
    @operation("Stop a run", response=RunRead)
    async def post(self, run_id: str) -> dict[str, Any]:
        await self.context.run_io(runs.stop, self.context.space, run_id)
        run = await self.context.run_io(notebook_runs.run, self.context.space, run_id)
        self.context.on_change(run)
        return run


class RunRepairHandler(Handler):
    auth_resource = RESOURCE

    @web.authenticated
    @authorized
    @operation(
        "Resume a run that failed or was stopped, optionally with corrected cells", body=RepairCreate, response=RunRead
    )
    async def post(self, run_id: str, body: RepairCreate) -> dict[str, Any]:
        run = await self.context.run_io(repairs.repair, self.context.space, run_id, body.cells)
        self.context.on_change(run)
        return run


class RepairNotebookHandler(Handler):
    auth_resource = RESOURCE

    @web.authenticated
    @authorized
    @operation(
        "A notebook of the failed step, with its inputs restored", body=EmptyBody, response=RepairNotebook, status=201
    )
    async def post(self, run_id: str, _: EmptyBody) -> dict[str, Any]:
        plan = await self.context.run_io(repairs.repair_plan, self.context.space, run_id)
        kernels, contents = self.kernel_manager, cast(Any, self.contents_manager)
        folder = plan["path"].rpartition("/")[0]
        launch: Any = kernels.start_kernel(
            kernel_name=plan["kernel"], path=folder, cwd=plan["folder"], env=plan["environ"]
        )  # fmt: skip
        kernel: str = await ensure_async(launch)
        try:
            file = Path(kernels.get_kernel(kernel).connection_file)
            outcome = await self.context.run_io(repairs.restore, self.context.space, run_id, file)
            path = f"{folder}/{plan['name']}".lstrip("/")
            await ensure_async(contents.save({"type": "notebook", "content": plan["notebook"]}, path))
        except BaseException:
            await ensure_async(cast(Any, kernels).shutdown_kernel(kernel, now=True))
            raise
        return {**{key: plan[key] for key in ("run", "step", "cells")}, "path": path, "kernel": kernel, **outcome}


class ReproductionHandler(Handler):
    auth_resource = RESOURCE

    @web.authenticated
    @authorized
    @operation("Whether a run was reproduced; otherwise the first difference", response=Reproduction)
    async def get(self, run_id: str) -> dict[str, Any]:
        return await self.context.run_io(versions.reproduction, self.context.space, run_id)

    @web.authenticated
    @authorized
    @operation("Run a run again to compare its results", body=EmptyBody, response=RunRead, status=201)
    async def post(self, run_id: str, _: EmptyBody) -> dict[str, Any]:
        queued_run = await self.context.run_io(versions.begin_reproduction, self.context.space, run_id)
        run = await self.context.run_io(notebook_runs.run, self.context.space, queued_run["id"])
        self.context.on_change(run)
        return run


class SuspectsHandler(Handler):
    auth_resource = RESOURCE

    @web.authenticated
    @authorized
    @operation("What changed since the last good run, in the order of suspicion", response=Suspects)
    async def get(self, run_id: str) -> dict[str, Any]:
        return await self.context.run_cpu(versions.changes_since_success, self.context.space, run_id)


class RunInputsHandler(Handler):
    auth_resource = RESOURCE

    @web.authenticated
    @authorized
    @operation("What the steps of a run read, by digest", response=RunInputs)
    async def get(self, run_id: str) -> dict[str, Any]:
        return await self.context.run_io(runs.inputs, self.context.space, run_id)


class RunPipelineHandler(Handler):
    auth_resource = RESOURCE

    @web.authenticated
    @authorized
    @operation("The pipeline of a run", response=Analysis)
    async def get(self, run_id: str) -> dict[str, Any]:
        return await self.context.run_io(notebook_runs.pipeline_of_run, self.context.space, run_id)


class RunLogHandler(Handler):
    auth_resource = RESOURCE

    @web.authenticated
    @authorized
    @operation("The log of a run, from a byte on", query=LogQuery, response=RunLog)
    async def get(self, run_id: str, query: LogQuery) -> dict[str, Any]:
        return await self.context.run_io(notebook_runs.log, self.context.space, run_id, query.offset)


class RunNotebookHandler(Handler):
    auth_resource = RESOURCE

    @web.authenticated
    @authorized
    @operation("The executed notebook, as nbformat has it")
    async def get(self, run_id: str) -> str:
        return await self.context.run_io(notebook_runs.executed_notebook, self.context.space, run_id)


class RunReportHandler(Handler):
    auth_resource = RESOURCE

    @web.authenticated
    @authorized
    @operation("A page of the executed notebook", media="text/html; charset=utf-8")
    async def get(self, run_id: str) -> str:
        page = await self.context.run_cpu(notebook_runs.report, self.context.space, run_id)
        self.set_header("Content-Security-Policy", INERT)
        return page


class ComparisonHandler(Handler):
    auth_resource = RESOURCE

    @web.authenticated
    @authorized
    @operation("Two runs side by side", response=Comparison)
    async def get(self, run_id: str, other_id: str) -> dict[str, Any]:
        return await self.context.run_cpu(comparisons.compare, self.context.space, run_id, other_id)


def _encode_cursor(position: tuple[float, str]) -> str:
    return base64.urlsafe_b64encode(json.dumps(position).encode()).decode()


def _decode_cursor(cursor: str) -> tuple[float, str] | None:
    if not cursor:
        return None
    try:
        sort_value, run_id = json.loads(base64.urlsafe_b64decode(cursor))
        return float(sort_value), str(run_id)
    except (ValueError, TypeError):
        raise InvalidInputError(
            "not a valid position in a list", field="after", remedy="Use `next` of the previous page."
        ) from None
