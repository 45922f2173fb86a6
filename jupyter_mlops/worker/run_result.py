"""The result of a run, as a worker records it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from jupyter_mlops.jobs.run_data import RunData


@dataclass
class RunResult:
    """Result of a run, recorded under its lease."""

    state: str
    output: str = ""
    metrics: Mapping[str, Any] = field(default_factory=dict)
    error: Mapping[str, Any] | None = None
    notes: list[str] = field(default_factory=list)
    environment_changes: list[str] = field(default_factory=list)
    steps: list[Mapping[str, Any]] = field(default_factory=list)
    files: Mapping[str, str] | None = None
    data: RunData = field(default_factory=RunData)
    models: list[Mapping[str, Any]] = field(default_factory=list)


def result_of(record: Mapping[str, Any], environment_changes: list[str], data: RunData) -> RunResult:
    """The result of a run from the record of its execution."""
    return RunResult(
        record["state"], record["output"], record["metrics"], record["error"],
        [*(f"environment: {change}" for change in environment_changes), *record["notes"]], environment_changes,
        record["steps"], models=record.get("models", []), data=data,
    )  # fmt: skip
