"""Batches of runs that answer a question: why a metric changed, how a candidate would have done.

Their runs are experiments: they count neither as successes nor as failures of their job.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select, update

from jupyter_mlops.db import tables as t
from jupyter_mlops.db.database import Database
from jupyter_mlops.errors import NotFoundError


@dataclass(frozen=True)
class Experiment:
    """A batch, with its question and its result in `options`."""

    id: int
    job_id: int
    kind: str
    created: float
    options: Mapping[str, Any]

    @property
    def result(self) -> dict[str, Any] | None:
        """None until it is known."""
        stored = self.options.get("result")
        return dict(stored) if isinstance(stored, dict) else None


def experiment(db: Database, batch_id: int) -> Experiment:
    """Raises NotFoundError."""
    with db.read() as c:
        row = c.execute(select(t.batch).where(t.batch.c.id == batch_id)).mappings().first()
    if row is None:
        raise NotFoundError(f"there is no batch {batch_id}")
    return _of(row)


def experiments(db: Database, job_id: int, kind: str, **question: Any) -> list[Experiment]:
    """The experiments of a job with these options, newest first."""
    query = select(t.batch).where(t.batch.c.job_id == job_id, t.batch.c.kind == kind).order_by(t.batch.c.id.desc())
    with db.read() as c:
        rows = [_of(row) for row in c.execute(query).mappings()]
    return [e for e in rows if all(e.options.get(name) == value for name, value in question.items())]


def set_result(db: Database, batch_id: int, result: Mapping[str, Any] | None, **options: Any) -> None:
    """Store the result of an experiment; None removes it."""
    with db.write(alone=True) as c:
        stored = c.execute(select(t.batch.c.options).where(t.batch.c.id == batch_id)).scalar()
        values = {**(stored if isinstance(stored, dict) else {}), **options, "result": result and dict(result)}
        c.execute(update(t.batch).where(t.batch.c.id == batch_id).values(options=values))


def _of(row: Any) -> Experiment:
    options = row["options"] if isinstance(row["options"], dict) else {}
    return Experiment(row["id"], row["job_id"], row["kind"], row["created"], options)
