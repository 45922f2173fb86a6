"""Backfills and parameter sweeps. The operations return plain JSON values."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from jupyter_mlops.errors import InvalidInputError, NotFoundError
from jupyter_mlops.service.run_values import build_pipeline, check_parameters, checked_values, split_selector
from jupyter_mlops.service.waiting import EventCallback, notify_worker, wait_until_finished

if TYPE_CHECKING:
    from jupyter_mlops.jobs.workspace import Workspace


MAX_RUNS = 10_000  # maximum number of runs of a backfill or a sweep


def backfill(
    space: Workspace, job: str, start: str, end: str, *, cron: str = "", zone: str = "",
    parameters: Mapping[str, object] | None = None, texts: Mapping[str, str] | None = None, concurrency: int = 1,
    only_count: bool = False, run_options: Mapping[str, Any] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Queue a run for each slot from `start` to `end`, both included, oldest first.

    :param cron: the slots; "": those of the job's schedule, with its parameters.
    :param run_options: how to execute them: `executor`, `scheduler`, `artifacts`.
    """
    from jupyter_mlops.jobs.new_run import NewRun
    from jupyter_mlops.scheduling.cron import Cron

    name, selector = split_selector(job)
    job_record = space.catalog.job(name)
    texts, parameters = dict(texts or {}), dict(parameters or {})
    if cron:
        parsed_cron = Cron.parse(cron, zone or "UTC")
    else:
        schedules = space.catalog.schedules(job_record)
        if len(schedules) != 1:
            raise InvalidInputError(
                f"the job has {len(schedules)} schedules", where=name, remedy="Choose the slots with --cron."
            )
        parsed_cron = Cron.parse(schedules[0].cron, zone or schedules[0].zone)
        parameters = {**schedules[0].parameters, **parameters}
        selector = selector if "@" in job else schedules[0].version
    version = space.catalog.version(job_record, selector)
    first, last = instant(start, parsed_cron.zone), instant(end, parsed_cron.zone, day_end=True)
    if last < first:
        raise InvalidInputError("the end is before the beginning", field="end")
    lower_bound = datetime.fromtimestamp(first - 1, UTC)
    times, has_more = parsed_cron.between(lower_bound, datetime.fromtimestamp(last, UTC), MAX_RUNS)
    if has_more:
        raise InvalidInputError(f"that would be more than {MAX_RUNS} runs", remedy="Choose a shorter range.")
    values = checked_values(space, version, parameters, texts)
    count = {"job": job_record.name, "version": version.name, "runs": len(times)}
    if only_count or not times:
        return count
    new_runs = [
        NewRun(
            "backfill", job_record.id, version.id, slot=time.timestamp(), parameters=values, priority=-10,
            options=run_options,
        )
        for time in times
    ]  # fmt: skip
    options = {"from": start, "to": end, "cron": parsed_cron.expression, "zone": parsed_cron.zone}
    batch_id, ids = space.queue.add_batch(job_record.id, "backfill", concurrency, options, new_runs)
    notify_worker(space)
    return {**count, "batch": batch_id, "ids": ids}


def sweep(
    space: Workspace, job: str, axes: Mapping[str, Sequence[str]], *, parameters: Mapping[str, object] | None = None,
    texts: Mapping[str, str] | None = None, concurrency: int = 1, only_count: bool = False,
    run_options: Mapping[str, Any] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Queue a run for each combination of values.

    :param axes: parameter -> values as texts.
    :param run_options: how to execute them: `executor`, `scheduler`, `artifacts`.
    """
    from jupyter_mlops.jobs.new_run import NewRun

    name, selector = split_selector(job)
    job_record = space.catalog.job(name)
    version = space.catalog.version(job_record, selector)
    total = 1
    for values in axes.values():
        total *= len(values)
    if total > MAX_RUNS:
        raise InvalidInputError(f"that would be {total} runs", remedy=f"The maximum is {MAX_RUNS}.")
    pipeline = build_pipeline(space, version)
    grid = [
        check_parameters(pipeline, parameters or {}, {**(texts or {}), **dict(zip(axes, combination, strict=True))})
        for combination in itertools.product(*axes.values())
    ]
    if not grid:
        raise InvalidInputError(
            "there are no values to combine", field="axes", remedy="Pass values for at least one parameter."
        )
    count = {"job": job_record.name, "version": version.name, "runs": len(grid)}
    if only_count:
        return count
    new_runs = [
        NewRun("sweep", job_record.id, version.id, parameters=values, priority=-10, options=run_options)
        for values in grid
    ]
    options = {"axes": {name: list(values) for name, values in axes.items()}}
    batch_id, ids = space.queue.add_batch(job_record.id, "sweep", concurrency, options, new_runs)
    notify_worker(space)
    return {**count, "batch": batch_id, "ids": ids}


def batch(space: Workspace, batch_id: int) -> dict[str, Any]:
    """A backfill or a sweep as a table: parameters, state, metrics and time of each run."""
    batch_runs = sorted(
        space.queue.runs(batch_id=batch_id, limit=MAX_RUNS), key=lambda r: (r.slot or 0.0, r.created, r.id)
    )
    if not batch_runs:
        raise NotFoundError(f"there is no backfill or sweep {batch_id}")
    states = [r.state for r in batch_runs]
    return {
        "batch": batch_id, "job": batch_runs[0].job, "kind": batch_runs[0].trigger,
        "states": {state: states.count(state) for state in dict.fromkeys(states)},
        "runs": [
            {"id": r.id, "slot": r.slot, "parameters": dict(r.parameters), "state": r.state,
             "metrics": dict(r.metrics), "seconds": r.seconds}
            for r in batch_runs
        ],
    }  # fmt: skip


def wait_for_batch(space: Workspace, batch_id: int, on_event: EventCallback = lambda event: None) -> dict[str, Any]:
    """Wait until all runs of a batch have finished, executing them here whenever no worker is running.

    SIGINT and SIGTERM stop them all.
    """

    def poll() -> bool:
        states = space.queue.states_of_batch(batch_id)
        on_event({"event": "batch", **states})
        return not {"queued", "running"} & set(states)

    async def execute() -> bool:
        from jupyter_mlops.service.cluster.executor import DaskExecutor
        from jupyter_mlops.worker.inline_worker import run_batch_inline

        await run_batch_inline(space, batch_id, on_event, DaskExecutor())
        return poll()

    wait_until_finished(space, poll, execute, lambda: stop_batch_runs(space, batch_id, "SIGINT"))
    return batch(space, batch_id)


def stop_batch(space: Workspace, batch_id: int) -> dict[str, Any]:
    stop_batch_runs(space, batch_id)
    return batch(space, batch_id)


def stop_batch_runs(space: Workspace, batch_id: int, reason: str = "stopped by hand") -> None:
    space.queue.stop_batch(batch_id, reason)
    notify_worker(space)


def instant(text: str, zone: str, *, day_end: bool = False) -> float:
    """Seconds since 1970 of `2026-01-31` or `2026-01-31T06:00`, in the zone unless the text has its own."""
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        parsed = datetime.min
    if not 1 < parsed.year < 9000:  # arithmetic fails near the limits of datetime
        raise InvalidInputError(f"{text!r} is not a date", remedy="Write 2026-01-31, or 2026-01-31T06:00.")
    if day_end and len(text) <= 10:
        parsed = parsed.replace(hour=23, minute=59, second=59)
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=ZoneInfo(zone))).timestamp()
