"""Runs."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from jupyter_mlops.server.schemas.base import (
    Name,
    Path,
    RequestModel,
    ResponseModel,
    Seconds,
    Time,
    Values,
)
from jupyter_mlops.states import RunState, StepState


class RunCreate(RequestModel):
    """A run of a notebook as it was saved, or of a job's version: one of the two."""

    notebook: Path | None = None
    job: Name | None = Field(None, description="A job's name, with @v3 or @production behind it for a certain version.")
    parameters: Values = Field(default_factory=dict, description="A text is read by the parameter's declared type.")
    from_step: str = Field("", max_length=200, description="This step and all later ones run again.")
    only_step: str = Field("", max_length=200, description="Only this step and those that it depends on run.")
    use_cache: bool = True

    @model_validator(mode="after")
    def _require_one_target(self) -> RunCreate:
        if (self.notebook is None) == (self.job is None):
            raise ValueError("give either notebook or job")
        return self


class RepairCreate(RequestModel):
    """Resume a run that failed or was stopped."""

    cells: dict[str, str] = Field(default_factory=dict, description="Corrected sources, by cell id.")


class EmptyBody(RequestModel):
    """An empty body."""


class RunError(ResponseModel):
    step: str = ""
    cell: int = Field(0, description="Position of the cell, from 0.")
    ename: str = ""
    evalue: str = ""
    traceback: list[str] = Field(default_factory=list)


class StepRun(ResponseModel):
    name: str
    state: StepState
    attempts: int
    seconds: Seconds
    why: list[str] = Field(
        default_factory=list,
        description="Why it ran where it did, was taken from an earlier run, or was not cached: a sentence for each "
        "decision. Empty until the run has finished, and in lists of runs.",
    )


class RunRead(ResponseModel):
    """One execution."""

    id: str
    job: str | None
    notebook: str | None = Field(None, description="The notebook of a run without a version; None for a run of a job.")
    version: str | None
    state: RunState
    trigger: str
    slot: Time | None
    parameters: Values
    options: Values = Field(default={}, description="The options of the run.")
    asked: Values = Field(default={}, deprecated=True, description="Use `options`.")
    created: Time
    started: Time | None
    finished: Time | None
    seconds: Seconds | None
    attempt: int
    worker: str
    engine: str = Field("", description="The engine that executes it, such as airflow; '' for a worker of ours.")
    engine_url: str = Field("", description="Its page in that engine.")
    metrics: Values
    error: RunError | None
    notes: list[str]
    batch: int | None
    steps: list[StepRun]
    verdict: Values | None


class RunPage(ResponseModel):
    runs: list[RunRead]
    next: str | None = Field(description="Pass it as `after` for the next page; None after the last one.")


class LogRecord(ResponseModel):
    """One line of a run's log; which fields it has depends on its kind."""

    time: str = Field(description="ISO 8601, UTC; empty if unknown.")
    kind: str = Field(description="`attempt`, `step`, `retry`, `cell`, `output`, `error` or `end`.")
    step: str = ""
    cell: int | None = Field(default=None, description="Position in the notebook.")
    state: str = ""
    why: str = ""
    text: str = Field(default="", description="The output of a cell as text; any other record as a sentence.")
    attempt: int | None = None


class RunLog(ResponseModel):
    records: list[LogRecord]
    text: str = Field(description="The records as the text that people read.")
    next: int = Field(description="Byte to continue from.")
    over: bool = Field(description="Whether the log is complete.")


class Pair(ResponseModel):
    name: str
    first: Any
    second: Any
    differs: bool


class CellChange(ResponseModel):
    first: int | None
    second: int | None
    step: str
    source: str = Field(description="A unified diff; '' if the source is the same.")
    outputs: tuple[str, str] | None = Field(description="Both outputs as text; None if they are the same.")


class Comparison(ResponseModel):
    first: RunRead
    second: RunRead
    parameters: list[Pair]
    metrics: list[Pair]
    cells: list[CellChange]


class Difference(ResponseModel):
    """The first place where two records differ."""

    cell: int = Field(description="Position of the cell, from 0.")
    step: str
    what: str
    before: str
    after: str


class Verdict(ResponseModel):
    """Whether a run was reproduced."""

    run: str = Field(description="The run that reproduces it.")
    state: Literal["reproduced", "differs"]
    words: str
    difference: Difference | None
    file: str = Field("", description="The file that differs, where every output is the same.")


class Reproduction(ResponseModel):
    run: RunRead | None = Field(description="The latest run that reproduces this one.")
    verdict: Verdict | None = Field(description="Its verdict, once that run has finished.")


class Suspect(ResponseModel):
    """A difference between a failed run and the last good one, with evidence."""

    section: str = Field(description="code, pipeline, environment, data, metrics: in the order of suspicion.")
    what: str
    cell: int | None = None
    before: Any = None
    after: Any = None
    diff: Any = None


class Suspects(ResponseModel):
    run: str
    good: str = Field(description="The last completed run before it.")
    old: str
    new: str
    suspects: list[Suspect]


class RepairNotebook(ResponseModel):
    """A notebook in which to repair a failed step, with its inputs restored."""

    run: str
    step: str
    cells: list[int]
    path: str
    kernel: str = Field(description="Id of the kernel that holds the step's inputs.")
    restored: list[str] = Field(description="Steps whose cached results were used.")
    ran: list[str] = Field(description="Steps that had to run because their results could not be cached.")


SortKey = Literal["created", "-created", "started", "-started", "finished", "-finished"]


class FileRead(ResponseModel):
    digest: str | None = Field(description="Of its content; null if it is not known.")
    bytes: int
    kept: bool = Field(description="Whether its content is in the object store.")
    inside: bool = Field(description="Whether it is in the folder of the notebook, or among the files of the version.")
    note: str = ""


class InputsOfStep(ResponseModel):
    """What a step read."""

    state: str
    files: dict[str, FileRead]
    variables: dict[str, str | None] = Field(description="Digests of values; null for one that has none.")
    environ: dict[str, str | None] = Field(
        description="Keyed digests of environment variables; null for one that may be a secret, empty if it is not set."
    )
    connections: list[str] = Field(description="HOST:PORT.")


class RunInputs(ResponseModel):
    """What the steps of a run read, by digest."""

    format: int
    run: str
    job: str | None
    version: str = Field(description="Digest of the version.")
    parameters: Values
    environment: Values = Field(description="`lock`, `python`, and `packages` with their versions.")
    steps: dict[str, InputsOfStep]
