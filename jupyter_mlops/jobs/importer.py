"""Import the jobs of jupyter-scheduler. Its database is read and never written."""

from __future__ import annotations

import json
import sqlite3
import unicodedata
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from jupyter_mlops.errors import InvalidInputError, MlopsError, NotFoundError
from jupyter_mlops.jobs.catalog import fits_in_name
from jupyter_mlops.jobs.publish import publish
from jupyter_mlops.jobs.records import Job, VersionRow
from jupyter_mlops.jobs.workspace import Workspace
from jupyter_mlops.scheduling.cron import Cron

DATABASE, STAGING = "scheduler.sqlite", "scheduler_staging_area"
MESSAGE = "taken over from jupyter-scheduler"
Check = Callable[[Workspace, VersionRow, Mapping[str, object], Mapping[str, str]], dict[str, Any]]


def import_jobs(
    space: Workspace, check: Check, database: Path | None = None, *, activate: bool = False
) -> list[dict[str, Any]]:  # fmt: skip
    """Publish each job definition as a job with its schedule. Returns the result for each, with notes for people.

    A definition that cannot be imported is reported and does not affect the others.

    :param check: returns the parameters, typed values and texts, in the form that a version expects; raises
        InvalidParameterError.
    :param database: default: the location that jupyter-scheduler uses.
    :param activate: activate the schedules that are active there; otherwise they stay paused until `resume`, so that
        nothing fires twice.
    """
    path = database or _default()
    results, names = [], set[str]()
    for row in _definitions(path):
        name = _name(str(row.get("name") or Path(str(row.get("input_filename") or "job")).stem), names)
        names.add(name)
        result: dict[str, Any] = {"definition": row.get("job_definition_id"), "job": name, "notes": []}
        results.append(result)
        try:
            _take_over(space, check, path, row, result, activate)
        except MlopsError as error:
            prefix = "the schedule was not imported" if "version" in result else "not imported"
            result["notes"].append(f"{prefix}: {f'{error.where}: ' if error.where else ''}{error.message}")
    return results


def _default() -> Path:
    from jupyter_core.paths import jupyter_data_dir

    return Path(jupyter_data_dir()) / DATABASE


def _definitions(path: Path) -> list[dict[str, Any]]:
    """All definitions, oldest first. Early releases of jupyter-scheduler lack some columns."""
    if not path.is_file():
        raise InvalidInputError(
            "there is no database of jupyter-scheduler", where=str(path), remedy="Pass the path of its database file."
        )
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            connection.row_factory = sqlite3.Row
            rows = [dict(row) for row in connection.execute("SELECT * FROM job_definitions")]
    except sqlite3.Error as error:
        raise InvalidInputError(f"not a database of jupyter-scheduler: {error}", where=str(path)) from None
    return sorted(rows, key=lambda row: row["create_time"] if isinstance(row.get("create_time"), int) else 0)


def _take_over(
    space: Workspace, check: Check, path: Path, row: Mapping[str, Any], result: dict[str, Any], activate: bool
) -> None:  # fmt: skip
    name, notes = result["job"], result["notes"]
    if not row.get("input_filename"):
        raise InvalidInputError("the definition names no notebook")
    staged = path.parent / STAGING / str(row.get("job_definition_id")) / Path(str(row.get("input_filename"))).name
    if not staged.is_file():
        raise InvalidInputError(f"the notebook does not exist any more: {staged}")
    active = bool(row["active"]) if row.get("active") is not None else True
    if (own_job := _own(space, name)) is not None:
        doubly_scheduled = bool(row.get("schedule")) and active and bool(space.catalog.schedules(own_job))
        notes.append(
            "scheduled in both: pause one of them"
            if doubly_scheduled
            else "the schedule exists only in jupyter-scheduler"
        )
        raise InvalidInputError(f"the job {name!r} already exists here and was not imported")
    publication = publish(space, staged, name, MESSAGE)
    result.update(job=publication.job.name, version=publication.version.name)
    notes += publication.notes
    if not row.get("schedule"):
        return
    cron = Cron.parse(str(row["schedule"]), str(row.get("timezone") or "UTC"))
    if any((s.cron, s.zone) == (cron.expression, cron.zone) for s in space.catalog.schedules(publication.job)):
        notes.append("already imported")
    else:
        parameters = _parameters(row.get("parameters"))
        texts = {name: value for name, value in parameters.items() if isinstance(value, str)}
        typed = {name: value for name, value in parameters.items() if name not in texts}
        schedule = space.catalog.add_schedule(
            publication.job, cron, parameters=check(space, publication.version, typed, texts)
        )
        if not (activate and active):
            space.catalog.pause_schedule(schedule.id, True)
        result["schedule"] = schedule.id
    if active:
        notes.append(
            "jupyter-scheduler still runs it: pause it there"
            + ("" if activate else f", then `jupyter mlops resume {result.get('schedule', publication.job.name)}` here")
        )
    elif activate:
        notes.append("paused, as in jupyter-scheduler")


def _parameters(stored: Any) -> dict[str, Any]:
    try:
        values = json.loads(stored) if isinstance(stored, str) else stored
    except ValueError:
        values = stored
    if not isinstance(values or {}, dict):
        raise InvalidInputError(f"the parameters are unreadable: {stored!r}")
    return dict(values or {})


def _own(space: Workspace, name: str) -> Job | None:
    """A job of that name that was not imported."""
    try:
        job = space.catalog.job(name)
    except NotFoundError:
        return None
    versions = space.catalog.versions(job)
    return job if versions and all(version.message != MESSAGE for version in versions) else None


def _name(text: str, names: set[str]) -> str:
    """A unique job name close to the text: definitions of jupyter-scheduler may share a name."""
    plain = "".join(c if fits_in_name(c) else "-" for c in unicodedata.normalize("NFC", text)).strip(" .-_") or "job"
    plain = plain if plain[0].isalnum() else f"job {plain}"
    while ".." in plain:
        plain = plain.replace("..", ".")
    candidate, number = plain[:200].strip(), 2
    while candidate in names:
        candidate, number = f"{plain[:190].strip()} {number}", number + 1
    return candidate
