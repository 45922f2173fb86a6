"""Who takes runs: told in the database, so that what a dead one held is taken over."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import delete, insert, select, update

from jupyter_mlops.db import tables as t
from jupyter_mlops.db.database import Database

FORGOTTEN = 86400.0  # seconds after which a worker that is silent is no longer listed


class Workers:
    """The workers of a database."""

    def __init__(self, db: Database, clock: Callable[[], float] = time.time) -> None:
        self.db, self.clock, self.host = db, clock, socket.gethostname()

    def enter(self, worker: str) -> None:
        """This process takes runs from now on."""
        now = self.clock()
        row = {
            "id": worker, "host": self.host, "pid": os.getpid(), "began": now, "heard": now,
            "facts": {"started": process_start(os.getpid())},
        }  # fmt: skip
        with self.db.write() as c:
            c.execute(delete(t.worker).where(t.worker.c.heard < now - FORGOTTEN))
            c.execute(insert(t.worker).values(**row))

    def beat(self, worker: str) -> None:
        """It is alive."""
        with self.db.write() as c:
            c.execute(update(t.worker).where(t.worker.c.id == worker).values(heard=self.clock()))

    def leave(self, worker: str) -> None:
        """It takes no more runs."""
        with self.db.write() as c:
            c.execute(delete(t.worker).where(t.worker.c.id == worker))

    def dead_here(self) -> list[str]:
        """Workers of this machine whose process is no more."""
        return [row["id"] for row in self.all() if row["host"] == self.host and not _alive(row)]

    def heard_within(self, seconds: float) -> list[dict[str, Any]]:
        """Workers that are at work, as far as one can know."""
        since = self.clock() - seconds
        return [r for r in self.all() if r["heard"] >= since and (r["host"] != self.host or _alive(r))]

    def all(self) -> list[dict[str, Any]]:
        with self.db.read() as c:
            return [dict(row) for row in c.execute(select(t.worker)).mappings()]


def process_start(pid: int) -> str:
    """When a process was started, in ticks: no two processes of one number have the same; "" if it is no more."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
        return "" if fields[0] == "Z" else fields[19]  # one that ended may wait for its parent for ever
    except (OSError, IndexError):
        return ""


def _alive(row: dict[str, Any]) -> bool:
    pid = row["pid"]
    if Path("/proc/self/stat").exists():
        return bool(process_start(pid)) and process_start(pid) == row["facts"].get("started", "")
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
