"""The latest runs, by job and version, and the numbers of runs, by job and state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jupyter_mlops.db.database import CorruptDocument

if TYPE_CHECKING:
    from jupyter_mlops.db.database import Database


@dataclass(frozen=True)
class LatestRun:
    """The latest run of a version that ended in a state."""

    job: str
    version: int
    state: str
    metrics: dict[str, Any]
    seconds: float | None
    finished: float


class MetricHistory:
    """Reads figures about all published jobs."""

    def __init__(self, db: Database) -> None:
        self.db = db

    def latest(self) -> list[LatestRun]:
        """The latest run of each version, for each state in which runs end."""
        from sqlalchemy import func, select

        from jupyter_mlops.db import tables as t

        run = t.run.c
        rank = func.row_number().over(
            partition_by=(run.version_id, run.state), order_by=(run.finished.desc(), run.id.desc())
        )
        ranked = (
            select(run.job_id, run.version_id, run.state, run.metrics, run.started, run.finished, rank.label("rank"))
            .where(run.finished.is_not(None), run.version_id.is_not(None))
            .subquery()
        )
        query = (
            select(ranked, t.job.c.name, t.version.c.number)
            .join(t.job, t.job.c.id == ranked.c.job_id)
            .join(t.version, t.version.c.id == ranked.c.version_id)
            .where(ranked.c.rank == 1, t.job.c.hidden.is_(False))
            .order_by(t.job.c.name, t.version.c.number, ranked.c.state)
        )
        with self.db.read() as c:
            rows = c.execute(query).all()
        return [
            LatestRun(
                row.name, row.number, row.state, _document(row.metrics),
                None if row.started is None else row.finished - row.started, row.finished,
            )
            for row in rows
        ]  # fmt: skip

    def counts(self) -> dict[tuple[str, str], int]:
        """(job, state) -> number of runs."""
        from sqlalchemy import func, select

        from jupyter_mlops.db import tables as t

        query = (
            select(t.job.c.name, t.run.c.state, func.count().label("number"))
            .join(t.job, t.job.c.id == t.run.c.job_id)
            .where(t.job.c.hidden.is_(False))
            .group_by(t.job.c.name, t.run.c.state)
            .order_by(t.job.c.name, t.run.c.state)
        )
        with self.db.read() as c:
            return {(row.name, row.state): row.number for row in c.execute(query)}

    def aliases(self) -> dict[tuple[str, int], list[str]]:
        """(job, number of a version) -> its aliases."""
        from sqlalchemy import select

        from jupyter_mlops.db import tables as t

        query = (
            select(t.job.c.name, t.version.c.number, t.alias.c.name.label("alias"))
            .join(t.job, t.job.c.id == t.alias.c.job_id)
            .join(t.version, t.version.c.id == t.alias.c.version_id)
            .where(t.job.c.hidden.is_(False))
            .order_by(t.alias.c.name)
        )
        names: dict[tuple[str, int], list[str]] = {}
        with self.db.read() as c:
            for row in c.execute(query):
                names.setdefault((row.name, row.number), []).append(row.alias)
        return names


def _document(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) and not isinstance(value, CorruptDocument) else {}
