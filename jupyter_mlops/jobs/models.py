"""Models that runs left, in the database."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Select, delete, func, insert, select

from jupyter_mlops.db import tables as t
from jupyter_mlops.db.database import Database
from jupyter_mlops.errors import InvalidInputError, NotFoundError, StoreError
from jupyter_mlops.jobs.records import Job, Record, Run
from jupyter_mlops.states import EXPERIMENTS

if TYPE_CHECKING:
    from jupyter_mlops.jobs.catalog import Catalog
    from jupyter_mlops.storage.store import Store

FORMAT = 1
FACTS = ("artifact", "bytes", "format", "class", "framework", "python")


@dataclass(frozen=True)
class Model(Record):
    """A model of a run, without its document, which is in the object store under its digest.

    :param number: of the version that the run executed.
    :param version: the digest of that version.
    :param finished: when the run ended.
    """

    id: int
    job_id: int
    run_id: str
    step: str
    name: str
    digest: str
    facts: Mapping[str, Any]
    number: int
    version: str
    finished: float | None
    metrics: Mapping[str, Any]


def document_of(
    facts: Mapping[str, Any],
    *,
    job: str,
    run_id: str,
    version: str,
    metrics: Mapping[str, Any],
    capsule: str | None = None,
) -> dict[str, Any]:
    """The document of a model (format 1).

    :param facts: as `execution.agent.models` returns them, with the digest of the artifact.
    :param version: the digest of the version that the run executed.
    :param capsule: the digest of the run's capsule.
    """
    document = {key: facts[key] for key in (*FACTS, "step", "packages", "methods", "signature")}
    return {
        "format": FORMAT,
        "variable": facts["name"],
        "artifact": {"digest": document.pop("artifact"), "bytes": document.pop("bytes"), "format": facts["format"]},
        **{key: value for key, value in document.items() if key != "format"},
        "job": job,
        "run": run_id,
        "version": version,
        "metrics": dict(metrics),
        "capsule": capsule,
    }


def read_document(store: Store, digest: str) -> dict[str, Any]:
    """The document of a model. Raises StoreError if it is missing or damaged."""
    try:
        document = json.loads(store.get(digest))
        if document["format"] != FORMAT:
            raise ValueError(f"format {document['format']}")
    except (ValueError, KeyError, TypeError) as error:
        raise StoreError(
            f"the document of a model can't be read: {error}",
            where=store.locate(digest),
            remedy="Run the job again, or use a newer jupyter_mlops.",
        ) from None
    return dict(document)


def record_models(
    catalog: Catalog,
    store: Store,
    run: Run,
    models: Sequence[Mapping[str, Any]],
    metrics: Mapping[str, Any],
    capsule: str = "",
) -> str:
    """Store the documents of a run's models and record them, under the run's lease. Returns why that was not possible,
    or "".

    :param models: facts of each, as in the run's record.
    :param capsule: the digest of the run's capsule; "" if there is none.
    """
    if not models or run.job_id is None or run.version_id is None or run.trigger in EXPERIMENTS:
        return ""
    try:
        job, version = catalog.job_by_id(run.job_id).name, catalog.version_by_id(run.version_id).digest
        recorded = []
        for facts in models:
            document = document_of(
                facts, job=job, run_id=run.id, version=version, metrics=metrics, capsule=capsule or None
            )
            recorded.append((store.put(canonical_json(document)), facts))
        Models(catalog.db).put(run, recorded)
    except (StoreError, OSError) as error:
        return f"its models were not recorded: {error}"
    return ""


def canonical_json(document: Mapping[str, Any]) -> bytes:
    """JSON with sorted keys and without spaces: the same document has the same bytes."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode("utf-8", "surrogatepass")


