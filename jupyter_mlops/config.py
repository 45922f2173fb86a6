"""Settings shared by the server, the worker and the command line."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from traitlets import Bool, Float, Int, List, Unicode
from traitlets.config import Configurable


def default_home() -> str:
    """Where runs, artifacts and the cache are kept: `JUPYTER_MLOPS_HOME`, or a folder of Jupyter's data."""
    home = os.environ.get("JUPYTER_MLOPS_HOME")
    if home:
        return home
    from jupyter_core.paths import jupyter_data_dir

    return str(Path(jupyter_data_dir()) / "mlops")


PLACES = ("home", "database", "store")  # where things are kept, not how they run
CLUSTER = {"executor", "scheduler", "artifacts", "cluster_timeout"}  # what a run in local kernels does not use


class RunConfig(Configurable):
    """How pipelines are run."""

    home = Unicode(help="Folder of runs, artifacts and the cache.").tag(config=True)
    jobs = Int(0, help="Kernels at most, the main line's included; 0: one for each core.").tag(config=True)
    ahead_after = Float(0.5, help="Seconds that a step has to run before helpers start on what comes after it.").tag(
        config=True
    )
    fork_kernels = Bool(True, help="Whether kernels are forked from a process that has their imports (Linux).").tag(
        config=True
    )
    fork_safe = List(
        Unicode(), help="Packages, more than the known ones, that are safe to import ahead of kernels that are forked."
    ).tag(config=True)
    pool_size = Int(2, help="Kernels that a worker keeps ready.").tag(config=True)
    pool_memory = Int(
        400_000_000, help="Bytes of their own that all kernels a worker keeps ready may hold; more are not started."
    ).tag(config=True)
    ahead_memory = Int(
        0, help="The same, with those for schedules that are due in seconds; 0: a tenth of the memory there is."
    ).tag(config=True)
    preload = List(Unicode(), help="Modules that a worker's kernels have imported ahead from the start.").tag(
        config=True
    )
    kernels_idle = Float(600.0, help="Seconds after which ready kernels and fork servers nobody asks for go.").tag(
        config=True
    )
    executor = Unicode(
        help="What executes runs: `local`, or `dask` for a Dask cluster. A job's policy `executor` counts more."
    ).tag(config=True)
    scheduler = Unicode(
        help="Address of the Dask scheduler, such as tcp://host:8786, or scheduler file; '': a cluster of this machine."
    ).tag(config=True)
    artifacts = Unicode(
        help="Folder or fsspec URL through which steps on a cluster hand on results; '': a folder in the home."
    ).tag(config=True)
    cluster_timeout = Float(60.0, help="Seconds to wait for the scheduler of a cluster, and for a worker.").tag(
        config=True
    )
    database = Unicode(help="SQLAlchemy URL of the database: sqlite:///file or postgresql://…").tag(config=True)
    store = Unicode(help="Where versions are kept: a folder, or a URL that fsspec knows: s3://bucket/prefix.").tag(
        config=True
    )
    lease = Float(30.0, help="Seconds after which a run whose worker is silent is taken over by another.").tag(
        config=True
    )
    missed_after = Float(60.0, help="Seconds after which a slot that was not fired counts as missed.").tag(config=True)
    stop_patience = Float(30.0, help="Seconds that a worker which is stopped lets its runs go on.").tag(config=True)
    unwatched = Float(30.0, help="Seconds that a worker which a server started goes on when no server is there.").tag(
        config=True
    )
    startup_timeout = Float(60.0, help="Seconds to wait for a kernel.").tag(config=True)
    save_every = Float(10.0, help="Seconds between saves of the record while cells run.").tag(config=True)
    hash_seed = Unicode("0", help="PYTHONHASHSEED of the kernels; '' leaves it random.").tag(config=True)
    cache_limit = Int(20_000_000_000, help="Bytes the cache may hold before old entries go.").tag(config=True)
    keep_going = Bool(
        True,
        help="Whether steps below a failed one still run that don't depend on it and only compute, for the sake of the "
        "cache, or whose author says `keep_going`.",
    ).tag(config=True)

    def is_plain(self) -> bool:
        """Whether nothing but where things are kept was set otherwise than it comes."""
        return not self.changed_settings().keys() - CLUSTER

    def changed_settings(self) -> dict[str, Any]:
        """What was set otherwise than it comes, but for where things are kept."""
        return {
            name: getattr(self, name)
            for name, trait in self.traits(config=True).items()
            if name not in PLACES and getattr(self, name) != trait.default()
        }

    def _executor_default(self) -> str:
        return os.environ.get("JUPYTER_MLOPS_EXECUTOR") or "local"

    def _scheduler_default(self) -> str:
        return os.environ.get("JUPYTER_MLOPS_SCHEDULER", "")

    def _artifacts_default(self) -> str:
        return os.environ.get("JUPYTER_MLOPS_ARTIFACTS", "")

    def _home_default(self) -> str:
        return default_home()

    def _database_default(self) -> str:
        return os.environ.get("JUPYTER_MLOPS_DATABASE") or f"sqlite:///{Path(self.home) / 'mlops.sqlite'}"

    def _store_default(self) -> str:
        return os.environ.get("JUPYTER_MLOPS_STORE") or str(Path(self.home) / "store")
