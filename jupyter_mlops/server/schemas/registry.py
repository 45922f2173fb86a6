"""Aliases and their history, gates, promotions."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from jupyter_mlops.server.schemas.base import LARGEST, RequestModel, ResponseModel, Time, Values

GateState = Literal["passed", "failed", "undecided"]


class AliasChange(ResponseModel):
    """One change of an alias."""

    alias: str
    number: int = Field(description="1, 2, … of this alias.")
    version: str | None = Field(description="null: the alias was removed.")
    previous: str | None = Field(description="null: there was no alias, or it is not known.")
    changed: Time
    author: str = Field(description="'': not known.")
    reason: str
    action: str = Field(description="promote, rollback, set, or remove.")
    undoes: int | None = Field(description="Number of the change that a rollback undoes.")
    gates: list[dict[str, Any]] = Field(description="Results of the gates at that time.")
    overridden: bool = Field(description="Whether it was made although a gate had not passed.")


class AliasHistory(ResponseModel):
    changes: list[AliasChange] = Field(description="Newest first.")


class AliasOfJob(ResponseModel):
    """The version of a job that has an alias."""

    job: str
    alias: str
    version: str
    digest: str
    changed: Time
    author: str
    reason: str
    action: str
    run: str | None = Field(description="Its latest completed run.")
    finished: Time | None
    metrics: Values = Field(description="Of that run.")


class AliasSearch(ResponseModel):
    versions: list[AliasOfJob] = Field(description="By job.")


class GateCreate(RequestModel):
    """A condition on entering a stage."""

    expression: str = Field(max_length=10_000, description="Such as accuracy >= production.accuracy - 0.01.")
    stage: str = Field("production", max_length=100)


class GateRead(ResponseModel):
    number: int
    stage: str
    expression: str
    created: Time
    author: str
    notes: list[str] = Field(default_factory=list, description="Metrics that no run has yet.")


class GateList(ResponseModel):
    gates: list[GateRead]


class GateResult(ResponseModel):
    number: int | None = Field(description="null: a cell that is tagged gate.")
    expression: str
    state: GateState
    values: Values = Field(description="What was read. null: it is not available; 'nan', 'inf' and '-inf' are numbers.")
    reasons: list[str] = Field(description="Why it did not pass.")


class GateCheck(ResponseModel):
    """What the gates of a stage say about a version."""

    job: str
    version: str
    stage: str
    state: GateState
    run: str | None = Field(description="The run by which the version is judged; null: it has no completed one.")
    finished: Time | None
    remedy: str
    gates: list[GateResult]


class PromotionCreate(RequestModel):
    """Let a version enter a stage."""

    version: str = Field(min_length=1, max_length=100, description="v7, latest, or an alias.")
    to: str = Field("production", min_length=1, max_length=100)
    reason: str = Field("", max_length=10_000)
    override: bool = Field(False, description="Although gates have not passed; needs a reason and the right to it.")
    expected: int | None = Field(
        None, ge=0, le=LARGEST, description="Number of the stage's last change that the user has seen, 0 for none."
    )
    run: str = Field("", max_length=100, description="The run by which it is judged; '': its latest completed run.")


class RollbackCreate(RequestModel):
    """Undo the last change of a stage that no rollback has undone."""

    to: str = Field("production", min_length=1, max_length=100)
    reason: str = Field("", max_length=10_000)
    expected: int | None = Field(None, ge=0, le=LARGEST, description="As of a promotion.")


class PromotionRead(ResponseModel):
    job: str
    change: AliasChange
    run: str | None = Field(description="The run by which the version was judged.")
    undone: AliasChange | None = Field(description="The change that a rollback has undone.")


class StageRead(ResponseModel):
    name: str
    number: int = Field(description="Number of its last change, 0 for none.")
    change: AliasChange | None = Field(description="Its last change.")
    gates: int
    protected: bool
    after: str = Field(description="The stage that a version must have been at before; '': any version may enter.")
    rollback_to: str | None = Field(description="The version that a rollback would restore.")


class StageList(ResponseModel):
    job: str
    stages: list[StageRead] = Field(description="In their order.")


class MetricComparison(ResponseModel):
    name: str
    candidate: Any
    champion: Any
    difference: float | None = Field(description="The candidate's minus the champion's.")


class RunPair(ResponseModel):
    candidate_run: str
    champion_run: str
    parameters: Values
    same_inputs: bool | None = Field(description="null: what a run read is not recorded.")
    different_inputs: list[str]
    metrics: list[MetricComparison]


class MeanDifference(ResponseModel):
    name: str
    mean_difference: float
    pairs: int


class Challenge(ResponseModel):
    """The metrics of two versions on the same inputs."""

    job: str
    candidate: str
    champion: str
    same_parameters: bool = Field(description="false: no runs have the same; the latest run of each is compared.")
    pairs: list[RunPair] = Field(description="Latest first.")
    means: list[MeanDifference]
