"""Operations on schedules. They return plain JSON values."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from jupyter_mlops.errors import InvalidInputError
from jupyter_mlops.service.run_values import checked_values, split_selector

if TYPE_CHECKING:
    from jupyter_mlops.jobs.records import Job, Schedule
    from jupyter_mlops.jobs.workspace import Workspace


MAX_SCHEDULE_FIRINGS, MAX_FIRINGS = 100, 1000  # individual fire times in a calendar, for one schedule and for all


def cron_to_dict(cron: str, zone: str) -> dict[str, Any]:
    """A cron expression in words, and its next five fire times."""
    from jupyter_mlops.scheduling.cron import Cron

    parsed_cron = Cron.parse(cron, zone)
    return {
        "cron": parsed_cron.expression, "zone": parsed_cron.zone, "words": parsed_cron.in_words(),
        "upcoming": parsed_cron.upcoming(datetime.now(UTC)),
    }  # fmt: skip


def schedule(
    space: Workspace, job: str, cron: str, zone: str = "UTC", parameters: Mapping[str, object] | None = None,
    texts: Mapping[str, str] | None = None, missed: Any = "latest", overlap: Any = "queue",
) -> dict[str, Any]:  # fmt: skip
    """Add a schedule to a job."""
    from jupyter_mlops.scheduling.cron import Cron

    parsed_cron = Cron.parse(cron, zone)
    name, selector = split_selector(job)
    job_record = space.catalog.job(name)
    version = space.catalog.version(job_record, selector)
    values = checked_values(space, version, parameters or {}, texts or {})
    schedule_record = space.catalog.add_schedule(
        job_record, parsed_cron, version=selector, parameters=values, missed=missed, overlap=overlap
    )  # fmt: skip
    return schedule_to_dict(schedule_record, job_record)


def schedules(space: Workspace, job: str = "") -> list[dict[str, Any]]:
    """The schedules of one job, or of all jobs."""
    jobs_by_id = {j.id: j for j in ([space.catalog.job(job)] if job else space.catalog.jobs())}
    return [schedule_to_dict(s, jobs_by_id[s.job_id]) for s in space.catalog.schedules() if s.job_id in jobs_by_id]


def reschedule(space: Workspace, schedule_id: int, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Change a schedule from now on: any of `cron`, `zone`, `version`, `parameters`, `missed`, `overlap`."""
    from jupyter_mlops.scheduling.cron import Cron

    schedule_record = space.catalog.schedule(schedule_id)
    job = space.catalog.job_by_id(schedule_record.job_id)
    old_settings = {name: getattr(schedule_record, name) for name in ("version", "parameters", "missed", "overlap")}
    settings = {**old_settings, **{name: value for name, value in changes.items() if name in old_settings}}
    parsed_cron = Cron.parse(changes.get("cron", schedule_record.cron), changes.get("zone", schedule_record.zone))
    version = space.catalog.version(job, settings["version"])
    settings["parameters"] = checked_values(space, version, settings["parameters"], {})
    return schedule_to_dict(space.catalog.change_schedule(schedule_id, parsed_cron, settings), job)


def pause(space: Workspace, target: str, paused: bool) -> dict[str, Any]:
    """Pause or resume a job, or one schedule by its number."""
    if target.isascii() and target.isdigit() and target not in {job.name for job in space.catalog.jobs()}:
        return pause_schedule(space, int(target), paused)
    job = space.catalog.pause_job(target, paused)
    return {"job": job.name, "paused": job.paused}


def pause_schedule(space: Workspace, schedule_id: int, paused: bool) -> dict[str, Any]:
    """Pause or resume one schedule."""
    schedule_record = space.catalog.pause_schedule(schedule_id, paused)
    return schedule_to_dict(schedule_record, space.catalog.job_by_id(schedule_record.job_id))


def unschedule(space: Workspace, schedule_id: int) -> None:
    """Delete a schedule; its runs are kept."""
    space.catalog.remove_schedule(schedule_id)


def calendar(space: Workspace, days: float = 7.0) -> dict[str, Any]:
    """Upcoming fire times of all schedules in order, and whether there are more than listed.

    Schedules that fire too often to list are in `frequent`, in words.
    """
    from jupyter_mlops.scheduling.cron import Cron

    now = datetime.now(UTC)
    until = now + timedelta(days=days)
    jobs_by_id = {j.id: j for j in space.catalog.jobs()}
    firings: list[dict[str, Any]] = []
    frequent_schedules: list[dict[str, Any]] = []
    for schedule in space.catalog.schedules():
        job = jobs_by_id.get(schedule.job_id)
        if job is None or job.paused or schedule.paused:
            continue
        try:
            zone = ZoneInfo(schedule.zone)
            times = list(itertools.islice(Cron(schedule.cron, schedule.zone).times(now), MAX_SCHEDULE_FIRINGS + 1))
        except (InvalidInputError, ValueError, OSError, KeyError):
            continue  # the schedule itself reports its problem
        entries = [
            {"time": t.timestamp(), "local": t.astimezone(zone).isoformat(), "zone": schedule.zone, "job": job.name,
             "schedule": schedule.id}
            for t in times if t <= until
        ]  # fmt: skip
        if len(entries) > MAX_SCHEDULE_FIRINGS:
            frequent_schedules.append({**entries[0], "words": Cron(schedule.cron, schedule.zone).in_words()})
        else:
            firings += entries
    firings.sort(key=lambda firing: float(firing["time"]))
    return {"firings": firings[:MAX_FIRINGS], "frequent": frequent_schedules, "more": len(firings) > MAX_FIRINGS}


def schedule_to_dict(schedule: Schedule, job: Job) -> dict[str, Any]:
    """A schedule with its cron expression in words, and its next fire times in its zone."""
    from jupyter_mlops.scheduling.cron import Cron

    payload = {
        "id": schedule.id, "job": job.name, "version": schedule.version, "cron": schedule.cron, "zone": schedule.zone,
        "parameters": dict(schedule.parameters), "missed": schedule.missed, "overlap": schedule.overlap,
        "paused": schedule.paused or job.paused, "problem": schedule.problem, "next": schedule.next_at,
    }  # fmt: skip
    try:
        cron = Cron(schedule.cron, schedule.zone)
        return {**payload, "words": cron.in_words(), "upcoming": cron.upcoming(datetime.now(UTC))}
    except InvalidInputError as error:
        return {**payload, "words": "", "upcoming": [], "problem": schedule.problem or error.message}


def next_due(space: Workspace) -> float | None:
    """When the next schedule is due, in seconds since 1970; None if none is."""
    return space.catalog.next_due()
