"""A job with versions and finished runs, without executing anything."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jupyter_mlops.jobs.new_run import NewRun
from jupyter_mlops.jobs.workspace import Workspace
from jupyter_mlops.service import jobs
from tests.jobs.workspace import opened, write_notebook

PARAMETERS = "# tags: parameters\nn: int = 1"


def build(folder: Path, count: int, *more: str) -> Path:
    """A folder with a workspace in which the job `churn` has so many versions.

    :param more: further cells of the notebook.
    """
    with opened(folder / "home") as space:
        for number in range(1, count + 1):
            publish(space, folder, number, *more)
    return folder


@contextmanager
def copied(built: Path, folder: Path) -> Iterator[Workspace]:
    """A copy of it: publishing takes seconds."""
    shutil.copytree(built, folder, dirs_exist_ok=True)
    with opened(folder / "home") as space:
        yield space


def publish(space: Workspace, folder: Path, number: int, *more: str) -> None:
    score = f"# tags: step:fit metrics\naccuracy = {number} * n"
    path = write_notebook(folder / "work" / "churn.ipynb", PARAMETERS, score, *more)
    assert jobs.publish(space, path)["version"] == f"v{number}"


def ran(
    space: Workspace, version: str, metrics: Mapping[str, Any] | None = None, *, state: str = "completed",
    steps: Mapping[str, str] | None = None, **changes: Any,
) -> str:  # fmt: skip
    """A run of that version that is over. Returns its id."""
    job = space.catalog.job("churn")
    row = space.catalog.version(job, version)
    new = space.queue.add(NewRun("manual", job.id, row.id, **changes))
    run = space.queue.claim("w", only=new.id)
    assert run is not None
    records = [{"name": name, "state": each} for name, each in (steps or {"fit": "completed"}).items()]
    assert space.queue.finish(run, state, metrics=metrics or {}, steps=records)
    return new.id
