"""Stores of other engines' runs: which one is read next, by which worker."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Collection
from dataclasses import dataclass

from sqlalchemy import insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from jupyter_mlops.db import tables as t
from jupyter_mlops.db.database import Database

LEASE_S = 300.0  # seconds that a worker may take to read a store before another one tries
LONGEST_WAIT_S = 3600.0  # seconds between two looks at a store that doesn't answer


@dataclass(frozen=True)
class StoreLease:
    """The right to read a store, until it has been read or the lease runs out.

    :param failures: how often in a row it could not be read before.
    """

    location: str
    token: str
    failures: int


def wait_after(failures: int, every: float) -> float:
    """Seconds until the next look at a store that failed so often in a row: twice as long each time, up to an hour."""
    return min(every * 2.0 ** min(failures, 30), max(LONGEST_WAIT_S, every))


class RunStores:
    """Claims stores, so that each is read by one worker at a time. Each method is one transaction.

    :param every: seconds between two looks at a store.
    :param clock: seconds since 1970.
    """

    def __init__(self, db: Database, every: float, clock: Callable[[], float] = time.time) -> None:
        self.db, self.every, self.clock = db, every, clock

    def claim(self, locations: Collection[str]) -> StoreLease | None:
        """Claim the store that has waited longest; None if none is due."""
        self._register(locations)
        now = self.clock()
        is_free = or_(t.run_store.c.lease_until.is_(None), t.run_store.c.lease_until < now)
        due = (
            select(t.run_store)
            .where(t.run_store.c.location.in_(locations), t.run_store.c.next_at <= now, is_free)
            .order_by(t.run_store.c.next_at)
        )
        with self.db.write(alone=True) as c:
            row = c.execute(due.limit(1)).first()
            if row is None:
                return None
            lease = StoreLease(row.location, uuid.uuid4().hex, row.failures)
            values = {"lease": lease.token, "lease_until": now + LEASE_S}
            c.execute(update(t.run_store).where(t.run_store.c.location == lease.location).values(**values))
            return lease

    def next_due(self, locations: Collection[str]) -> float | None:
        """When the next of these stores is due; None if there is none."""
        query = select(t.run_store.c.next_at).where(t.run_store.c.location.in_(locations))
        with self.db.read() as c:
            return c.execute(query.order_by(t.run_store.c.next_at).limit(1)).scalar()

    def release(self, lease: StoreLease, problem: str = "") -> None:
        """Record that a store was read, or why it could not be. A lease that ran out changes nothing."""
        failures = lease.failures + 1 if problem else 0
        values = {
            "next_at": self.clock() + wait_after(failures, self.every), "failures": failures, "problem": problem,
            "lease": None, "lease_until": None,
        }  # fmt: skip
        condition = (t.run_store.c.location == lease.location, t.run_store.c.lease == lease.token)
        with self.db.write() as c:
            c.execute(update(t.run_store).where(*condition).values(**values))

    def _register(self, locations: Collection[str]) -> None:
        query = select(t.run_store.c.location).where(t.run_store.c.location.in_(locations))
        with self.db.read() as c:
            present = set(c.execute(query).scalars())
        for location in locations:
            if location not in present:
                try:
                    with self.db.write() as c:
                        c.execute(insert(t.run_store).values(location=location, next_at=0.0))
                except IntegrityError:  # another worker was faster
                    continue
