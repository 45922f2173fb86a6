"""Labels that arrive after the predictions: stored as they were received, never changed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import insert, select

from jupyter_mlops.db import tables as t
from jupyter_mlops.db.database import Database
from jupyter_mlops.errors import StoreError
from jupyter_mlops.jobs.models import canonical_json
from jupyter_mlops.storage.store import Store
from jupyter_mlops.tracking.label_values import Scalar
from jupyter_mlops.tracking.labels import Label

FORMAT = 1


@dataclass(frozen=True)
class LabelSet:
    """The labels that were received together.

    :param received: from when on they were known; seconds since 1970.
    :param digest: of the document with the rows.
    :param key: name of the column with the keys; `label`: of that with the labels.
    """

    id: int
    job_id: int
    received: float
    digest: str
    rows: int
    key: str
    label: str
    author: str


class LabelSets:
    """Reads and writes the labels of jobs."""

    def __init__(self, db: Database, store: Store) -> None:
        self.db, self.store = db, store

    def add(
        self, job_id: int, rows: Sequence[tuple[str, Scalar | None]], *, received: float, key: str, label: str,
        author: str,
    ) -> tuple[LabelSet, bool]:  # fmt: skip
        """Store labels. Returns them, and whether they are new: the same labels, received at the same time, are stored
        once."""
        document = {"format": FORMAT, "rows": [list(row) for row in rows]}
        digest = self.store.put(canonical_json(document))
        values: dict[str, Any] = {
            "job_id": job_id, "received": received, "digest": digest, "rows": len(rows), "key": key, "label": label,
        }  # fmt: skip
        columns = t.label_set.c
        equal = select(t.label_set).where(*(columns[name] == value for name, value in values.items()))
        with self.db.write() as c:
            row = c.execute(equal.order_by(columns.id)).first()
            if row is not None:
                return LabelSet(**row._mapping), False
            number = c.execute(insert(t.label_set).values(**values, author=author)).inserted_primary_key
            assert number is not None
            return LabelSet(id=int(number[0]), author=author, **values), True

    def of_job(self, job_id: int, as_of: float | None = None) -> list[LabelSet]:
        """The labels of a job in the order in which they were received.

        :param as_of: only what had been received until then.
        """
        columns = t.label_set.c
        query = select(t.label_set).where(columns.job_id == job_id).order_by(columns.received, columns.id)
        if as_of is not None:
            query = query.where(columns.received <= as_of)
        with self.db.read() as c:
            return [LabelSet(**row._mapping) for row in c.execute(query)]

    def labels(self, sets: Sequence[LabelSet]) -> list[Label]:
        """The labels of the sets, in their order. Raises StoreError if one can't be read."""
        result = []
        for entry in sets:
            moment = datetime.fromtimestamp(entry.received, UTC)
            result += [Label(key, value, moment) for key, value in self._rows(entry)]
        return result

    def _rows(self, entry: LabelSet) -> list[tuple[str, Any]]:
        document = json.loads(self.store.get(entry.digest))
        if document.get("format") != FORMAT:
            raise StoreError(
                f"label set {entry.id} has the format {document.get('format')!r}",
                where=self.store.locate(entry.digest),
                remedy="Read it with the version of jupyter_mlops that wrote it, or a later one.",
            )  # fmt: skip
        return [(str(key), value) for key, value in document["rows"]]
