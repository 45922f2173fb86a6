"""Every error this package raises on purpose.

    MlopsError                        exit code 1
    ├── InvalidInputError             exit code 2: the user can correct it
    │   ├── InvalidNotebookError      not a notebook that can be read
    │   ├── InvalidTagError           a tag that can't be understood
    │   ├── InvalidParameterError     a value that doesn't fit, or a parameter that doesn't exist
    │   ├── UnknownStepError          a step that the pipeline doesn't have
    │   ├── CyclicPipelineError       `prev:` tags that wait for each other
    │   ├── KernelNotFoundError       no kernel of that name
    │   ├── NotFoundError             a job, version, schedule or run that doesn't exist
    │   └── ConflictError             not possible in the current state: a finished run can't be stopped
    ├── RunFailedError                a cell raised, or the kernel died
    │   ├── KernelDiedError
    │   └── TimeoutExceededError
    ├── RunStoppedError               a person or the system stopped it
    ├── GateError                     a gate has not passed
    ├── EquivalenceError              the pipeline can't give the result of Run All
    ├── StoreError                    an object can't be written or doesn't match its digest
    ├── ClusterError                  the scheduler or the workers of a cluster can't be used
    ├── DatabaseError                 the database can't be reached, is locked or full
    ├── UnreachableError              a place or another engine doesn't answer
    └── EnvironmentBuildError         an environment can't be built from its lock

An error states what happened, where, and what to do. Errors are picklable: they travel between processes with their
fields. `code` is the public name of the kind, in REST answers and in the records of runs: it stays when a class is
renamed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar


class MlopsError(Exception):
    """Something in jupyter_mlops went wrong.

    :param message: what happened, for people.
    :param where: the place, for people: a path, a run, a cell counted from 1.
    :param remedy: what to do about it, for people.
    :param cell: position of the cell in `nb.cells`.
    :param field: the field of the input, dotted: `cron`, `parameters.alpha`. Names the place where `where` doesn't.
    :param data: what a program needs to offer a fix, as JSON.
    """

    code: ClassVar[str] = "MlopsError"
    exit_code: ClassVar[int] = 1

    def __init__(
        self, message: str = "", *, where: str = "", remedy: str = "", cell: int | None = None, field: str = "",
        data: Mapping[str, Any] | None = None,
    ) -> None:  # fmt: skip
        self.message = message or (self.__doc__ or "").split("\n")[0]
        self.where = where or field
        self.remedy = remedy
        self.cell = cell
        self.field = field
        self.data = dict(data or {})
        super().__init__(self.message, self.where, remedy)

    def to_dict(self) -> dict[str, Any]:
        """The error as JSON, for another process."""
        return {
            "kind": type(self).__name__,
            "message": self.message,
            "where": self.where,
            "remedy": self.remedy,
            "cell": self.cell,
            "field": self.field,
            "data": self.data,
        }

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (type(self), self.to_dict()))

    def __str__(self) -> str:
        text = f"{self.where}: {self.message}" if self.where else self.message
        return f"{text}\n  {self.remedy}" if self.remedy else text


def _rebuild(kind: type[MlopsError], data: dict[str, Any]) -> MlopsError:
    return kind(**{name: value for name, value in data.items() if name != "kind"})


def from_dict(data: Mapping[str, Any]) -> MlopsError:
    """The error that another process wrote with `to_dict`."""
    kind = globals().get(str(data["kind"]))
    return _rebuild(kind if isinstance(kind, type) and issubclass(kind, MlopsError) else MlopsError, dict(data))


class InvalidInputError(MlopsError):
    """The input can't be used."""

    code = "BadInput"
    exit_code = 2


class InvalidNotebookError(InvalidInputError):
    """The file is not a notebook that can be read."""

    code = "BadNotebook"


class InvalidTagError(InvalidInputError):
    """A cell tag can't be understood."""

    code = "BadTag"


class InvalidParameterError(InvalidInputError):
    """A parameter value doesn't fit."""

    code = "BadParameter"


class UnknownStepError(InvalidInputError):
    """The pipeline has no such step."""

    code = "UnknownStep"


class CyclicPipelineError(InvalidInputError):
    """Steps wait for each other."""

    code = "CyclicPipeline"


class KernelNotFoundError(InvalidInputError):
    """No kernel of that name is installed."""

    code = "NoKernel"


class NotFoundError(InvalidInputError):
    """The requested object does not exist."""

    code = "Unknown"


class ConflictError(InvalidInputError):
    """The action is not possible in the current state."""

    code = "Conflict"


class GateError(MlopsError):
    """A gate has not passed."""

    code = "GateNotPassed"


class RunFailedError(MlopsError):
    """The run failed."""

    code = "RunFailed"


class KernelDiedError(RunFailedError):
    """The kernel's process ended while a cell was running."""

    code = "KernelDied"


class TimeoutExceededError(RunFailedError):
    """A time limit expired."""

    code = "TimedOut"


class RunStoppedError(MlopsError):
    """The run was stopped."""

    code = "RunStopped"


class EquivalenceError(MlopsError):
    """The pipeline can't give the result of Run All."""

    code = "NotEqual"


class StoreError(MlopsError):
    """An object can't be stored, or doesn't match its digest."""

    code = "StoreError"


class ClusterError(MlopsError):
    """The cluster can't be used."""

    code = "ClusterError"


class DatabaseError(MlopsError):
    """The database can't be used at the moment."""

    code = "DatabaseError"


class UnreachableError(MlopsError):
    """A place or another engine can't be reached now."""

    code = "Unreachable"


class EnvironmentBuildError(MlopsError):
    """An environment can't be built from its lock."""

    code = "EnvironmentFailed"
