"""The run queue: runs are inserted, claimed under a lease, renewed, and finished, each in one transaction."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, case, func, insert, or_, select, tuple_, update

from jupyter_mlops.db import tables as t
from jupyter_mlops.db.database import Database
from jupyter_mlops.errors import ConflictError
from jupyter_mlops.jobs.new_run import NewRun, insert_run
from jupyter_mlops.jobs.records import Run
from jupyter_mlops.jobs.run_capacity import at_capacity
from jupyter_mlops.jobs.run_data import RunData, put_run_data
from jupyter_mlops.jobs.run_queries import RunQueries, selected
from jupyter_mlops.jobs.run_results import put_files, put_steps, retry_changes
from jupyter_mlops.states import ACTIVE

LEASE = 30.0  # seconds
RESUMED_AT_MOST = 10  # recoveries without new progress after which a run is abandoned


class RunQueue(RunQueries):
    """The runs in the database, and what changes them.

    :param lease: seconds that a claimed run belongs to its worker unless the lease is renewed.

    `abandoned`: runs that exceeded the crash limit; the caller sends their notifications.
    """

    def __init__(self, db: Database, clock: Callable[[], float] = time.time, lease: float = LEASE) -> None:
        super().__init__(db, clock)
        self.lease = lease
        self.abandoned: list[str] = []

    # -- inserting

    def add(self, new_run: NewRun) -> Run:
        """Insert a run."""
        with self.db.write() as c:
            return self.run_in(c, self.insert(c, new_run))

    def add_all(self, new_runs: Iterable[NewRun]) -> list[str]:
        """Insert many runs at once. Returns their ids in order."""
        with self.db.write() as c:
            return [self.insert(c, new_run) for new_run in new_runs]

    def add_batch(
        self, job_id: int, kind: str, concurrency: int, options: Mapping[str, Any], new_runs: Sequence[NewRun]
    ) -> tuple[int, list[str]]:
        """Insert a backfill or a sweep. Returns its number and the ids of its runs."""
        with self.db.write() as c:
            values = {"job_id": job_id, "kind": kind, "created": self.clock(), "concurrency": concurrency}
            statement = insert(t.batch).values(**values, options=dict(options)).returning(t.batch.c.id)
            batch_id = c.execute(statement).scalar_one()
            return batch_id, [self.insert(c, replace(new_run, batch_id=batch_id)) for new_run in new_runs]

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

    def insert(self, c: Connection, new_run: NewRun) -> str:
        """Insert a run within a transaction. Raises IntegrityError if its slot already has one."""
        return insert_run(c, new_run, self.clock())

    def _is_lost(self, run: Run) -> bool:
        """Whether its worker has missed the end of the lease."""
        return run.state == "running" and run.lease_until is not None and run.lease_until < self.clock()

    # -- claiming

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
            for blocked in at_capacity(c, now):
                free = func.coalesce(~blocked, True)
                lost, queued = lost.where(free), queued.where(free)
            if (selection := selected(only, batch)) is not None:
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
            retry_at = retry_changes(c, self.run_in(c, run_id), error, now)
            values = {"state": "failed", "error": error, **over, **retry_at}
            c.execute(update(t.run).where(t.run.c.id == run_id).values(**values))
            if not retry_at:
                self.abandoned.append(run_id)

    # -- under a lease

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
                put_steps(c, run.id, steps)
                completed = sum(step["state"] in ("completed", "cached") for step in steps)
                further = (t.run.c.id == run.id, t.run.c.steps_completed < completed)
                c.execute(update(t.run).where(*further).values(steps_completed=completed, recoveries=0))

    def finish(
        self, run: Run, state: str, *, output: str = "", metrics: Mapping[str, Any] | None = None,
        error: Mapping[str, Any] | None = None, notes: Sequence[str] = (), steps: Sequence[Mapping[str, Any]] = (),
        files: Mapping[str, str] | None = None, environment_changes: Sequence[str] = (), data: RunData | None = None,
    ) -> str:  # fmt: skip
        """Record the result under the run's lease. Returns the new state, or "" (nothing written) if the lease was
        lost.

        :param environment_changes: how its environment differed from its version's.
        :param files: digests, by path in the run directory, of its files in the store.
        :param data: what it leaves behind besides.
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
                values |= retry_changes(c, current, error, now)
            c.execute(update(t.run).where(t.run.c.id == run.id).values(**values))
            put_run_data(c, run.id, data or RunData())
            if steps:
                put_steps(c, run.id, steps)
            if files is not None:
                put_files(c, run.id, files)
            return str(values["state"])

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

    # -- stopping and results from outside

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

    def set_version(self, run_id: str, version_id: int) -> None:
        """Set the version that a finished run continues with when it is repaired."""
        with self.db.write(alone=True) as c:
            if self.run_in(c, run_id).state in ACTIVE:
                raise ConflictError("the run is not finished", where=run_id, remedy="Stop it first.")
            c.execute(update(t.run).where(t.run.c.id == run_id).values(version_id=version_id))
