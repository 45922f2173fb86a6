"""Experiments: why a metric changed, and backtests."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from jupyter_mlops.server.schemas.base import RequestModel, ResponseModel, Seconds, Time


class WhyCreate(RequestModel):
    """A question about a run."""

    metric: str = Field("", max_length=250, description="'': the metric that changed most.")
    good: str = Field("", max_length=64, description="Run to compare with; '': the last completed run before.")
    repeats: int = Field(2, ge=0, le=20, description="Further runs if the metric is not deterministic.")
    budget: float | None = Field(None, gt=0, description="Seconds that the hybrids may take.")
    at_once: int = Field(1, ge=1, le=1000)
    allow_writes: bool = Field(False, description="Run hybrids although the runs write files outside of their folder.")


class WhyShare(ResponseModel):
    """The part of a change that an axis made, or several axes together."""

    axes: list[str]
    share: float
    noise: float = Field(description="Standard error.")
    limit: float = Field(description="What noise alone would hardly exceed.")
    within_noise: bool
    causes: list[dict[str, Any]] = Field(description="Each with `kind` and `what`: a cell, file, column, package, …")


class WhyResult(ResponseModel):
    """The answer. The shares and the residual sum to the change."""

    run: str
    good: str
    metric: str = Field(description="'': the question is why the run fails; values are 1 for that and 0 otherwise.")
    error: str
    before: float
    after: float
    change: float
    deterministic: bool
    noise: float = Field(description="Standard deviation of a single run.")
    axes: dict[str, list[dict[str, Any]]] = Field(description="Axis -> all its differences.")
    shares: list[WhyShare]
    residual: float = Field(description="What no recorded difference explains.")
    residual_within_noise: bool
    interactions: list[str] = Field(description="Hybrids that can't run, and why.")
    hybrids: int
    runs: list[str]
    notes: list[str]
    words: list[str] = Field(description="The answer as text.")
    seconds: Seconds


class WhyRead(ResponseModel):
    """How far a question is."""

    run: str
    batch: int
    state: Literal["running", "finished", "stopped"]
    finished: int
    total: int
    result: WhyResult | None


class WhyPlan(ResponseModel):
    """What a question would run."""

    run: str
    good: str
    metric: str
    error: str
    axes: dict[str, list[str]]
    hybrids: list[str]
    repeats: int
    environments: int = Field(description="Environments to build.")
    seconds: Seconds
    notes: list[str]


class BacktestCreate(RequestModel):
    """Replays of the last runs of a job by a version."""

    version: str = Field("", max_length=100, description="'': the latest one.")
    last: int = Field(30, ge=1, le=10_000)
    metric: str = Field("", max_length=250)
    at_once: int = Field(1, ge=1, le=1000)
    own_files: list[str] = Field(
        default_factory=list, description="Patterns of data files that stay the version's own."
    )
    allow_writes: bool = False
    only_count: bool = False


class SkippedReplay(ResponseModel):
    run: str
    reason: str


class BacktestCreated(ResponseModel):
    job: str
    version: str
    runs: int
    reused: int
    replays: int
    seconds: Seconds
    skipped: list[SkippedReplay]
    batch: int | None = None


class BacktestRun(ResponseModel):
    run: str
    replay: str
    slot: Time | None
    created: Time
    version: int | None
    state: str
    production: Any
    candidate: Any
    seconds: Seconds | None
    error: str


class BacktestFigures(ResponseModel):
    """A metric of production and candidate, over the runs in which they have it."""

    production: float
    candidate: float
    pairs: int
    mean: float | None = Field(description="Mean difference, candidate minus production.")
    low: float | None = Field(description="Its 95% confidence interval.")
    high: float | None
    higher: int
    lower: int
    equal: int


class BacktestRead(ResponseModel):
    batch: int
    job: str
    version: str
    metric: str
    states: dict[str, int]
    metrics: dict[str, BacktestFigures]
    runs: list[BacktestRun]
    reproduced: int = Field(description="Replays with the same metrics.")
    skipped: list[SkippedReplay]
