"""The input capsule of a run: what each of its steps read, by digest."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any, Protocol

from jupyter_mlops.errors import StoreError

if TYPE_CHECKING:
    from jupyter_mlops.jobs.workspace import Workspace

FORMAT = 1
TABLE = "run_capsule"
SYSTEM = ("/proc/", "/sys/", "/dev/")  # files of the system, which have no content to put in place


class Capsules(Protocol):
    """Where capsules are found."""

    def of(self, run_id: str) -> dict[str, Any] | None:
        """The capsule of a run; None if there is none, or it can't be read."""


class StoredCapsules:
    """Capsules in the object store, named by a table of the database."""

    def __init__(self, space: Workspace) -> None:
        self.space = space

    def of(self, run_id: str) -> dict[str, Any] | None:
        from sqlalchemy import column, inspect, select, table

        with self.space.db.read() as c:
            if not inspect(c).has_table(TABLE):
                return None
            capsule = table(TABLE, column("run_id"), column("digest"))
            digest = c.execute(select(capsule.c.digest).where(capsule.c.run_id == run_id)).scalar()
        if not digest:
            return None
        with contextlib.suppress(StoreError, ValueError):
            document = json.loads(self.space.store.get(str(digest)))
            if isinstance(document, dict) and document.get("format") == FORMAT:
                return document
        return None


def files_read(capsule: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The files that a run read, by path: `digest`, `bytes` and `kept`. Of a file that changed meanwhile, what was
    read first."""
    files: dict[str, dict[str, Any]] = {}
    for step in capsule.get("steps", {}).values():
        for path, facts in step.get("files", {}).items():
            if isinstance(facts, dict) and facts.get("digest") and not path.startswith(SYSTEM):
                files.setdefault(path, facts)
    return files
