"""What a source tells of one run of another engine, before it is recorded."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from jupyter_mlops.jobs.external_runs import ExternalRun


@dataclass(frozen=True)
class EngineRun:
    """A run with what says which version it executed.

    :param job: name of the job; `digest`: of the version, or `version`: its number.
    :param notebook: reads the executed notebook: its file name and bytes; None if the source has none.
    :param log: reads the records of its log; None: the log tells the steps alone.
    """

    run: ExternalRun
    job: str
    digest: str = ""
    version: int | None = None
    notebook: Callable[[], tuple[str, bytes] | None] | None = None
    log: Callable[[], list[Mapping[str, Any]]] | None = None


@dataclass(frozen=True)
class SkippedRun:
    """A run that can't be imported, and why."""

    name: str
    why: str


class RunSource(Protocol):
    """Where runs of other engines are found."""

    @property
    def location(self) -> str:
        """The folder or URL, without credentials."""

    def runs(self, settled: Collection[str] = ()) -> Iterator[EngineRun | SkippedRun]:
        """The runs. Raises StoreError or UnreachableError.

        :param settled: names of runs that finished long ago and are recorded.
        """
