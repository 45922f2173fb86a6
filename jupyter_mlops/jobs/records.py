"""Rows of the database as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Self

from jupyter_mlops.db.database import Damaged
from jupyter_mlops.errors import BadInput
from jupyter_mlops.jobs.policies import Policies

ACTIVE = ("queued", "running")
FINISHED = ("completed", "failed", "stopped")
STATES = (*ACTIVE, *FINISHED, "missed", "skipped")
DOCUMENTS = {"parameters", "asked", "metrics", "policies", "provenance"}


class Record:
    """Made from a row, or a mapping, that has its fields."""

    @classmethod
    def of(cls, row: Any) -> Self:
        values = {f.name: row[f.name] for f in fields(cls) if f.name in row}  # type: ignore[arg-type]
        for name in DOCUMENTS & values.keys():
            values[name] = values[name] if isinstance(values[name], dict) else Damaged()
        return cls(**values)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)  # type: ignore[call-overload, no-any-return]


@dataclass(frozen=True)
class Job(Record):
    """A named thing that people care about."""

    id: int
    name: str
    created: float
    owner: str
    paused: bool
    hidden: bool
    policies: Mapping[str, Any]

    @property
    def rules(self) -> Policies:
        """Its policies. Raises BadInput if what is kept of them can't be read."""
        if isinstance(self.policies, Damaged):
            raise BadInput(
                "the policies can't be read", where=f"job {self.name}", remedy="Set them again: jupyter mlops jobs."
            )
        return Policies.of(self.policies)


@dataclass(frozen=True)
class VersionRow(Record):
    """A version as it is listed; its content is in the object store under its digest."""

    id: int
    job_id: int
    number: int
    digest: str
    created: float
    author: str
    message: str
    provenance: Mapping[str, Any]
    writes_files: bool | None

    @property
    def name(self) -> str:
        return f"v{self.number}"


@dataclass(frozen=True)
class Schedule(Record):
    """When runs of a job are made. Times are seconds since 1970."""

    id: int
    job_id: int
    version: str
    cron: str
    zone: str
    parameters: Mapping[str, Any]
    missed: str
    overlap: str
    paused: bool
    created: float
    fired_until: float
    next_at: float | None
    problem: str


@dataclass(frozen=True)
class Run(Record):
    """One execution. Times are seconds since 1970; `slot` is the time that a schedule made it for."""

    id: str
    job_id: int | None
    version_id: int | None
    schedule_id: int | None
    batch_id: int | None
    repairs: str | None
    slot: float | None
    trigger: str
    state: str
    priority: int
    parameters: Mapping[str, Any]
    asked: Mapping[str, Any]
    created: float
    not_before: float
    started: float | None
    finished: float | None
    attempt: int
    resumed: int
    worker: str
    lease: str | None
    lease_until: float | None
    stop_reason: str
    output: str
    metrics: Mapping[str, Any]
    error: Mapping[str, Any] | None
    notes: list[str]
    verdict: Mapping[str, Any] | None
    job: str = ""
    version: int | None = None
    steps: tuple[Mapping[str, Any], ...] = field(default=())

    @property
    def seconds(self) -> float | None:
        """How long it took, or None while it is not over."""
        return None if self.started is None or self.finished is None else self.finished - self.started
