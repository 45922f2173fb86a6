"""The request for one run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jupyter_mlops.execution.remote import RemoteExecutor
    from jupyter_mlops.execution.task import Task


@dataclass(frozen=True)
class RunRequest:
    """The request for one run.

    :param given: typed parameter values; `texts`: values as written on a command line, read by declared type.
    :param output: path of the executed notebook; None: in the run directory.
    :param stop_before: a step: the run ends before it, with its inputs in the kernel, which keeps running.
    :param jobs: maximum number of kernels; 0: one per core.
    :param timeout: seconds for a cell; `run_timeout`: seconds for the run.
    :param published_from: the notebook that a version was published from, or that a copy was made of: runs share its
        profile. None: `notebook` itself.
    :param env: environment variables of the kernels; None: those of this process.
    :param task: the part of the run that this process executes; None: all of it.
    :param remote: executes the steps whose settings name a cluster.
    :param cache: folder of the cache; None: the home's.
    :param executor: what executes the run: "local", "dask", or "" for what the configuration says; `scheduler` and
        `artifacts`: of that cluster, "" for what the configuration says.
    """

    notebook: Path
    given: Mapping[str, object] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    output: Path | None = None
    from_step: str = ""
    only_step: str = ""
    use_cache: bool = True
    jobs: int = 0
    isolate: bool = False
    timeout: float | None = None
    run_timeout: float | None = None
    report: Path | None = None
    report_code: bool = True
    stop_before: str = ""
    kernel: str = ""
    cwd: Path | None = None
    env: Mapping[str, str] | None = None
    published_from: Path | None = None
    task: Task | None = None
    remote: RemoteExecutor | None = None
    cache: Path | None = None
    executor: str = ""
    scheduler: str = ""
    artifacts: str = ""

    @property
    def evidence_of(self) -> Path:
        """The notebook under whose path the profile of this run is stored."""
        return self.published_from or self.notebook
