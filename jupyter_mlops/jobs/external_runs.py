"""Runs that another engine executes, as rows beside the runs of workers."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from sqlalchemy import Connection, delete, insert, select

from jupyter_mlops.db import tables as t
from jupyter_mlops.db.database import Database
from jupyter_mlops.jobs.run_data import RunData, put_run_data
from jupyter_mlops.states import ACTIVE

TRIGGER = 20  # characters of the column
Source = Literal["artifacts", "api"]
RANK: dict[str, int] = {"api": 1, "artifacts": 2}  # artifacts are verified, and have outputs


@dataclass(frozen=True)
class ExternalRun:
    """A run of an exported version.

    :param engine: such as "airflow"; `engine_run`: the run's name there; `engine_url`: its page there.
    :param finished: None while it is active.
    :param slot: scheduled time; all times in seconds since 1970.
    :param source: what tells of it: the artifacts of its tasks, or the engine itself.
    """

    engine: str
    engine_run: str
    state: str
    started: float
    finished: float | None
    engine_url: str = ""
    slot: float | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, Any] = field(default_factory=dict)
    points: Sequence[Sequence[Any]] = ()
    inputs: Mapping[str, Any] = field(default_factory=dict)
    error: Mapping[str, Any] | None = None
    notes: Sequence[str] = ()
    steps: Sequence[Mapping[str, Any]] = ()
    source: Source = "artifacts"

    def id_in(self, location: str) -> str:
        """The run's id here: the same each time that it is imported from a place."""
        digest = hashlib.blake2b(f"{location}\0{self.engine_run}".encode(), digest_size=5).hexdigest()
        return f"{self.engine or 'external'}-{digest}"

    @property
    def fingerprint(self) -> str:
        """What tells whether anything of it is new."""
        steps = [(s["name"], s["state"], s.get("attempts"), s.get("seconds")) for s in self.steps]
        facts = [self.state, self.started, self.finished, self.source, self.engine_url, steps]
        return hashlib.blake2b(json.dumps(facts, default=str).encode(), digest_size=8).hexdigest()


@dataclass(frozen=True)
class RecordedRun:
    """What is recorded of an external run."""

    id: str
    state: str
    finished: float | None
    source: str
    fingerprint: str


def supersedes(run: ExternalRun, recorded: RecordedRun | None) -> bool:
    """Whether what is reported of a run now counts more than what is recorded.

    An engine may repeat a run under its name; two sources may report one run.
    """
    if recorded is None:
        return True
    if run.fingerprint == recorded.fingerprint:
        return False
    is_active, was_active = run.state in ACTIVE, recorded.state in ACTIVE
    if is_active != was_active:
        return was_active or run.started > (recorded.finished or 0.0)
    return RANK[run.source] >= RANK.get(recorded.source, 0)


class ExternalRuns:
    """Records runs of other engines."""

    def __init__(self, db: Database) -> None:
        self.db = db

    def settled(self, location: str, before: float) -> set[str]:
        """Names, in their engine, of the runs from a store that finished before a time."""
        columns = (t.run.c.options["engine_run"].as_string(), t.run.c.finished)
        query = select(*columns).where(
            t.run.c.options["engine_store"].as_string() == location, t.run.c.finished < before
        )
        with self.db.read() as c:
            return {str(name) for name, _ in c.execute(query)}

    def recorded(self, run: ExternalRun, job_id: int, location: str) -> RecordedRun | None:
        """What is recorded of a run, from this store or another one."""
        with self.db.read() as c:
            return _recorded(c, run, job_id, location)

    def record(
        self, run_id: str, job_id: int, version_id: int, run: ExternalRun, output: str, location: str,
        files: Mapping[str, str] | None = None, data: RunData | None = None,
    ) -> None:  # fmt: skip
        """Record a run, or its progress since.

        :param output: path of the executed notebook, "" without one.
        :param location: the store that it is from.
        :param files: digests, by path in the run directory, of its files in the object store.
        :param data: what it leaves behind besides.
        """
        options = {
            "engine": run.engine, "engine_run": run.engine_run, "engine_url": run.engine_url, "engine_store": location,
            "engine_source": run.source, "fingerprint": run.fingerprint,
        }  # fmt: skip
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
            put_run_data(c, run_id, data or RunData(points=run.points))
            if files:
                rows = [{"run_id": run_id, "path": path, "digest": digest} for path, digest in files.items()]
                c.execute(insert(t.run_file), rows)


def _recorded(c: Connection, run: ExternalRun, job_id: int, location: str) -> RecordedRun | None:
    options = t.run.c.options
    same = (
        (t.run.c.job_id == job_id)
        & (options["engine"].as_string() == run.engine)
        & (options["engine_run"].as_string() == run.engine_run)
    )
    query = select(t.run.c.id, t.run.c.state, t.run.c.finished, options)
    rows = c.execute(query.where(same | (t.run.c.id == run.id_in(location)))).all()
    stores = {run.id_in(location): row for row in rows if row.id == run.id_in(location)}
    others = [r for r in rows if r.options.get("engine_source", "artifacts") != run.source]
    row = stores.get(run.id_in(location)) or (others[0] if others else None)
    if row is None:
        return None
    source, fingerprint = row.options.get("engine_source", "artifacts"), row.options.get("fingerprint", "")
    return RecordedRun(row.id, row.state, row.finished, source, fingerprint)
