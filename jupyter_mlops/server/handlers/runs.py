"""Runs: made, listed, read, stopped, repaired."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any, cast

from jupyter_core.utils import ensure_async
from jupyter_server.auth.decorator import authorized
from pydantic import BaseModel, ConfigDict, Field
from tornado import web

from jupyter_mlops.errors import BadInput
from jupyter_mlops.server.operation import Handler, operation
from jupyter_mlops.server.wire.base import RunState
from jupyter_mlops.server.wire.pipelines import Analysis
from jupyter_mlops.server.wire.runs import (
    Comparison,
    Nothing,
    RepairAsked,
    RepairNotebook,
    Reproduction,
    RunAsked,
    RunLog,
    RunPage,
    RunTold,
    SortKey,
    Suspects,
)
from jupyter_mlops.service import jobs, notebooks, versions

RESOURCE = "mlops:runs"
INERT = "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'; font-src data:"  # of a page


class RunsWanted(BaseModel):
    """Which runs, in which order."""

    model_config = ConfigDict(extra="forbid")

    job: str = ""
    notebook: str = Field("", description="Runs of this notebook as it stood.")
    state: list[RunState] = Field(default_factory=list)
    trigger: list[str] = Field(default_factory=list)
    batch: int | None = None
    schedule: int | None = None
    since: float | None = Field(None, description="Made at this time or later, in seconds since 1970.")
    until: float | None = None
    sort: SortKey = "-created"
    after: str = Field("", description="`next` of the page before.")
    limit: int = Field(50, ge=1, le=500)


class LogWanted(BaseModel):
    """Which part of a log."""

    model_config = ConfigDict(extra="forbid")

    offset: int = Field(0, ge=0, description="Byte to begin at.")


class RunsHandler(Handler):
    auth_resource = RESOURCE

    @web.authenticated
    @authorized
    @operation("Runs, page by page", query=RunsWanted, answer=RunPage)
    async def get(self, wanted: RunsWanted) -> dict[str, Any]:
        found, following = await self.desk.do(
            notebooks.runs, self.desk.space, job=wanted.job, notebook=wanted.notebook, after=_place(wanted.after),
            limit=wanted.limit, sort=wanted.sort, states=wanted.state, triggers=wanted.trigger,
            batch_id=wanted.batch, schedule_id=wanted.schedule, since=wanted.since, until=wanted.until,
        )  # fmt: skip
        return {"runs": found, "next": None if following is None else _cursor(following)}

    @web.authenticated
    @authorized
    @operation("Run a notebook as it was saved, or a job's version", body=RunAsked, answer=RunTold, status=201)
    async def post(self, asked: RunAsked) -> dict[str, Any]:
        how = {
            "from_step": asked.from_step, "only_step": asked.only_step, "use_cache": asked.use_cache,
        }  # fmt: skip
        if asked.notebook is not None:
            nb = await self.desk.notebook(asked.notebook)
            place = asked.notebook.strip("/")
            made = await self.desk.do(
                notebooks.start, self.desk.space, nb, place, asked.parameters, how, self.desk.folder(place)
            )
        else:
            made = await self.desk.do(notebooks.start_job, self.desk.space, asked.job or "", asked.parameters, how)
        self.desk.changed(made)
        return made


class RunHandler(Handler):
    auth_resource = RESOURCE

    @web.authenticated
    @authorized
    @operation("One run with its steps", answer=RunTold)
    async def get(self, run_id: str) -> dict[str, Any]:
        return await self.desk.do(notebooks.run, self.desk.space, run_id)


class RunStopHandler(Handler):
    auth_resource = RESOURCE

    @web.authenticated
    @authorized
    @operation("Stop a run", answer=RunTold)
    async def post(self, run_id: str) -> dict[str, Any]:
        await self.desk.do(jobs.stop, self.desk.space, run_id)
        made = await self.desk.do(notebooks.run, self.desk.space, run_id)
        self.desk.changed(made)
        return made


class RunRepairHandler(Handler):
    auth_resource = RESOURCE

    @web.authenticated
    @authorized
    @operation("Go on with a run that failed or was stopped, maybe with mended cells", body=RepairAsked, answer=RunTold)
    async def post(self, run_id: str, asked: RepairAsked) -> dict[str, Any]:
        made = await self.desk.do(notebooks.repair, self.desk.space, run_id, asked.cells)
        self.desk.changed(made)
        return made


class RepairNotebookHandler(Handler):
    auth_resource = RESOURCE

    @web.authenticated
    @authorized
    @operation("A notebook of the failed step, its inputs restored", body=Nothing, answer=RepairNotebook, status=201)
    async def post(self, run_id: str, _: Nothing) -> dict[str, Any]:
        plan = await self.desk.do(notebooks.repair_plan, self.desk.space, run_id)
        kernels, contents = self.kernel_manager, cast(Any, self.contents_manager)
        folder = plan["path"].rpartition("/")[0]
        start: Any = kernels.start_kernel(
            kernel_name=plan["kernel"], path=folder, cwd=plan["folder"], env=plan["environ"]
        )  # fmt: skip
        kernel: str = await ensure_async(start)
        try:
            file = Path(kernels.get_kernel(kernel).connection_file)
            told = await self.desk.do(notebooks.restore, self.desk.space, run_id, file)
            path = f"{folder}/{plan['name']}".lstrip("/")
            await ensure_async(contents.save({"type": "notebook", "content": plan["notebook"]}, path))
        except BaseException:
            await ensure_async(cast(Any, kernels).shutdown_kernel(kernel, now=True))
            raise
        return {**{key: plan[key] for key in ("run", "step", "cells")}, "path": path, "kernel": kernel, **told}


class ReproductionHandler(Handler):
    auth_resource = RESOURCE

    @web.authenticated
    @authorized
    @operation("Whether a run was reproduced; what differs first if not", answer=Reproduction)
    async def get(self, run_id: str) -> dict[str, Any]:
        return await self.desk.do(versions.reproduction, self.desk.space, run_id)

    @web.authenticated
    @authorized
    @operation("Run a run again to see whether it comes out the same", body=Nothing, answer=RunTold, status=201)
    async def post(self, run_id: str, _: Nothing) -> dict[str, Any]:
        wish = await self.desk.do(versions.begin_reproduction, self.desk.space, run_id)
        made = await self.desk.do(notebooks.run, self.desk.space, wish["id"])
        self.desk.changed(made)
        return made


class SuspectsHandler(Handler):
    auth_resource = RESOURCE

    @web.authenticated
    @authorized
    @operation("What changed since the last good run, in the order of suspicion", answer=Suspects)
    async def get(self, run_id: str) -> dict[str, Any]:
        return await self.desk.think(versions.suspects, self.desk.space, run_id)


class RunPipelineHandler(Handler):
    auth_resource = RESOURCE

    @web.authenticated
    @authorized
    @operation("The pipeline that a run was made of", answer=Analysis)
    async def get(self, run_id: str) -> dict[str, Any]:
        return await self.desk.do(notebooks.pipeline_of_run, self.desk.space, run_id)


class RunLogHandler(Handler):
    auth_resource = RESOURCE

    @web.authenticated
    @authorized
    @operation("What a run wrote, from a byte on", query=LogWanted, answer=RunLog)
    async def get(self, run_id: str, wanted: LogWanted) -> dict[str, Any]:
        return await self.desk.do(notebooks.log, self.desk.space, run_id, wanted.offset)


class RunNotebookHandler(Handler):
    auth_resource = RESOURCE

    @web.authenticated
    @authorized
    @operation("The executed notebook, as nbformat has it")
    async def get(self, run_id: str) -> str:
        return await self.desk.do(notebooks.executed, self.desk.space, run_id)


class RunReportHandler(Handler):
    auth_resource = RESOURCE

    @web.authenticated
    @authorized
    @operation("A page of the executed notebook", media="text/html; charset=utf-8")
    async def get(self, run_id: str) -> str:
        found = await self.desk.think(notebooks.report, self.desk.space, run_id)
        self.set_header("Content-Security-Policy", INERT)
        return found


class ComparisonHandler(Handler):
    auth_resource = RESOURCE

    @web.authenticated
    @authorized
    @operation("Two runs side by side", answer=Comparison)
    async def get(self, run_id: str, other: str) -> dict[str, Any]:
        return await self.desk.think(notebooks.compare, self.desk.space, run_id, other)


def _cursor(place: tuple[float, str]) -> str:
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode()


def _place(cursor: str) -> tuple[float, str] | None:
    if not cursor:
        return None
    try:
        at, run_id = json.loads(base64.urlsafe_b64decode(cursor))
        return float(at), str(run_id)
    except (ValueError, TypeError):
        raise BadInput("that is no place in a list", where="after", remedy="Use `next` of the page before.") from None
