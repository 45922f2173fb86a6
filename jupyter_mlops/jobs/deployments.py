"""Deployments: exports at places, as rows."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, insert, select, update

from jupyter_mlops.db import tables as t
from jupyter_mlops.db.database import Database
from jupyter_mlops.errors import ConflictError
from jupyter_mlops.jobs.catalog import whoami
from jupyter_mlops.jobs.records import Job, Record, VersionRow

DEPLOYING, DEPLOYED, REPLACED, REMOVED, FAILED = "deploying", "deployed", "replaced", "removed", "failed"
ABANDONED_S = 600.0  # seconds after which a deployment that did not end is taken for one whose process was killed


@dataclass(frozen=True)
class Deployment(Record):
    """An export at a place.

    :param version: number of the version; `selector`: how it was chosen: "latest", "v3", "@production".
    :param files: path of a file, or name of an object -> digest of what was written.
    :param runs: folder or URL of the store in which its runs are found, "" if it was not told.
    :param created: seconds since 1970.
    """

    id: int
    job_id: int | None
    job: str
    version: int
    digest: str
    selector: str
    target: str
    place: str
    files: Mapping[str, str]
    revision: str
    runs: str
    author: str
    created: float
    state: str
    problem: str


class Deployments:
    """Reads and writes deployments. Each method is one transaction.

    :param clock: seconds since 1970.
    """

    def __init__(self, db: Database, clock: Callable[[], float] = time.time) -> None:
        self.db, self.clock = db, clock

    def current(self, job: str = "") -> list[Deployment]:
        """What is deployed, of one job or of all: at most one deployment of a job and target at each place."""
        query = select(t.deployment).where(t.deployment.c.state == DEPLOYED)
        if job:
            query = query.where(t.deployment.c.job == job)
        with self.db.read() as c:
            rows = c.execute(query.order_by(t.deployment.c.job, t.deployment.c.target, t.deployment.c.place)).mappings()
            return [Deployment.of(row) for row in rows]

    def find(self, job: str, target: str, place: str) -> Deployment | None:
        """The deployment of a job and target at a place; None if there is none."""
        return next((d for d in self.current(job) if d.target == target and d.place == place), None)

    def version_at(self, job: str, target: str, time: float | None) -> int | None:
        """The version that was deployed last before a time; None if none was."""
        query = select(t.deployment.c.version).where(
            t.deployment.c.job == job, t.deployment.c.target == target,
            t.deployment.c.state.in_((DEPLOYED, REPLACED, REMOVED)),
        )  # fmt: skip
        if time is not None:
            query = query.where(t.deployment.c.created <= time)
        with self.db.read() as c:
            return c.execute(query.order_by(t.deployment.c.created.desc()).limit(1)).scalar()

    def begin(
        self, job: Job, version: VersionRow, selector: str, target: str, place: str, files: Mapping[str, str],
        runs: str = "",
    ) -> int:  # fmt: skip
        """Record that a deployment begins; returns its number. Raises ConflictError while another one is active."""
        now = self.clock()
        same = (t.deployment.c.job == job.name, t.deployment.c.target == target, t.deployment.c.place == place)
        values = {
            "job_id": job.id, "job": job.name, "version": version.number, "digest": version.digest,
            "selector": selector, "target": target, "place": place, "files": dict(files), "runs": runs,
            "author": whoami(), "created": now, "state": DEPLOYING,
        }  # fmt: skip
        with self.db.write(alone=True) as c:
            under_way = select(t.deployment.c.author).where(
                *same, t.deployment.c.state == DEPLOYING, t.deployment.c.created > now - ABANDONED_S
            )
            if (row := c.execute(under_way).first()) is not None:
                raise ConflictError(
                    f"{row.author or 'somebody'} is deploying {job.name} there now", where=place,
                    remedy="Try again when that is done; a deployment that was killed counts for ten minutes.",
                )  # fmt: skip
            return int(c.execute(insert(t.deployment).values(**values).returning(t.deployment.c.id)).scalar_one())

    def succeed(self, number: int, files: Mapping[str, str], revision: str) -> Deployment:
        """Record what was written. The deployment before is replaced."""
        with self.db.write(alone=True) as c:
            row = c.execute(select(t.deployment).where(t.deployment.c.id == number)).mappings().one()
            same = (getattr(t.deployment.c, name) == row[name] for name in ("job", "target", "place"))
            others = (*same, t.deployment.c.state == DEPLOYED)
            c.execute(update(t.deployment).where(*others).values(state=REPLACED))
            values = {"state": DEPLOYED, "files": dict(files), "revision": revision}
            change = update(t.deployment).where(t.deployment.c.id == number).values(**values).returning(t.deployment)
            return Deployment.of(c.execute(change).mappings().one())

    def cancel(self, number: int) -> None:
        """Leave no record of a deployment that had nothing to do."""
        with self.db.write() as c:
            c.execute(delete(t.deployment).where(t.deployment.c.id == number))

    def fail(self, number: int, problem: str) -> None:
        """Record why nothing, or not all, was written. The deployment before stays the one that counts."""
        self._set(number, state=FAILED, problem=problem)

    def remove(self, number: int) -> None:
        """Record that nothing of it is left at the place."""
        self._set(number, state=REMOVED)

    def _set(self, number: int, **values: Any) -> None:
        with self.db.write() as c:
            c.execute(update(t.deployment).where(t.deployment.c.id == number).values(**values))
