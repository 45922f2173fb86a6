"""Operations on runs: start, follow, list, stop, resume. They return plain JSON values."""

from __future__ import annotations

import contextlib
import difflib
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_mlops.errors import InvalidInputError, NotFoundError, StoreError
from jupyter_mlops.service.run_values import checked_values, manifest_of, split_selector
from jupyter_mlops.service.waiting import EventCallback, notify_worker, wait_until_finished

if TYPE_CHECKING:
    from jupyter_mlops.jobs.records import Job, Run
    from jupyter_mlops.jobs.workspace import Workspace


LOG_DELAY_S = 2.0  # seconds within which a claimed run writes its first line


def start(
    space: Workspace, job: str, parameters: Mapping[str, object] | None = None, texts: Mapping[str, str] | None = None,
    options: Mapping[str, Any] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Queue a run of a job's version."""
    from jupyter_mlops.jobs.new_run import NewRun

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

    wait_until_finished(space, poll, execute if in_place else None, lambda: stop_run(space, run_id, "SIGINT"))
    return run(space, run_id)


def runs(
    space: Workspace, job: str = "", states: Sequence[str] = (), limit: int = 50, before_id: str = ""
) -> list[dict[str, Any]]:  # fmt: skip
    """Runs of jobs and notebooks, newest first.

    :param job: a job's name, or a notebook's path.
    :param before_id: the id of the last run of the previous page.
    """
    job_id = find_job(space, job).id if job else None
    cursor_run = None if not before_id else space.queue.run(before_id)
    page = None if cursor_run is None else (cursor_run.created, cursor_run.id)
    rows = space.queue.runs(job_id=job_id, states=states, after=page, limit=limit)
    steps = space.queue.steps_of([r.id for r in rows])
    return [{**run_to_dict(r), "steps": steps[r.id]} for r in rows]


def find_job(space: Workspace, name: str) -> Job:
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


def inputs(space: Workspace, run_id: str) -> dict[str, Any]:
    """What the steps of a run read, by digest: its capsule. Raises NotFoundError if the run has none."""
    import json

    full_id = space.queue.full_id(run_id)
    digest = space.run_data.capsule(full_id)
    if not digest:
        state = space.queue.run(full_id).state
        unfinished = state in ("queued", "running")
        raise NotFoundError(
            f"the inputs of the run {full_id} are not known",
            remedy="Wait until it has finished." if unfinished else "It ran before they were recorded: run it again.",
        )
    capsule: dict[str, Any] = json.loads(space.store.get(digest))
    return capsule


def active(space: Workspace) -> dict[str, str]:
    """The state of each unfinished run."""
    return space.queue.active()


def stop(space: Workspace, run_id: str) -> dict[str, Any]:
    """Stop a run."""
    return run_to_dict(stop_run(space, space.queue.full_id(run_id)))


def stop_run(space: Workspace, run_id: str, reason: str = "stopped by hand") -> Run:
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


def run_to_dict(run: Run) -> dict[str, Any]:
    """A run as `--json` prints it."""
    return {
        "id": run.id, "job": run.job, "notebook": run.notebook,
        "version": None if run.version is None or run.notebook is not None else f"v{run.version}",
        "state": run.state, "trigger": run.trigger, "slot": run.slot, "parameters": dict(run.parameters),
        "created": run.created, "started": run.started, "finished": run.finished, "seconds": run.seconds,
        "attempt": run.attempt, "worker": run.worker, "engine": run.engine,
        "engine_url": run.engine_url, "metrics": dict(run.metrics), "output": run.output,
        "error": None if run.error is None else dict(run.error), "notes": list(run.notes), "batch": run.batch_id,
        "steps": [dict(step) for step in run.steps],
        "verdict": None if run.verdict is None else dict(run.verdict),
    }  # fmt: skip
