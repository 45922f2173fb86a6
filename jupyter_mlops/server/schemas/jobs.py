"""Jobs, their versions, and batches of runs."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from jupyter_mlops.server.schemas.base import Path, RequestModel, ResponseModel, Seconds, Time, Values
from jupyter_mlops.server.schemas.registry import AliasChange
from jupyter_mlops.server.schemas.runs import RunRead
from jupyter_mlops.states import RunState


class PublishCreate(RequestModel):
    """Publish a notebook, as it was saved, as a version of a job."""

    notebook: Path
    message: str = Field("", max_length=10_000)


class AliasUpdate(RequestModel):
    version: str = Field(min_length=1, max_length=100, description="v3, latest, or @production.")
    reason: str = Field("", max_length=10_000)


class JobUpdate(RequestModel):
    paused: bool | None = None
    policies: Values = Field(default_factory=dict)


class VersionFile(ResponseModel):
    path: str
    kind: str
    size: int
    stored: bool


class VersionRead(ResponseModel):
    job: str
    version: str
    digest: str
    created: Time
    author: str
    message: str
    commit: str
    branch: str
    dirty: bool
    locked: str
    aliases: list[str] = Field(default_factory=list)
    new: bool = True
    files: list[VersionFile] = Field(default_factory=list)
    notes: list[str] = Field(default_factory=list)


class Versions(ResponseModel):
    versions: list[VersionRead]
    at: Time | None = Field(None, description="The time of `aliases`, if the request names one.")
    at_text: str = Field("", description="That time in full, with its zone.")
    aliases: list[AliasChange] = Field(default_factory=list, description="What each alias named then.")
    notes: list[str] = Field(default_factory=list, description="What was not recorded at that time.")


class Alias(ResponseModel):
    job: str
    alias: str
    version: str
    change: AliasChange


class Outcome(ResponseModel):
    """The result of a run, in short."""

    id: str
    state: RunState
    time: Time = Field(description="When it began, or was created.")
    seconds: Seconds | None


class JobRead(ResponseModel):
    name: str
    owner: str
    paused: bool
    version: str | None
    aliases: dict[str, int]
    health: list[RunState] = Field(description="States of the last 20 runs, oldest first.")
    recent: list[Outcome] = Field(description="Those runs, oldest first.")
    next: Time | None
    next_zone: str = Field(description="The time zone of the schedule that fires next.")
    last: RunRead | None
    schedules: int
    problems: list[str]
    policies: Values = Field(default_factory=dict)
    parameters: Values = Field(default_factory=dict, description="JSON schema of the latest version's parameters.")


class Jobs(ResponseModel):
    jobs: list[JobRead]


class VersionDiff(ResponseModel):
    job: str
    old: str
    new: str
    sections: dict[str, Any] = Field(description="code, pipeline, environment, data, metrics.")


class ChangesRead(ResponseModel):
    """The changes that publishing would make."""

    job: str
    version: str | None = Field(description="The latest version; None before the first.")
    next: str
    same: bool = Field(description="Whether it would be identical to the latest version.")
    sections: dict[str, list[Values]] = Field(description="code, pipeline, environment, data, metrics.")
    notes: list[str] = Field(description="Secrets that would be in the version, and files of secrets that would not.")


class BackfillCreate(RequestModel):
    """Runs for the slots of a range of time."""

    begin: str = Field(min_length=4, max_length=40, description="A date or a time, such as 2026-01-31T06:00.")
    end: str = Field(min_length=4, max_length=40)
    cron: str = Field("", max_length=200, description="'': that of the job's schedule.")
    zone: str = Field("", max_length=100)
    version: str = Field("", max_length=100)
    parameters: Values = Field(default_factory=dict)
    at_once: int = Field(1, ge=1, le=1000)
    only_count: bool = False


class SweepCreate(RequestModel):
    """A run for each combination of values."""

    axes: dict[str, list[Any]] = Field(min_length=1)
    parameters: Values = Field(default_factory=dict)
    version: str = Field("", max_length=100)
    at_once: int = Field(1, ge=1, le=1000)
    only_count: bool = False


class BatchCreated(ResponseModel):
    job: str
    version: str
    runs: int
    batch: int | None = None
    ids: list[str] = Field(default_factory=list)


class BatchRun(ResponseModel):
    id: str
    slot: Time | None
    parameters: Values
    state: RunState
    metrics: Values
    seconds: Seconds | None


class BatchRead(ResponseModel):
    batch: int
    job: str | None
    kind: str
    states: dict[str, int]
    runs: list[BatchRun]
