"""Metrics: the series of a job over its runs, and the points of one run. Plain JSON values: NaN is "nan"."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from jupyter_mlops.errors import InvalidInputError, NotFoundError
from jupyter_mlops.service.runs import find_job

if TYPE_CHECKING:
    from jupyter_mlops.jobs.workspace import Workspace

MOST_RUNS = 1000  # of a series
MOST_POINTS = 10_000  # of a run


def series(
    space: Workspace, job: str, names: Sequence[str] = (), last: int = 100, before: str = ""
) -> dict[str, Any]:  # fmt: skip
    """The metrics of the finished runs of a job or a notebook, oldest first: `runs`, `names`, and `next`, the id to
    give as `before` for the page of earlier runs (None: there are none).

    :param names: only these metrics.
    :param last: number of runs, at most 1,000.
    :param before: only runs before this one.
    :raises NotFoundError: there is no such job, or none of its runs has a metric of that name.
    """
    if not 1 <= last <= MOST_RUNS:
        raise InvalidInputError(
            f"{last} is not a number of runs", field="last", remedy=f"Use a number from 1 to {MOST_RUNS}."
        )
    record = find_job(space, job)
    cursor = space.queue.run(space.queue.full_id(before)) if before else None
    page = None if cursor is None else (cursor.created, cursor.id)
    rows = space.queue.runs(
        job_id=record.id, states=("completed", "failed", "stopped"), after=page, limit=last + 1, experiments=False
    )
    further, rows = len(rows) > last, rows[:last]
    present = list(dict.fromkeys(name for row in rows for name in row.metrics))
    _require_known(names, present, job)
    runs = [
        {
            "run": row.id, "version": None if row.version is None else f"v{row.version}", "state": row.state,
            "created": row.created, "finished": row.finished,
            "metrics": {name: value for name, value in row.metrics.items() if not names or name in names},
        }
        for row in reversed(rows)
    ]  # fmt: skip
    return {
        "job": record.notebook or record.name, "names": [name for name in present if not names or name in names],
        "runs": runs, "next": rows[-1].id if further else None,
    }  # fmt: skip


def _require_known(names: Sequence[str], present: Sequence[str], where: str) -> None:
    for name in names:
        if name not in present:
            import difflib

            nearest = difflib.get_close_matches(name, present, 1)
            hint = f"Did you mean {nearest[0]!r}? " if nearest else ""
            listed = ", ".join(present[:20]) + (", …" if len(present) > 20 else "")
            raise NotFoundError(
                f"there is no metric {name!r}", where=where, field="name", remedy=f"{hint}Metrics: {listed or 'none'}."
            )


def points(space: Workspace, run: str, names: Sequence[str] = (), limit: int = MOST_POINTS) -> dict[str, Any]:
    """The points of a run's metrics in the order in which it logged them: name, value, step, at.

    :param names: only these metrics.
    :param limit: number of points of each metric; of more, evenly spaced ones, the first and the last are given.
    :raises NotFoundError: there is no such run, or it has no metric of that name.
    """
    run_id = space.queue.full_id(run)
    entries = space.run_data.points(run_id)
    present = list(dict.fromkeys(entry["name"] for entry in entries))
    _require_known(names, present, run_id)
    selected = [name for name in present if not names or name in names]
    of_name: dict[str, list[dict[str, Any]]] = {name: [] for name in selected}
    for entry in entries:
        if entry["name"] in of_name:
            of_name[entry["name"]].append(entry)
    thinned = {id(entry) for name in selected for entry in spaced(of_name[name], limit)}
    return {
        "run": run_id, "names": selected, "thinned": any(len(of_name[name]) > limit for name in selected),
        "points": [entry for entry in entries if id(entry) in thinned],
    }  # fmt: skip


def spaced(entries: Sequence[Any], limit: int) -> list[Any]:
    """At most `limit` entries, evenly spaced, with the first and the last."""
    if len(entries) <= limit:
        return list(entries)
    if limit == 1:
        return [entries[-1]]
    return [entries[round(index * (len(entries) - 1) / (limit - 1))] for index in range(limit)]


def of_job_or_run(
    space: Workspace, name: str, names: Sequence[str] = (), last: int = 100
) -> tuple[str, dict[str, Any]]:  # fmt: skip
    """("job", `series`) or ("run", `points`), whichever the name is of. Raises NotFoundError."""
    try:
        find_job(space, name)
    except NotFoundError as error:
        try:
            run_id = space.queue.full_id(name)
        except (NotFoundError, InvalidInputError):
            raise error from None
        return "run", points(space, run_id, names)
    return "job", series(space, name, names, last)


def csv_of_series(payload: dict[str, Any]) -> str:
    """A line for each value of a series: run, version, state, created, metric, value."""
    rows = [
        (run["run"], run["version"] or "", run["state"], run["created"], name, value)
        for run in payload["runs"]
        for name, value in run["metrics"].items()
    ]
    return _csv(("run", "version", "state", "created", "metric", "value"), rows)


def csv_of_points(payload: dict[str, Any]) -> str:
    """A line for each point of a run: metric, step, value, at."""
    rows = [(p["name"], "" if p["step"] is None else p["step"], p["value"], p["at"]) for p in payload["points"]]
    return _csv(("metric", "step", "value", "at"), rows)


def _csv(headers: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(headers)
    writer.writerows(rows)
    return text.getvalue()
