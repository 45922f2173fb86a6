"""The functions of gates that this package measures: drift, missing and rows by profiles, backtest by past inputs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from jupyter_mlops.registry.gate_syntax import Column
from jupyter_mlops.registry.gates import Reading, Unavailable

if TYPE_CHECKING:
    from jupyter_mlops.registry.measures import MeasureRequest

NO_PROFILE = "run {run} left no profile of {subject}; tag a cell with `dataset:VARIABLE`"


def register_measures() -> None:
    """Let the gates measure these functions, unless an installed package does."""
    from jupyter_mlops.registry.measures import register

    for function, provider in (("drift", drift), ("missing", missing), ("rows", rows), ("backtest", backtest)):
        register(function, provider, replace=False)


def drift(request: MeasureRequest) -> Reading | Unavailable:
    """How far a column is from the baseline: the largest distance of two distributions, from 0 to 1."""
    from jupyter_mlops.service import monitoring

    frame, column = _frame_and_column(request)
    value = monitoring.column_drift(request.space, request.job, request.run, column, frame)
    if value is None:
        return Unavailable(
            f"{request.measure}: no earlier run and {request.run.id} both left a profile of {column!r}; "
            "tag a cell with `dataset:VARIABLE`, and run the job"
        )
    return value


def missing(request: MeasureRequest) -> Reading | Unavailable:
    """The share of missing values of a column, from 0 to 1; the largest of all frames with this column."""
    frame, column = _frame_and_column(request)
    shares = [
        entry["missing"] / profile["rows"]
        for name, profile in _profiles(request)
        if not frame or name == frame
        for entry in profile["columns"]
        if entry["name"] == column and profile["rows"]
    ]
    return max(shares) if shares else _no_profile(request, f"the column {column!r}")


def rows(request: MeasureRequest) -> Reading | Unavailable:
    """The number of rows of a frame where it was last profiled."""
    frame = str(request.measure.arguments[0])
    counts = [profile["rows"] for name, profile in _profiles(request) if name == frame]
    return int(counts[-1]) if counts else _no_profile(request, repr(frame))


def backtest(request: MeasureRequest) -> Reading | Unavailable:
    """The mean of a metric over the past runs of the latest backtest of the candidate. For the version at a stage
    (`production.backtest(90).auc`) it is what the same past runs had themselves."""
    from jupyter_mlops.service import backtests

    measure, candidate = request.measure, request.candidate.name
    last = int(str(measure.arguments[0]))
    figures = backtests.measure(request.space, request.job.name, candidate, last, measure.metric)
    mean: Reading = figures["production" if measure.alias else "candidate"]
    return mean


def _frame_and_column(request: MeasureRequest) -> tuple[str, str]:
    """The frame, "" for any, and the column that a function is about."""
    column = request.measure.arguments[0]
    assert isinstance(column, Column), "the parser reads columns"
    return column.frame, column.name


def _profiles(request: MeasureRequest) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The profiles of the run: variable and document, in the order of the steps."""
    from jupyter_mlops.service import monitoring

    for step in monitoring.drift_records(request.space).steps(request.run):
        yield from step.writes.items()


def _no_profile(request: MeasureRequest, subject: str) -> Unavailable:
    return Unavailable(f"{request.measure}: " + NO_PROFILE.format(run=request.run.id, subject=subject))
