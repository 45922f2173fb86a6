"""The options of one run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from jupyter_mlops.execution.remote import RemoteExecutor
from jupyter_mlops.execution.task import Task


@dataclass(frozen=True)
class Options:
    """Options of one run.

    :param jobs: maximum number of kernels, the main line's included.
    :param isolate: run each step in its own kernel, as clusters do.
    :param redo_from: execute this step and all later ones even if a result is cached.
    :param only: run this step, and before it the steps that it depends on and that have no cached result.
    :param stop_before: end before this step; the main kernel then holds its inputs and is detached.
    :param cell_timeout: maximum seconds for a cell; run_timeout: maximum seconds for the run.
    :param env: environment variables of the kernels; None: those of this process.
    :param task: the part of the run that this process executes; None: all of it.
    :param remote: executes the steps whose settings name a cluster; None: there is no cluster.
    :param positions: position of each cell in the notebook that was given to the run; parameters may have been
        injected since.
    :param secrets: values that are removed from everything that is shown and stored.
    """

    jobs: int = 1
    isolate: bool = False
    redo_from: str = ""
    only: str = ""
    stop_before: str = ""
    cell_timeout: float | None = None
    run_timeout: float | None = None
    env: Mapping[str, str] | None = None
    secrets: tuple[str, ...] = ()
    task: Task | None = None
    remote: RemoteExecutor | None = None
    positions: tuple[int, ...] = ()

    @property
    def hands_on_all(self) -> bool:
        """Whether all values leave the kernel after each block, whatever that costs."""
        return self.isolate or self.task is not None
