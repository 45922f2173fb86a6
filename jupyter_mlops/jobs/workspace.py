"""The database and the object store of one configuration, opened on first use."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_mlops.config import RunConfig
from jupyter_mlops.storage.store import Store, open_store

if TYPE_CHECKING:
    from jupyter_mlops.db.database import Database
    from jupyter_mlops.jobs.catalog import Catalog
    from jupyter_mlops.jobs.models import Models
    from jupyter_mlops.jobs.run_data import RunDataStore
    from jupyter_mlops.jobs.run_directory import RunDirectory
    from jupyter_mlops.jobs.run_queue import RunQueue
    from jupyter_mlops.jobs.worker_registry import WorkerRegistry


def store_of(config: RunConfig) -> Store:
    """The object store, which other databases may use too."""
    from jupyter_mlops.db.database import name_of

    return open_store(config.store, Path(config.home), name_of(config.database))


def is_shared(config: RunConfig) -> bool:
    """Whether the store may be shared: it is not the one in this home folder."""
    return Path(config.store).absolute() != Path(config.home).absolute() / "store"


class Workspace:
    """Database, store and services for jobs and versions."""

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
    def queue(self) -> RunQueue:
        from jupyter_mlops.jobs.run_queue import RunQueue

        return RunQueue(self.db, lease=self.config.lease)

    @cached_property
    def run_data(self) -> RunDataStore:
        from jupyter_mlops.jobs.run_data import RunDataStore

        return RunDataStore(self.db)

    @cached_property
    def models(self) -> Models:
        from jupyter_mlops.jobs.models import Models

        return Models(self.db)

    @cached_property
    def workers(self) -> WorkerRegistry:
        from jupyter_mlops.jobs.worker_registry import WorkerRegistry

        return WorkerRegistry(self.db)

    @cached_property
    def store(self) -> Store:
        return store_of(self.config)

    def folder_of(self, run_id: str, *, with_written: bool = False) -> RunDirectory:
        """The run directory of a run, including what it left on another machine.

        :param with_written: include what its cells wrote.
        :raises StoreError: the store is unreachable, or an object is lost.
        """
        from jupyter_mlops.db.database import name_of
        from jupyter_mlops.jobs.run_directory import RunDirectory

        folder = RunDirectory(self.home, run_id, name_of(self.config.database))
        if is_shared(self.config):
            folder.download(self.store, self.queue.files(run_id), with_written=with_written)
        return folder

    def close(self) -> None:
        if "db" in self.__dict__:
            self.db.close()
