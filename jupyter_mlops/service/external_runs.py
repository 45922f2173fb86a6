"""Runs that other engines executed come back: from the artifacts of their tasks, or the engine, to the history."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jupyter_mlops.service import runs

if TYPE_CHECKING:
    from jupyter_mlops.jobs.workspace import Workspace


def imported_runs(space: Workspace, url: str) -> dict[str, Any]:
    """Import the runs at a folder or URL: `runs`, those that were new or have changed, as `runs --json` shows them, and
    `skipped`: for each run that was not imported, its name and why.

    :param url: what exported tasks share, or `airflow+https://HOST?dag_id=DAG`.
    :raises InvalidInputError: nothing installed can reach the URL; StoreError, UnreachableError: it can't be read.
    """
    from jupyter_mlops.worker.run_import import import_runs

    imported = import_runs(space, url)
    return {
        "runs": [runs.run(space, run_id) for run_id in imported.ids],
        "skipped": [{"run": skipped.name, "why": skipped.why} for skipped in imported.skipped],
    }
