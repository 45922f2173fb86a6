"""Everything that is kept, opened when it is first asked for: the database, and the store of versions."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_mlops.config import RunConfig
from jupyter_mlops.versions.store import Store, open_store

if TYPE_CHECKING:
    from jupyter_mlops.db.database import Database
    from jupyter_mlops.jobs.catalog import Catalog
    from jupyter_mlops.jobs.queue import Queue
    from jupyter_mlops.jobs.workers import Workers


def store_of(config: RunConfig) -> Store:
    """The store of versions, which other databases may use too."""
    from jupyter_mlops.db.database import name_of

    return open_store(config.store, Path(config.home), name_of(config.database))


class Workspace:
    """What the verbs of jobs and versions work on."""

    def __init__(self, config: RunConfig | None = None) -> None:
        self.config = config or RunConfig()
        self.home = Path(self.config.home)

    @cached_property
    def db(self) -> Database:
        from jupyter_mlops.db.database import Database

        return Database(self.config.database)

    @cached_property
    def catalog(self) -> Catalog:
        from jupyter_mlops.jobs.catalog import Catalog

        return Catalog(self.db)

    @cached_property
    def queue(self) -> Queue:
        from jupyter_mlops.jobs.queue import Queue

        return Queue(self.db, lease=self.config.lease)

    @cached_property
    def workers(self) -> Workers:
        from jupyter_mlops.jobs.workers import Workers

        return Workers(self.db)

    @cached_property
    def store(self) -> Store:
        return store_of(self.config)

    def close(self) -> None:
        if "db" in self.__dict__:
            self.db.close()
