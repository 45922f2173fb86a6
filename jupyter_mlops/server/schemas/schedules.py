"""Schedules."""

from __future__ import annotations

from pydantic import Field, model_validator

from jupyter_mlops.server.schemas.base import (
    Name,
    RequestModel,
    ResponseModel,
    Time,
    Values,
)
from jupyter_mlops.states import MissedPolicy, OverlapPolicy


class CronRequest(RequestModel):
    """The fire times of a schedule."""

    cron: str = Field(min_length=1, max_length=200)
    zone: str = Field("UTC", min_length=1, max_length=100, description="An IANA name, such as Europe/Paris.")


class ScheduleCreate(CronRequest):
    job: Name
    version: str = Field("latest", max_length=100, description="latest, v3, or @production.")
    parameters: Values = Field(default_factory=dict)
    missed: MissedPolicy = "latest"
    overlap: OverlapPolicy = "queue"


class ScheduleUpdate(RequestModel):
    """Changes of a schedule; new times apply from now on."""

    paused: bool | None = None
    cron: str | None = Field(None, min_length=1, max_length=200)
    zone: str | None = Field(None, min_length=1, max_length=100)
    version: str | None = Field(None, min_length=1, max_length=100)
    parameters: Values | None = None
    missed: MissedPolicy | None = None
    overlap: OverlapPolicy | None = None

    @model_validator(mode="after")
    def _require_change(self) -> ScheduleUpdate:
        if not self.model_dump(exclude_none=True):
            raise ValueError("name at least one change")
        return self


class Firing(ResponseModel):
    time: Time
    local: str = Field(description="ISO time in the schedule's zone.")
    clocks_change: bool = Field(description="Whether the zone's clocks change on that day.")


class CronDescription(ResponseModel):
    cron: str
    zone: str
    words: str
    upcoming: list[Firing]


class ScheduleRead(CronDescription):
    id: int
    job: str
    version: str
    parameters: Values
    missed: str
    overlap: str
    paused: bool
    problem: str
    next: Time | None


class UpcomingFiring(ResponseModel):
    time: Time
    local: str = Field(description="ISO time in the schedule's zone.")
    zone: str
    job: str
    schedule: int


class Frequent(UpcomingFiring):
    """A schedule that fires too often to list all times; `time` is the next one."""

    words: str


class Calendar(ResponseModel):
    firings: list[UpcomingFiring]
    frequent: list[Frequent]
    more: bool = Field(description="Whether there are more fire times than listed.")


class Schedules(ResponseModel):
    schedules: list[ScheduleRead]
