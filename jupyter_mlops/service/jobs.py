"""Operations on jobs, schedules and runs. They return plain JSON values."""

from __future__ import annotations

import contextlib
import difflib
import itertools
import os
import signal
import threading
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from jupyter_mlops.config import RunConfig
from jupyter_mlops.errors import ConflictError, InvalidInputError, InvalidParameterError, NotFoundError, StoreError

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from jupyter_mlops.jobs.records import Job, Run, Schedule, VersionRow
    from jupyter_mlops.jobs.workspace import Workspace
    from jupyter_mlops.pipeline.model import Pipeline

LOG_DELAY_S = 2.0  # seconds within which a claimed run writes its first line
HEALTH_RUNS = 20  # number of latest runs that determine a job's health
MAX_SCHEDULE_FIRINGS, MAX_FIRINGS = 100, 1000  # individual fire times in a calendar, for one schedule and for all
WORKER_POLL_S = 1.0  # seconds between checks for a running worker
MAX_RUNS = 10_000  # maximum number of runs of a backfill or a sweep
EventCallback = Callable[[dict[str, Any]], None]


def open_workspace(config: RunConfig | None = None) -> Workspace:
    """The database and the store of a configuration; the caller closes them."""
    from jupyter_mlops.jobs.workspace import Workspace

    return Workspace(config)


# -- jobs and their versions


def publish(space: Workspace, path: Path, job: str = "", message: str = "", kernel: str = "") -> dict[str, Any]:
    """Publish a notebook as a version of a job; the job's name defaults to the notebook's."""
    from jupyter_mlops.jobs.publish import publish as do

    publication = do(space, path, job, message, kernel=kernel)
    files = [{"path": f.path, "kind": f.kind, "size": f.size, "stored": f.stored} for f in publication.manifest.files]
    return {
        **version_to_dict(publication.version, publication.job),
        "new": publication.new,
        "files": files,
        "notes": list(publication.notes),
    }


def versions(space: Workspace, job: str) -> list[dict[str, Any]]:
    """All versions of a job, newest first, with their aliases."""
    job_record = space.catalog.job(job)
    aliases = space.catalog.aliases(job_record)
    return [
        {**version_to_dict(v, job_record), "aliases": [a for a, number in aliases.items() if number == v.number]}
        for v in space.catalog.versions(job_record)
    ]


def version(space: Workspace, job: str, selector: str) -> str:
    """The name of the version that a selector selects. Raises NotFoundError."""
    name: str = space.catalog.version(space.catalog.job(job), selector).name
    return name


def set_alias(space: Workspace, job: str, alias: str, selector: str) -> dict[str, Any]:
    """Set an alias of a version."""
    job_record = space.catalog.job(job)
    version = space.catalog.version(job_record, selector)
    space.catalog.set_alias(job_record, alias, version)
    return {"job": job_record.name, "alias": alias, "version": version.name}


def jobs(space: Workspace) -> list[dict[str, Any]]:
    """All jobs with their health, next fire time and last run."""
    by_job: dict[int, list[Schedule]] = {}
    for schedule in space.catalog.schedules():
        by_job.setdefault(schedule.job_id, []).append(schedule)
    return [_job_to_dict(space, job, by_job.get(job.id, [])) for job in space.catalog.jobs()]


def _job_to_dict(space: Workspace, job: Job, schedules: list[Schedule]) -> dict[str, Any]:
    latest_version = next(iter(space.catalog.versions(job)), None)
    recent_runs = space.queue.runs(job_id=job.id, limit=HEALTH_RUNS)
    next_schedule = min((s for s in schedules if s.next_at is not None), key=lambda s: s.next_at or 0.0, default=None)
    return {
        "name": job.name, "owner": job.owner, "paused": job.paused,
        "version": None if latest_version is None else latest_version.name, "aliases": space.catalog.aliases(job),
        "health": [run.state for run in reversed(recent_runs)],
        "recent": [
            {"id": r.id, "state": r.state, "time": r.started or r.created, "seconds": r.seconds}
            for r in reversed(recent_runs)
        ],
        "next": None if next_schedule is None else next_schedule.next_at,
        "next_zone": "" if next_schedule is None else next_schedule.zone,
        "last": run_to_dict(recent_runs[0]) if recent_runs else None, "schedules": len(schedules),
        "problems": [s.problem for s in schedules if s.problem],
    }  # fmt: skip


