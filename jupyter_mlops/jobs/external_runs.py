"""Runs that another engine executed, stored beside the runs of workers."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import delete, insert, select

from jupyter_mlops.db import tables as t
from jupyter_mlops.db.database import Database

TRIGGER = 20  # characters of the column


@dataclass(frozen=True)
class ExternalRun:
    """A finished run of an exported version.

    :param engine: such as "airflow"; `engine_run`: the run's name there; `engine_url`: its page there.
    :param slot: scheduled time; all times in seconds since 1970.
    :param output: path of the executed notebook.
    """

    engine: str
    engine_run: str
    state: str
    started: float
    finished: float
    engine_url: str = ""
    slot: float | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, Any] = field(default_factory=dict)
    error: Mapping[str, Any] | None = None
    notes: Sequence[str] = ()
    steps: Sequence[Mapping[str, Any]] = ()

    def id_in(self, location: str) -> str:
        """The run's id here: the same each time that it is imported from a place."""
        digest = hashlib.blake2b(f"{location}\0{self.engine_run}".encode(), digest_size=5).hexdigest()
        return f"{self.engine or 'external'}-{digest}"


class ExternalRuns:
    """Records runs of other engines."""

    def __init__(self, db: Database) -> None:
        self.db = db

    def is_recorded(self, run_id: str, finished: float) -> bool:
        """Whether the run is recorded with this end time: an engine may repeat it under the same name."""
        with self.db.read() as c:
            row = c.execute(select(t.run.c.finished).where(t.run.c.id == run_id)).first()
            return row is not None and row.finished == finished

    def record(self, run_id: str, job_id: int, version_id: int, run: ExternalRun, output: str) -> None:
        """Record a run, or its new result if the engine repeated it."""
        options = {"engine": run.engine, "engine_run": run.engine_run, "engine_url": run.engine_url}
        values = {
            "id": run_id, "job_id": job_id, "version_id": version_id, "trigger": (run.engine or "external")[:TRIGGER],
            "state": run.state, "slot": run.slot, "parameters": dict(run.parameters), "options": options,
            "created": run.started, "started": run.started, "finished": run.finished, "attempt": 1,
            "worker": run.engine, "output": output, "metrics": dict(run.metrics),
            "error": dict(run.error) if run.error else None, "notes": list(run.notes),
        }  # fmt: skip
        steps = [
            {"run_id": run_id, "position": position, "name": step["name"][:200], "state": step["state"],
             "attempts": step.get("attempts") or 0, "seconds": step.get("seconds") or 0.0, "why": step.get("why")}
            for position, step in enumerate(run.steps)
        ]  # fmt: skip
        with self.db.write(alone=True) as c:
            c.execute(delete(t.step_run).where(t.step_run.c.run_id == run_id))
            c.execute(delete(t.run).where(t.run.c.id == run_id))
            c.execute(insert(t.run).values(**values))
            if steps:
                c.execute(insert(t.step_run), steps)
