"""Settings shared by the server, the worker and the command line."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from traitlets import Bool, Dict, Float, Int, List, Unicode
from traitlets.config import Configurable

LOCATIONS = frozenset({"home", "database", "store"})
ELSEWHERE = frozenset({"places", "run_stores", "run_stores_every"})  # of other engines
CLUSTER = frozenset({"executor", "scheduler", "artifacts", "cluster_timeout"})  # not used by runs in local kernels


def default_home() -> str:
    """The home folder: `JUPYTER_MLOPS_HOME`, or a folder in Jupyter's data folder."""
    home = os.environ.get("JUPYTER_MLOPS_HOME")
    if home:
        return home
    from jupyter_core.paths import jupyter_data_dir

    return str(Path(jupyter_data_dir()) / "mlops")


class RunConfig(Configurable):
    """How pipelines are run."""

    home = Unicode(help="Folder of the database, the runs and the cache.").tag(config=True)
    jobs = Int(0, help="Maximum number of kernels, the main kernel included; 0: one per core.").tag(config=True)
    ahead_after = Float(0.5, help="Seconds that a step runs before helpers start on later steps.").tag(config=True)
    fork_kernels = Bool(True, help="Whether kernels are forked from a process that has their imports (Linux).").tag(
        config=True
    )
    fork_safe = List(Unicode(), help="Additional packages that are safe to import before kernels are forked.").tag(
        config=True
    )
    pool_size = Int(2, help="Kernels that a worker keeps ready.").tag(config=True)
    pool_memory = Int(
        400_000_000, help="Maximum private memory, in bytes, of all kernels that a worker keeps ready."
    ).tag(config=True)
    ahead_memory = Int(
        0, help="The same, including kernels for schedules that are due soon; 0: a tenth of the memory."
    ).tag(config=True)
    preload = List(Unicode(), help="Modules that a worker imports ahead for its kernels from the start.").tag(
        config=True
    )
    kernels_idle = Float(600.0, help="Seconds after which unused ready kernels and fork servers end.").tag(config=True)
    executor = Unicode(
        "local",
        help="What executes runs: `local`, or `dask` for a Dask cluster. A job's policy `executor` counts more.",
    ).tag(config=True)
    scheduler = Unicode(
        help="Address of the Dask scheduler, such as tcp://host:8786, or scheduler file; '': a cluster of this machine."
    ).tag(config=True)
    artifacts = Unicode(
        help="Folder or fsspec URL through which steps on a cluster transfer results; '': a folder in the home."
    ).tag(config=True)
    cluster_timeout = Float(60.0, help="Seconds to wait for the scheduler of a cluster, and for a worker.").tag(
        config=True
    )
    database = Unicode(help="SQLAlchemy URL of the database: sqlite:///file or postgresql://…").tag(config=True)
    store = Unicode(
        help="Object store of versions: a folder, or a URL that fsspec supports, such as s3://bucket/prefix."
    ).tag(config=True)
    places = Dict(
        value_trait=Unicode(),
        key_trait=Unicode(),
        help="Where `deploy` puts exports of a target: {'airflow': '/srv/airflow/dags'}. Without passwords.",
    ).tag(config=True)
    run_stores = List(
        Unicode(),
        help="Where workers look for runs of other engines: folders, fsspec URLs, airflow+https://host?dag_id=….",
    ).tag(config=True)
    run_stores_every = Float(60.0, help="Seconds between two looks at a store of runs.").tag(config=True)
    lease = Float(30.0, help="Seconds after which another worker claims a run whose worker sends no heartbeat.").tag(
        config=True
    )
    missed_after = Float(60.0, help="Seconds after which a slot that was not fired counts as missed.").tag(config=True)
    stop_patience = Float(30.0, help="Seconds that a stopped worker waits for its runs.").tag(config=True)
    unwatched = Float(30.0, help="Seconds that a supervised worker continues without a server.").tag(config=True)
    startup_timeout = Float(60.0, help="Seconds to wait for a kernel.").tag(config=True)
    save_every = Float(10.0, help="Seconds between saves of the executed notebook while cells run.").tag(config=True)
    hash_seed = Unicode("0", help="PYTHONHASHSEED of the kernels; '' leaves it random.").tag(config=True)
    cache_limit = Int(
        20_000_000_000, help="Maximum size of the cache in bytes; the oldest entries are deleted first."
    ).tag(config=True)
    keep_going = Bool(
        True,
        help="Whether steps below a failed step run if they do not depend on it and only compute (the results are "
        "cached), or if their settings say `keep_going`.",
    ).tag(config=True)

    def is_plain(self) -> bool:
        """Whether all settings that change runs have their defaults."""
        return not self.changed_settings().keys() - ELSEWHERE - CLUSTER

    def changed_settings(self) -> dict[str, Any]:
        """The settings other than locations that differ from their defaults."""
        return {
            name: getattr(self, name)
            for name, trait in self.traits(config=True).items()
            if name not in LOCATIONS and getattr(self, name) != trait.default()
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
