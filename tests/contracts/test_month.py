"""A month in short passes, and real processes at one database; the whole month is `python -m tests.contracts.month`."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections import Counter
from typing import Any

import pytest
from sqlalchemy import select

from jupyter_mlops.db import tables as t
from jupyter_mlops.db.database import Database
from jupyter_mlops.jobs.catalog import Catalog
from jupyter_mlops.jobs.run_queue import RunQueue
from jupyter_mlops.scheduling.cron import Cron
from jupyter_mlops.worker.scheduler import Scheduler
from tests.contracts.month import BEGIN, HOURS, MINUTES, simulate
from tests.jobs.clock import Clock

SPEED = 1800.0  # simulated seconds in a second
SPAN = 2 * 3600.0
pytestmark = pytest.mark.timeout(240)


@pytest.mark.parametrize("jumps", [False, True])
def test_a_month_of_schedules_by_the_hour(database_url: str, jumps: bool) -> None:
    seen = simulate(database_url, 11, 31.0, HOURS, (1800.0, 7200.0, 21_600.0), jumps=jumps, deadly=0.01)
    assert seen.problems == []
    assert seen.slots >= 4 * 31 + 31 + 22 + 5 + 1
    assert seen.kills > 5 and bool(seen.jumps) is jumps


def test_hours_of_schedules_by_the_minute(database_url: str) -> None:
    seen = simulate(database_url, 5, 0.25, MINUTES, (1.0, 20.0, 60.0, 61.0, 130.0, 900.0), jumps=True, deadly=0.01)
    assert seen.problems == []
    assert seen.slots >= 360 + 72
    assert seen.kills > 5


def member(url: str, name: str, zero: float, finished: Any) -> None:
    """One process among others: fires, takes and finishes until the simulated span is over."""

    def clock() -> float:
        return BEGIN + min(SPAN, max(0.0, time.time() - zero) * SPEED)

    db = Database(url)
    queue = RunQueue(db, clock, lease=900.0)
    scheduler = Scheduler(db, queue, clock)
    while True:
        over = clock() >= BEGIN + SPAN
        scheduler.tick()
        run = queue.claim(name)
        if run is not None and queue.finish(run, "completed"):
            finished.put(run.id)
        if over and run is None:
            break
    db.close()


def test_real_processes_at_the_same_time(database_url: str) -> None:
    """Five of them, two of which are killed on the way."""
    context = multiprocessing.get_context("spawn")
    db, begin = Database(database_url), Clock(BEGIN)
    catalog = Catalog(db, begin)
    job = catalog.ensure_job("month")
    catalog.add_version(job, "digest")
    catalog.set_policies("month", {"concurrency": 100})
    known = [
        catalog.add_schedule(job, Cron.parse(cron, zone), missed="all", overlap="allow")
        for cron, zone in (*MINUTES, *MINUTES)
    ]
    finished = [context.SimpleQueue() for _ in range(5)]
    zero = time.time() + 1.0
    processes = [
        context.Process(target=member, args=(database_url, f"member {n}", zero, finished[n])) for n in range(5)
    ]
    for process in processes:
        process.start()
    time.sleep(2.0)
    for victim in processes[:2]:
        os.kill(victim.pid or 0, signal.SIGKILL)
    told: list[str] = []
    for process, queue in zip(processes, finished, strict=True):
        while process.is_alive() or not queue.empty():
            if queue.empty():
                time.sleep(0.02)
            else:
                told.append(queue.get())
        process.join()
    assert [p.exitcode for p in processes] == [-9, -9, 0, 0, 0]
    end = Clock(BEGIN + SPAN + 10_000.0)
    rest = RunQueue(db, end)
    while run := rest.claim("the last"):  # what the dead ones held
        assert rest.finish(run, "completed")
        told.append(run.id)
    with db.read() as c:
        rows = c.execute(select(t.run.c.id, t.run.c.schedule_id, t.run.c.slot, t.run.c.state)).all()
    db.close()
    for schedule, step in zip(known, (60, 300, 60, 300), strict=True):
        slots = sorted(row.slot for row in rows if row.schedule_id == schedule.id)
        assert slots == [BEGIN + step * n for n in range(1, int(SPAN // step) + 1)]
    assert {row.state for row in rows} == {"completed"}
    assert max(Counter(told).values()) == 1
