"""Labels that arrive after the predictions of a job: from a file, or row by row."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_mlops.errors import InvalidInputError
from jupyter_mlops.tracking.table_file import Table, format_of, read_table

if TYPE_CHECKING:
    from jupyter_mlops.jobs.label_sets import LabelSets
    from jupyter_mlops.jobs.records import Job
    from jupyter_mlops.jobs.workspace import Workspace

MOST_BYTES = 1 << 30  # of a file
NAMES = ("label", "labels", "target", "y", "y_true", "truth", "actual", "outcome")


def add_file(
    space: Workspace, job: str, path: str, *, key: str = "", label: str = "", received: str = "", author: str = ""
) -> dict[str, Any]:  # fmt: skip
    """Store the labels in a CSV or Parquet file, as `add_table` does.

    :raises InvalidInputError: the file can't be read.
    """
    record = _job(space, job)
    file = Path(path).expanduser()
    try:
        if file.stat().st_size > MOST_BYTES:
            raise InvalidInputError(
                f"the file has more than {MOST_BYTES >> 30} GB",
                where=path,
                remedy="Split it, and store one after another.",
            )
        data = file.read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InvalidInputError(
            f"the file can't be read: {reason}", where=path, remedy="Give a CSV or Parquet file."
        ) from None
    table = read_table(data, format_of(data), path)
    return add_table(space, record, table, path, key=key, label=label, received=received, author=author)


def add_rows(
    space: Workspace, job: str, rows: Sequence[Mapping[str, Any]], *, key: str = "", label: str = "",
    received: str = "", author: str = "",
) -> dict[str, Any]:  # fmt: skip
    """Store labels given as rows, as `add_table` does. A column that a row lacks is empty there."""
    record = _job(space, job)
    names = dict.fromkeys(name for row in rows for name in row)
    table = Table({name: [row.get(name) for row in rows] for name in names}, len(rows))
    return add_table(space, record, table, "rows", key=key, label=label, received=received, author=author)


def add_table(
    space: Workspace, job: Job, table: Table, where: str, *, key: str, label: str, received: str, author: str
) -> dict[str, Any]:
    """Store the labels in a table, beside those that were received earlier.

    Of several labels of a key, the one received last counts; of those in one table, the last row. A label without a
    value takes an earlier one back. The same labels, received at the same time, are stored once.

    :param where: the file, for errors.
    :param key: the column with the keys; "": the key of the job's latest predictions.
    :param label: the column with the labels; "": a usual name, or the only other column.
    :param received: when they became known, as a date or a time; "": now.
    :raises InvalidInputError: a column is missing, a row has no key, or the time is in the future.
    """
    from jupyter_mlops.jobs.catalog import whoami
    from jupyter_mlops.tracking.label_values import label_rows

    key = key or _key_of_predictions(space, job, table, where)
    keys = table.column(key, "key", where)
    label = label or _label_column(table, key, where)
    content = label_rows(keys, table.column(label, "label", where), key, label, where)
    sets = label_sets(space)
    earlier: dict[Any, Any] = {}
    for entry in sets.labels(sets.of_job(job.id)):
        earlier[entry.key] = entry.value
    changed = sum(name in earlier and earlier[name] != value for name, value in content.rows)
    stored, is_new = sets.add(
        job.id, content.rows, received=_moment(received), key=key, label=label, author=author or whoami()
    )
    return {
        "id": stored.id, "job": job.notebook or job.name, "received": stored.received, "rows": stored.rows,
        "key": key, "label": label, "author": stored.author, "new": is_new, "corrected": changed,
        "unlabelled": sum(value is None for _, value in content.rows), "repeated": content.repeated,
        "contradicting": content.contradicting,
    }  # fmt: skip


def label_sets(space: Workspace) -> LabelSets:
    """The labels of a workspace."""
    from jupyter_mlops.jobs.label_sets import LabelSets

    return LabelSets(space.db, space.store)


def _job(space: Workspace, name: str) -> Job:
    from jupyter_mlops.service.runs import find_job

    return find_job(space, name)


def _moment(text: str) -> float:
    """The time; the end of a day that is not over is now. Raises InvalidInputError."""
    from jupyter_mlops.registry.moment import parse_moment

    now = time.time()
    if not text:
        return now
    seconds = parse_moment(text, "received").seconds
    if seconds <= now:
        return seconds
    if len(text) <= len("2026-03-01") and seconds - now <= 24 * 3600:
        return now
    raise InvalidInputError(
        f"{text!r} is in the future", field="received", remedy="Say when the labels became known, or leave it out."
    )


def _key_of_predictions(space: Workspace, job: Job, table: Table, where: str) -> str:
    """The key of the job's latest predictions that the table has. Raises InvalidInputError."""
    latest = space.run_data.predicted_runs(job.id, 1)
    keys = [entry["key"] for run in latest for entry in space.run_data.predictions(run) if entry["key"]]
    for key in keys:
        if key in table.columns:
            return str(key)
    reason = (
        f"there is no column {keys[0]!r}, the key of the predictions" if keys
        else "it is not known which column has the keys: the job has no predictions with a key"
    )  # fmt: skip
    raise InvalidInputError(
        reason, where=where, field="key", remedy=f"Name the column with --key: {', '.join(table.names[:20])}."
    )


def _label_column(table: Table, key: str, where: str) -> str:
    others = [name for name in table.names if name != key]
    usual = [name for name in others if name.lower() in NAMES]
    if len(usual) == 1:
        return usual[0]
    if len(others) == 1:
        return others[0]
    raise InvalidInputError(
        "it is not clear which column has the labels", where=where, field="label",
        remedy=f"Name the column with --label: {', '.join(others[:20]) or 'there is none beside the key'}.",
    )  # fmt: skip
