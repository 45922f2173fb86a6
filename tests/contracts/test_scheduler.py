"""Every slot is fired once, whoever fires it and whatever the clock does; on every kind of database."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from sqlalchemy import select, update

from jupyter_mlops.db import tables as t
from jupyter_mlops.db.database import Database
from jupyter_mlops.jobs.catalog import Catalog
from jupyter_mlops.jobs.records import Job
from jupyter_mlops.jobs.run_queue import RunQueue
from jupyter_mlops.scheduling.cron import Cron
from jupyter_mlops.scheduling.slots import AT_MOST
from jupyter_mlops.worker.scheduler import Scheduler
from tests.jobs.clock import Clock

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0


@dataclass
class Setup:
    clock: Clock
    db: Database
    queue: RunQueue
    catalog: Catalog
    job: Job
    scheduler: Scheduler

    def slots(self, schedule_id: int, *states: str) -> list[float]:
        with self.db.read() as c:
            asked = select(t.run.c.slot).where(t.run.c.schedule_id == schedule_id).order_by(t.run.c.slot)
            return list(c.execute(asked.where(t.run.c.state.in_(states)) if states else asked).scalars())

    def work_off(self) -> None:
        while run := self.queue.claim("w"):
            self.queue.finish(run, "completed")


@pytest.fixture
def made(database_url: str) -> Iterator[Setup]:
    clock, db = Clock(), Database(database_url)
    catalog, queue = Catalog(db, clock), RunQueue(db, clock)
    job = catalog.ensure_job("churn")
    catalog.add_version(job, "d1")
    yield Setup(clock, db, queue, catalog, job, Scheduler(db, queue, clock))
    db.close()


def test_what_will_soon_be_due(made: Setup) -> None:
    other = made.catalog.ensure_job("later")
    made.catalog.add_version(other, "d2")
    for job, cron in ((made.job, "hourly"), (made.job, "0 * * * *"), (other, "30 * * * *")):
        made.catalog.add_schedule(job, Cron.parse(cron, "UTC"))
    assert made.scheduler.due_within(15.0) == []
    made.clock.go(HOUR - 10)
    made.scheduler.tick()
    assert made.scheduler.due_within(15.0) == [made.job.id, made.job.id]
    assert made.scheduler.due_within(15.0, limit=1) == [made.job.id]
    assert made.scheduler.due_within(HOUR) == [made.job.id, made.job.id, other.id]
    made.clock.go(20)
    assert made.scheduler.due_within(15.0) == []  # it is due, not soon


def test_nothing_is_fired_before_its_time(made: Setup) -> None:
    known = made.catalog.add_schedule(made.job, Cron.parse("hourly", "UTC"))
    made.clock.go(HOUR - 1)
    assert made.scheduler.tick() == 0
    assert made.scheduler.next_due() == known.next_at
    made.clock.go(1)
    assert made.scheduler.tick() == 1
    assert made.scheduler.tick() == 0
    assert made.slots(known.id, "queued") == [known.next_at]


def test_many_schedulers_with_clocks_of_their_own_fire_each_slot_once(made: Setup, database_url: str) -> None:
    rng = random.Random(4)
    known = [
        made.catalog.add_schedule(made.job, Cron.parse("* * * * *", "UTC"), missed="all", overlap="allow"),
        made.catalog.add_schedule(made.job, Cron.parse("*/5 * * * *", "Europe/London"), missed="all", overlap="allow"),
    ]
    begin, length = made.clock.now, 8 * HOUR
    others = [Database(database_url) for _ in range(4)]
    clocks = [Clock(begin) for _ in others]
    workers = [Scheduler(db, RunQueue(db, clock), clock) for db, clock in zip(others, clocks, strict=True)]
    while made.clock.now < begin + length:
        made.clock.go(rng.choice([1, 20, 60, 61, 130, 400]))
        for at in rng.sample(range(len(workers)), rng.randint(1, len(workers))):
            clocks[at].now = made.clock.now + rng.uniform(-2, 2)
            workers[at].tick()
    for clock, worker in zip(clocks, workers, strict=True):
        clock.now = made.clock.now
        worker.tick()
    for schedule, step in zip(known, (MINUTE, 5 * MINUTE), strict=True):
        wanted = [begin + step * n for n in range(1, int((made.clock.now - begin) // step) + 1)]
        assert made.slots(schedule.id, "queued") == wanted
    for db in others:
        db.close()


@pytest.mark.parametrize(
    ("missed", "late", "recorded"),
    [("latest", [5], [1, 2, 3, 4]), ("all", [1, 2, 3, 4, 5], []), ("skip", [], [1, 2, 3, 4, 5])],
)  # fmt: skip
def test_down_over_five_slots(made: Setup, missed: str, late: list[int], recorded: list[int]) -> None:
    begin = made.clock.now
    known = made.catalog.add_schedule(made.job, Cron.parse("hourly", "UTC"), missed=missed)  # type: ignore[arg-type]
    made.clock.go(5 * HOUR + 30 * MINUTE)
    made.scheduler.tick()
    assert made.slots(known.id, "queued") == [begin + n * HOUR for n in late]
    assert made.slots(known.id, "missed") == [begin + n * HOUR for n in recorded]
    made.clock.go(HOUR / 2)
    made.scheduler.tick()
    assert made.slots(known.id, "queued")[-1] == begin + 6 * HOUR


def test_the_clock_goes_back(made: Setup) -> None:
    begin = made.clock.now
    known = made.catalog.add_schedule(made.job, Cron.parse("hourly", "UTC"), overlap="allow")
    for _ in range(3):
        made.clock.go(HOUR)
        made.scheduler.tick()
    made.clock.go(-2 * HOUR - 30 * MINUTE)
    for _ in range(8):
        made.clock.go(HOUR / 2)
        made.scheduler.tick()
    assert made.slots(known.id) == [begin + n * HOUR for n in range(1, 5)]


def test_a_clock_that_is_behind_brings_no_slots_from_before_the_schedule_was_made(made: Setup) -> None:
    begin = made.clock.now
    known = made.catalog.add_schedule(made.job, Cron.parse("hourly", "UTC"), missed="all", overlap="allow")
    made.clock.go(HOUR)
    made.scheduler.tick()
    made.clock.go(-4 * HOUR)
    for _ in range(4):
        made.scheduler.tick()
        assert made.scheduler.tick() == 0
        made.clock.go(HOUR / 2)
    made.clock.now = begin + 2 * HOUR
    made.scheduler.tick()
    assert made.slots(known.id) == [begin + HOUR, begin + 2 * HOUR]


def test_the_clock_goes_far_ahead_and_comes_back(made: Setup) -> None:
    begin = made.clock.now
    known = made.catalog.add_schedule(made.job, Cron.parse("daily", "UTC"), overlap="allow")
    made.clock.go(400 * DAY)
    made.scheduler.tick()
    made.clock.now = begin + 7 * HOUR
    made.scheduler.tick()
    again = made.catalog.schedule(known.id)
    assert again.next_at == begin + DAY + 6 * HOUR
    made.clock.go(DAY)
    made.scheduler.tick()
    slots = made.slots(known.id)
    assert len(slots) == len(set(slots)) == 400


def test_a_year_away(made: Setup) -> None:
    known = made.catalog.add_schedule(made.job, Cron.parse("* * * * *", "UTC"), missed="skip")
    made.clock.go(365 * DAY)
    made.scheduler.tick()
    assert len(made.slots(known.id, "missed")) >= AT_MOST - 2
    assert "more than" in made.catalog.schedule(known.id).problem
    made.clock.go(2 * MINUTE)
    made.scheduler.tick()
    assert made.catalog.schedule(known.id).problem == ""


def test_one_poisoned_row_never_stops_the_others(made: Setup) -> None:
    known = [made.catalog.add_schedule(made.job, Cron.parse("hourly", "UTC")) for _ in range(5)]
    poison = [{"cron": "every day"}, {"zone": "Moon/Sea"}, {"missed": "whatever"}, {"version": "v99"}]
    with made.db.write() as c:
        for schedule, values in zip(known, poison, strict=False):
            c.execute(update(t.schedule).where(t.schedule.c.id == schedule.id).values(**values))
    made.clock.go(HOUR)
    made.scheduler.tick()
    assert len(made.slots(known[4].id, "queued")) == 1
    for schedule in known[:2]:
        told = made.catalog.schedule(schedule.id)
        assert (told.next_at, bool(told.problem)) == (None, True)
    there_is_none = made.catalog.schedule(known[3].id)
    assert "no version v99" in there_is_none.problem
    assert made.slots(known[3].id, "missed") == [made.clock.now]
    assert there_is_none.next_at == made.clock.now + HOUR


def test_overlap(made: Setup) -> None:
    made.catalog.set_policies("churn", {"concurrency": 9})
    begin = made.clock.now
    by = {
        name: made.catalog.add_schedule(made.job, Cron.parse("hourly", "UTC"), overlap=name).id  # type: ignore[arg-type]
        for name in ("queue", "skip", "allow", "replace")
    }
    held = []
    for _ in range(2):
        made.clock.go(HOUR)
        made.scheduler.tick()
        while run := made.queue.claim("w"):
            held.append((run, made.clock.now))
            made.queue.renew_leases({run.id: str(run.lease)})
        made.queue.renew_leases({run.id: str(run.lease) for run, _ in held})
        with made.db.write() as c:
            c.execute(update(t.run).where(t.run.c.state == "running").values(lease_until=begin + DAY))
    first, second = begin + HOUR, begin + 2 * HOUR
    assert made.slots(by["queue"], "running") == [first]
    assert made.slots(by["queue"], "queued") == [second]
    assert made.slots(by["skip"], "running") == [first]
    assert made.slots(by["skip"], "skipped") == [second]
    assert made.slots(by["allow"], "running") == [first, second]
    stopping = [r for r in made.queue.runs() if r.schedule_id == by["replace"]]
    assert {r.slot: bool(r.stop_reason) for r in stopping} == {first: True, second: False}


def test_resting_schedules_make_up_for_nothing(made: Setup) -> None:
    begin = made.clock.now
    known = made.catalog.add_schedule(made.job, Cron.parse("hourly", "UTC"), missed="all")
    made.catalog.pause_job("churn", True)
    made.clock.go(5 * HOUR + 1)
    assert made.scheduler.tick() == 0
    made.catalog.pause_job("churn", False)
    made.scheduler.tick()
    assert made.slots(known.id) == []
    made.catalog.pause_schedule(known.id, True)
    made.clock.go(HOUR)
    made.scheduler.tick()
    made.catalog.pause_schedule(known.id, False)
    made.clock.go(HOUR)
    made.scheduler.tick()
    assert made.slots(known.id) == [begin + 7 * HOUR]
