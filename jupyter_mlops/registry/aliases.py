"""Aliases of versions and their history in the database. Nothing else changes an alias."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select
from sqlalchemy.exc import IntegrityError

from jupyter_mlops.db import tables as t
from jupyter_mlops.db.database import CorruptDocument, Database
from jupyter_mlops.errors import ConflictError, InvalidInputError, NotFoundError
from jupyter_mlops.jobs.alias_name import require_alias
from jupyter_mlops.jobs.catalog import whoami
from jupyter_mlops.jobs.records import Job, VersionRow
from jupyter_mlops.registry.history import Action, AliasChange, change_at

LONGEST_AUTHOR = 200
LONGEST_REASON = 10_000


class Aliases:
    """Reads and changes aliases. An alias and its history change in one transaction.

    :param clock: seconds since 1970.
    """

    def __init__(self, db: Database, clock: Callable[[], float] = time.time) -> None:
        self.db, self.clock = db, clock

    def history(self, job: Job, alias: str = "") -> list[AliasChange]:
        """The changes of one alias, or of all aliases of a job, oldest first."""
        with self.db.read() as c:
            return self._history(c, job.id, alias)

    def current(self, job: Job) -> dict[str, AliasChange]:
        """The last change of each alias that exists."""
        return self.at(job, float("inf"))

    def at(self, job: Job, moment: float) -> dict[str, AliasChange]:
        """The last change, at that time, of each alias that existed then.

        :param moment: seconds since 1970.
        """
        by_alias: dict[str, list[AliasChange]] = {}
        for change in self.history(job):
            by_alias.setdefault(change.alias, []).append(change)
        last = {alias: change_at(changes, moment) for alias, changes in sorted(by_alias.items())}
        return {alias: change for alias, change in last.items() if change is not None and change.version is not None}

    def change(
        self, job: Job, alias: str, version: VersionRow | None, action: Action, *, author: str = "", reason: str = "",
        expected: int | None = None, undoes: int | None = None, gates: Sequence[Mapping[str, Any]] = (),
        overridden: bool = False,
    ) -> AliasChange:  # fmt: skip
        """Let an alias name another version, or remove it (None).

        :param author: "": the user that this process runs as.
        :param expected: number of the last change that the caller has seen, 0 for none. None: whatever it is.
        :raises ConflictError: another change came first.
        """
        require_alias(alias)
        reason = checked_reason(reason)
        try:
            with self.db.write(alone=True) as c:
                last = next(reversed(self._history(c, job.id, alias)), None)
                _require_unchanged(job, alias, last, expected)
                if action == "set" and last is not None and version is not None and last.version == version.number:
                    return last
                values = {
                    "job_id": job.id, "alias": alias, "number": 1 if last is None else last.number + 1,
                    "version": None if version is None else version.number,
                    "previous": None if last is None else last.version,
                    "changed": max(self.clock(), 0.0 if last is None else last.changed),
                    "author": (author or whoami())[:LONGEST_AUTHOR], "reason": reason, "action": action,
                    "undoes": undoes, "gates": [dict(gate) for gate in gates], "overridden": overridden,
                }  # fmt: skip
                row = c.execute(insert(t.alias_change).values(**values).returning(t.alias_change)).mappings().one()
                c.execute(delete(t.alias).where(t.alias.c.job_id == job.id, t.alias.c.name == alias))
                if version is not None:
                    state = {"job_id": job.id, "name": alias, "version_id": version.id, "changed": values["changed"]}
                    c.execute(insert(t.alias).values(**state))
                return _change_of(row)
        except IntegrityError:
            raise NotFoundError(f"the job {job.name!r} was deleted meanwhile") from None

    def search(self, alias: str) -> list[dict[str, Any]]:
        """The version with this alias of each job, with the change that made it so and the metrics of its latest
        completed run, by one query."""
        of_alias = select(t.alias.c.version_id).where(t.alias.c.name == alias)
        rank = func.row_number().over(
            partition_by=t.run.c.version_id, order_by=(t.run.c.created.desc(), t.run.c.id.desc())
        )
        run = (
            select(t.run.c.version_id, t.run.c.id, t.run.c.metrics, t.run.c.finished, rank.label("rank"))
            .where(t.run.c.state == "completed", t.run.c.version_id.in_(of_alias))
            .subquery()
        )
        change = t.alias_change
        last = (
            select(change.c.job_id, func.max(change.c.number).label("number"))
            .where(change.c.alias == alias)
            .group_by(change.c.job_id)
            .subquery()
        )
        query = (
            select(
                t.job.c.name.label("job"), t.version.c.number.label("version"), t.version.c.digest, t.alias.c.changed,
                change.c.author, change.c.reason, change.c.action, run.c.id.label("run"), run.c.finished, run.c.metrics,
            )
            .select_from(t.alias)
            .join(t.version, t.version.c.id == t.alias.c.version_id)
            .join(t.job, t.job.c.id == t.alias.c.job_id)
            .outerjoin(last, last.c.job_id == t.alias.c.job_id)
            .outerjoin(
                change,
                (change.c.job_id == last.c.job_id) & (change.c.alias == alias) & (change.c.number == last.c.number),
            )
            .outerjoin(run, (run.c.version_id == t.version.c.id) & (run.c.rank == 1))
            .where(t.alias.c.name == alias, t.job.c.hidden.is_(False))
            .order_by(t.job.c.name)
        )  # fmt: skip
        with self.db.read() as c:
            return [dict(row) for row in c.execute(query).mappings()]

    def _history(self, c: Connection, job_id: int, alias: str) -> list[AliasChange]:
        query = select(t.alias_change).where(t.alias_change.c.job_id == job_id)
        if alias:
            query = query.where(t.alias_change.c.alias == alias)
        query = query.order_by(t.alias_change.c.changed, t.alias_change.c.alias, t.alias_change.c.number)
        return [_change_of(row) for row in c.execute(query).mappings()]


def checked_reason(reason: str) -> str:
    """The reason without space around it. Raises InvalidInputError for one that can't be stored."""
    reason = reason.strip()
    if len(reason) > LONGEST_REASON:
        raise InvalidInputError(
            f"a reason has at most {LONGEST_REASON} characters", field="reason", remedy="Shorten it."
        )  # fmt: skip
    if any("\ud800" <= sign <= "\udfff" or sign == "\0" for sign in reason):
        raise InvalidInputError("the reason is not text", field="reason", remedy="Write it in UTF-8, without NUL.")
    return reason


def _change_of(row: Any) -> AliasChange:
    gates = row["gates"]
    return AliasChange.of({**row, "gates": [] if isinstance(gates, CorruptDocument) else gates})


def _require_unchanged(job: Job, alias: str, last: AliasChange | None, expected: int | None) -> None:
    number = 0 if last is None else last.number
    if expected is None or number == expected:
        return
    if last is None:
        raise ConflictError(f"{alias} has no history", where=job.name, field="expected")
    author = last.author or "somebody"
    target = f"removed {alias}" if last.version is None else f"changed {alias} to {last.version_name}"
    raise ConflictError(
        f"{author} {target} first ({last.action}, change {last.number})",
        where=job.name,
        field="expected",
        remedy="Look at the aliases again, and repeat this if it is still right.",
        data={"number": last.number, "version": last.version_name, "author": last.author, "changed": last.changed},
    )
