"""Schedules, and cron expressions in words."""

from __future__ import annotations

from typing import Any

from jupyter_server.auth.decorator import authorized
from pydantic import BaseModel, ConfigDict, Field
from tornado import web

from jupyter_mlops.server.handlers.jobs import _number
from jupyter_mlops.server.operation import Handler, operation
from jupyter_mlops.server.wire.schedules import (
    Calendar,
    CronAsked,
    CronTold,
    ScheduleAsked,
    ScheduleChange,
    Schedules,
    ScheduleTold,
)
from jupyter_mlops.service import jobs

RESOURCE = "mlops:schedules"


class SchedulesWanted(BaseModel):
    """Whose schedules."""

    model_config = ConfigDict(extra="forbid")

    job: str = ""


class SchedulesHandler(Handler):
    auth_resource = RESOURCE

    @web.authenticated
    @authorized
    @operation("The schedules of a job, or all", query=SchedulesWanted, answer=Schedules)
    async def get(self, wanted: SchedulesWanted) -> dict[str, Any]:
        return {"schedules": await self.desk.do(jobs.schedules, self.desk.space, wanted.job)}

    @web.authenticated
    @authorized
    @operation("Let a job run again and again", body=ScheduleAsked, answer=ScheduleTold, status=201)
    async def post(self, asked: ScheduleAsked) -> dict[str, Any]:
        target = f"{asked.job}@{asked.version.removeprefix('@')}"
        return await self.desk.do(
            jobs.schedule, self.desk.space, target, asked.cron, asked.zone, asked.parameters, None, asked.missed,
            asked.overlap,
        )  # fmt: skip


class ScheduleHandler(Handler):
    auth_resource = RESOURCE

    @web.authenticated
    @authorized
    @operation("Change a schedule, let it rest or go on", body=ScheduleChange, answer=ScheduleTold)
    async def patch(self, number: str, change: ScheduleChange) -> dict[str, Any]:
        given = change.model_dump(exclude_none=True)
        paused = given.pop("paused", None)
        told: dict[str, Any] = {}
        if given:
            told = await self.desk.do(jobs.reschedule, self.desk.space, _number(number), given)
        if paused is not None:
            told = await self.desk.do(jobs.pause_schedule, self.desk.space, _number(number), paused)
        return told

    @web.authenticated
    @authorized
    @operation("Remove a schedule; its runs stay", status=204)
    async def delete(self, number: str) -> None:
        await self.desk.do(jobs.unschedule, self.desk.space, _number(number))


class CalendarWanted(BaseModel):
    """How far ahead."""

    model_config = ConfigDict(extra="forbid")

    days: float = Field(7.0, gt=0, le=400)


class CalendarHandler(Handler):
    auth_resource = RESOURCE

    @web.authenticated
    @authorized
    @operation("When schedules fire from now on", query=CalendarWanted, answer=Calendar)
    async def get(self, wanted: CalendarWanted) -> dict[str, Any]:
        return await self.desk.do(jobs.calendar, self.desk.space, wanted.days)


class CronHandler(Handler):
    auth_resource = RESOURCE

    @web.authenticated
    @authorized
    @operation("When a schedule would fire, in words and times", body=CronAsked, answer=CronTold)
    async def post(self, asked: CronAsked) -> dict[str, Any]:
        return await self.desk.do(jobs.cron_told, asked.cron, asked.zone)
