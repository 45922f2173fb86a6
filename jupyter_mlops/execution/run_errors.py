"""How the execution of a block can end other than by completing. The run loop handles these; nothing else sees them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nbclient.exceptions import CellExecutionError

from jupyter_mlops.errors import MlopsError, RunFailedError


class RunExited(MlopsError):
    """A cell called sys.exit()."""


class ActDenied(MlopsError):
    """A block below a failed one did more than compute."""


class LocatedFailure(RunFailedError):
    """A failure, located in its cell."""

    cell = 0


class CellFailed(LocatedFailure):
    """A cell raised an exception."""

    def __init__(self, cell: int, error: CellExecutionError) -> None:
        super().__init__(f"{error.ename}: {error.evalue}", where=f"cell {cell + 1}")
        self.cell, self.cause = cell, error


class CellInterrupted(LocatedFailure):
    """The kernel died, or a time limit expired, while a cell ran."""

    def __init__(self, cell: int, error: MlopsError) -> None:
        super().__init__(error.message, where=f"cell {cell + 1}", remedy=error.remedy)
        self.cell, self.cause = cell, error


class RemoteFailed(LocatedFailure):
    """A block failed on a cluster.

    :param facts: `ename`, `evalue` and `traceback`.
    """

    def __init__(self, cell: int, facts: Mapping[str, Any]) -> None:
        super().__init__(f"{facts['ename']}: {facts['evalue']}", where=f"cell {cell + 1}")
        self.cell, self.facts = cell, facts
