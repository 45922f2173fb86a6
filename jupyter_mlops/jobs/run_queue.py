"""The run queue: runs are inserted, claimed under a lease, renewed, and finished, each in one transaction."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, case, delete, func, insert, or_, select, tuple_, update

from jupyter_mlops.db import tables as t
from jupyter_mlops.db.database import Database
from jupyter_mlops.errors import ConflictError, InvalidInputError, NotFoundError
from jupyter_mlops.jobs.policies import Policies
from jupyter_mlops.jobs.records import Run
from jupyter_mlops.states import ACTIVE, EXPERIMENTS, RUN_STATES

LEASE = 30.0  # seconds
STEP = ("name", "state", "attempts", "seconds")
NAME = 200  # characters of a step's name that are stored
RESUMED_AT_MOST = 10  # recoveries without new progress after which a run is abandoned
SORTS = {"created": t.run.c.created, "started": t.run.c.started, "finished": t.run.c.finished}


@dataclass(frozen=True)
class NewRun:
    """A run to insert.

    :param options: how to execute it: `from_step`, `only_step`, `use_cache`, `jobs`, …
    """

    trigger: str
    job_id: int | None = None
    version_id: int | None = None
    schedule_id: int | None = None
    batch_id: int | None = None
    repairs: str | None = None
    slot: float | None = None
    parameters: Mapping[str, Any] | None = None
    options: Mapping[str, Any] | None = None
    priority: int = 0
    serial: bool = False
    state: str = "queued"
    notes: Sequence[str] = ()


class RunQueue:
    """Runs in the database.

    :param clock: seconds since 1970, the same for all who share the database, as far as their clocks agree.
    :param lease: seconds that a claimed run belongs to its worker unless the lease is renewed.

    `abandoned`: runs that exceeded the crash limit; the caller sends their notifications.
    """

    def __init__(self, db: Database, clock: Callable[[], float] = time.time, lease: float = LEASE) -> None:
        self.db, self.clock, self.lease = db, clock, lease
        self.abandoned: list[str] = []

    # -- making runs

    def add(self, wish: NewRun) -> Run:
        """Insert a run."""
        with self.db.write() as c:
            return self.run_in(c, self.insert(c, wish))

    def add_all(self, wishes: Iterable[NewRun]) -> list[str]:
        """Insert many runs at once. Returns their ids in order."""
        with self.db.write() as c:
            return [self.insert(c, wish) for wish in wishes]

    def add_batch(
        self, job_id: int, kind: str, concurrency: int, options: Mapping[str, Any], wishes: Sequence[NewRun]
    ) -> tuple[int, list[str]]:
        """Insert a backfill or a sweep. Returns its number and the ids of its runs."""
        with self.db.write() as c:
            values = {"job_id": job_id, "kind": kind, "created": self.clock(), "concurrency": concurrency}
            statement = insert(t.batch).values(**values, options=dict(options)).returning(t.batch.c.id)
            batch_id = c.execute(statement).scalar_one()
            return batch_id, [self.insert(c, replace(wish, batch_id=batch_id)) for wish in wishes]

    def requeue(self, run_id: str) -> Run:
        """Queue a run again that failed, was stopped, or lost its worker. Raises ConflictError for any other."""
        with self.db.write(alone=True) as c:
            run = self.run_in(c, run_id)
            run.require_own("repaired")
            if self._is_lost(run):
                run = replace(run, state="stopped")
            if run.state not in ("failed", "stopped"):
                raise ConflictError(
                    f"the run is {run.state}", where=run_id, remedy="Only failed and stopped runs can be repaired."
                )
            values = {
                "state": "queued", "finished": None, "error": None, "stop_reason": "", "not_before": 0.0,
                "recoveries": 0, "steps_completed": 0, "lease": None, "lease_until": None,
                "notes": [*run.notes, f"repaired after it {run.state}"],
            }  # fmt: skip
            c.execute(update(t.run).where(t.run.c.id == run_id).values(**values))
            return self.run_in(c, run_id)

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

    def insert(self, c: Connection, wish: NewRun) -> str:
        """Insert a run within a transaction. Raises IntegrityError if its slot already has one."""
        now = self.clock()
        run_id = new_id(now)
        over = wish.state not in ACTIVE
        c.execute(
            insert(t.run).values(
                id=run_id, job_id=wish.job_id, version_id=wish.version_id, schedule_id=wish.schedule_id,
                batch_id=wish.batch_id, repairs=wish.repairs, slot=wish.slot, trigger=wish.trigger, state=wish.state,
                priority=wish.priority, serial=wish.serial, parameters=dict(wish.parameters or {}),
                options=dict(wish.options or {}), created=now, finished=now if over else None, notes=list(wish.notes),
            )
        )  # fmt: skip
        return run_id

    def _is_lost(self, run: Run) -> bool:
        """Whether its worker has missed the end of the lease."""
        return run.state == "running" and run.lease_until is not None and run.lease_until < self.clock()

    # -- taking them

    def claim(self, worker: str, only: str = "", batch: int | None = None) -> Run | None:
        """Claim the next runnable run under a new lease. Returns None if nothing is runnable.

        Runs with expired leases come first, then by priority and age, within the concurrency of jobs and batches;
        serial runs of a schedule run one by one.

        :param only: only this run; `batch`: only runs of this backfill or sweep.
        """
        with self.db.write(alone=True) as c:
            now = self.clock()
            self._abandon(c, now)
            lost = (
                select(t.run.c.id, t.run.c.state)
                .where(t.run.c.state == "running", t.run.c.lease_until < now)
                .order_by(t.run.c.lease_until)
                .limit(1)
            )
            queued = (
                select(t.run.c.id, t.run.c.state)
                .where(t.run.c.state == "queued", t.run.c.not_before <= now)
                .order_by(t.run.c.priority.desc(), t.run.c.created, t.run.c.id)
                .limit(1)
            )
            for blocked in self._at_capacity(c, now):
                free = func.coalesce(~blocked, True)
                lost, queued = lost.where(free), queued.where(free)
            if (selection := _which(only, batch)) is not None:
                lost, queued = lost.where(selection), queued.where(selection)
            row = c.execute(lost).first() or c.execute(queued).first()
            if row is None:
                return None
            resumes = row.state == "running"
            values: dict[str, Any] = {
                "state": "running", "worker": worker, "lease": uuid.uuid4().hex, "lease_until": now + self.lease,
                "started": func.coalesce(t.run.c.started, now),
            }  # fmt: skip
            counter = t.run.c.recoveries if resumes else t.run.c.attempt
            values["recoveries" if resumes else "attempt"] = counter + 1
            c.execute(update(t.run).where(t.run.c.id == row.id).values(**values))
            return self.run_in(c, row.id)

    def _abandon(self, c: Connection, now: float) -> None:
        """Finish runs that were to stop, or whose workers died too often."""
        lost = and_(t.run.c.state == "running", t.run.c.lease_until < now)
        over = {"finished": now, "lease": None, "lease_until": None}
        c.execute(update(t.run).where(lost, t.run.c.stop_reason != "").values(state="stopped", **over))
        error = {
            "step": "", "cell": 0, "ename": "WorkerDied", "traceback": [],
            "evalue": f"the worker died {RESUMED_AT_MOST + 1} times during this run",
        }  # fmt: skip
        hopeless = and_(lost, t.run.c.recoveries >= RESUMED_AT_MOST)
        for run_id in list(c.execute(select(t.run.c.id).where(hopeless)).scalars()):
            retry_at = self._retry_time(c, self.run_in(c, run_id), error, now)
            values = {"state": "failed", "error": error, **over, **retry_at}
            c.execute(update(t.run).where(t.run.c.id == run_id).values(**values))
            if not retry_at:
                self.abandoned.append(run_id)

    def _at_capacity(self, c: Connection, now: float) -> list[ColumnElement[bool]]:
        """Condition for runs whose job or batch is at its concurrency limit. Runs with expired leases do not count."""
        running = t.run.alias("running")
        counts = c.execute(
            select(running.c.job_id, running.c.batch_id, running.c.schedule_id, func.count())
            .where(running.c.state == "running", running.c.lease_until >= now)
            .group_by(running.c.job_id, running.c.batch_id, running.c.schedule_id)
        ).all()
        by_job: dict[Any, int] = {}
        by_batch: dict[Any, int] = {}
        busy: set[Any] = set()
        for job_id, batch_id, schedule_id, count in counts:
            by_job[job_id] = by_job.get(job_id, 0) + count
            by_batch[batch_id] = by_batch.get(batch_id, 0) + count
            busy.add(schedule_id)
        full: list[ColumnElement[bool]] = []
        jobs = c.execute(select(t.job.c.id, t.job.c.policies).where(t.job.c.id.in_([j for j in by_job if j])))
        full_jobs = [job_id for job_id, policies in jobs if by_job[job_id] >= Policies.kept(policies).concurrency]
        batches = c.execute(
            select(t.batch.c.id, t.batch.c.concurrency).where(t.batch.c.id.in_([b for b in by_batch if b]))
        )
        full_batches = [batch_id for batch_id, limit in batches if by_batch[batch_id] >= limit]
        if full_jobs:  # a batch has its own limit
            full.append(and_(t.run.c.job_id.in_(full_jobs), t.run.c.batch_id.is_(None)))
        if full_batches:
            full.append(t.run.c.batch_id.in_(full_batches))
        if busy - {None}:
            full.append(and_(t.run.c.serial, t.run.c.schedule_id.in_(busy - {None})))
        return full

    # -- while they run

    def renew_leases(self, leases: Mapping[str, str]) -> dict[str, str]:
        """Extend leases (run -> lease). Returns the runs that must end, with the reason; "" for a lost lease."""
        if not leases:
            return {}
        until = self.clock() + self.lease
        with self.db.write() as c:
            c.execute(
                update(t.run)
                .where(tuple_(t.run.c.id, t.run.c.lease).in_(list(leases.items())), t.run.c.state == "running")
                .values(lease_until=until)
            )
            rows = c.execute(
                select(t.run.c.id, t.run.c.lease, t.run.c.state, t.run.c.stop_reason).where(t.run.c.id.in_(leases))
            ).all()
        reasons = {r.id: r.stop_reason for r in rows if r.lease == leases[r.id] and r.state == "running"}
        return {
            run_id: reasons.get(run_id, "") for run_id in leases if reasons.get(run_id, "") or run_id not in reasons
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
        if (selection := _which(only, batch)) is not None:
            query = query.where(selection)
        with self.db.read() as c:
            return c.execute(query).first() is not None

    def expire_leases(self, workers: Sequence[str]) -> None:
        """Expire the leases of these workers, known to be dead, so that their runs can be claimed at once."""
        with self.db.write() as c:
            condition = and_(t.run.c.state == "running", t.run.c.worker.in_(workers))
            c.execute(update(t.run).where(condition).values(lease_until=self.clock() - 1.0))

    def set_parameters(self, run: Run, parameters: Mapping[str, Any]) -> None:
        """Store the parameters that it runs with."""
        with self.db.write() as c:
            if self._holds(c, run):
                c.execute(update(t.run).where(t.run.c.id == run.id).values(parameters=dict(parameters)))

    def save_steps(self, run: Run, steps: Sequence[Mapping[str, Any]]) -> None:
        """Store the states of its steps."""
        with self.db.write() as c:
            if self._holds(c, run):
                self._put_steps(c, run.id, steps)
                completed = sum(step["state"] in ("completed", "cached") for step in steps)
                further = (t.run.c.id == run.id, t.run.c.steps_completed < completed)
                c.execute(update(t.run).where(*further).values(steps_completed=completed, recoveries=0))

    def finish(
        self, run: Run, state: str, *, output: str = "", metrics: Mapping[str, Any] | None = None,
        error: Mapping[str, Any] | None = None, notes: Sequence[str] = (), steps: Sequence[Mapping[str, Any]] = (),
        files: Mapping[str, str] | None = None, environment_changes: Sequence[str] = (),
    ) -> str:  # fmt: skip
        """Record the result under the run's lease. Returns the new state, or "" (nothing written) if the lease was
        lost.

        :param environment_changes: how its environment differed from its version's.
        :param files: digests, by path in the run directory, of its files in the store.
        """
        with self.db.write() as c:
            if not self._holds(c, run):
                return ""
            now = self.clock()
            current = self.run_in(c, run.id)
            values: dict[str, Any] = {
                "state": state, "output": output, "metrics": dict(metrics or {}), "error": error and dict(error),
                "notes": [*current.notes, *notes], "finished": now, "lease": None, "lease_until": None,
                "environment_changes": list(environment_changes),
            }  # fmt: skip
            if state == "failed":
                values |= self._retry_time(c, current, error, now)
            c.execute(update(t.run).where(t.run.c.id == run.id).values(**values))
            if steps:
                self._put_steps(c, run.id, steps)
            if files is not None:
                c.execute(delete(t.run_file).where(t.run_file.c.run_id == run.id))
            if files:
                rows = [{"run_id": run.id, "path": path, "digest": digest} for path, digest in files.items()]
                c.execute(insert(t.run_file), rows)
            return str(values["state"])

    def _retry_time(
        self, c: Connection, run: Run, error: Mapping[str, Any] | None, now: float
    ) -> dict[str, Any]:  # fmt: skip
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

    def release(self, run: Run) -> bool:
        """Release an unfinished run, so that another worker can resume it."""
        with self.db.write() as c:
            if not self._holds(c, run):
                return False
            counted = case((t.run.c.recoveries > 0, t.run.c.recoveries - 1), else_=0)
            values = {"lease_until": self.clock() - 1.0, "recoveries": counted}
            c.execute(update(t.run).where(t.run.c.id == run.id).values(**values))
            return True

    def _holds(self, c: Connection, run: Run) -> bool:
        condition = (t.run.c.id == run.id, t.run.c.lease == run.lease, t.run.c.state == "running")
        return c.execute(select(t.run.c.id).where(*condition)).first() is not None

    def _put_steps(self, c: Connection, run_id: str, steps: Sequence[Mapping[str, Any]]) -> None:
        c.execute(delete(t.step_run).where(t.step_run.c.run_id == run_id))
        rows = [
            {"run_id": run_id, "position": at, "name": s["name"][:NAME], "state": s["state"],
             "attempts": s.get("attempts", 0), "seconds": s.get("seconds") or 0.0, "why": s.get("why")}
            for at, s in enumerate(steps)
        ]  # fmt: skip
        if rows:
            c.execute(insert(t.step_run), rows)

    # -- from outside

    def stop(self, run_id: str, reason: str = "stopped by hand") -> Run:
        """Stop a run; a queued run, or one whose worker is dead, finishes at once."""
        with self.db.write(alone=True) as c:
            run = self.run_in(c, run_id)
            if run.state not in ACTIVE:
                raise ConflictError(f"the run has already finished: {run.state}", where=run_id)
            run.require_own("stopped")
            self.stop_in(c, t.run.c.id == run_id, reason)
            return self.run_in(c, run_id)

    def stop_in(self, c: Connection, condition: ColumnElement[bool], reason: str) -> None:
        """Stop runs, within a transaction."""
        now = self.clock()
        over = {"state": "stopped", "stop_reason": reason, "finished": now, "lease": None, "lease_until": None}
        lost = and_(t.run.c.state == "running", t.run.c.lease_until < now)
        c.execute(update(t.run).where(condition, or_(t.run.c.state == "queued", lost)).values(**over))
        c.execute(update(t.run).where(condition, t.run.c.state == "running").values(stop_reason=reason))

    def stop_batch(self, batch_id: int, reason: str = "stopped by hand") -> None:
        with self.db.write(alone=True) as c:
            self.stop_in(c, t.run.c.batch_id == batch_id, reason)

    def set_verdict(self, run_id: str, verdict: Mapping[str, Any]) -> None:
        """Store the verdict of reproducing a run."""
        with self.db.write() as c:
            c.execute(update(t.run).where(t.run.c.id == run_id).values(verdict=dict(verdict)))

    # -- looking

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

    def set_version(self, run_id: str, version_id: int) -> None:
        """Set the version that a finished run continues with when it is repaired."""
        with self.db.write(alone=True) as c:
            if self.run_in(c, run_id).state in ACTIVE:
                raise ConflictError("the run is not finished", where=run_id, remedy="Stop it first.")
            c.execute(update(t.run).where(t.run.c.id == run_id).values(version_id=version_id))

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


def new_id(now: float) -> str:
    """A unique id that sorts by time."""
    return f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime(now))}-{uuid.uuid4().hex[:8]}"


def worker_id() -> str:
    """A unique id of this process as a worker."""
    import socket

    return f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:6]}"


def _reasons(stored: object) -> list[str]:
    """The reasons of a step run; [] if they are missing or unreadable."""
    return list(stored) if isinstance(stored, list) else []


def _others(run: Run) -> tuple[ColumnElement[bool], ...]:
    """The other runs of a run's job, without experiments."""
    return t.run.c.job_id == run.job_id, t.run.c.id != run.id, t.run.c.trigger.not_in(EXPERIMENTS)


def _which(only: str, batch: int | None) -> ColumnElement[bool] | None:
    if only:
        return t.run.c.id == only
    return None if batch is None else t.run.c.batch_id == batch


def _runs() -> Select[Any]:
    joined = t.run.outerjoin(t.job, t.run.c.job_id == t.job.c.id).outerjoin(
        t.version, t.run.c.version_id == t.version.c.id
    )
    job = case((t.job.c.hidden, None), else_=t.job.c.name).label("job")
    return select(t.run, job, t.job.c.notebook, t.version.c.number.label("version")).select_from(joined)
