"""Labels that arrive later, and what they say about predictions."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from jupyter_mlops.server.schemas.base import RequestModel, ResponseModel, Time
from jupyter_mlops.server.schemas.metrics import Number

MOST_ROWS = 100_000  # of a request
Scalar = bool | int | float | str


class LabelsCreate(RequestModel):
    """Labels to store. A row has a key and a label; a label that is null takes an earlier one back."""

    rows: list[dict[str, Scalar | None]] = Field(min_length=1, max_length=MOST_ROWS)
    key: str = Field("", max_length=1000, description="The column with the keys; empty: the key of the predictions.")
    label: str = Field("", max_length=1000, description="The column with the labels; empty: a usual name.")
    received: str = Field("", max_length=100, description="A date or a time; empty: now.")


class LabelSetRead(ResponseModel):
    """Labels that were received together."""

    id: int
    job: str
    received: Time
    rows: int = Field(description="Cases.")
    key: str
    label: str
    author: str
    new: bool = Field(description="False: the same labels were stored before.")
    corrected: int = Field(description="Cases whose label differs from what was received earlier.")
    unlabelled: int = Field(description="Cases without a value.")
    repeated: int = Field(description="Rows that repeat an earlier row.")
    contradicting: int = Field(description="Keys with several labels, of which the last counts.")


class PerformanceQuery(BaseModel):
    """Which predictions, and which of their columns."""

    model_config = ConfigDict(extra="forbid")

    prediction: str = Field("", description="The column of predicted values.")
    score: str = Field("", description="The column of probabilities of the positive class.")
    variable: str = Field("", description="The variable with the predictions.")
    positive: str = Field("", description="The label of the positive class.")
    last: int = Field(20, ge=1, le=200, description="Number of runs.")
    as_of: str = Field("", description="A date or a time: only what was known then.")
    by: list[str] = Field(default_factory=list, max_length=5, description="Columns to compare groups by.")


class PerformanceMetric(ResponseModel):
    metric: str
    value: Number
    low: Number
    high: Number
    cases: int = Field(description="Cases that it is computed from.")
    coverage: float = Field(description="Their share of the predicted cases; 0 for estimates.")
    estimated: bool = Field(description="Of the cases without a label.")
    reason: str = Field(description="Why there is no value, or which assumption it depends on.")


class GroupRateRead(ResponseModel):
    attribute: str
    group: str
    rate: str
    value: Number
    low: Number
    high: Number
    cases: int
    small: bool = Field(description="Too small to be compared.")


class GroupGap(ResponseModel):
    """The largest difference of a rate between two groups."""

    attribute: str
    rate: str
    highest: str
    lowest: str
    value: Number
    low: Number
    high: Number
    alarm: bool
    smallest: int | None = Field(description="Cases of the smallest group, compared or not; null for calibration.")


class RunPerformance(ResponseModel):
    run: str
    version: str | None
    created: Time
    variable: str | None = Field(description="Null if the predictions can't be read; a note says why.")
    kind: Literal["binary", "multiclass", "regression"] | None
    positive: Scalar | None
    predictions: int = Field(description="Predicted cases.")
    labelled: int
    coverage: float
    corrected: int = Field(description="Cases whose label changed.")
    repeated: int = Field(description="Predictions of a case that has a later one.")
    metrics: list[PerformanceMetric]
    rates: list[GroupRateRead]
    gaps: list[GroupGap]
    notes: list[str]


class PerformanceSeries(ResponseModel):
    """How good the predictions of a job's runs were, oldest first."""

    job: str
    as_of: str | None
    labels: int = Field(description="Cases whose labels are known.")
    least_group: int = Field(description="Smaller groups are not compared.")
    runs: list[RunPerformance]
    notes: list[str]
