"""Jobs, their versions, aliases, backfills and sweeps."""

from __future__ import annotations

import re
from typing import Any

from jupyter_server.auth.decorator import authorized
from pydantic import BaseModel, ConfigDict, Field
from tornado import web

from jupyter_mlops.errors import BadInput
from jupyter_mlops.server.operation import Handler, operation
from jupyter_mlops.server.wire.jobs import (
    Alias,
    AliasAsked,
    BackfillAsked,
    BatchMade,
    BatchTold,
    ChangesTold,
    JobChange,
    Jobs,
    JobTold,
    PublishAsked,
    SweepAsked,
    VersionDiff,
    Versions,
    VersionTold,
)
from jupyter_mlops.service import jobs, notebooks, versions

RESOURCE = "mlops:jobs"
NUMBER = re.compile(r"\d{1,15}")


class ChangesWanted(BaseModel):
    """Which notebook would be published."""

    model_config = ConfigDict(extra="forbid")

    notebook: str = Field(min_length=1, max_length=4096)


class DiffWanted(BaseModel):
    """Which versions are compared."""

    model_config = ConfigDict(extra="forbid")

    old: str = Field(min_length=1, max_length=100)
    new: str = Field("latest", max_length=100)


class JobsHandler(Handler):
    auth_resource = RESOURCE

    @web.authenticated
    @authorized
    @operation("Every job with its health, what comes next and what was last", answer=Jobs)
    async def get(self) -> dict[str, Any]:
        return {"jobs": await self.desk.do(jobs.jobs, self.desk.space)}


class JobHandler(Handler):
    auth_resource = RESOURCE

    @web.authenticated
    @authorized
    @operation("One job with its policies and parameters", answer=JobTold)
    async def get(self, name: str) -> dict[str, Any]:
        return await self.desk.do(jobs.job, self.desk.space, name)

    @web.authenticated
    @authorized
    @operation("Let a job rest or go on, change its policies", body=JobChange, answer=JobTold)
    async def patch(self, name: str, change: JobChange) -> dict[str, Any]:
        if change.policies:
            await self.desk.do(jobs.set_policies, self.desk.space, name, change.policies)
        if change.paused is not None:
            await self.desk.do(jobs.pause_job, self.desk.space, name, change.paused)
        return await self.desk.do(jobs.job, self.desk.space, name)

    @web.authenticated
    @authorized
    @operation("Remove a job with its versions, schedules and runs", status=204)
    async def delete(self, name: str) -> None:
        await self.desk.do(jobs.remove, self.desk.space, name)


class VersionsHandler(Handler):
    auth_resource = RESOURCE

    @web.authenticated
    @authorized
    @operation("All versions of a job, newest first", answer=Versions)
    async def get(self, name: str) -> dict[str, Any]:
        return {"versions": await self.desk.do(jobs.versions, self.desk.space, name)}

    @web.authenticated
    @authorized
    @operation("Publish a notebook as a version of a job", body=PublishAsked, answer=VersionTold, status=201)
    async def post(self, name: str, asked: PublishAsked) -> dict[str, Any]:
        await self.desk.notebook(asked.notebook)
        place = self._place(asked.notebook)
        return await self.desk.do(jobs.publish, self.desk.space, place, name, asked.message)

    def _place(self, path: str) -> Any:
        place = self.desk.place(path)
        if place is None:
            raise BadInput("notebooks that are not files on this machine can't be published yet", where="notebook")
        return place


class ChangesHandler(Handler):
    auth_resource = RESOURCE

    @web.authenticated
    @authorized
    @operation("What publishing a notebook would change", query=ChangesWanted, answer=ChangesTold)
    async def get(self, name: str, wanted: ChangesWanted) -> dict[str, Any]:
        nb = await self.desk.notebook(wanted.notebook)
        place = self.desk.place(wanted.notebook)
        return await self.desk.do(jobs.changes, self.desk.space, nb, name, place)


class VersionDiffHandler(Handler):
    auth_resource = RESOURCE

    @web.authenticated
    @authorized
    @operation("What differs between two versions of a job", query=DiffWanted, answer=VersionDiff)
    async def get(self, name: str, wanted: DiffWanted) -> dict[str, Any]:
        return await self.desk.do(versions.diff, self.desk.space, name, wanted.old, wanted.new)


class AliasHandler(Handler):
    auth_resource = RESOURCE

    @web.authenticated
    @authorized
    @operation("Let an alias name a version", body=AliasAsked, answer=Alias)
    async def put(self, name: str, alias: str, asked: AliasAsked) -> dict[str, Any]:
        return await self.desk.do(jobs.set_alias, self.desk.space, name, alias, asked.version)


class BackfillsHandler(Handler):
    auth_resource = RESOURCE

    @web.authenticated
    @authorized
    @operation("A run for each slot of a span of time", body=BackfillAsked, answer=BatchMade, status=201)
    async def post(self, name: str, asked: BackfillAsked) -> dict[str, Any]:
        target = f"{name}@{asked.version}" if asked.version else name
        return await self.desk.do(
            jobs.backfill, self.desk.space, target, asked.begin, asked.end, cron=asked.cron, zone=asked.zone,
            given=asked.parameters, jobs_at_once=asked.at_once, only_count=asked.only_count,
        )  # fmt: skip


class SweepsHandler(Handler):
    auth_resource = RESOURCE

    @web.authenticated
    @authorized
    @operation("A run for each combination of values", body=SweepAsked, answer=BatchMade, status=201)
    async def post(self, name: str, asked: SweepAsked) -> dict[str, Any]:
        target = f"{name}@{asked.version}" if asked.version else name
        axes = {
            key: [v if isinstance(v, str) else notebooks.text_of(v) for v in values]
            for key, values in asked.axes.items()
        }
        return await self.desk.do(
            jobs.sweep, self.desk.space, target, axes, given=asked.parameters, jobs_at_once=asked.at_once,
            only_count=asked.only_count,
        )  # fmt: skip


class BatchHandler(Handler):
    auth_resource = "mlops:runs"

    @web.authenticated
    @authorized
    @operation("A backfill or a sweep as a table", answer=BatchTold)
    async def get(self, number: str) -> dict[str, Any]:
        return await self.desk.do(jobs.batch, self.desk.space, _number(number))


class BatchStopHandler(Handler):
    auth_resource = "mlops:runs"

    @web.authenticated
    @authorized
    @operation("Stop what is left of a backfill or a sweep", answer=BatchTold)
    async def post(self, number: str) -> dict[str, Any]:
        return await self.desk.do(jobs.stop_batch, self.desk.space, _number(number))


def _number(text: str) -> int:
    if not NUMBER.fullmatch(text):
        raise web.HTTPError(404, f"there is no number {text}")
    return int(text)
