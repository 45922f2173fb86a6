"""A run that is to be inserted into the queue, and its id."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, insert

from jupyter_mlops.db import tables as t
from jupyter_mlops.states import ACTIVE


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


def insert_run(c: Connection, new_run: NewRun, now: float) -> str:
    """Insert a run within a transaction. Raises IntegrityError if its slot already has one."""
    run_id = new_id(now)
    values = vars(new_run) | {
        "parameters": dict(new_run.parameters or {}),
        "options": dict(new_run.options or {}),
        "notes": list(new_run.notes),
    }
    finished = None if new_run.state in ACTIVE else now
    c.execute(insert(t.run).values(id=run_id, created=now, finished=finished, **values))
    return run_id


def new_id(now: float) -> str:
    """A unique id that sorts by time."""
    return f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime(now))}-{uuid.uuid4().hex[:8]}"
