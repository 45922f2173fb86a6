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
    from jupyter_mlops.jobs.folder import RunFolder
    from jupyter_mlops.jobs.queue import Queue
    from jupyter_mlops.jobs.workers import Workers


def store_of(config: RunConfig) -> Store:
    """The store of versions, which other databases may use too."""
    from jupyter_mlops.db.database import name_of

    return open_store(config.store, Path(config.home), name_of(config.database))


def is_shared(config: RunConfig) -> bool:
    """Whether the store may be others' too: it is not the one in our own home."""
    return Path(config.store).absolute() != Path(config.home).absolute() / "store"


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

    def folder_of(self, run_id: str, *, written: bool = False) -> RunFolder:
        """The folder of a run, with what it left on another machine.

        :param written: what its cells wrote too.
        :raises StoreError: the store that has it can't be reached, or has lost it.
        """
        from jupyter_mlops.db.database import name_of
        from jupyter_mlops.jobs.folder import RunFolder

        folder = RunFolder(self.home, run_id, name_of(self.config.database))
        if is_shared(self.config):
            folder.bring(self.store, self.queue.files(run_id), written=written)
        return folder

    def close(self) -> None:
        if "db" in self.__dict__:
            self.db.close()
