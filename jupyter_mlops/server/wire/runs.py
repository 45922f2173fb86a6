"""Runs."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from jupyter_mlops.server.wire.base import Asked, Name, Path, RunState, Seconds, StepState, Time, Told, Values


class RunAsked(Asked):
    """A run of a notebook as it was saved, or of a job's version: one of the two."""

    notebook: Path | None = None
    job: Name | None = Field(None, description="A job's name, with @v3 or @production behind it for a certain version.")
    parameters: Values = Field(default_factory=dict, description="A text is read by the parameter's declared type.")
    from_step: str = Field("", max_length=200, description="This step and all below it run again.")
    only_step: str = Field("", max_length=200, description="Only this step runs, and what it needs.")
    use_cache: bool = True

    @model_validator(mode="after")
    def _one_of_both(self) -> RunAsked:
        if (self.notebook is None) == (self.job is None):
            raise ValueError("give either notebook or job")
        return self


class RepairAsked(Asked):
    """Go on with a run that failed or was stopped."""

    cells: dict[str, str] = Field(default_factory=dict, description="Mended sources, by cell id.")


class Nothing(Asked):
    """Nothing more has to be said."""


class RunError(Told):
    step: str = ""
    cell: int = Field(0, description="Position of the cell, from 0.")
    ename: str = ""
    evalue: str = ""
    traceback: list[str] = Field(default_factory=list)


class StepRun(Told):
    name: str
    state: StepState
    attempts: int
    seconds: Seconds


class RunTold(Told):
    """One execution."""

    id: str
    job: str | None
    notebook: str | None = Field(None, description="The notebook it ran as it stood; None for a run of a job.")
    version: str | None
    state: RunState
    trigger: str
    slot: Time | None
    parameters: Values
    asked: Values = Field(default_factory=dict)
    created: Time
    started: Time | None
    finished: Time | None
    seconds: Seconds | None
    attempt: int
    worker: str
    metrics: Values
    error: RunError | None
    notes: list[str]
    batch: int | None
    steps: list[StepRun]
    verdict: Values | None


class RunPage(Told):
    runs: list[RunTold]
    next: str | None = Field(description="Give it as `after` for the page that follows; None after the last.")


class RunLog(Told):
    text: str
    next: int = Field(description="Byte to go on from.")
    over: bool = Field(description="Whether there will be no more.")


class Pair(Told):
    name: str
    first: Any
    second: Any
    differs: bool


class CellChange(Told):
    first: int | None
    second: int | None
    step: str
    source: str = Field(description="A unified diff; '' if the source is the same.")
    outputs: tuple[str, str] | None = Field(description="Both outputs as text; None if they are the same.")


class Comparison(Told):
    first: RunTold
    second: RunTold
    parameters: list[Pair]
    metrics: list[Pair]
    cells: list[CellChange]


class Difference(Told):
    """The first place where two records differ."""

    cell: int = Field(description="Position of the cell, from 0.")
    step: str
    what: str
    before: str
    after: str


class Verdict(Told):
    """Whether a run was reproduced."""

    run: str = Field(description="The run that was made to reproduce it.")
    state: Literal["reproduced", "differs"]
    words: str
    difference: Difference | None
    file: str = Field("", description="The file that differs, where every output is the same.")


class Reproduction(Told):
    run: RunTold | None = Field(description="The latest run that was made to reproduce this one.")
    verdict: Verdict | None = Field(description="Its verdict, once that run is over.")


class Suspect(Told):
    """A difference between a failed run and the last good one, with what proves it."""

    section: str = Field(description="code, pipeline, environment, data, metrics: in the order of suspicion.")
    what: str
    cell: int | None = None
    before: Any = None
    after: Any = None
    diff: Any = None


class Suspects(Told):
    run: str
    good: str = Field(description="The last completed run before it.")
    old: str
    new: str
    suspects: list[Suspect]


class RepairNotebook(Told):
    """A notebook in which a failed step can be mended, with its inputs restored."""

    run: str
    step: str
    cells: list[int]
    path: str
    kernel: str = Field(description="Id of the kernel that holds the step's inputs.")
    restored: list[str] = Field(description="Steps that were taken from kept results.")
    ran: list[str] = Field(description="Steps that had to be run, since their results could not be kept.")


SortKey = Literal["created", "-created", "started", "-started", "finished", "-finished"]
