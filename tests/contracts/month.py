"""Two servers and three workers on one database, through a month with clocks that are simulated.

    python -m tests.contracts.month [--days 31] [--seed 1] [--postgresql]

Each member has connections, a scheduler, a queue and a clock of its own, which is a little off and jumps now and then.
In an order that a seed decides they fire what is due, take runs, keep leases, finish runs and make some by hand; any of
them may be killed before, within or after any transaction, and comes back later. Afterwards every slot has one run and
one only, and every run was finished once.
"""

from __future__ import annotations

import argparse
import contextlib
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sqlalchemy import Connection, select

from jupyter_mlops.db import tables as t
from jupyter_mlops.db.database import Database
from jupyter_mlops.jobs.catalog import Catalog
from jupyter_mlops.jobs.new_run import NewRun
from jupyter_mlops.jobs.records import Run
from jupyter_mlops.jobs.run_queue import RESUMED_AT_MOST, RunQueue
from jupyter_mlops.scheduling.cron import Cron
from jupyter_mlops.worker.scheduler import Scheduler
from tests.databases import private_postgresql
from tests.jobs.clock import Clock

BEGIN = datetime(2026, 3, 1, tzinfo=UTC).timestamp()  # London and New York put their clocks forward in it
DAY = 86400.0
MINUTES = (("* * * * *", "UTC"), ("*/5 * * * *", "Europe/London"))
HOURS = (
    ("30 */6 * * *", "Australia/Lord_Howe"), ("30 2 * * *", "America/New_York"),
    ("0 6 * * MON-FRI", "Europe/Paris"), ("15 1 * * SUN", "Europe/London"), ("0 0 L * *", "America/Santiago"),
)  # fmt: skip


class Killed(BaseException):
    """A member's process is no more."""


class Fragile(Database):
    """A database whose process may be killed around each of its transactions."""

    def __init__(self, url: str, dies: Callable[[], bool]) -> None:
        self.dies: Callable[[], bool] = lambda: False  # not while it is made
        super().__init__(url)
        self.dies = dies

    def perhaps(self) -> None:
        if self.dies():
            raise Killed

    @contextlib.contextmanager
    def write(self, *, alone: bool = False) -> Iterator[Connection]:
        self.perhaps()
        with super().write(alone=alone) as connection:
            yield connection
            self.perhaps()
        self.perhaps()

    @contextlib.contextmanager
    def read(self) -> Iterator[Connection]:
        self.perhaps()
        with super().read() as connection:
            yield connection


@dataclass
class Verdict:
    """What was seen."""

    slots: int = 0
    kills: int = 0
    jumps: int = 0
    taken_over: int = 0
    by_hand: int = 0
    problems: list[str] = field(default_factory=list)
    seconds: float = 0.0


class Member:
    """A server or a worker."""

    def __init__(self, name: str, url: str, rng: random.Random, deadly: float) -> None:
        self.name, self.rng = name, rng
        self.db = Fragile(url, lambda: rng.random() < deadly)
        self.clock = Clock(BEGIN)
        self.off = 0.0
        self.queue = RunQueue(self.db, self.clock)
        self.scheduler = Scheduler(self.db, self.queue, self.clock)
        self.held: list[Run] = []
        self.down_until = 0.0

    def killed(self, now: float) -> None:
        """Its process is gone, and what it knew with it."""
        self.held = []
        self.down_until = now + self.rng.choice((1.0, 40.0, 300.0, 5000.0))


