"""The gates of jobs in the database."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import delete, func, insert, select
from sqlalchemy.exc import IntegrityError

from jupyter_mlops.db import tables as t
from jupyter_mlops.db.database import Database
from jupyter_mlops.errors import ConflictError, NotFoundError
from jupyter_mlops.jobs.catalog import whoami
from jupyter_mlops.jobs.records import Job, Record

MOST_GATES = 200  # of one job


@dataclass(frozen=True)
class StoredGate(Record):
    """A condition on entering a stage.

    :param number: within the job.
    :param created: seconds since 1970.
    """

    job_id: int
    number: int
    stage: str
    expression: str
    created: float
    author: str


class GateList:
    """Reads and changes the gates of jobs. Each method is one transaction.

    :param clock: seconds since 1970.
    """

    def __init__(self, db: Database, clock: Callable[[], float] = time.time) -> None:
        self.db, self.clock = db, clock

    def gates(self, job: Job, stage: str = "") -> list[StoredGate]:
        """The gates of a job, or of one of its stages, by number."""
        query = select(t.gate).where(t.gate.c.job_id == job.id).order_by(t.gate.c.number)
        if stage:
            query = query.where(t.gate.c.stage == stage)
        with self.db.read() as c:
            return [StoredGate.of(row) for row in c.execute(query).mappings()]

    def add(self, job: Job, stage: str, expression: str, author: str = "") -> StoredGate:
        """Add a gate. Raises ConflictError if the stage has it already."""
        of_job = t.gate.c.job_id == job.id
        try:
            with self.db.write(alone=True) as c:
                same = (of_job, t.gate.c.stage == stage, t.gate.c.expression == expression)
                number = c.execute(select(t.gate.c.number).where(*same)).scalar()
                if number is not None:
                    raise ConflictError(f"{stage} has this gate already: number {number}", where=job.name)
                count, last = c.execute(select(func.count(), func.max(t.gate.c.number)).where(of_job)).one()
                if count >= MOST_GATES:
                    raise ConflictError(f"the job has {MOST_GATES} gates already", where=job.name, remedy="Remove one.")
                values = {
                    "job_id": job.id, "number": (last or 0) + 1, "stage": stage, "expression": expression,
                    "created": self.clock(), "author": (author or whoami())[:200],
                }  # fmt: skip
                return StoredGate.of(c.execute(insert(t.gate).values(**values).returning(t.gate)).mappings().one())
        except IntegrityError:
            raise NotFoundError(f"the job {job.name!r} was deleted meanwhile") from None

    def remove(self, job: Job, number: int) -> StoredGate:
        """Remove a gate. Returns it; raises NotFoundError."""
        condition = (t.gate.c.job_id == job.id, t.gate.c.number == number)
        with self.db.write(alone=True) as c:
            row = c.execute(delete(t.gate).where(*condition).returning(t.gate)).mappings().first()
            if row is None:
                numbers = c.execute(
                    select(t.gate.c.number).where(t.gate.c.job_id == job.id).order_by(t.gate.c.number)
                ).scalars()
                listed = ", ".join(map(str, numbers))
                remedy = f"Gates: {listed}." if listed else "The job has no gates."
                raise NotFoundError(f"the job {job.name!r} has no gate {number}", remedy=remedy)
            return StoredGate.of(row)
