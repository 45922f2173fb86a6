"""The database: its tables are those of the migrations, transactions are what they promise."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import insert, select

from jupyter_mlops.db import migrate
from jupyter_mlops.db import tables as t
from jupyter_mlops.db.database import HEAD_REVISION, Database
from jupyter_mlops.errors import DatabaseError, InvalidInputError


def test_the_newest_migration_is_the_one_looked_for() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migrate.__file__).with_name("migrations")))
    assert ScriptDirectory.from_config(config).get_current_head() == HEAD_REVISION


def test_migrations_make_the_tables(database_url: str) -> None:
    db = Database(database_url)
    with db.read() as c:
        found = compare_metadata(MigrationContext.configure(c), t.metadata)
    db.close()
    assert not [change for change in found if change[0] != "modify_type"]
    again = Database(database_url)
    assert again.revision() == HEAD_REVISION
    again.close()


def test_what_fails_is_undone(database_url: str) -> None:
    db = Database(database_url)

    def half() -> None:
        with db.write() as c:
            c.execute(insert(t.job).values(name="a", created=0.0))
            raise KeyError

    with pytest.raises(KeyError):
        half()
    with db.read() as c:
        assert c.execute(select(t.job)).all() == []
    db.close()


@pytest.mark.parametrize("url", ["nonsense", "mysql://x/y", "oracle://x", "", "sqlite+nothing:///x"])
def test_what_is_no_database(url: str) -> None:
    with pytest.raises(InvalidInputError, match="database"):
        Database(url)


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    path = tmp_path / "x.sqlite"
    path.write_bytes(b"this is no database at all" * 100)
    with pytest.raises(DatabaseError, match="not a database"):
        Database(f"sqlite:///{path}")


def test_a_server_that_is_away() -> None:
    with pytest.raises(DatabaseError, match="database") as told:
        Database("postgresql://somebody:secret@127.0.0.1:1/x")
    assert "secret" not in str(told.value)


def test_a_lock_is_waited_for(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'x.sqlite'}"
    db = Database(url)
    db.engine.dispose()
    tries = []

    def work() -> str:
        tries.append(1)
        if len(tries) < 3:
            raise DatabaseError("the database: database is locked")
        return "done"

    assert db.retry_during_outage(work) == "done"
    with pytest.raises(DatabaseError):
        db.retry_during_outage(lambda: (_ for _ in ()).throw(DatabaseError("locked")), patience=0.1)
    db.close()


def test_writers_wait_for_each_other(tmp_path: Path) -> None:
    path = tmp_path / "x.sqlite"
    db = Database(f"sqlite:///{path}")
    other = sqlite3.connect(path, isolation_level=None)
    assert other.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    with db.write() as c:
        c.execute(insert(t.job).values(name="a", created=0.0))
        assert other.execute("SELECT count(*) FROM job").fetchone() == (0,)
        other.execute("PRAGMA busy_timeout = 1")
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")
    assert other.execute("SELECT count(*) FROM job").fetchone() == (1,)
    other.close()
    db.close()
