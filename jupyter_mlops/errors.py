"""Every error this package raises on purpose.

    MlopsError                      exit code 1
    ├── BadInput                    exit code 2: the person can mend it
    │   ├── BadNotebook             not a notebook we can read
    │   ├── BadTag                  a tag that can't be understood
    │   ├── BadParameter            a value that doesn't fit, a name that isn't there
    │   ├── UnknownStep             a step that the pipeline doesn't have
    │   ├── CyclicPipeline          `prev:` tags that wait for each other
    │   ├── NoKernel                no kernel of that name
    │   ├── Unknown                 a job, version, schedule or run that isn't there
    │   └── Conflict                not possible as things stand: a run that is over can't be stopped
    ├── RunFailed                   a cell raised, or the kernel died
    │   ├── KernelDied
    │   └── TimedOut
    ├── RunStopped                  a person or the system stopped it
    ├── NotEqual                    can't be given the result of Run All
    ├── StoreError                  an object can't be written or doesn't match its digest
    ├── DatabaseError               the database can't be reached, is locked or full
    └── EnvironmentFailed           an environment can't be built from its lock

An error says what happened, where, and what to do. Errors are picklable: they travel between
processes with their fields.
"""

from __future__ import annotations

from typing import ClassVar


class MlopsError(Exception):
    """Something in jupyter_mlops went wrong."""

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str = "", *, where: str = "", remedy: str = "") -> None:
        self.message = message or (self.__doc__ or "").split("\n")[0]
        self.where = where
        self.remedy = remedy
        super().__init__(self.message, where, remedy)

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (type(self), self.message, self.where, self.remedy))

    def __str__(self) -> str:
        text = f"{self.where}: {self.message}" if self.where else self.message
        return f"{text}\n  {self.remedy}" if self.remedy else text


def _rebuild(kind: type[MlopsError], message: str, where: str, remedy: str) -> MlopsError:
    return kind(message, where=where, remedy=remedy)


class BadInput(MlopsError):
    """The input can't be used as it is."""

    exit_code = 2


class BadNotebook(BadInput):
    """The file is not a notebook that can be read."""


class BadTag(BadInput):
    """A cell tag can't be understood."""


class BadParameter(BadInput):
    """A parameter value doesn't fit."""


class UnknownStep(BadInput):
    """The pipeline has no such step."""


class CyclicPipeline(BadInput):
    """Steps wait for each other."""


class NoKernel(BadInput):
    """No kernel of that name is installed."""


class Unknown(BadInput):
    """There is no such thing."""


class Conflict(BadInput):
    """That is not possible as things stand."""


class RunFailed(MlopsError):
    """The run failed."""


class KernelDied(RunFailed):
    """The kernel's process ended while a cell was running."""


class TimedOut(RunFailed):
    """The time allowed is over."""


class RunStopped(MlopsError):
    """The run was stopped."""


class NotEqual(MlopsError):
    """The pipeline can't give the result of Run All."""


class StoreError(MlopsError):
    """An object can't be stored, or doesn't match its digest."""


class DatabaseError(MlopsError):
    """The database can't be used now."""


class EnvironmentFailed(MlopsError):
    """An environment can't be built from its lock."""
