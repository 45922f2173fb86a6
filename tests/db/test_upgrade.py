"""Databases of earlier versions come along with all their rows; those of later ones are left alone.

`schemas/` holds a dump of each released form of the tables, with rows, as each kind of database writes it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, insert, select, text

from jupyter_mlops.db import tables as t
from jupyter_mlops.db.database import HEAD_REVISION, Database
from jupyter_mlops.errors import InvalidInputError
from jupyter_mlops.jobs.catalog import Catalog
from jupyter_mlops.jobs.new_run import NewRun
from jupyter_mlops.jobs.run_queue import RunQueue
from jupyter_mlops.registry.aliases import Aliases
from jupyter_mlops.scheduling.cron import Cron

SCHEMAS = Path(__file__).with_name("schemas")
RELEASED = sorted({path.name.split(".")[0] for path in SCHEMAS.glob("*.sql")})


def load(url: str, revision: str) -> None:
    """Make the database what it was when it was dumped."""
    engine = create_engine(url)
    dump = (SCHEMAS / f"{revision}.{engine.dialect.name}.sql").read_text(encoding="utf-8")
    connection: Any = engine.raw_connection()
    if engine.dialect.name == "sqlite":
        connection.executescript(dump)
    else:
        connection.cursor().execute(dump)
        connection.commit()
    connection.close()
    engine.dispose()


@pytest.mark.parametrize("revision", RELEASED)
def test_a_database_of_each_released_form_comes_along_with_its_rows(database_url: str, revision: str) -> None:
    load(database_url, revision)
    db = Database(database_url)
    catalog, queue = Catalog(db), RunQueue(db)
    with db.read() as c:
        assert not [
            change
            for change in compare_metadata(MigrationContext.configure(c), t.metadata)
            if change[0] != "modify_type"
        ]
        counts = {table.name: len(c.execute(select(table)).all()) for table in t.metadata.sorted_tables}
    assert db.revision() == HEAD_REVISION
    assert counts == {
        "job": 2, "version": 2, "alias": 1, "schedule": 1, "batch": 1, "run": 2, "step_run": 2, "worker": 1,
        "run_file": int(revision >= "0003"), "deployment": 0, "run_store": 0,
        "alias_change": 1, "gate": 0,
        "metric_point": 0, "run_capsule": 0, "run_object": 0, "profile": 0, "prediction": 0, "finding": 0, "model": 0,
        "label_set": 0,
    }  # fmt: skip
    churn, hidden = catalog.job("churn"), catalog.notebook_job("Ünïcode/b.ipynb")
    assert (churn.created, churn.rules.retries, churn.rules.notify, churn.hidden) == (
        1767225600.25, 2, ("secret:HOOK",), False,
    )  # fmt: skip
    assert (hidden.hidden, hidden.notebook, churn.notebook) == (True, "Ünïcode/b.ipynb", None)
    assert len(catalog.jobs(hidden=True)) == 2, "the notebook's history is the one it had"
    assert [(v.name, v.message, v.writes_files) for v in catalog.versions(churn)] == [
        ("v2", "it's better", False), ("v1", "first", None),
    ]  # fmt: skip
    assert catalog.aliases(churn) == {"production": 1}
    [change] = Aliases(db).history(churn)
    assert (change.alias, change.number, change.version, change.previous, change.changed) == (
        "production", 1, 1, None, 1767225604.0,
    )  # fmt: skip
    assert (change.action, change.author, change.gates, change.overridden) == ("set", "", [], False)
    [made] = catalog.schedules(churn)
    assert (made.cron, made.zone, made.missed, made.parameters) == (
        "0 6 * * MON-FRI", "Europe/Paris", "all", {"day": "{{ scheduled_time }}"},
    )  # fmt: skip
    done, going = queue.run("20260101-060000-00000001"), queue.run("20260101-070000-00000002")
    assert (done.state, done.metrics, done.notes, done.verdict, done.slot) == (
        "completed", {"auc": 0.91}, ["a note"], {"verdict": "reproduced"}, 1767243600.0,
    )  # fmt: skip
    assert [(s["name"], s["attempts"], s["seconds"]) for s in done.steps] == [("load", 1, 0.5), ("fit", 2, 6.25)]
    assert (going.state, going.lease, going.recoveries, going.repairs, going.options) == (
        "running", "token", 3, done.id, {"use_cache": False},
    )  # fmt: skip
    catalog.add_version(churn, "a3")
    catalog.add_schedule(churn, Cron.parse("daily", "UTC"))
    queue.add(NewRun("manual", churn.id))
    taken = queue.claim("w")
    assert taken is not None
    assert (taken.id, taken.recoveries) == (going.id, 4)  # its lease has long run out
    assert queue.finish(taken, "completed")
    db.close()


@pytest.mark.parametrize(
    ("revision", "says"),
    [("9999", "written by a newer jupyter_mlops"), ("3f2a9c0d1e4b", "written by another program")],
)
def test_what_is_not_ours_to_change_is_refused(database_url: str, revision: str, says: str) -> None:
    Database(database_url).close()
    engine = create_engine(database_url)
    with engine.begin() as c:
        c.execute(insert(t.job).values(name="kept", created=0.0))
        c.execute(text("UPDATE alembic_version SET version_num = :r"), {"r": revision})
    with pytest.raises(InvalidInputError, match=says) as refused:
        Database(database_url)
    assert refused.value.remedy
    with engine.connect() as c:
        assert c.execute(select(t.job.c.name)).scalars().all() == ["kept"]
        assert c.execute(text("SELECT version_num FROM alembic_version")).scalar() == revision
    engine.dispose()


def test_the_form_before_this_one_is_kept_for_the_test_above() -> None:
    migrations = Path(t.__file__).with_name("migrations") / "versions"
    known = sorted(path.name[1:5] for path in migrations.glob("v*.py"))
    assert known[-1] == HEAD_REVISION
    assert known[:-1] == RELEASED
