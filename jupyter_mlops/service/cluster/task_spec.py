"""What travels between the driver of a run and the Dask workers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from jupyter_mlops.service.task_request import TaskRequest

TOPIC = "jupyter-mlops"
"""Events of all runs: one topic for all, since a scheduler keeps the latest events of each topic permanently."""


@dataclass(frozen=True)
class Place:
    """Where and how the tasks of a run work on a worker.

    :param bundle: digest of the version's zip among the objects of the artifacts.
    :param home: the home folder; "": the worker's own.
    :param settings: traits of RunConfig that differ from the defaults.
    :param folder: the working folder, which is the notebook's; "": a check-out of the version on the worker.
    """

    bundle: str
    home: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    folder: str = ""


@dataclass(frozen=True)
class TaskSpec:
    """One attempt at a task.

    :param request: what to execute; its bundle is found on the worker.
    :param task: name of the task; `token`: name of the run in events.
    :param silence: seconds after which a task whose worker says nothing is given up on both sides.
    """

    request: TaskRequest
    place: Place
    task: str
    token: str
    silence: float = 30.0


@dataclass(frozen=True)
class WorkerCheck:
    """What a worker must have before a run begins.

    :param token: the content of a document at `document` of the artifacts, which the worker must be able to read.
    :param kernel: name of the kernel; `packages`: name -> version that its environment must have; empty: any.
    :param secrets: names of secrets that steps need.
    :param notebook: path and digest of the notebook, to see whether the worker has it in the same place; or empty.
    """

    artifacts: str
    document: str
    token: str
    home: str = ""
    kernel: str = "python3"
    python: str = ""
    packages: Mapping[str, str] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()
    notebook: tuple[str, str] = ("", "")


@dataclass(frozen=True)
class WorkerReport:
    """What a worker lacks.

    :param problems: sentences for people; the run can't use the worker.
    :param differences: packages that differ from those of the version.
    :param has_notebook: whether the notebook is at the same path there.
    """

    problems: tuple[str, ...] = ()
    differences: tuple[str, ...] = ()
    has_notebook: bool = False
