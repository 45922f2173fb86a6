"""Fire due schedules: each slot becomes one run, or a record of why it did not."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, and_, func, select, update

from jupyter_mlops.db import tables as t
from jupyter_mlops.db.database import CorruptDocument, Database
from jupyter_mlops.errors import DatabaseError, InvalidInputError, MlopsError
from jupyter_mlops.jobs.catalog import Catalog
from jupyter_mlops.jobs.new_run import NewRun
from jupyter_mlops.jobs.policies import Policies
from jupyter_mlops.jobs.records import Job, Schedule
from jupyter_mlops.jobs.run_queue import RunQueue
from jupyter_mlops.scheduling.cron import Cron
from jupyter_mlops.scheduling.slots import AT_MOST, GRACE, Slot, decide, overlapping
from jupyter_mlops.states import ACTIVE


class Scheduler:
    """Fires each slot once, even with any number of schedulers on one database.

    Its cost grows with the number of due schedules, not of all schedules: the next fire time is stored and indexed.

    :param clock: seconds since 1970. It may jump: when it goes back, slots that have fired do not fire again, and all
        others fire when their time comes.
    """

    def __init__(
        self, db: Database, queue: RunQueue, clock: Callable[[], float] = time.time, grace: float = GRACE
    ) -> None:
        self.db, self.queue, self.clock, self.grace = db, queue, clock, grace
        self.catalog = Catalog(db, clock)

    def tick(self, limit: int = 200) -> int:
        """Process due schedules, the longest due first; returns how many there were."""
        now = self.clock()
        query = select(t.schedule.c.id).order_by(t.schedule.c.next_at).limit(limit)
        went_back = and_(
            t.schedule.c.fired_until > now + self.grace,
            t.schedule.c.fired_until > t.schedule.c.created,
            t.schedule.c.next_at.is_not(None),
        )
        with self.db.read() as c:
            due = list(c.execute(query.where(t.schedule.c.next_at <= now)).scalars())
            due += list(c.execute(query.where(went_back)).scalars())
        for schedule_id in due:
            try:
                with self.db.write(alone=True) as c:
                    self._fire(c, schedule_id)
            except DatabaseError:
                raise
            except Exception as error:  # one bad row must not block the others
                self._set_aside(schedule_id, error)
        return len(due)

    def next_due(self) -> float | None:
        """When the next schedule is due; None if there is none."""
        with self.db.read() as c:
            return c.execute(select(func.min(t.schedule.c.next_at))).scalar()

    def due_within(self, seconds: float, limit: int = 1000) -> list[int]:
        """The jobs of schedules that are due within `seconds`, one entry per schedule."""
        now = self.clock()
        soon = t.schedule.c.next_at.between(now, now + seconds)
        with self.db.read() as c:
            query = select(t.schedule.c.job_id).where(soon).order_by(t.schedule.c.next_at)
            return list(c.execute(query.limit(limit)).scalars())

    def _fire(self, c: Connection, schedule_id: int) -> None:
        now = self.clock()
        row = c.execute(select(t.schedule).where(t.schedule.c.id == schedule_id)).mappings().first()
        if row is None or row["next_at"] is None:
            return
        schedule = Schedule.of(row)
        if isinstance(schedule.parameters, CorruptDocument):
            raise InvalidInputError(
                "the schedule's parameters are unreadable", remedy="Remove the schedule and add it again."
            )
        cron = Cron(schedule.cron, schedule.zone)
        if schedule.fired_until > max(now + self.grace, schedule.created):  # the clock went back
            back = max(now, schedule.created)  # a schedule has no slots before its creation
            following = cron.next(datetime.fromtimestamp(back, UTC)).timestamp()
            this_schedule = t.schedule.c.id == schedule.id
            c.execute(update(t.schedule).where(this_schedule).values(fired_until=back, next_at=following))
            return
        if row["next_at"] > now:
            return  # another scheduler was faster
        after, until = datetime.fromtimestamp(schedule.fired_until, UTC), datetime.fromtimestamp(now, UTC)
        times, truncated = cron.between(after, until, AT_MOST)
        due = [time.timestamp() for time in times]
        fired = set(
            c.execute(
                select(t.run.c.slot).where(t.run.c.schedule_id == schedule.id, t.run.c.slot > schedule.fired_until)
            ).scalars()
        )
        slots = decide([time for time in due if time not in fired], now, schedule.missed, self.grace)  # type: ignore[arg-type]
        own_active = (t.run.c.schedule_id == schedule.id, t.run.c.state.in_(ACTIVE))
        active = c.execute(select(func.count()).select_from(t.run).where(*own_active)).scalar() or 0
        slots, replace = overlapping(slots, active, schedule.overlap)  # type: ignore[arg-type]
        if replace:
            self.queue.stop_in(c, t.run.c.schedule_id == schedule.id, "replaced by the next run of its schedule")
        job = Job.of(c.execute(select(t.job).where(t.job.c.id == schedule.job_id)).mappings().one())
        problem = self._make_runs(c, job, schedule, slots)
        if truncated:
            problem = f"more than {AT_MOST} slots were missed; the older ones are not recorded"
        following = cron.next(until).timestamp()
        values = {"fired_until": now, "next_at": following, "problem": problem}
        c.execute(update(t.schedule).where(t.schedule.c.id == schedule.id).values(**values))

    def _make_runs(self, c: Connection, job: Job, schedule: Schedule, slots: list[Slot]) -> str:
        """Make a run for each slot; returns the problem of the schedule, "" if there is none."""
        problem, version_id = "", None
        try:
            version_id = self.catalog.version_in(c, job, schedule.version).id
        except MlopsError as error:
            problem = f"{error.message}. {error.remedy}".strip()
        rules = Policies.kept(job.policies)
        for slot in slots:
            state = "missed" if slot.runs and problem else slot.state
            why = slot.why or problem
            self.queue.insert(
                c,
                NewRun(
                    "schedule", job.id, version_id, schedule.id, slot=slot.time, parameters=schedule.parameters,
                    priority=rules.priority, serial=schedule.overlap in ("queue", "replace"), state=state,
                    notes=(why,) if why else (),
                ),
            )  # fmt: skip
        return problem

    def _set_aside(self, schedule_id: int, error: Exception) -> None:
        """Suspend a schedule that cannot be processed, and record its problem."""
        problem = error.message if isinstance(error, MlopsError) else f"{type(error).__name__}: {error}"
        values: dict[str, Any] = {"next_at": None, "problem": problem}
        with self.db.write() as c:
            c.execute(update(t.schedule).where(t.schedule.c.id == schedule_id).values(**values))
