"""Jobs, their versions, backfills and sweeps."""

from __future__ import annotations

import re
from typing import Any

from jupyter_server.auth.decorator import authorized
from pydantic import BaseModel, ConfigDict, Field
from tornado import web

from jupyter_mlops.errors import InvalidInputError
from jupyter_mlops.server.operation import Handler, operation
from jupyter_mlops.server.schemas.jobs import (
    BackfillCreate,
    BatchCreated,
    BatchRead,
    ChangesRead,
    JobRead,
    Jobs,
    JobUpdate,
    PublishCreate,
    SweepCreate,
    VersionDiff,
    VersionRead,
    Versions,
)
from jupyter_mlops.service import aliases, batches, jobs, pipelines, versions

RESOURCE = "mlops:jobs"
PROMOTION_POLICIES = {"stages", "stage_order", "protected"}  # a right to change them is a right to promote
NUMBER = re.compile(r"\d{1,15}")


class ChangesQuery(BaseModel):
    """The notebook to compare with the latest version."""

    model_config = ConfigDict(extra="forbid")

    notebook: str = Field(min_length=1, max_length=4096)


class VersionsQuery(BaseModel):
    """The time of the aliases."""

    model_config = ConfigDict(extra="forbid")

    at: str = Field("", max_length=40, description="A date (the end of that day) or a time; '': now.")


class DiffQuery(BaseModel):
    """The versions to compare."""

    model_config = ConfigDict(extra="forbid")

    old: str = Field(min_length=1, max_length=100)
    new: str = Field("latest", max_length=100)


class JobsHandler(Handler):
    auth_resource = RESOURCE

    @web.authenticated
    @authorized
    @operation("All jobs with their health, next fire time and last run", response=Jobs)
    async def get(self) -> dict[str, Any]:
        return {"jobs": await self.context.run_io(jobs.jobs, self.context.space)}


class JobHandler(Handler):
    auth_resource = RESOURCE

    @web.authenticated
    @authorized
    @operation("One job with its policies and parameters", response=JobRead)
    async def get(self, name: str) -> dict[str, Any]:
        return await self.context.run_io(jobs.job, self.context.space, name)

    @web.authenticated
    @authorized
    @operation("Pause or resume a job, or change its policies", body=JobUpdate, response=JobRead)
    async def patch(self, name: str, change: JobUpdate) -> dict[str, Any]:
        if change.policies.keys() & PROMOTION_POLICIES:
            await self.require_right("mlops:promotions")
        if change.policies:
            await self.context.run_io(jobs.set_policies, self.context.space, name, change.policies)
        if change.paused is not None:
            await self.context.run_io(jobs.pause_job, self.context.space, name, change.paused)
        return await self.context.run_io(jobs.job, self.context.space, name)

    @web.authenticated
    @authorized
    @operation("Delete a job with its versions, schedules and runs", status=204)
    async def delete(self, name: str) -> None:
        await self.context.run_io(jobs.remove, self.context.space, name)


class VersionsHandler(Handler):
    auth_resource = RESOURCE

    @web.authenticated
    @authorized
    @operation(
        "All versions of a job, newest first, with their aliases now or at a time", query=VersionsQuery,
        response=Versions,
    )  # fmt: skip
    async def get(self, name: str, query: VersionsQuery) -> dict[str, Any]:
        if query.at:
            return await self.context.run_io(aliases.versions_at, self.context.space, name, query.at)
        return {"versions": await self.context.run_io(jobs.versions, self.context.space, name)}

    @web.authenticated
    @authorized
    @operation("Publish a notebook as a version of a job", body=PublishCreate, response=VersionRead, status=201)
    async def post(self, name: str, body: PublishCreate) -> dict[str, Any]:
        await self.context.notebook(body.notebook)
        file_path = self._local_path(body.notebook)
        return await self.context.run_io(jobs.publish, self.context.space, file_path, name, body.message)

    def _local_path(self, path: str) -> Any:
        file_path = self.context.local_path(path)
        if file_path is None:
            raise InvalidInputError(
                "notebooks that are not files on this machine can't be published yet", field="notebook"
            )
        return file_path


class ChangesHandler(Handler):
    auth_resource = RESOURCE

    @web.authenticated
    @authorized
    @operation("The changes that publishing a notebook would make", query=ChangesQuery, response=ChangesRead)
    async def get(self, name: str, query: ChangesQuery) -> dict[str, Any]:
        nb = await self.context.notebook(query.notebook)
        file_path = self.context.local_path(query.notebook)
        return await self.context.run_io(jobs.changes, self.context.space, nb, name, file_path)


class VersionDiffHandler(Handler):
    auth_resource = RESOURCE

    @web.authenticated
    @authorized
    @operation("The differences between two versions of a job", query=DiffQuery, response=VersionDiff)
    async def get(self, name: str, query: DiffQuery) -> dict[str, Any]:
        return await self.context.run_io(versions.diff, self.context.space, name, query.old, query.new)


class BackfillsHandler(Handler):
    auth_resource = RESOURCE

    @web.authenticated
    @authorized
    @operation("Queue a run for each slot of a range of time", body=BackfillCreate, response=BatchCreated, status=201)
    async def post(self, name: str, body: BackfillCreate) -> dict[str, Any]:
        target = f"{name}@{body.version}" if body.version else name
        return await self.context.run_io(
            batches.backfill, self.context.space, target, body.begin, body.end, cron=body.cron, zone=body.zone,
            parameters=body.parameters, concurrency=body.at_once, only_count=body.only_count,
        )  # fmt: skip


class SweepsHandler(Handler):
    auth_resource = RESOURCE

    @web.authenticated
    @authorized
    @operation("Queue a run for each combination of values", body=SweepCreate, response=BatchCreated, status=201)
    async def post(self, name: str, body: SweepCreate) -> dict[str, Any]:
        target = f"{name}@{body.version}" if body.version else name
        axes = {
            key: [v if isinstance(v, str) else pipelines.text_of(v) for v in values]
            for key, values in body.axes.items()
        }
        return await self.context.run_io(
            batches.sweep, self.context.space, target, axes, parameters=body.parameters, concurrency=body.at_once,
            only_count=body.only_count,
        )  # fmt: skip


class BatchHandler(Handler):
    auth_resource = "mlops:runs"

    @web.authenticated
    @authorized
    @operation("A backfill or a sweep as a table", response=BatchRead)
    async def get(self, number: str) -> dict[str, Any]:
        return await self.context.run_io(batches.batch, self.context.space, _parse_number(number))


class BatchStopHandler(Handler):
    auth_resource = "mlops:runs"

    @web.authenticated
    @authorized
    @operation("Stop the unfinished runs of a backfill or a sweep", response=BatchRead)
    async def post(self, number: str) -> dict[str, Any]:
        return await self.context.run_io(batches.stop_batch, self.context.space, _parse_number(number))


def _parse_number(text: str) -> int:
    if not NUMBER.fullmatch(text):
        raise web.HTTPError(404, f"there is no number {text}")
    return int(text)
