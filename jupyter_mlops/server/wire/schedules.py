"""Schedules."""

from __future__ import annotations

from pydantic import Field

from jupyter_mlops.server.wire.base import Asked, MissedPolicy, Name, OverlapPolicy, Time, Told, Values


class CronAsked(Asked):
    """When a schedule would fire."""

    cron: str = Field(min_length=1, max_length=200)
    zone: str = Field("UTC", min_length=1, max_length=100, description="An IANA name, such as Europe/Paris.")


class ScheduleAsked(CronAsked):
    job: Name
    version: str = Field("latest", max_length=100, description="latest, v3, or @production.")
    parameters: Values = Field(default_factory=dict)
    missed: MissedPolicy = "latest"
    overlap: OverlapPolicy = "queue"


class ScheduleChange(Asked):
    paused: bool


class Firing(Told):
    time: Time
    local: str = Field(description="ISO time in the schedule's zone.")
    clocks_change: bool = Field(description="Whether the zone's clocks change on that day.")


class CronTold(Told):
    cron: str
    zone: str
    words: str
    upcoming: list[Firing]


class ScheduleTold(CronTold):
    id: int
    job: str
    version: str
    parameters: Values
    missed: str
    overlap: str
    paused: bool
    problem: str
    next: Time | None


class Coming(Told):
    time: Time
    local: str = Field(description="ISO time in the schedule's zone.")
    zone: str
    job: str
    schedule: int


class Calendar(Told):
    firings: list[Coming]
    more: bool = Field(description="Whether a schedule fires more often than is told.")


class Schedules(Told):
    schedules: list[ScheduleTold]
