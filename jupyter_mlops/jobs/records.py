"""Rows of the database as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Self

from jupyter_mlops.db.database import CorruptDocument
from jupyter_mlops.errors import ConflictError, InvalidInputError
from jupyter_mlops.jobs.policies import Policies

DOCUMENTS = {"parameters", "options", "metrics", "policies", "provenance"}


class Record:
    """A value object built from a row, or a mapping, that has its fields."""

    @classmethod
    def of(cls, row: Any) -> Self:
        values = {f.name: row[f.name] for f in fields(cls) if f.name in row}  # type: ignore[arg-type]
        for name in DOCUMENTS & values.keys():
            values[name] = values[name] if isinstance(values[name], dict) else CorruptDocument()
        return cls(**values)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)  # type: ignore[call-overload, no-any-return]


@dataclass(frozen=True)
class Job(Record):
    """A named thing that is published. A hidden one holds the runs of the notebook at the path `notebook`."""

    id: int
    name: str
    created: float
    owner: str
    paused: bool
    hidden: bool
    notebook: str | None
    policies: Mapping[str, Any]

    @property
    def rules(self) -> Policies:
        """Its policies. Raises InvalidInputError if the stored ones are unreadable."""
        if isinstance(self.policies, CorruptDocument):
            raise InvalidInputError(
                "the policies are unreadable", where=f"job {self.name}", remedy="Set them again: jupyter mlops jobs."
            )
        return Policies.of(self.policies)


@dataclass(frozen=True)
class VersionRow(Record):
    """A version without its content, which is in the object store under its digest."""

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
    """Cron expression, time zone and parameters of runs of a job. Times are seconds since 1970."""

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
    """One execution. Times are seconds since 1970; `slot` is the fire time of its schedule.

    It executes a version of the job `job`, or the unpublished notebook at the path `notebook`.
    """

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
    options: Mapping[str, Any]
    created: float
    not_before: float
    started: float | None
    finished: float | None
    attempt: int
    recoveries: int
    worker: str
    lease: str | None
    lease_until: float | None
    stop_reason: str
    output: str
    metrics: Mapping[str, Any]
    error: Mapping[str, Any] | None
    notes: list[str]
    environment_changes: list[str]
    verdict: Mapping[str, Any] | None
    job: str | None = None
    notebook: str | None = None
    version: int | None = None
    steps: tuple[Mapping[str, Any], ...] = field(default=())

    @property
    def subject(self) -> str:
        """Name of what it runs, for people: the job or the notebook's path."""
        return self.job or self.notebook or "a notebook"

    @property
    def engine(self) -> str:
        """The engine that executes it, "" for a worker of ours."""
        return str(self.options.get("engine") or "")

    @property
    def engine_url(self) -> str:
        """Its page in that engine; "" if there is none that a browser can open."""
        url = str(self.options.get("engine_url") or "")
        return url if url.startswith(("http://", "https://")) else ""

    def require_own(self, verb: str) -> None:
        """Raises ConflictError for a run of another engine, which workers here can't change."""
        if self.engine:
            raise ConflictError(
                f"a run of {self.engine} can't be {verb} here", where=self.id, remedy=f"Do that in {self.engine}."
            )

    @property
    def seconds(self) -> float | None:
        """Its duration, or None until it has finished."""
        return None if self.started is None or self.finished is None else self.finished - self.started
