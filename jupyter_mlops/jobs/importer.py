"""Taking over the jobs of jupyter-scheduler: its database is read, and never written."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from jupyter_mlops.errors import BadInput, MlopsError
from jupyter_mlops.jobs.cron import Cron
from jupyter_mlops.jobs.publish import publish
from jupyter_mlops.jobs.workspace import Workspace

DATABASE, STAGING = "scheduler.sqlite", "scheduler_staging_area"


def import_jobs(space: Workspace, database: Path | None = None, *, activate: bool = False) -> list[dict[str, Any]]:
    """Publish each job definition as a job with its schedule; what became of each, in words.

    :param database: default: where jupyter-scheduler keeps it.
    :param activate: let the schedules fire; else they rest until `resume`, so that nothing fires twice.
    """
    path = database or _default()
    return [_one(space, path, row, activate) for row in _definitions(path)]


def _default() -> Path:
    from jupyter_core.paths import jupyter_data_dir

    return Path(jupyter_data_dir()) / DATABASE


def _definitions(path: Path) -> list[dict[str, Any]]:
    if not path.is_file():
        raise BadInput("there is no database of jupyter-scheduler", where=str(path), remedy="Name its file.")
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            connection.row_factory = sqlite3.Row
            return [dict(row) for row in connection.execute("SELECT * FROM job_definitions ORDER BY create_time")]
    except sqlite3.Error as error:
        raise BadInput(f"not a database of jupyter-scheduler: {error}", where=str(path)) from None


def _one(space: Workspace, path: Path, row: Mapping[str, Any], activate: bool) -> dict[str, Any]:
    name = str(row["name"] or Path(row["input_filename"]).stem)
    told: dict[str, Any] = {"definition": row["job_definition_id"], "job": name, "notes": []}
    staged = path.parent / STAGING / str(row["job_definition_id"]) / Path(row["input_filename"]).name
    try:
        if not staged.is_file():
            raise BadInput("its notebook is gone", where=str(staged))
        made = publish(space, staged, _name(name), "taken over from jupyter-scheduler")
        told.update(job=made.job.name, version=made.version.name)
        if row.get("schedule"):
            cron = Cron.parse(str(row["schedule"]), str(row.get("timezone") or "UTC"))
            there = [s for s in space.catalog.schedules(made.job) if (s.cron, s.zone) == (cron.expression, cron.zone)]
            if there:
                told["notes"].append("it was taken over before")
            else:
                values = row.get("parameters") or {}
                values = json.loads(values) if isinstance(values, str) else values
                known = space.catalog.add_schedule(made.job, cron, parameters=values)
                if not activate:
                    space.catalog.pause_schedule(known.id, True)
                told["schedule"] = known.id
            if row.get("active"):
                told["notes"].append(
                    "jupyter-scheduler still runs it too: pause it there"
                    + ("" if activate else f", then `jupyter mlops resume {told.get('schedule', made.job.name)}` here")
                )
    except MlopsError as error:
        told["notes"].append(f"not taken over: {error.message}")
    return told


def _name(text: str) -> str:
    plain = "".join(c if c.isalnum() or c in "._- " else "-" for c in text).strip(" .-_") or "job"
    return plain.replace("..", ".")[:200]
