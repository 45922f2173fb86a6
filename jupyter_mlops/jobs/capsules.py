"""The input capsules of runs: what each of their steps read, by digest."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Collection
from typing import Any

from sqlalchemy import select

from jupyter_mlops.db import tables as t
from jupyter_mlops.db.database import Database
from jupyter_mlops.errors import StoreError
from jupyter_mlops.storage.store import Store

FORMAT = 1


def capsules_of(db: Database, store: Store, run_ids: Collection[str]) -> dict[str, dict[str, Any]]:
    """The capsules of those runs that have one which can be read, by run."""
    with db.read() as c:
        rows = c.execute(select(t.run_capsule).where(t.run_capsule.c.run_id.in_(run_ids))).all()
    capsules = {}
    for row in rows:
        with contextlib.suppress(StoreError, ValueError):  # lost or damaged: then it is not known what the run read
            document = json.loads(store.get(row.digest))
            if isinstance(document, dict) and document.get("format") == FORMAT:
                capsules[row.run_id] = document
    return capsules
