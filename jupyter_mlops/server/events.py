"""Progress as Jupyter events: the published schema, and what a worker says in its terms."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from jupyter_mlops.notebook.output import text_of
from jupyter_mlops.run import retry

SCHEMA_ID = "https://events.jupyter.org/jupyter_mlops/run/v1"
MOST_TEXT = 64_000  # characters of output in one event
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
        "notebook": {"type": ["string", "null"], "description": "The notebook it runs as it stood."},
        "state": {"type": "string", "description": "Of the run or the step."},
        "step": {"type": "string", "description": "The step's name."},
        "cell": {"type": "integer", "description": "Position of the cell, from 0, in the notebook."},
        "seconds": {"type": "number", "description": "How long the step took."},
        "steps": {"type": "array", "items": {"type": "string"}, "description": "Names of the steps in order."},
        "why": {"type": "string", "description": "Why the step is in this state."},
        "text": {"type": "string", "description": "What was written."},
    },
}  # fmt: skip


def of_worker(said: Mapping[str, Any]) -> dict[str, Any] | None:
    """The event that something a worker said is; None for what is not told."""
    made: dict[str, Any] = {"run": said["run"], "time": stamp(said.get("time")), **owner(said.get("job"))}
    kind = said.get("event")
    if kind == "state":
        return {**made, "kind": "run", "state": said["state"]}
    if kind == "run":
        return {**made, "kind": "steps", "steps": list(said["steps"])}
    if kind == "step":
        told = {**made, "kind": "step", "step": said["step"], "state": said["state"]}
        if said.get("seconds") is not None:
            told["seconds"] = float(said["seconds"])
        return {**told, "why": said["why"]} if said.get("why") else told
    if kind == "retry":
        return {**made, "kind": "step", "step": said["step"], "state": "running", "why": retry.told(said)}
    if kind == "cell":
        return {**made, "kind": "cell", "step": said["step"], "cell": said["cell"]}
    if kind == "output":
        text = text_of(said.get("output") or {})
        return {**made, "kind": "output", "text": text[-MOST_TEXT:]} if text else None
    return None


def of_run(run: Mapping[str, Any]) -> dict[str, Any]:
    """The event that a run is in a state."""
    return {
        "run": run["id"], "kind": "run", "state": run["state"], "time": stamp(None), "job": run["job"],
        "notebook": run.get("notebook"),
    }  # fmt: skip


def owner(job: str | None) -> dict[str, str | None]:
    if job and job.startswith("notebook:"):
        return {"job": None, "notebook": job.removeprefix("notebook:")}
    return {"job": job, "notebook": None}


def stamp(time: float | None) -> str:
    return (datetime.now(UTC) if time is None else datetime.fromtimestamp(time, UTC)).isoformat()
