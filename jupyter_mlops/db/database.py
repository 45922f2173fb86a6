"""The database: SQLite in a file by default, PostgreSQL by URL. It is the only shared truth: any process may end at any
time.
"""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DataError, DBAPIError, NoSuchModuleError, OperationalError

from jupyter_mlops.errors import DatabaseError, InvalidInputError

HEAD_REVISION = "0006"  # the newest migration
BUSY_TIMEOUT_S = 30.0  # seconds to wait for another writer
WRITE_LOCK_ID = 0x6D6C6F7073  # PostgreSQL's advisory lock of those who take runs or fire slots
# Without these, it may take hours until a connection to a server that has vanished is given up.
KEEPALIVE_OPTIONS = {"connect_timeout": 10, "keepalives_idle": 20, "keepalives_interval": 5, "keepalives_count": 4}
T = TypeVar("T")


class CorruptDocument(dict[str, Any]):
    """An empty placeholder for a document that can't be read, so that one damaged row does not affect others."""


class Database:
    """Connections to a database whose tables are up to date.

    :param url: of SQLAlchemy; `sqlite:///path` or `postgresql://…`.
    """

    OUTAGE = 600.0  # seconds that it may be away while a run goes on

    def __init__(self, url: str) -> None:
        self.url = url
        self.abort_event = threading.Event()
        self.engine = _create_engine(url)
        self.is_sqlite = self.engine.dialect.name == "sqlite"
        try:
            self._upgrade()
        except DBAPIError as error:
            self.engine.dispose()
            raise _database_error(error, url) from None

    @contextlib.contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection for reading."""
        try:
            with self.engine.connect() as connection:
                yield connection
        except (DBAPIError, OverflowError) as error:
            raise _database_error(error, self.url) from error

    @contextlib.contextmanager
    def write(self, *, alone: bool = False) -> Iterator[Connection]:
        """A transaction: committed at the end, rolled back on an exception.

        :param alone: no other such transaction runs at the same time, in any process.
        """
        try:
            with self.engine.connect() as connection:
                connection = connection.execution_options(writes=True)
                with connection.begin():
                    if alone and not self.is_sqlite:  # SQLite has one writer at a time anyway
                        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": WRITE_LOCK_ID})
                    yield connection
        except (DBAPIError, OverflowError) as error:
            if _is_integrity_error(error):
                raise
            raise _database_error(error, self.url) from error

    def retry_during_outage(self, operation: Callable[[], T], patience: float = BUSY_TIMEOUT_S) -> T:
        """Call the operation, and repeat it while the database is locked or unavailable, for `patience` s or until
        `abort_retries` is called.
        """
        until = time.monotonic() + patience
        delay = 0.05
        while True:
            try:
                return operation()
            except DatabaseError:
                if time.monotonic() + delay > until or self.abort_event.wait(delay):
                    raise
                delay = min(2.0, delay * 2)

    def abort_retries(self) -> None:
        """Stop waiting, because this process is about to end."""
        self.abort_event.set()

    def close(self) -> None:
        self.engine.dispose()

    def revision(self) -> str:
        """The migration of the tables; "" if the database has no tables of this program."""
        with self.engine.connect() as connection:
            if not inspect(connection).has_table("alembic_version"):
                return ""
            version_num = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
            return str(version_num or "")

    def _upgrade(self) -> None:
        revision = self.revision()
        if revision == HEAD_REVISION:
            return
        if revision > HEAD_REVISION or (revision and not revision.isdigit()):
            is_newer = revision.isdigit()
            self.engine.dispose()
            origin = "a newer jupyter_mlops" if is_newer else "another program"
            raise InvalidInputError(
                f"this database was written by {origin}: tables at {revision!r},"
                f" {HEAD_REVISION!r} is the newest that this release supports",
                where=make_url(self.url).render_as_string(hide_password=True),
                remedy="Upgrade: pip install -U jupyter_mlops." if is_newer else "Configure another database.",
            )
        from jupyter_mlops.db.migrate import upgrade

        with self.write(alone=True) as connection:
            upgrade(connection)


def default_url(home: Path) -> str:
    """SQLite in the home folder."""
    return f"sqlite:///{home / 'mlops.sqlite'}"


def name_of(url: str) -> str:
    """A name that identifies the database for all of its clients. The name of a file includes its machine."""
    import platform

    try:
        parsed = make_url(url)
    except ArgumentError:
        return ""
    if parsed.get_backend_name() == "sqlite":
        return f"sqlite on {platform.node()}: {Path(parsed.database or '').absolute()}"
    host = parsed.host or parsed.query.get("host") or "localhost"
    return f"{parsed.get_backend_name()} on {host}:{parsed.port or ''}: {parsed.database}"


def _create_engine(url: str) -> Engine:
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() == "postgresql" and "+" not in parsed.drivername:
            parsed = parsed.set(drivername="postgresql+psycopg")
        if parsed.get_backend_name() == "sqlite" and parsed.database not in (None, "", ":memory:"):
            Path(str(parsed.database)).parent.mkdir(parents=True, exist_ok=True)
        options: dict[str, Any] = {"json_deserializer": _parse_document}
        if parsed.get_backend_name() == "postgresql":
            connect_args = {name: value for name, value in KEEPALIVE_OPTIONS.items() if name not in parsed.query}
            options |= {"pool_pre_ping": True, "connect_args": connect_args}
        engine = create_engine(parsed, **options)
    except ModuleNotFoundError as error:
        raise InvalidInputError(
            f"the database needs {error.name}", where="database", remedy="pip install 'jupyter_mlops[postgresql]'"
        ) from None
    except (ArgumentError, NoSuchModuleError, ValueError) as error:
        raise InvalidInputError(
            f"not the URL of a database: {error}", where="database", remedy="Example: postgresql://host/name"
        ) from None
    except OSError as error:
        raise DatabaseError(f"the folder can't be created: {error.strerror}", where=str(parsed.database)) from None
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    elif engine.dialect.name != "postgresql":
        raise InvalidInputError(
            f"{engine.dialect.name} can't be used", where="database", remedy="Use sqlite:/// or postgresql://."
        )
    return engine


def _parse_document(text: str) -> Any:
    try:
        return json.loads(text)
    except (TypeError, ValueError):
        return CorruptDocument()


def _prepare_sqlite(connection: Any, record: Any) -> None:
    connection.isolation_level = None  # transactions are begun below, not by sqlite3
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {int(BUSY_TIMEOUT_S * 1000)}")
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = NORMAL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _is_integrity_error(error: Exception) -> bool:
    from sqlalchemy.exc import IntegrityError

    return isinstance(error, IntegrityError)


def _database_error(error: DBAPIError | OverflowError, url: str) -> InvalidInputError | DatabaseError:
    message = str(getattr(error, "orig", error)).strip().split("\n")[0]
    if isinstance(error, OverflowError | DataError):
        return InvalidInputError(
            f"the database can't hold this value: {message}", remedy="Use a smaller number or a shorter text."
        )
    location = make_url(url).render_as_string(hide_password=True)
    if isinstance(error, OperationalError):
        remedy = "Check that it exists, is writable, has free space, and is not locked by another program."
    else:
        remedy = "If it is damaged, restore a backup."
    return DatabaseError(f"the database: {message}", where=location, remedy=remedy)
