"""What a run leaves in the database when it ends or fails: its steps, its files, and when it is retried."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, delete, insert, select

from jupyter_mlops.db import tables as t
from jupyter_mlops.jobs.policies import Policies
from jupyter_mlops.jobs.records import Run
from jupyter_mlops.states import EXPERIMENTS

NAME = 200  # characters of a step's name that are stored


def put_steps(c: Connection, run_id: str, steps: Sequence[Mapping[str, Any]]) -> None:
    """Replace the states of the steps of a run, within a transaction."""
    c.execute(delete(t.step_run).where(t.step_run.c.run_id == run_id))
    rows = [
        {"run_id": run_id, "position": at, "name": s["name"][:NAME], "state": s["state"],
         "attempts": s.get("attempts", 0), "seconds": s.get("seconds") or 0.0, "why": s.get("why")}
        for at, s in enumerate(steps)
    ]  # fmt: skip
    if rows:
        c.execute(insert(t.step_run), rows)


def put_files(c: Connection, run_id: str, files: Mapping[str, str]) -> None:
    """Replace the digests of the files of a run, by path in its directory, within a transaction."""
    c.execute(delete(t.run_file).where(t.run_file.c.run_id == run_id))
    if files:
        rows = [{"run_id": run_id, "path": path, "digest": digest} for path, digest in files.items()]
        c.execute(insert(t.run_file), rows)


def retry_changes(c: Connection, run: Run, error: Mapping[str, Any] | None, now: float) -> dict[str, Any]:
    """Column changes of a failed run that its job's policy retries; {} if it does not."""
    if run.stop_reason or run.job_id is None or run.trigger in EXPERIMENTS:
        return {}
    policies = c.execute(select(t.job.c.policies).where(t.job.c.id == run.job_id)).scalar()
    rules = Policies.kept(policies)
    if run.attempt > rules.retries:
        return {}
    note = f"attempt {run.attempt} failed: {(error or {}).get('ename', '')}; retried"
    return {
        "state": "queued", "finished": None, "not_before": now + rules.wait_before(run.attempt + 1),
        "notes": [*run.notes, note], "recoveries": 0, "steps_completed": 0,
    }  # fmt: skip
