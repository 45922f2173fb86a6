"""Metrics of jobs and runs."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from jupyter_mlops.server.schemas.base import ResponseModel, Time
from jupyter_mlops.states import RunState

Number = int | float | Literal["nan", "inf", "-inf"]


class SeriesQuery(BaseModel):
    """The selected part of a job's metrics."""

    model_config = ConfigDict(extra="forbid")

    name: list[str] = Field(default_factory=list, description="Only these metrics.")
    last: int = Field(100, ge=1, le=1000, description="Number of runs.")
    before: str = Field("", description="`next` of the previous page: only earlier runs.")


class PointsQuery(BaseModel):
    """The selected part of a run's metrics."""

    model_config = ConfigDict(extra="forbid")

    name: list[str] = Field(default_factory=list, description="Only these metrics.")
    limit: int = Field(1000, ge=1, le=10_000, description="Points of each metric; of more, evenly spaced ones.")


class RunMetrics(ResponseModel):
    run: str
    version: str | None
    state: RunState
    created: Time
    finished: Time | None
    metrics: dict[str, Number] = Field(description="The last value of each metric.")


class MetricSeries(ResponseModel):
    """The metrics of a job over its finished runs, oldest first."""

    job: str
    names: list[str]
    runs: list[RunMetrics]
    next: str | None = Field(description="`before` for the page of earlier runs.")


class MetricPoint(ResponseModel):
    name: str
    value: Number
    step: int | None
    at: Time


class MetricPoints(ResponseModel):
    """The points of a run, in the order in which it logged them."""

    run: str
    names: list[str]
    thinned: bool = Field(description="Whether a metric has more points than these.")
    points: list[MetricPoint]
