"""Schedules, and cron expressions in words."""

from __future__ import annotations

from typing import Any

from jupyter_server.auth.decorator import authorized
from pydantic import BaseModel, ConfigDict, Field
from tornado import web

from jupyter_mlops.server.handlers.jobs import _parse_number
from jupyter_mlops.server.operation import Handler, operation
from jupyter_mlops.server.schemas.schedules import (
    Calendar,
    CronDescription,
    CronRequest,
    ScheduleCreate,
    ScheduleRead,
    Schedules,
    ScheduleUpdate,
)
from jupyter_mlops.service import schedules

RESOURCE = "mlops:schedules"


class SchedulesQuery(BaseModel):
    """Whose schedules."""

    model_config = ConfigDict(extra="forbid")

    job: str = ""


class SchedulesHandler(Handler):
    auth_resource = RESOURCE

    @web.authenticated
    @authorized
    @operation("The schedules of a job, or all", query=SchedulesQuery, response=Schedules)
    async def get(self, query: SchedulesQuery) -> dict[str, Any]:
        return {"schedules": await self.context.run_io(schedules.schedules, self.context.space, query.job)}

    @web.authenticated
    @authorized
    @operation("Add a schedule to a job", body=ScheduleCreate, response=ScheduleRead, status=201)
    async def post(self, body: ScheduleCreate) -> dict[str, Any]:
        target = f"{body.job}@{body.version.removeprefix('@')}"
        return await self.context.run_io(
            schedules.schedule, self.context.space, target, body.cron, body.zone, body.parameters, None, body.missed,
            body.overlap,
        )  # fmt: skip


class ScheduleHandler(Handler):
    auth_resource = RESOURCE

    @web.authenticated
    @authorized
    @operation("Change, pause or resume a schedule", body=ScheduleUpdate, response=ScheduleRead)
    async def patch(self, number: str, change: ScheduleUpdate) -> dict[str, Any]:
        changes = change.model_dump(exclude_none=True)
        paused = changes.pop("paused", None)
        payload: dict[str, Any] = {}
        if changes:
            payload = await self.context.run_io(
                schedules.reschedule, self.context.space, _parse_number(number), changes
            )
        if paused is not None:
            payload = await self.context.run_io(
                schedules.pause_schedule, self.context.space, _parse_number(number), paused
            )
        return payload

    @web.authenticated
    @authorized
    @operation("Delete a schedule; its runs are kept", status=204)
    async def delete(self, number: str) -> None:
        await self.context.run_io(schedules.unschedule, self.context.space, _parse_number(number))


class CalendarQuery(BaseModel):
    """The range of the calendar."""

    model_config = ConfigDict(extra="forbid")

    days: float = Field(7.0, gt=0, le=400)


class CalendarHandler(Handler):
    auth_resource = RESOURCE

    @web.authenticated
    @authorized
    @operation("Upcoming fire times of schedules", query=CalendarQuery, response=Calendar)
    async def get(self, query: CalendarQuery) -> dict[str, Any]:
        return await self.context.run_io(schedules.calendar, self.context.space, query.days)


class CronHandler(Handler):
    auth_resource = RESOURCE

    @web.authenticated
    @authorized
    @operation("Fire times of a schedule, in words and as times", body=CronRequest, response=CronDescription)
    async def post(self, body: CronRequest) -> dict[str, Any]:
        return await self.context.run_io(schedules.cron_to_dict, body.cron, body.zone)
