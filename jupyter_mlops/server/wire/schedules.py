"""Schedules."""

from __future__ import annotations

from pydantic import Field, model_validator

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
    """What is given is changed; a schedule fires by its new times from now on."""

    paused: bool | None = None
    cron: str | None = Field(None, min_length=1, max_length=200)
    zone: str | None = Field(None, min_length=1, max_length=100)
    version: str | None = Field(None, min_length=1, max_length=100)
    parameters: Values | None = None
    missed: MissedPolicy | None = None
    overlap: OverlapPolicy | None = None

    @model_validator(mode="after")
    def _something(self) -> ScheduleChange:
        if not self.model_dump(exclude_none=True):
            raise ValueError("say what is to be changed")
        return self


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


class Frequent(Coming):
    """A schedule that fires too often to be told time by time; `time` is the next one."""

    words: str


class Calendar(Told):
    firings: list[Coming]
    frequent: list[Frequent]
    more: bool = Field(description="Whether there are more firings than are told.")


class Schedules(Told):
    schedules: list[ScheduleTold]