class House:
    """All members, and what they did."""

    def __init__(self, url: str, seed: int, crons: Sequence[tuple[str, str]], *, jumps: bool, deadly: float) -> None:
        self.rng, self.jumps = random.Random(seed), jumps
        self.db = Database(url)
        self.now = BEGIN
        self.clock = Clock(BEGIN)
        catalog = Catalog(self.db, self.clock)
        self.job = catalog.ensure_job("month")
        catalog.add_version(self.job, "digest")
        catalog.set_policies("month", {"concurrency": 1000})
        self.schedules = [
            catalog.add_schedule(self.job, Cron.parse(cron, zone), missed="all", overlap="allow")
            for cron, zone in crons
        ]
        names = ("server 1", "server 2", "worker 1", "worker 2", "worker 3")
        self.members = [Member(name, url, self.rng, deadly) for name in names]
        self.finished: Counter[str] = Counter()
        self.verdict = Verdict()

    def go(self, until: float, strides: Sequence[float], tell: Callable[[str], None] = lambda text: None) -> None:
        """Let time pass."""
        told = self.now
        while self.now < until:
            self.now += self.rng.choice(strides)
            for member in self.rng.sample(self.members, len(self.members)):
                if member.down_until <= self.now:
                    self.act(member)
            if self.now - told > DAY:
                told = self.now
                tell(f"{datetime.fromtimestamp(self.now, UTC):%d %B}: {sum(self.finished.values())} runs finished")

    def act(self, member: Member) -> None:
        self.set_clock(member)
        try:
            for _ in range(self.rng.randint(1, 3)):
                self.rng.choice((self.fire, self.fire, self.take, self.take, self.keep, self.finish, self.make))(member)
        except Killed:
            self.verdict.kills += 1
            member.killed(self.now)

    def set_clock(self, member: Member) -> None:
        if self.jumps and self.rng.random() < 0.002:
            member.off = self.rng.choice((-7200.0, -90.0, 45.0, 4000.0))
            self.verdict.jumps += 1
        elif self.rng.random() < 0.1:
            member.off = self.rng.uniform(-2.0, 2.0)
        member.clock.now = self.now + member.off

    def fire(self, member: Member) -> None:
        member.scheduler.tick()

    def take(self, member: Member) -> None:
        for _ in range(20):
            run = member.queue.claim(member.name)
            if run is None:
                return
            self.verdict.taken_over += run.recoveries > 0
            member.held.append(run)
            if self.rng.random() < 0.9:
                self.end(member, run)

    def keep(self, member: Member) -> None:
        lost = member.queue.renew_leases({run.id: str(run.lease) for run in member.held})
        member.held = [run for run in member.held if run.id not in lost]

    def finish(self, member: Member) -> None:
        for run in list(member.held):
            self.end(member, run)

    def end(self, member: Member, run: Run) -> None:
        known = member.queue.run(run.id)
        member.held.remove(run)
        dies, member.db.dies = member.db.dies, lambda: False
        try:  # whether it was written has to be known here, so it is not killed in between
            if member.queue.finish(run, "completed"):
                self.finished[run.id] += 1
            elif known.lease == run.lease and known.state == "running":
                self.verdict.problems.append(f"{run.id} was {member.name}'s, and could not be finished")
        finally:
            member.db.dies = dies

    def make(self, member: Member) -> None:
        if member.name.startswith("server") and self.rng.random() < 0.01:
            member.queue.add(NewRun("manual", self.job.id))
            self.verdict.by_hand += 1

    def settle(self) -> None:
        """The end: one member with the right time does what is left."""
        last = self.members[0]
        last.db.dies = lambda: False
        last.held, last.off, last.clock.now = [], 0.0, self.now
        while last.scheduler.tick():
            pass
        last.clock.go(last.queue.lease + 10_000.0)  # every lease has run out
        while run := last.queue.claim(last.name):
            last.held.append(run)
            self.end(last, run)

    def judge(self) -> Verdict:
        for schedule in self.schedules:
            self._judge_slots(schedule.id, Cron(schedule.cron, schedule.zone))
        with self.db.read() as c:
            rows = c.execute(select(t.run.c.id, t.run.c.state, t.run.c.recoveries)).all()
        problems = self.verdict.problems
        for row in rows:
            given_up = row.state == "failed" and row.recoveries >= RESUMED_AT_MOST
            if row.state != "completed" and not given_up:
                problems.append(f"{row.id} is {row.state}")
            elif self.finished[row.id] != (row.state == "completed"):
                problems.append(f"{row.id} was finished {self.finished[row.id]} times")
        return self.verdict

    def _judge_slots(self, schedule_id: int, cron: Cron) -> None:
        furthest = self.now
        with self.db.read() as c:
            found = Counter(c.execute(select(t.run.c.slot).where(t.run.c.schedule_id == schedule_id)).scalars())
        if self.jumps:  # one whose clock was ahead fired what is to come; what it fired counts
            furthest = max([self.now, *found])
        after, until = (datetime.fromtimestamp(at, UTC) for at in (BEGIN, furthest))
        wanted = [when.timestamp() for when in cron.between(after, until, 10_000_000)[0]]
        self.verdict.slots += len(wanted)
        lost, extra = [s for s in wanted if s <= self.now and not found[s]], set(found) - set(wanted)
        if lost or extra or any(count > 1 for count in found.values()):
            self.verdict.problems.append(f"{cron}: lost {lost}, not to be {sorted(extra)}, {found.most_common(1)}")

    def close(self) -> None:
        for db in (self.db, *(member.db for member in self.members)):
            db.close()


def simulate(
    url: str, seed: int, days: float, crons: Sequence[tuple[str, str]], strides: Sequence[float], *,
    jumps: bool = False, deadly: float = 0.002, tell: Callable[[str], None] = lambda text: None,
) -> Verdict:  # fmt: skip
    """Let so many days pass.

    :param strides: seconds between moments at which members may act.
    :param jumps: whether clocks jump by minutes and hours.
    :param deadly: how likely a member is killed at each of the moments around a transaction.
    """
    began = time.monotonic()
    house = House(url, seed, crons, jumps=jumps, deadly=deadly)
    try:
        house.go(BEGIN + days * DAY, strides, tell)
        house.settle()
        verdict = house.judge()
    finally:
        house.close()
    verdict.seconds = time.monotonic() - began
    return verdict


def main() -> int:
    made = argparse.ArgumentParser(prog="python -m tests.contracts.month", description=__doc__)
    made.add_argument("--days", type=float, default=31.0)
    made.add_argument("--seed", type=int, default=1)
    made.add_argument("--postgresql", action="store_true", help="on a private PostgreSQL instead of SQLite")
    arguments = made.parse_args()
    with contextlib.ExitStack() as stack:
        if arguments.postgresql:
            url = stack.enter_context(private_postgresql())
        else:
            url = f"sqlite:///{stack.enter_context(tempfile.TemporaryDirectory())}/month.sqlite"
        verdict = simulate(
            url, arguments.seed, arguments.days, (*MINUTES, ("0 * * * *", "America/New_York"), *HOURS),
            (1.0, 20.0, 60.0, 61.0, 130.0), jumps=True, tell=lambda text: print(text, file=sys.stderr, flush=True),
        )  # fmt: skip
    print(
        f"{verdict.slots} slots, {verdict.by_hand} runs by hand, {verdict.kills} kills, "
        f"{verdict.jumps} jumps of clocks, {verdict.taken_over} runs taken over, {verdict.seconds:.0f} s"
    )
    print("\n".join(verdict.problems[:20]) or "every slot once, every run finished once")
    return bool(verdict.problems)


if __name__ == "__main__":
    sys.exit(main())