class Models:
    """Reads and writes the models of runs. Each method is one transaction."""

    def __init__(self, db: Database) -> None:
        self.db = db

    def put(self, run: Run, models: Sequence[tuple[str, Mapping[str, Any]]]) -> None:
        """Record the models of a run, in the place of those of an earlier attempt. Does nothing if the run's lease was
        lost.

        :param models: digest of the document, and the facts.
        """
        lease = (t.run.c.id == run.id, t.run.c.lease == run.lease, t.run.c.state == "running")
        with self.db.write() as c:
            if c.execute(select(t.run.c.id).where(*lease)).first() is None:
                return
            c.execute(delete(t.model).where(t.model.c.run_id == run.id))
            rows = {
                facts["name"]: {
                    "job_id": run.job_id, "run_id": run.id, "step": facts["step"], "name": facts["name"],
                    "digest": digest, "facts": {key: facts[key] for key in FACTS},
                }
                for digest, facts in models
            }  # fmt: skip
            if rows:
                c.execute(insert(t.model), list(rows.values()))

    def models(self, job: Job, name: str = "") -> list[Model]:
        """The models of a job's completed runs, newest first.

        :param name: of one variable; "" for all.
        """
        with self.db.read() as c:
            return [_record(row) for row in c.execute(_query(job, name)).mappings()]

    def current(self, job: Job, selector: str, name: str = "", run_id: str = "") -> Model:
        """The model that a selector of versions (`latest`, `v3`, `@production`) stands for now: that of the newest
        completed run of that version.

        :param name: the variable; "" if the version has one model.
        :param run_id: take the model of this run.
        :raises NotFoundError: there is none.
        :raises InvalidInputError: the version has several models, and no name was given.
        """
        query = _query(job, name).where(t.version.c.id == _version_id(job, selector)).limit(20)
        if run_id:
            query = query.where(t.run.c.id == run_id)
        with self.db.read() as c:
            rows = [_record(row) for row in c.execute(query).mappings()]
        if not rows:
            raise NotFoundError(
                f"no completed run of {job.name}@{selector.lstrip('@')} left a model"
                + (f" named {name!r}" if name else ""),
                remedy="Tag the cell that makes it `model:VARIABLE`, publish and run; `jupyter mlops models JOB` lists"
                " the models.",
            )
        names = sorted({row.name for row in rows if row.run_id == rows[0].run_id})
        if len(names) > 1:
            raise InvalidInputError(
                f"the version has several models: {', '.join(names)}", where=job.name, remedy="Choose one by its name."
            )
        return rows[0]

    def objects(self) -> set[str]:
        """The digests of all documents and artifacts."""
        with self.db.read() as c:
            rows = c.execute(select(t.model.c.digest, t.model.c.facts)).all()
        return {row.digest for row in rows} | {str(row.facts["artifact"]) for row in rows if "artifact" in row.facts}


def _record(row: Mapping[Any, Any]) -> Model:
    return Model.of(row)


def _query(job: Job, name: str) -> Select[Any]:
    joined = t.model.join(t.run, t.model.c.run_id == t.run.c.id).join(t.version, t.run.c.version_id == t.version.c.id)
    query = (
        select(
            t.model, t.version.c.number, t.version.c.digest.label("version"), t.run.c.finished, t.run.c.metrics
        )
        .select_from(joined)
        .where(t.model.c.job_id == job.id, t.run.c.state == "completed")
        .order_by(t.run.c.finished.desc(), t.model.c.id.desc())
    )  # fmt: skip
    return query.where(t.model.c.name == name) if name else query


def _version_id(job: Job, selector: str) -> Any:
    """The id of a version, as a subquery: what an alias stands for is read together with the model."""
    if selector in ("", "latest"):
        newest = select(func.max(t.version.c.number)).where(t.version.c.job_id == job.id).scalar_subquery()
        query = select(t.version.c.id).where(t.version.c.number == newest)
    elif selector.startswith("@"):
        return (
            select(t.alias.c.version_id)
            .where(t.alias.c.job_id == job.id, t.alias.c.name == selector[1:])
            .scalar_subquery()
        )
    elif re.fullmatch(r"v?\d{1,9}", selector):
        query = select(t.version.c.id).where(t.version.c.number == int(selector.lstrip("v")))
    else:
        raise InvalidInputError(
            f"{selector!r} is not a version", where=job.name, remedy="Use latest, v3, or @production."
        )
    return query.where(t.version.c.job_id == job.id).scalar_subquery()
