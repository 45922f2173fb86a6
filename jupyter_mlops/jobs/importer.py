"""Taking over the jobs of jupyter-scheduler: its database is read, and never written."""

from __future__ import annotations

import json
import sqlite3
import unicodedata
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from jupyter_mlops.errors import BadInput, MlopsError, Unknown
from jupyter_mlops.jobs.catalog import fits_in_name
from jupyter_mlops.jobs.cron import Cron
from jupyter_mlops.jobs.publish import publish
from jupyter_mlops.jobs.records import Job, VersionRow
from jupyter_mlops.jobs.workspace import Workspace

DATABASE, STAGING = "scheduler.sqlite", "scheduler_staging_area"
MESSAGE = "taken over from jupyter-scheduler"
Check = Callable[[Workspace, VersionRow, Mapping[str, object], Mapping[str, str]], dict[str, Any]]


def import_jobs(
    space: Workspace, check: Check, database: Path | None = None, *, activate: bool = False
) -> list[dict[str, Any]]:  # fmt: skip
    """Publish each job definition as a job with its schedule; what became of each, in words.

    A definition that can't be taken over is told of, and keeps no other from it.

    :param check: gives the parameters, typed ones and texts, as a version has them; raises BadParameter.
    :param database: default: where jupyter-scheduler keeps it.
    :param activate: let the schedules fire that fire there; else they rest until `resume`, so that nothing fires twice.
    """
    path = database or _default()
    found, names = [], set[str]()
    for row in _definitions(path):
        name = _name(str(row.get("name") or Path(str(row.get("input_filename") or "job")).stem), names)
        names.add(name)
        told: dict[str, Any] = {"definition": row.get("job_definition_id"), "job": name, "notes": []}
        found.append(told)
        try:
            _take_over(space, check, path, row, told, activate)
        except MlopsError as error:
            what = "its schedule was not taken over" if "version" in told else "not taken over"
            told["notes"].append(f"{what}: {f'{error.where}: ' if error.where else ''}{error.message}")
    return found


def _default() -> Path:
    from jupyter_core.paths import jupyter_data_dir

    return Path(jupyter_data_dir()) / DATABASE


def _definitions(path: Path) -> list[dict[str, Any]]:
    """All definitions, the oldest first; early releases of jupyter-scheduler did not have all the columns."""
    if not path.is_file():
        raise BadInput("there is no database of jupyter-scheduler", where=str(path), remedy="Name its file.")
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            connection.row_factory = sqlite3.Row
            rows = [dict(row) for row in connection.execute("SELECT * FROM job_definitions")]
    except sqlite3.Error as error:
        raise BadInput(f"not a database of jupyter-scheduler: {error}", where=str(path)) from None
    return sorted(rows, key=lambda row: row["create_time"] if isinstance(row.get("create_time"), int) else 0)


def _take_over(
    space: Workspace, check: Check, path: Path, row: Mapping[str, Any], told: dict[str, Any], activate: bool
) -> None:  # fmt: skip
    name, notes = told["job"], told["notes"]
    if not row.get("input_filename"):
        raise BadInput("it names no notebook")
    staged = path.parent / STAGING / str(row.get("job_definition_id")) / Path(str(row.get("input_filename"))).name
    if not staged.is_file():
        raise BadInput(f"its notebook is gone: {staged}")
    active = bool(row["active"]) if row.get("active") is not None else True
    if (own := _own(space, name)) is not None:
        both = bool(row.get("schedule")) and active and bool(space.catalog.schedules(own))
        notes.append("it is scheduled in both: pause one of them" if both else "its schedule is only there")
        raise BadInput(f"there is a job {name!r} here already, which did not come from there")
    made = publish(space, staged, name, MESSAGE)
    told.update(job=made.job.name, version=made.version.name)
    notes += made.notes
    if not row.get("schedule"):
        return
    cron = Cron.parse(str(row["schedule"]), str(row.get("timezone") or "UTC"))
    if any((s.cron, s.zone) == (cron.expression, cron.zone) for s in space.catalog.schedules(made.job)):
        notes.append("it was taken over before")
    else:
        given = _parameters(row.get("parameters"))
        texts = {name: value for name, value in given.items() if isinstance(value, str)}
        typed = {name: value for name, value in given.items() if name not in texts}
        known = space.catalog.add_schedule(made.job, cron, parameters=check(space, made.version, typed, texts))
        if not (activate and active):
            space.catalog.pause_schedule(known.id, True)
        told["schedule"] = known.id
    if active:
        notes.append(
            "jupyter-scheduler still runs it too: pause it there"
            + ("" if activate else f", then `jupyter mlops resume {told.get('schedule', made.job.name)}` here")
        )
    elif activate:
        notes.append("it rests, as it does there")


def _parameters(kept: Any) -> dict[str, Any]:
    try:
        values = json.loads(kept) if isinstance(kept, str) else kept
    except ValueError:
        values = kept
    if not isinstance(values or {}, dict):
        raise BadInput(f"its parameters can't be read: {kept!r}")
    return dict(values or {})


def _own(space: Workspace, name: str) -> Job | None:
    """A job of that name that was not taken over."""
    try:
        job = space.catalog.job(name)
    except Unknown:
        return None
    versions = space.catalog.versions(job)
    return job if versions and all(version.message != MESSAGE for version in versions) else None


def _name(text: str, taken: set[str]) -> str:
    """A job's name like the text, and no other's: definitions of jupyter-scheduler may share one."""
    plain = "".join(c if fits_in_name(c) else "-" for c in unicodedata.normalize("NFC", text)).strip(" .-_") or "job"
    plain = plain if plain[0].isalnum() else f"job {plain}"
    while ".." in plain:
        plain = plain.replace("..", ".")
    found, number = plain[:200].strip(), 2
    while found in taken:
        found, number = f"{plain[:190].strip()} {number}", number + 1
    return found
