"""The result of a run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from jupyter_mlops.errors import MlopsError
from jupyter_mlops.execution.planner import StepRecord
from jupyter_mlops.execution.run_errors import CellFailed, CellInterrupted, RemoteFailed


@dataclass
class Outcome:
    """The result of a run. `error` has step, cell (position), ename, evalue and traceback; `wrote` lists files;
    `points` are those of the metrics, in order; `inputs` is what each step read, `frames` the profiles and predictions;
    `decisions` is the history of the decision core; `models` are the facts of the models that were kept."""

    state: str = "completed"
    steps: list[StepRecord] = field(default_factory=list)
    metrics: dict[str, float | int | str] = field(default_factory=dict)
    points: list[list[Any]] = field(default_factory=list)
    inputs: dict[str, Any] = field(default_factory=dict)
    frames: dict[str, Any] = field(default_factory=dict)
    error: dict[str, Any] | None = None
    fused: list[dict[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    wrote: list[str] = field(default_factory=list)
    decisions: list[dict[str, Any]] = field(default_factory=list)
    models: list[dict[str, Any]] = field(default_factory=list)


def error_facts(error: MlopsError) -> dict[str, Any]:
    """The name, the message and the traceback of an error, as `Outcome.error` has them."""
    if isinstance(error, CellFailed):
        lines = error.cause.traceback.splitlines()
        return {"ename": error.cause.ename, "evalue": error.cause.evalue, "traceback": lines}
    if isinstance(error, CellInterrupted):  # the cell is reported separately
        evalue = "\n".join(filter(None, (error.cause.message, error.cause.remedy)))
        return {"ename": error.cause.code, "evalue": evalue, "traceback": []}
    if isinstance(error, RemoteFailed):
        return {name: error.facts[name] for name in ("ename", "evalue", "traceback")}
    return {"ename": error.code, "evalue": str(error), "traceback": []}
