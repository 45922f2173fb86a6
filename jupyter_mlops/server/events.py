"""Progress as Jupyter events: the published schema, and the conversion of worker events."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from jupyter_mlops.execution import retry
from jupyter_mlops.notebook.output import text_of

SCHEMA_ID = "https://events.jupyter.org/jupyter_mlops/run/v1"
MAX_TEXT = 64_000  # characters of output in one event
SCHEMA: dict[str, Any] = {
    "$id": SCHEMA_ID,
    "version": "1",
    "title": "Progress of runs",
    "description": "What happens in runs of notebooks and jobs, as it happens.",
    "personal-data": True,
    "type": "object",
    "required": ["run", "kind", "time"],
    "properties": {
        "run": {"type": "string", "title": "Run", "description": "Its id."},
        "kind": {
            "enum": ["run", "steps", "step", "cell", "output"],
            "description": "run: its state changed; steps: these are its steps; step: a step's state changed; cell: a cell begins; output: text was written.",  # noqa: E501
        },
        "time": {"type": "string", "description": "ISO 8601, in UTC."},
        "job": {"type": ["string", "null"], "description": "The job's name."},
        "notebook": {"type": ["string", "null"], "description": "The notebook of a run without a version."},
        "state": {"type": "string", "description": "Of the run or the step."},
        "step": {"type": "string", "description": "The step's name."},
        "cell": {"type": "integer", "description": "Position of the cell, from 0, in the notebook."},
        "seconds": {"type": "number", "description": "How long the step took."},
        "steps": {"type": "array", "items": {"type": "string"}, "description": "Names of the steps in order."},
        "why": {"type": "string", "description": "Why the step is in this state."},
        "text": {"type": "string", "description": "What was written."},
    },
}  # fmt: skip


def from_worker(message: Mapping[str, Any]) -> dict[str, Any] | None:
    """The event for a worker event; None if it is not published."""
    base: dict[str, Any] = {
        "run": message["run"], "time": stamp(message.get("time")), "job": message.get("job"),
        "notebook": message.get("notebook"),
    }  # fmt: skip
    kind = message.get("event")
    if kind == "state":
        return {**base, "kind": "run", "state": message["state"]}
    if kind == "run":
        return {**base, "kind": "steps", "steps": list(message["steps"])}
    if kind == "step":
        event = {**base, "kind": "step", "step": message["step"], "state": message["state"]}
        if message.get("seconds") is not None:
            event["seconds"] = float(message["seconds"])
        return {**event, "why": message["why"]} if message.get("why") else event
    if kind == "retry":
        return {**base, "kind": "step", "step": message["step"], "state": "running", "why": retry.told(message)}
    if kind == "cell":
        return {**base, "kind": "cell", "step": message["step"], "cell": message["cell"]}
    if kind == "output":
        text = text_of(message.get("output") or {})
        return {**base, "kind": "output", "text": text[-MAX_TEXT:]} if text else None
    return None


def from_run(run: Mapping[str, Any]) -> dict[str, Any]:
    """The event that a run is in a state."""
    return {
        "run": run["id"], "kind": "run", "state": run["state"], "time": stamp(None), "job": run["job"],
        "notebook": run.get("notebook"),
    }  # fmt: skip


def stamp(time: float | None) -> str:
    return (datetime.now(UTC) if time is None else datetime.fromtimestamp(time, UTC)).isoformat()
