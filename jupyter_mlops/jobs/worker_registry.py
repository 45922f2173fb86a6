"""Heartbeats of workers in the database, so that other workers can claim the runs of dead ones."""

from __future__ import annotations

import os
import socket
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import delete, insert, select, update

from jupyter_mlops.db import tables as t
from jupyter_mlops.db.database import Database

FORGOTTEN = 86400.0  # seconds of silence after which a worker is removed from the list


class WorkerRegistry:
    """The workers of a database."""

    def __init__(self, db: Database, clock: Callable[[], float] = time.time) -> None:
        self.db, self.clock, self.host = db, clock, socket.gethostname()

    def register(self, worker: str) -> None:
        """Register this process as a worker."""
        now = self.clock()
        row = {
            "id": worker, "host": self.host, "pid": os.getpid(), "began": now, "heard": now,
            "facts": {"started": process_start(os.getpid())},
        }  # fmt: skip
        with self.db.write() as c:
            c.execute(delete(t.worker).where(t.worker.c.heard < now - FORGOTTEN))
            c.execute(insert(t.worker).values(**row))

    def heartbeat(self, worker: str) -> None:
        """Record that the worker is alive."""
        with self.db.write() as c:
            c.execute(update(t.worker).where(t.worker.c.id == worker).values(heard=self.clock()))

    def deregister(self, worker: str) -> None:
        """Remove the worker."""
        with self.db.write() as c:
            c.execute(delete(t.worker).where(t.worker.c.id == worker))

    def stalled_on_host(self) -> list[str]:
        """Workers of this machine whose process does not exist any more."""
        return [row["id"] for row in self.all() if row["host"] == self.host and not _alive(row)]

    def active_since(self, seconds: float) -> list[dict[str, Any]]:
        """Workers with a heartbeat within `seconds` that are, if on this machine, alive."""
        since = self.clock() - seconds
        return [r for r in self.all() if r["heard"] >= since and (r["host"] != self.host or _alive(r))]

    def all(self) -> list[dict[str, Any]]:
        with self.db.read() as c:
            return [dict(row) for row in c.execute(select(t.worker)).mappings()]


def process_start(pid: int) -> str:
    """Start time of a process in ticks, which tells apart processes that reuse a pid; "" if it does not exist."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
        return "" if fields[0] == "Z" else fields[19]  # a zombie may wait for its parent forever
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


def worker_id() -> str:
    """A unique id of this process as a worker."""
    return f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:6]}"
