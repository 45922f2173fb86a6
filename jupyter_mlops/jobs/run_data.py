"""What runs leave behind, apart from their notebook and files: metrics, what they read, profiles, predictions."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select

from jupyter_mlops.db import tables as t
from jupyter_mlops.db.database import Database
from jupyter_mlops.errors import NotFoundError
from jupyter_mlops.states import EXPERIMENTS

NAME = 1000  # characters of a metric, and of a variable


@dataclass(frozen=True)
class KeptObject:
    """An object of the store that a run needs.

    :param kind: capsule, input, profile or prediction.
    """

    digest: str
    kind: str
    bytes: int


@dataclass(frozen=True)
class FrameProfile:
    """The profile of a frame at the end of a step, as a document in the object store."""

    step: str
    variable: str
    rows: int
    digest: str


@dataclass(frozen=True)
class Prediction:
    """The predictions of a step, as a file in the object store.

    :param key: the column that identifies a row; "": its position.
    :param format: parquet or csv.
    """

    step: str
    variable: str
    key: str
    rows: int
    digest: str
    format: str


@dataclass(frozen=True)
class RunData:
    """What one run leaves behind.

    :param points: [name, value, step, seconds since 1970] of each value of a metric, in order.
    :param capsule: digest of the document that says what the run read; "" for none.
    """

    points: Sequence[Sequence[Any]] = ()
    capsule: str = ""
    objects: Sequence[KeptObject] = ()
    profiles: Sequence[FrameProfile] = ()
    predictions: Sequence[Prediction] = field(default=())


def put_run_data(c: Connection, run_id: str, data: RunData) -> None:
    """Record what a run leaves behind, in place of what an earlier attempt left."""
    for table in (t.metric_point, t.run_capsule, t.run_object, t.profile, t.prediction):
        c.execute(delete(table).where(table.c.run_id == run_id))
    run = {"run_id": run_id}
    points = [
        {**run, "position": position, "name": str(name)[:NAME], "step": step, "at": at, **number_columns(value)}
        for position, (name, value, step, at) in enumerate(data.points)
    ]
    if points:
        c.execute(insert(t.metric_point), points)
    if data.capsule:
        c.execute(insert(t.run_capsule).values(run_id=run_id, digest=data.capsule))
    objects = {(entry.digest, entry.kind): entry.bytes for entry in data.objects}
    if objects:
        rows = [{**run, "digest": digest, "kind": kind, "bytes": size} for (digest, kind), size in objects.items()]
        c.execute(insert(t.run_object), rows)
    if data.profiles:
        c.execute(insert(t.profile), [{**run, **vars(profile)} for profile in data.profiles])
    if data.predictions:
        c.execute(insert(t.prediction), [{**run, **vars(prediction)} for prediction in data.predictions])


def number_columns(value: Any) -> dict[str, Any]:
    """A number as the columns `value` and `text`. NaN and infinity are texts, as integers that are no floats are."""
    try:
        number = float(value)
    except OverflowError:
        return {"value": None, "text": str(value)}
    return {"value": number, "text": None} if math.isfinite(number) else {"value": None, "text": str(number)}


def value_of(row: Any) -> float | int | str:
    """The number of a row of `metric_point`: "nan", "inf" and "-inf" are texts."""
    if row.value is not None:
        return float(row.value)
    text = str(row.text)
    return text if text in ("nan", "inf", "-inf") else int(text)


class RunDataStore:
    """Reads what runs left behind."""

    def __init__(self, db: Database) -> None:
        self.db = db

    def points(self, run_id: str, name: str = "") -> list[dict[str, Any]]:
        """The points of a run, in order: name, value, step, at."""
        columns = t.metric_point.c
        query = select(t.metric_point).where(columns.run_id == run_id).order_by(columns.position)
        if name:
            query = query.where(columns.name == name)
        with self.db.read() as c:
            rows = c.execute(query).all()
        return [{"name": row.name, "value": value_of(row), "step": row.step, "at": row.at} for row in rows]

    def capsule(self, run_id: str) -> str:
        """The digest of a run's capsule; "" if it has none."""
        with self.db.read() as c:
            digest = c.execute(select(t.run_capsule.c.digest).where(t.run_capsule.c.run_id == run_id)).scalar()
        return digest or ""

    def profiles(self, run_id: str) -> list[dict[str, Any]]:
        """The profiles of a run's frames: step, variable, rows, digest."""
        query = select(t.profile).where(t.profile.c.run_id == run_id).order_by(t.profile.c.id)
        with self.db.read() as c:
            return [_without_ids(row) for row in c.execute(query)]

    def predictions(self, run_id: str) -> list[dict[str, Any]]:
        """The predictions of a run: step, variable, key, rows, digest, format."""
        columns = t.prediction.c
        query = select(t.prediction).where(columns.run_id == run_id).order_by(columns.step, columns.variable)
        with self.db.read() as c:
            return [_without_ids(row) for row in c.execute(query)]

    def prediction(self, run_id: str, variable: str) -> dict[str, Any]:
        """The predictions in a variable of a run; of the last step that kept it. Raises NotFoundError."""
        entries = self.predictions(run_id)
        matching = [entry for entry in entries if entry["variable"] == variable]
        if not matching:
            names = ", ".join(sorted({entry["variable"] for entry in entries}))
            raise NotFoundError(
                f"the run {run_id} has no predictions {variable!r}", remedy=f"It has: {names or 'none'}."
            )
        return matching[-1]

    def predicted_runs(self, job_id: int, last: int, as_of: float | None = None) -> list[str]:
        """The ids of the last completed runs of a job that kept predictions, oldest first.

        :param as_of: only runs that had finished by then; seconds since 1970.
        """
        columns = t.run.c
        query = select(columns.id).where(
            columns.job_id == job_id, columns.state == "completed", columns.trigger.not_in(EXPERIMENTS),
            columns.id.in_(select(t.prediction.c.run_id)),
        )  # fmt: skip
        if as_of is not None:
            query = query.where(columns.finished <= as_of)
        latest_first = query.order_by(columns.created.desc(), columns.id.desc()).limit(last)
        with self.db.read() as c:
            return list(c.execute(latest_first).scalars())[::-1]

    def kept_bytes(self, job_id: int, kind: str = "input") -> dict[str, int]:
        """The objects of a kind that the runs of a job need: digest -> bytes."""
        query = (
            select(t.run_object.c.digest, func.max(t.run_object.c.bytes))
            .join(t.run, t.run.c.id == t.run_object.c.run_id)
            .where(t.run.c.job_id == job_id, t.run_object.c.kind == kind)
            .group_by(t.run_object.c.digest)
        )
        with self.db.read() as c:
            return {row[0]: int(row[1]) for row in c.execute(query)}

    def baseline(self, job_id: int) -> str:
        """The run that others of its job are compared with: the first completed one of the version at `production`,
        otherwise the first completed run of the job; "" if there is none."""
        completed = select(t.run.c.id).where(
            t.run.c.job_id == job_id, t.run.c.state == "completed", t.run.c.trigger.not_in(EXPERIMENTS)
        )
        production = select(t.alias.c.version_id).where(t.alias.c.job_id == job_id, t.alias.c.name == "production")
        with self.db.read() as c:
            version = c.execute(production).scalar()
            run = None
            if version is not None:
                of_version = completed.where(t.run.c.version_id == version)
                run = c.execute(of_version.order_by(t.run.c.created, t.run.c.id).limit(1)).scalar()
            run = run or c.execute(completed.order_by(t.run.c.created, t.run.c.id).limit(1)).scalar()
        return run or ""


def objects_of_runs(c: Connection) -> Iterator[str]:
    """The digests of all objects that runs need, and of the labels of their predictions."""
    yield from c.execute(select(t.run_object.c.digest).distinct()).scalars()
    yield from c.execute(select(t.run_capsule.c.digest).distinct()).scalars()
    yield from c.execute(select(t.label_set.c.digest).distinct()).scalars()


def _without_ids(row: Row[Any]) -> dict[str, Any]:
    return {name: value for name, value in dict(row._mapping).items() if name not in ("id", "run_id")}