def set_policies(space: Workspace, job: str, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Change policies of a job; returns all of them."""
    if not changes:
        return dict(space.catalog.job(job).rules.to_dict())
    return space.catalog.set_policies(job, changes).rules.to_dict()


def job(space: Workspace, name: str) -> dict[str, Any]:
    """One job as in `jobs`, with its policies and the parameters of its latest version."""
    job_record = space.catalog.job(name)
    payload = _job_to_dict(space, job_record, space.catalog.schedules(job_record))
    latest_version = next(iter(space.catalog.versions(job_record)), None)
    parameters = {} if latest_version is None else dict(manifest_of(space, latest_version).parameters)
    return {**payload, "policies": job_record.rules.to_dict(), "parameters": parameters}


def pause_job(space: Workspace, name: str, paused: bool) -> None:
    """Pause or resume the schedules of a job."""
    space.catalog.pause_job(name, paused)


def remove(space: Workspace, name: str) -> None:
    """Delete a job with its versions, schedules and runs, after stopping its running ones."""
    job_record = space.catalog.job(name)
    for run in space.queue.runs(job_id=job_record.id, states=["queued", "running"], limit=MAX_RUNS):
        space.queue.stop(run.id, "the job was deleted")
    space.catalog.delete_job(name)


def changes(space: Workspace, nb: NotebookNode, name: str, path: Path | None) -> dict[str, Any]:
    """What would change against the job's latest version if the notebook were published now."""
    from jupyter_mlops.jobs.publish import snapshot_of
    from jupyter_mlops.notebook.reader import parse_notebook
    from jupyter_mlops.versions.diff import diff

    manifest, notes = snapshot_of(space, nb, path or Path(name).with_suffix(".ipynb"))
    try:
        versions = space.catalog.versions(space.catalog.job(name))
    except NotFoundError:
        versions = []
    if not versions:
        return {"job": name, "version": None, "next": "v1", "same": False, "sections": {}, "notes": notes}
    latest_version = versions[0]
    old_manifest = manifest_of(space, latest_version)
    notebooks = [parse_notebook(space.store.get(m.notebook), m.name) for m in (old_manifest, manifest)]
    sections = diff(old_manifest, manifest, (notebooks[0], notebooks[1]), store=space.store)
    is_unchanged = manifest.put(space.store) == latest_version.digest
    next_name = latest_version.name if is_unchanged else f"v{latest_version.number + 1}"
    payload = {"job": name, "version": latest_version.name, "next": next_name, "same": is_unchanged}
    return {**payload, "sections": sections, "notes": notes}


# -- schedules


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


# -- runs


def start(
    space: Workspace, job: str, parameters: Mapping[str, object] | None = None, texts: Mapping[str, str] | None = None,
    options: Mapping[str, Any] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Queue a run of a job's version."""
    from jupyter_mlops.jobs.run_queue import NewRun

    name, selector = split_selector(job)
    job_record = space.catalog.job(name)
    version = space.catalog.version(job_record, selector)
    values = checked_values(space, version, parameters or {}, texts or {})
    steps = [step["name"] for step in manifest_of(space, version).pipeline["steps"]]
    for field in ("from_step", "only_step"):
        if (options or {}).get(field) and (options or {})[field] not in steps:
            raise InvalidInputError(
                f"there is no step {(options or {})[field]!r}", remedy=f"Steps: {', '.join(steps) or 'none'}."
            )
    new_run = NewRun(
        "manual", job_record.id, version.id, parameters=values, options=options, priority=job_record.rules.priority
    )
    run = space.queue.add(new_run)
    notify_worker(space)
    return run_to_dict(run)


def follow(
    space: Workspace, run_id: str, on_event: EventCallback = lambda event: None, *, in_place: bool = True
) -> dict[str, Any]:  # fmt: skip
    """Wait for a run to finish, executing it here whenever no worker is running. Returns the run.

    SIGINT and SIGTERM stop the run.
    """
    steps: dict[str, str] = {}

    def poll() -> bool:
        run = space.queue.run(run_id)
        for step in run.steps:
            if steps.get(step["name"]) != step["state"]:
                steps[step["name"]] = step["state"]
                on_event({"event": "step", "step": step["name"], "state": step["state"], "seconds": step["seconds"]})
        return run.state not in ("queued", "running")

    async def execute() -> bool:
        from jupyter_mlops.service.cluster.executor import DaskExecutor
        from jupyter_mlops.worker.inline_worker import run_inline

        await run_inline(space, run_id, on_event, DaskExecutor())
        return space.queue.run(run_id).state not in ("queued", "running")

    _wait_until_finished(space, poll, execute if in_place else None, lambda: _stop_run(space, run_id, "SIGINT"))
    return run(space, run_id)


def _wait_until_finished(
    space: Workspace, poll: Callable[[], bool], execute: Callable[[], Coroutine[Any, Any, bool]] | None,
    stop: Callable[[], object],
) -> None:  # fmt: skip
    """Wait until `poll` or `execute` returns a result. `execute` runs it here, and is called whenever no worker is
    running.

    The first SIGINT or SIGTERM calls `stop`.
    """
    import asyncio

    last_check, stopping = -WORKER_POLL_S, False
    with _sigterm_as_interrupt():
        while True:
            try:
                if execute is not None and not stopping and time.monotonic() >= last_check + WORKER_POLL_S:
                    if not space.workers.active_since(space.config.lease) and asyncio.run(execute()):
                        return
                    last_check = time.monotonic()
                if poll():
                    return
                time.sleep(0.1)
            except KeyboardInterrupt:
                if stopping:
                    raise
                stopping = True
                with contextlib.suppress(ConflictError):  # it has finished
                    stop()


@contextlib.contextmanager
def _sigterm_as_interrupt() -> Iterator[None]:
    """Handle SIGTERM like SIGINT within this context."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    previous_handler = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous_handler)


def runs(
    space: Workspace, job: str = "", states: Sequence[str] = (), limit: int = 50, before_id: str = ""
) -> list[dict[str, Any]]:  # fmt: skip
    """Runs of jobs and notebooks, newest first.

    :param job: a job's name, or a notebook's path.
    :param before_id: the id of the last run of the previous page.
    """
    job_id = _find_job(space, job).id if job else None
    cursor_run = None if not before_id else space.queue.run(before_id)
    page = None if cursor_run is None else (cursor_run.created, cursor_run.id)
    rows = space.queue.runs(job_id=job_id, states=states, after=page, limit=limit)
    steps = space.queue.steps_of([r.id for r in rows])
    return [{**run_to_dict(r), "steps": steps[r.id]} for r in rows]


def _find_job(space: Workspace, name: str) -> Job:
    """The job of that name or, for `*.ipynb`, the one that holds the notebook's runs. Raises NotFoundError.

    A notebook's path is relative to the server's root, or a file path relative to the current folder.
    """
    if not name.endswith(".ipynb"):
        return space.catalog.job(name)
    jobs_by_path = {job.notebook: job for job in space.catalog.jobs(hidden=True) if job.notebook}
    path, full_path = name.removeprefix("./").strip("/"), Path(name).absolute().as_posix()
    match = jobs_by_path.get(path) or next(
        (
            jobs_by_path[notebook_path]
            for notebook_path in sorted(jobs_by_path, key=len, reverse=True)
            if full_path.endswith(f"/{notebook_path}")
        ),
        None,
    )
    if match is not None:
        return match
    matches = difflib.get_close_matches(path, jobs_by_path, 3)
    raise NotFoundError(
        f"there are no runs of the notebook {name!r} in {runs_location(space)}",
        remedy=f"Did you mean {matches[0]!r}?" if matches else "`jupyter mlops runs` lists all runs.",
    )


def runs_location(space: Workspace) -> str:
    """Where runs are searched, in words."""
    from sqlalchemy.engine import make_url

    return f"the database {make_url(space.config.database).render_as_string(hide_password=True)}"


def run(space: Workspace, run_id: str) -> dict[str, Any]:
    """One run with its steps; a unique beginning of its id is enough.

    Its executed notebook is at `output`, even if it ran on another machine.
    """
    run_record = space.queue.run(space.queue.full_id(run_id))
    payload = run_to_dict(run_record)
    if run_record.output and not Path(run_record.output).is_file():
        with contextlib.suppress(StoreError):
            payload["output"] = str(space.folder_of(run_record.id).notebook(run_record.output) or run_record.output)
    return payload


def active(space: Workspace) -> dict[str, str]:
    """The state of each unfinished run."""
    return space.queue.active()


def stop(space: Workspace, run_id: str) -> dict[str, Any]:
    """Stop a run."""
    return run_to_dict(_stop_run(space, space.queue.full_id(run_id)))


def _stop_run(space: Workspace, run_id: str, reason: str = "stopped by hand") -> Run:
    run = space.queue.stop(run_id, reason)
    notify_worker(space)
    return run


def repair(space: Workspace, run_id: str) -> dict[str, Any]:
    """Resume a run that failed or was stopped: the same run, without its completed steps."""
    run = space.queue.requeue(space.queue.full_id(run_id))
    notify_worker(space)
    return run_to_dict(run)


def logs(space: Workspace, run_id: str, follow: bool = False) -> Iterator[str]:
    """The text of a run's log, in parts; with `follow`, until the run has finished."""
    from jupyter_mlops.jobs import run_log

    full_id = space.queue.full_id(run_id)
    offset, text_view, notice = 0, run_log.LogText(), ""
    while True:
        run = space.queue.run(full_id)
        is_finished = run.state not in ("queued", "running")
        path = log_of(space, run)
        if path.is_file():
            records, after = run_log.read(path, offset)
            while after > offset:
                offset = after
                if text := text_view.of(records):
                    yield text
                records, after = run_log.read(path, offset)
        elif not notice and (notice := remote_run_notice(space, run)):
            yield f"{notice}\n"
        if is_finished or not follow:
            return
        time.sleep(0.2)


def log_of(space: Workspace, run: Run) -> Path:
    """The log file of a run, downloaded from another machine once the run has finished."""
    from jupyter_mlops.jobs.run_directory import RunDirectory

    is_finished = run.state not in ("queued", "running")
    return (space.folder_of(run.id) if is_finished else RunDirectory(space.home, run.id)).log


def remote_run_notice(space: Workspace, run: Run) -> str:
    """A sentence on where a run executes whose log is not here; "" if it does not run elsewhere, or has only begun."""
    from jupyter_mlops.jobs.workspace import is_shared

    has_started = run.started is not None and time.time() - run.started > LOG_DELAY_S
    if run.state != "running" or not has_started or not is_shared(space.config):
        return ""
    return f"The run executes on {run.worker.partition(':')[0]}. Its output will be here when it has finished."


def backfill(
    space: Workspace, job: str, start: str, end: str, *, cron: str = "", zone: str = "",
    parameters: Mapping[str, object] | None = None, texts: Mapping[str, str] | None = None, concurrency: int = 1,
    only_count: bool = False, run_options: Mapping[str, Any] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Queue a run for each slot from `start` to `end`, both included, oldest first.

    :param cron: the slots; "": those of the job's schedule, with its parameters. `run_options`: as in `sweep`.
    """
    from jupyter_mlops.jobs.run_queue import NewRun
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
        NewRun("backfill", job_record.id, version.id, slot=time.timestamp(), parameters=values, priority=-10,
               options=run_options)
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
    from jupyter_mlops.jobs.run_queue import NewRun

    name, selector = split_selector(job)
    job_record = space.catalog.job(name)
    version = space.catalog.version(job_record, selector)
    total = 1
    for values in axes.values():
        total *= len(values)
    if total > MAX_RUNS:
        raise InvalidInputError(f"that would be {total} runs", remedy=f"The maximum is {MAX_RUNS}.")
    pipeline = _build_pipeline(space, version)
    grid = [
        _check_parameters(pipeline, parameters or {}, {**(texts or {}), **dict(zip(axes, combination, strict=True))})
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

    _wait_until_finished(space, poll, execute, lambda: _stop_batch(space, batch_id, "SIGINT"))
    return batch(space, batch_id)


def stop_batch(space: Workspace, batch_id: int) -> dict[str, Any]:
    _stop_batch(space, batch_id)
    return batch(space, batch_id)


def _stop_batch(space: Workspace, batch_id: int, reason: str = "stopped by hand") -> None:
    space.queue.stop_batch(batch_id, reason)
    notify_worker(space)


# -- what they share


def split_selector(text: str) -> tuple[str, str]:
    """Split a job's name from its version: `churn@v3` selects `v3`; `churn@production` an alias; `churn` the latest."""
    name, separator, selector = text.partition("@")
    if not separator:
        return name, "latest"
    is_version = selector in ("latest", "") or selector.lstrip("v").isdigit()
    return name, (selector or "latest") if is_version else f"@{selector}"


def manifest_of(space: Workspace, version: VersionRow) -> Any:
    from jupyter_mlops.versions.manifest import Manifest

    return Manifest.get(space.store, version.digest)


def checked_values(
    space: Workspace, version: VersionRow, parameters: Mapping[str, object], texts: Mapping[str, str]
) -> dict[str, Any]:  # fmt: skip
    """Parameter values that fit a version, in JSON form; templates `{{ … }}` are filled in later.

    :raises InvalidParameterError: unknown parameter, or a value that does not fit its type.
    """
    return _check_parameters(_build_pipeline(space, version), parameters, texts)


def _build_pipeline(space: Workspace, version: VersionRow) -> Pipeline:
    from jupyter_mlops.notebook.reader import parse_notebook
    from jupyter_mlops.pipeline.build import build

    manifest = manifest_of(space, version)
    nb = parse_notebook(space.store.get(manifest.notebook), manifest.name)
    return build(nb, Path(manifest.name).stem)


def _check_parameters(pipeline: Pipeline, parameters: Mapping[str, object], texts: Mapping[str, str]) -> dict[str, Any]:
    from jupyter_mlops.jobs.templates import SAMPLE, check, filled, names_in
    from jupyter_mlops.notebook.parameter import json_form
    from jupyter_mlops.notebook.parameters import resolve

    templates = {k: v for k, v in {**parameters, **texts}.items() if names_in(v)}
    check(templates)
    parameter_names = {p.name for p in pipeline.parameters}
    if templates.keys() - parameter_names and pipeline.language == "python":
        raise InvalidParameterError(
            f"there is no parameter {sorted(templates.keys() - parameter_names)[0]!r}",
            remedy=f"Parameters: {', '.join(parameter_names)}.",
        )
    if pipeline.language != "python":
        return {**{k: json_form(v) for k, v in parameters.items()}, **texts}
    filled(templates, pipeline.parameters, SAMPLE)
    values = resolve(
        tuple(p for p in pipeline.parameters if p.name not in templates),
        {k: v for k, v in parameters.items() if k not in templates},
        {k: v for k, v in texts.items() if k not in templates},
    )
    return {**{k: json_form(v) for k, v in values.items()}, **{k: json_form(v) for k, v in templates.items()}}


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


def notify_worker(space: Workspace) -> None:
    """Notify a worker on this machine that the queue changed; other workers poll."""
    from jupyter_mlops.worker.client import ask

    if hasattr(os, "getuid"):
        ask(space.home, {"poke": True})


def version_to_dict(version: VersionRow, job: Job) -> dict[str, Any]:
    git = version.provenance.get("git") or {}
    return {
        "job": job.name, "version": version.name, "digest": version.digest, "created": version.created,
        "author": version.author, "message": version.message, "commit": git.get("commit", ""),
        "branch": git.get("branch", ""), "dirty": bool(git.get("dirty")),
        "locked": (version.provenance.get("lock") or {}).get("kind", ""),
    }  # fmt: skip


def run_to_dict(run: Run) -> dict[str, Any]:
    """A run as `--json` prints it."""
    return {
        "id": run.id, "job": run.job, "notebook": run.notebook,
        "version": None if run.version is None or run.notebook is not None else f"v{run.version}",
        "state": run.state, "trigger": run.trigger, "slot": run.slot, "parameters": dict(run.parameters),
        "created": run.created, "started": run.started, "finished": run.finished, "seconds": run.seconds,
        "attempt": run.attempt, "worker": run.worker, "metrics": dict(run.metrics), "output": run.output,
        "error": None if run.error is None else dict(run.error), "notes": list(run.notes), "batch": run.batch_id,
        "steps": [dict(step) for step in run.steps],
        "verdict": None if run.verdict is None else dict(run.verdict),
    }  # fmt: skip


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
