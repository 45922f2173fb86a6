"""What the database says of runs: one run, lists of runs, and the earlier runs that one compares to."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, case, func, or_, select

from jupyter_mlops.db import tables as t
from jupyter_mlops.db.database import Database
from jupyter_mlops.errors import InvalidInputError, NotFoundError
from jupyter_mlops.jobs.records import Run
from jupyter_mlops.states import ACTIVE, EXPERIMENTS, RUN_STATES

STEP = ("name", "state", "attempts", "seconds")
SORTS = {"created": t.run.c.created, "started": t.run.c.started, "finished": t.run.c.finished}


class RunQueries:
    """Read access to the runs in the database. Nothing here writes.

    :param clock: seconds since 1970, the same for all who share the database, as far as their clocks agree.
    """

    def __init__(self, db: Database, clock: Callable[[], float] = time.time) -> None:
        self.db, self.clock = db, clock

    def run(self, run_id: str) -> Run:
        """One run with its steps and their reasons. Raises NotFoundError."""
        with self.db.read() as c:
            record = self.run_in(c, run_id)
            steps = c.execute(
                select(t.step_run).where(t.step_run.c.run_id == run_id).order_by(t.step_run.c.position)
            ).mappings()
            step_records = tuple({**{k: s[k] for k in STEP}, "why": _reasons(s["why"])} for s in steps)
            return Run.of({**record.__dict__, "steps": step_records})

    def run_in(self, c: Connection, run_id: str) -> Run:
        """One run without its steps, within a transaction. Raises NotFoundError."""
        row = c.execute(_runs().where(t.run.c.id == run_id)).mappings().first()
        if row is None:
            raise NotFoundError(f"there is no run {run_id!r}", remedy="`jupyter mlops runs` lists them.")
        return Run.of(row)

    def runs(
        self, *, job_id: int | None = None, batch_id: int | None = None, schedule_id: int | None = None,
        states: Sequence[str] = (), triggers: Sequence[str] = (), since: float | None = None,
        until: float | None = None, after: tuple[float, str] | None = None, sort: str = "-created", limit: int = 50,
        hidden: bool = True, experiments: bool = True,
    ) -> list[Run]:  # fmt: skip
        """Runs in the given order.

        :param sort: `created`, `started` or `finished`; a leading minus means latest first. Missing times sort as the
            earliest.
        :param after: (sort time, id) of the last run of the previous page.
        :param since, until: range of creation times, in seconds since 1970.
        :param hidden: whether to include runs of unpublished notebooks; `experiments`: those of `why` and `backtest`.
        """
        unknown = set(states) - set(RUN_STATES)
        if unknown:
            raise InvalidInputError(
                f"not a state of a run: {', '.join(sorted(unknown))}", remedy=f"States: {', '.join(RUN_STATES)}."
            )
        if sort.lstrip("-") not in SORTS:
            raise InvalidInputError(
                f"runs cannot be sorted by {sort!r}", remedy=f"Use {', '.join(SORTS)}, or -created."
            )
        by = func.coalesce(SORTS[sort.lstrip("-")], 0.0) if sort.lstrip("-") != "created" else t.run.c.created
        down = sort.startswith("-")
        query = _runs().order_by(by.desc() if down else by, t.run.c.id.desc() if down else t.run.c.id).limit(limit)
        for column, value in (("job_id", job_id), ("batch_id", batch_id), ("schedule_id", schedule_id)):
            if value is not None:
                query = query.where(t.run.c[column] == value)
        for column, values in (("state", states), ("trigger", triggers)):
            if values:
                query = query.where(t.run.c[column].in_(values))
        if since is not None:
            query = query.where(t.run.c.created >= since)
        if until is not None:
            query = query.where(t.run.c.created <= until)
        if not experiments:
            query = query.where(t.run.c.trigger.not_in(EXPERIMENTS))
        if not hidden:
            query = query.where(func.coalesce(t.job.c.hidden, False).is_(False))
        if after is not None:
            at, run_id = after
            further = t.run.c.id < run_id if down else t.run.c.id > run_id
            query = query.where(or_(by < at if down else by > at, and_(by == at, further)))
        with self.db.read() as c:
            return [Run.of(row) for row in c.execute(query).mappings()]

    def full_id(self, beginning: str) -> str:
        """The full id of a run from its beginning. Raises NotFoundError, or InvalidInputError if several runs match."""
        with self.db.read() as c:
            if c.execute(select(t.run.c.id).where(t.run.c.id == beginning)).first():
                return beginning
            query = select(t.run.c.id).where(t.run.c.id.startswith(beginning, autoescape=True)).limit(3)
            ids = list(c.execute(query).scalars()) if beginning else []
        if len(ids) > 1:
            raise InvalidInputError(
                f"more than one run begins with {beginning!r}", remedy=f"For example {', '.join(ids[:2])}."
            )
        if not ids:
            raise NotFoundError(f"there is no run {beginning!r}", remedy="`jupyter mlops runs` lists them.")
        return str(ids[0])

    def steps_of(self, run_ids: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
        """The steps of several runs, in order, without their reasons."""
        steps: dict[str, list[dict[str, Any]]] = {run_id: [] for run_id in run_ids}
        query = select(t.step_run).where(t.step_run.c.run_id.in_(run_ids)).order_by(t.step_run.c.position)
        with self.db.read() as c:
            for row in c.execute(query).mappings():
                steps[row["run_id"]].append({k: row[k] for k in STEP})
        return steps

    def active(self) -> dict[str, str]:
        """The state of each unfinished run."""
        with self.db.read() as c:
            return {
                r.id: r.state for r in c.execute(select(t.run.c.id, t.run.c.state).where(t.run.c.state.in_(ACTIVE)))
            }

    def has_claimable(self) -> bool:
        """Whether there may be a run to claim. Read-only, suited to frequent polling."""
        now = self.clock()
        queued = and_(t.run.c.state == "queued", t.run.c.not_before <= now)
        lost = and_(t.run.c.state == "running", t.run.c.lease_until < now)
        with self.db.read() as c:
            return any(c.execute(select(t.run.c.id).where(condition).limit(1)).first() for condition in (queued, lost))

    def is_queued(self, only: str = "", batch: int | None = None) -> bool:
        """Whether this run, or one of this backfill or sweep, is still to be claimed."""
        query = select(t.run.c.id).where(t.run.c.state == "queued").limit(1)
        if (selection := selected(only, batch)) is not None:
            query = query.where(selection)
        with self.db.read() as c:
            return c.execute(query).first() is not None

    def counts(self) -> dict[str, int]:
        """Number of runs in each unfinished state."""
        query = (
            select(t.run.c.state, func.count().label("number")).where(t.run.c.state.in_(ACTIVE)).group_by(t.run.c.state)
        )
        with self.db.read() as c:
            return {row.state: row.number for row in c.execute(query)}

    def before(self, run: Run) -> Run | None:
        """The previous run of the same job that completed or failed."""
        finished = t.run.c.state.in_(("completed", "failed"))
        query = _runs().where(*_others(run), finished, t.run.c.created <= run.created)
        with self.db.read() as c:
            row = c.execute(query.order_by(t.run.c.created.desc()).limit(1)).mappings().first()
            return None if row is None else Run.of(row)

    def last_good(self, run: Run) -> Run | None:
        """The last completed run of the same job before this one by slot or, without a slot, by creation. A
        concurrent backfill thus does not count as an earlier success of today's run."""
        if run.job_id is None:
            return None
        time = func.coalesce(t.run.c.slot, t.run.c.created)
        before = time < (run.created if run.slot is None else run.slot)
        query = _runs().where(*_others(run), t.run.c.state == "completed", before)
        with self.db.read() as c:
            row = c.execute(query.order_by(time.desc(), t.run.c.created.desc()).limit(1)).mappings().first()
            return None if row is None else Run.of(row)

    def is_first_success(self, run: Run) -> bool:
        """Whether it completed, and is the only run of its job that has."""
        query = select(t.run.c.id).where(*_others(run), t.run.c.state == "completed").limit(1)
        with self.db.read() as c:
            return run.state == "completed" and c.execute(query).first() is None

    def reproduction(self, run: Run) -> Run | None:
        """The latest run that reproduces this one."""
        query = _runs().where(t.run.c.repairs == run.id, t.run.c.trigger == "reproduce")
        with self.db.read() as c:
            row = c.execute(query.order_by(t.run.c.created.desc()).limit(1)).mappings().first()
            return None if row is None else Run.of(row)

    def zone_of(self, run: Run) -> str:
        """The time zone of the schedule or backfill that made a run; UTC if there is none."""
        with self.db.read() as c:
            zone = c.execute(select(t.schedule.c.zone).where(t.schedule.c.id == run.schedule_id)).scalar()
            options = c.execute(select(t.batch.c.options).where(t.batch.c.id == run.batch_id)).scalar()
            return str(zone or (options or {}).get("zone") or "UTC")

    def files(self, run_id: str) -> dict[str, str]:
        """Digests, by path in the run directory, of a run's files in the store."""
        with self.db.read() as c:
            rows = c.execute(select(t.run_file.c.path, t.run_file.c.digest).where(t.run_file.c.run_id == run_id))
            return {row.path: row.digest for row in rows}

    def states_of_batch(self, batch_id: int) -> dict[str, int]:
        """Number of runs of a backfill or a sweep in each state."""
        query = select(t.run.c.state, func.count().label("number")).where(t.run.c.batch_id == batch_id)
        with self.db.read() as c:
            return {row.state: row.number for row in c.execute(query.group_by(t.run.c.state))}

    def concurrency_of_batch(self, batch_id: int) -> int:
        """Maximum number of simultaneous runs of a backfill or a sweep."""
        with self.db.read() as c:
            return int(c.execute(select(t.batch.c.concurrency).where(t.batch.c.id == batch_id)).scalar_one())


def _others(run: Run) -> tuple[ColumnElement[bool], ...]:
    """The other runs of a run's job, without experiments."""
    return t.run.c.job_id == run.job_id, t.run.c.id != run.id, t.run.c.trigger.not_in(EXPERIMENTS)


def selected(only: str, batch: int | None) -> ColumnElement[bool] | None:
    """The condition of a selection: one run, or those of one batch; None for all."""
    if only:
        return t.run.c.id == only
    return None if batch is None else t.run.c.batch_id == batch


def _reasons(stored: object) -> list[str]:
    """The reasons of a step run; [] if they are missing or unreadable."""
    return list(stored) if isinstance(stored, list) else []


def _runs() -> Select[Any]:
    joined = t.run.outerjoin(t.job, t.run.c.job_id == t.job.c.id).outerjoin(
        t.version, t.run.c.version_id == t.version.c.id
    )
    job = case((t.job.c.hidden, None), else_=t.job.c.name).label("job")
    return select(t.run, job, t.job.c.notebook, t.version.c.number.label("version")).select_from(joined)
