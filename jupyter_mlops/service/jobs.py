"""The verbs of jobs, schedules and runs. Each opens what it needs, and answers with what JSON can say."""

from __future__ import annotations

import codecs
import contextlib
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
from jupyter_mlops.errors import BadInput, BadParameter, Conflict, StoreError, Unknown

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from jupyter_mlops.jobs.records import Job, Run, Schedule, VersionRow
    from jupyter_mlops.jobs.workspace import Workspace
    from jupyter_mlops.pipeline.model import Pipeline

BEGUN = 2.0  # seconds in which a run that was taken writes its first line
HEALTH = 20  # runs that a job's health is told by
UPCOMING, ALL_UPCOMING = 100, 1000  # times of one schedule, and of all, that a calendar shows one by one
LOOKS = 1.0  # seconds between looks whether a worker is there
MANY = 10_000  # runs that a backfill or a sweep may make
Tell = Callable[[dict[str, Any]], None]


def open_workspace(config: RunConfig | None = None) -> Workspace:
    """The database and the store of a configuration; to be closed."""
    from jupyter_mlops.jobs.workspace import Workspace

    return Workspace(config)


# -- jobs and their versions


def publish(space: Workspace, path: Path, job: str = "", message: str = "", kernel: str = "") -> dict[str, Any]:
    """Publish a notebook as a version of a job; the notebook's name names the job if nothing else does."""
    from jupyter_mlops.jobs.publish import publish as do

    done = do(space, path, job, message, kernel=kernel)
    files = [{"path": f.path, "kind": f.kind, "size": f.size, "stored": f.stored} for f in done.manifest.files]
    return {**version_told(done.version, done.job), "new": done.new, "files": files, "notes": list(done.notes)}


def versions(space: Workspace, job: str) -> list[dict[str, Any]]:
    """All versions of a job, newest first, with the aliases that name them."""
    known = space.catalog.job(job)
    aliases = space.catalog.aliases(known)
    return [
        {**version_told(v, known), "aliases": [a for a, number in aliases.items() if number == v.number]}
        for v in space.catalog.versions(known)
    ]


def version(space: Workspace, job: str, selector: str) -> str:
    """The name of the version that a selector means. Raises Unknown."""
    name: str = space.catalog.version(space.catalog.job(job), selector).name
    return name


def set_alias(space: Workspace, job: str, alias: str, selector: str) -> dict[str, Any]:
    """Let an alias name a version."""
    known = space.catalog.job(job)
    version = space.catalog.version(known, selector)
    space.catalog.set_alias(known, alias, version)
    return {"job": known.name, "alias": alias, "version": version.name}


def jobs(space: Workspace) -> list[dict[str, Any]]:
    """Every job with its health, what comes next and what was last."""
    by_job: dict[int, list[Schedule]] = {}
    for schedule in space.catalog.schedules():
        by_job.setdefault(schedule.job_id, []).append(schedule)
    return [_job_told(space, job, by_job.get(job.id, [])) for job in space.catalog.jobs()]


def _job_told(space: Workspace, job: Job, schedules: list[Schedule]) -> dict[str, Any]:
    latest = next(iter(space.catalog.versions(job)), None)
    recent = space.queue.runs(job_id=job.id, limit=HEALTH)
    coming = min((s for s in schedules if s.next_at is not None), key=lambda s: s.next_at or 0.0, default=None)
    return {
        "name": job.name, "owner": job.owner, "paused": job.paused,
        "version": None if latest is None else latest.name, "aliases": space.catalog.aliases(job),
        "health": [run.state for run in reversed(recent)],
        "recent": [
            {"id": r.id, "state": r.state, "time": r.started or r.created, "seconds": r.seconds}
            for r in reversed(recent)
        ],
        "next": None if coming is None else coming.next_at, "next_zone": "" if coming is None else coming.zone,
        "last": run_told(recent[0]) if recent else None, "schedules": len(schedules),
        "problems": [s.problem for s in schedules if s.problem],
    }  # fmt: skip


def set_policies(space: Workspace, job: str, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Change policies of a job; returns all of them."""
    if not changes:
        return dict(space.catalog.job(job).rules.to_dict())
    return space.catalog.set_policies(job, changes).rules.to_dict()


def job(space: Workspace, name: str) -> dict[str, Any]:
    """One job as `jobs` tells it, with its policies and the parameters of its latest version."""
    known = space.catalog.job(name)
    told = _job_told(space, known, space.catalog.schedules(known))
    latest = next(iter(space.catalog.versions(known)), None)
    parameters = {} if latest is None else dict(manifest_of(space, latest).parameters)
    return {**told, "policies": known.rules.to_dict(), "parameters": parameters}


def pause_job(space: Workspace, name: str, paused: bool) -> None:
    """Let a job's schedules rest, or go on."""
    space.catalog.pause_job(name, paused)


def remove(space: Workspace, name: str) -> None:
    """Remove a job with its versions, schedules and runs; what goes on is stopped first."""
    known = space.catalog.job(name)
    for run in space.queue.runs(job_id=known.id, states=["queued", "running"], limit=MANY):
        space.queue.stop(run.id, "the job was removed")
    space.catalog.delete_job(name)


def changes(space: Workspace, nb: NotebookNode, name: str, place: Path | None) -> dict[str, Any]:
    """What publishing a notebook as it is now would change against the job's latest version."""
    from jupyter_mlops.jobs.publish import snapshot_of
    from jupyter_mlops.notebook.read import parse_notebook
    from jupyter_mlops.versions.diff import diff

    manifest = snapshot_of(space, nb, place or Path(name).with_suffix(".ipynb"))
    try:
        there = space.catalog.versions(space.catalog.job(name))
    except Unknown:
        there = []
    if not there:
        return {"job": name, "version": None, "next": "v1", "same": False, "sections": {}}
    latest = there[0]
    old = manifest_of(space, latest)
    notebooks = [parse_notebook(space.store.get(m.notebook), m.name) for m in (old, manifest)]
    sections = diff(old, manifest, (notebooks[0], notebooks[1]), store=space.store)
    same = manifest.put(space.store) == latest.digest
    following = latest.name if same else f"v{latest.number + 1}"
    return {"job": name, "version": latest.name, "next": following, "same": same, "sections": sections}


# -- schedules


def cron_told(cron: str, zone: str) -> dict[str, Any]:
    """A cron expression in words, and the next five times it fires."""
    from jupyter_mlops.jobs.cron import Cron

    known = Cron.parse(cron, zone)
    return {
        "cron": known.expression, "zone": known.zone, "words": known.in_words(),
        "upcoming": known.upcoming(datetime.now(UTC)),
    }  # fmt: skip


def schedule(
    space: Workspace, job: str, cron: str, zone: str = "UTC", given: Mapping[str, object] | None = None,
    texts: Mapping[str, str] | None = None, missed: Any = "latest", overlap: Any = "queue",
) -> dict[str, Any]:  # fmt: skip
    """Let a job run again and again."""
    from jupyter_mlops.jobs.cron import Cron

    name, selector = split_selector(job)
    known = space.catalog.job(name)
    when = Cron.parse(cron, zone)
    version = space.catalog.version(known, selector)
    values = checked_values(space, version, given or {}, texts or {})
    made = space.catalog.add_schedule(
        known, when, version=selector, parameters=values, missed=missed, overlap=overlap
    )  # fmt: skip
    return schedule_told(made, known)


def schedules(space: Workspace, job: str = "") -> list[dict[str, Any]]:
    """The schedules of a job, or all."""
    known = {j.id: j for j in ([space.catalog.job(job)] if job else space.catalog.jobs())}
    return [schedule_told(s, known[s.job_id]) for s in space.catalog.schedules() if s.job_id in known]


def reschedule(space: Workspace, schedule_id: int, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Change a schedule from now on: any of `cron`, `zone`, `version`, `parameters`, `missed`, `overlap`."""
    from jupyter_mlops.jobs.cron import Cron

    known = space.catalog.schedule(schedule_id)
    job = space.catalog.job_by_id(known.job_id)
    kept = {name: getattr(known, name) for name in ("version", "parameters", "missed", "overlap")}
    made = {**kept, **{name: value for name, value in changes.items() if name in kept}}
    when = Cron.parse(changes.get("cron", known.cron), changes.get("zone", known.zone))
    version = space.catalog.version(job, made["version"])
    made["parameters"] = checked_values(space, version, made["parameters"], {})
    return schedule_told(space.catalog.change_schedule(schedule_id, when, made), job)


def pause(space: Workspace, target: str, paused: bool) -> dict[str, Any]:
    """Let a job, or a schedule by its number, rest or go on."""
    if target.isascii() and target.isdigit() and target not in {job.name for job in space.catalog.jobs()}:
        return pause_schedule(space, int(target), paused)
    job = space.catalog.pause_job(target, paused)
    return {"job": job.name, "paused": job.paused}


def pause_schedule(space: Workspace, schedule_id: int, paused: bool) -> dict[str, Any]:
    """Let one schedule rest, or go on."""
    made = space.catalog.pause_schedule(schedule_id, paused)
    return schedule_told(made, space.catalog.job_by_id(made.job_id))


def unschedule(space: Workspace, schedule_id: int) -> None:
    """Remove a schedule; its runs stay."""
    space.catalog.remove_schedule(schedule_id)


def calendar(space: Workspace, days: float = 7.0) -> dict[str, Any]:
    """When schedules fire from now on, in order, and whether there are more than are told.

    What fires too often to be told one by one is among `frequent`, in words.
    """
    from jupyter_mlops.jobs.cron import Cron

    now = datetime.now(UTC)
    until = now + timedelta(days=days)
    known = {j.id: j for j in space.catalog.jobs()}
    found: list[dict[str, Any]] = []
    frequent: list[dict[str, Any]] = []
    for made in space.catalog.schedules():
        job = known.get(made.job_id)
        if job is None or job.paused or made.paused:
            continue
        try:
            zone = ZoneInfo(made.zone)
            times = list(itertools.islice(Cron(made.cron, made.zone).times(now), UPCOMING + 1))
        except (BadInput, ValueError, OSError, KeyError):
            continue  # the schedule itself tells what is wrong with it
        told = [
            {"time": t.timestamp(), "local": t.astimezone(zone).isoformat(), "zone": made.zone, "job": job.name,
             "schedule": made.id}
            for t in times if t <= until
        ]  # fmt: skip
        if len(told) > UPCOMING:
            frequent.append({**told[0], "words": Cron(made.cron, made.zone).in_words()})
        else:
            found += told
    found.sort(key=lambda one: float(one["time"]))
    return {"firings": found[:ALL_UPCOMING], "frequent": frequent, "more": len(found) > ALL_UPCOMING}


# -- runs


def start(
    space: Workspace, job: str, given: Mapping[str, object] | None = None, texts: Mapping[str, str] | None = None,
    asked: Mapping[str, Any] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Put a run of a job's version into the queue."""
    from jupyter_mlops.jobs.queue import Wish

    name, selector = split_selector(job)
    known = space.catalog.job(name)
    version = space.catalog.version(known, selector)
    values = checked_values(space, version, given or {}, texts or {})
    steps = [step["name"] for step in manifest_of(space, version).pipeline["steps"]]
    for field in ("from_step", "only_step"):
        if (asked or {}).get(field) and (asked or {})[field] not in steps:
            raise BadInput(f"there is no step {(asked or {})[field]!r}", remedy=f"Steps: {', '.join(steps) or 'none'}.")
    wish = Wish("manual", known.id, version.id, parameters=values, asked=asked, priority=known.rules.priority)
    made = space.queue.add(wish)
    poke(space)
    return run_told(made)


def follow(
    space: Workspace, run_id: str, tell: Tell = lambda event: None, *, in_place: bool = True
) -> dict[str, Any]:  # fmt: skip
    """Wait for a run to end; do it here if no worker is there, or is any more. Returns the run.

    SIGINT and SIGTERM stop the run.
    """
    steps: dict[str, str] = {}

    def look() -> bool:
        run = space.queue.run(run_id)
        for step in run.steps:
            if steps.get(step["name"]) != step["state"]:
                steps[step["name"]] = step["state"]
                tell({"event": "step", "step": step["name"], "state": step["state"], "seconds": step["seconds"]})
        return run.state not in ("queued", "running")

    async def do() -> bool:
        from jupyter_mlops.jobs.here import run_here

        await run_here(space, run_id, tell)
        return space.queue.run(run_id).state not in ("queued", "running")

    _wait(space, look, do if in_place else None, lambda: _stop(space, run_id, "SIGINT"))
    return run(space, run_id)


def _wait(
    space: Workspace, look: Callable[[], bool], do: Callable[[], Coroutine[Any, Any, bool]] | None,
    stop: Callable[[], object],
) -> None:  # fmt: skip
    """Until `look` or `do` says that it is over. `do` does it here, and is asked whenever no worker is there.

    The first SIGINT or SIGTERM means `stop`.
    """
    import asyncio

    asked_at, stopping = -LOOKS, False
    with _terminated_is_interrupted():
        while True:
            try:
                if do is not None and not stopping and time.monotonic() >= asked_at + LOOKS:
                    if not space.workers.heard_within(space.config.lease) and asyncio.run(do()):
                        return
                    asked_at = time.monotonic()
                if look():
                    return
                time.sleep(0.1)
            except KeyboardInterrupt:
                if stopping:
                    raise
                stopping = True
                with contextlib.suppress(Conflict):  # it is over
                    stop()


@contextlib.contextmanager
def _terminated_is_interrupted() -> Iterator[None]:
    """While this lasts, SIGTERM is as SIGINT."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def runs(
    space: Workspace, job: str = "", states: Sequence[str] = (), limit: int = 50, before: str = ""
) -> list[dict[str, Any]]:  # fmt: skip
    """Runs, newest first; `before` is the id of the last run of the page before."""
    job_id = space.catalog.job(job).id if job else None
    known = None if not before else space.queue.run(before)
    page = None if known is None else (known.created, known.id)
    found = space.queue.runs(job_id=job_id, states=states, after=page, limit=limit, hidden=False)
    steps = space.queue.steps_of([r.id for r in found])
    return [{**run_told(r), "steps": steps[r.id]} for r in found]


def run(space: Workspace, run_id: str) -> dict[str, Any]:
    """One run with its steps; the beginning of an id will do if it is the only one.

    Its executed notebook is where `output` says, though it may have run on another machine.
    """
    found = space.queue.run(space.queue.full_id(run_id))
    told = run_told(found)
    if found.output and not Path(found.output).is_file():
        with contextlib.suppress(StoreError):
            told["output"] = str(space.folder_of(found.id).notebook(found.output) or found.output)
    return told


def active(space: Workspace) -> dict[str, str]:
    """The state of each run that is not over."""
    return space.queue.active()


def stop(space: Workspace, run_id: str) -> dict[str, Any]:
    """Stop a run."""
    return run_told(_stop(space, space.queue.full_id(run_id)))


def _stop(space: Workspace, run_id: str, reason: str = "stopped by hand") -> Run:
    made = space.queue.stop(run_id, reason)
    poke(space)
    return made


def repair(space: Workspace, run_id: str) -> dict[str, Any]:
    """Go on with a run that failed or was stopped: the same run; what completed is not run again."""
    made = space.queue.again(space.queue.full_id(run_id))
    poke(space)
    return run_told(made)


def logs(space: Workspace, run_id: str, follow_it: bool = False) -> Iterator[str]:
    """What a run wrote, piece by piece; goes on until it is over if it is followed."""
    full = space.queue.full_id(run_id)
    offset, decoder = 0, codecs.getincrementaldecoder("utf-8")("replace")  # a character may be written in two pieces
    said = ""
    while True:
        known = space.queue.run(full)
        over = known.state not in ("queued", "running")
        path = log_of(space, known)
        if path.is_file():
            with path.open("rb") as stream:
                stream.seek(offset)
                data = stream.read()
            offset += len(data)
            if text := decoder.decode(data):
                yield text
        elif not said and (said := elsewhere(space, known)):
            yield f"{said}\n"
        if over or not follow_it:
            return
        time.sleep(0.2)


def log_of(space: Workspace, run: Run) -> Path:
    """The file of what a run wrote; it is brought from the machine that it ran on once it is over."""
    from jupyter_mlops.jobs.folder import RunFolder

    over = run.state not in ("queued", "running")
    return (space.folder_of(run.id) if over else RunFolder(space.home, run.id)).log


def elsewhere(space: Workspace, run: Run) -> str:
    """Where a run goes on whose log is not here, in a sentence; "" if it does not, or has only just begun."""
    from jupyter_mlops.jobs.workspace import is_shared

    begun = run.started is not None and time.time() - run.started > BEGUN
    if run.state != "running" or not begun or not is_shared(space.config):
        return ""
    return f"The run goes on on {run.worker.partition(':')[0]}: what it writes is here when it is over."


def backfill(
    space: Workspace, job: str, begin: str, end: str, *, cron: str = "", zone: str = "",
    given: Mapping[str, object] | None = None, texts: Mapping[str, str] | None = None, jobs_at_once: int = 1,
    only_count: bool = False,
) -> dict[str, Any]:  # fmt: skip
    """A run for each slot from `begin` to `end`, both included, oldest first.

    :param cron: when there are slots; "": as the job's schedule has it, whose parameters are taken too.
    """
    from jupyter_mlops.jobs.cron import Cron
    from jupyter_mlops.jobs.queue import Wish

    name, selector = split_selector(job)
    known = space.catalog.job(name)
    texts, given = dict(texts or {}), dict(given or {})
    if cron:
        when = Cron.parse(cron, zone or "UTC")
    else:
        there = space.catalog.schedules(known)
        if len(there) != 1:
            raise BadInput(
                f"the job has {len(there)} schedules", where=name, remedy="Say which slots are meant with --cron."
            )
        when = Cron.parse(there[0].cron, zone or there[0].zone)
        given = {**there[0].parameters, **given}
        selector = selector if "@" in job else there[0].version
    version = space.catalog.version(known, selector)
    first, last = instant(begin, when.zone), instant(end, when.zone, day_end=True)
    if last < first:
        raise BadInput("the end lies before the beginning", where="--to")
    just_before = datetime.fromtimestamp(first - 1, UTC)
    times, more = when.between(just_before, datetime.fromtimestamp(last, UTC), MANY)
    if more:
        raise BadInput(f"that would be more than {MANY} runs", remedy="Take a shorter range.")
    values = checked_values(space, version, given, texts)
    count = {"job": known.name, "version": version.name, "runs": len(times)}
    if only_count or not times:
        return count
    wishes = [
        Wish("backfill", known.id, version.id, slot=time.timestamp(), parameters=values, priority=-10) for time in times
    ]
    asked = {"from": begin, "to": end, "cron": when.expression, "zone": when.zone}
    batch_id, ids = space.queue.add_batch(known.id, "backfill", jobs_at_once, asked, wishes)
    poke(space)
    return {**count, "batch": batch_id, "ids": ids}


def sweep(
    space: Workspace, job: str, axes: Mapping[str, Sequence[str]], *, given: Mapping[str, object] | None = None,
    texts: Mapping[str, str] | None = None, jobs_at_once: int = 1, only_count: bool = False,
) -> dict[str, Any]:  # fmt: skip
    """A run for each combination of values.

    :param axes: parameter -> values as texts.
    """
    from jupyter_mlops.jobs.queue import Wish

    name, selector = split_selector(job)
    known = space.catalog.job(name)
    version = space.catalog.version(known, selector)
    total = 1
    for values in axes.values():
        total *= len(values)
    if total > MANY:
        raise BadInput(f"that would be {total} runs", remedy=f"At most {MANY} are made at once.")
    pipeline = _pipeline_of(space, version)
    grid = [
        _checked(pipeline, given or {}, {**(texts or {}), **dict(zip(axes, point, strict=True))})
        for point in itertools.product(*axes.values())
    ]
    if not grid:
        raise BadInput("there is nothing to sweep over", where="axes", remedy="Name a value for each parameter.")
    count = {"job": known.name, "version": version.name, "runs": len(grid)}
    if only_count:
        return count
    wishes = [Wish("sweep", known.id, version.id, parameters=values, priority=-10) for values in grid]
    asked = {"axes": {name: list(values) for name, values in axes.items()}}
    batch_id, ids = space.queue.add_batch(known.id, "sweep", jobs_at_once, asked, wishes)
    poke(space)
    return {**count, "batch": batch_id, "ids": ids}


def batch(space: Workspace, batch_id: int) -> dict[str, Any]:
    """A backfill or a sweep as a table: for each run its parameters, state, metrics and time."""
    found = sorted(space.queue.runs(batch_id=batch_id, limit=MANY), key=lambda r: (r.slot or 0.0, r.created, r.id))
    if not found:
        raise Unknown(f"there is no backfill or sweep {batch_id}")
    states = [r.state for r in found]
    return {
        "batch": batch_id, "job": found[0].job, "kind": found[0].trigger,
        "states": {state: states.count(state) for state in dict.fromkeys(states)},
        "runs": [
            {"id": r.id, "slot": r.slot, "parameters": dict(r.parameters), "state": r.state,
             "metrics": dict(r.metrics), "seconds": r.seconds}
            for r in found
        ],
    }  # fmt: skip


def wait_for_batch(space: Workspace, batch_id: int, tell: Tell = lambda event: None) -> dict[str, Any]:
    """Wait until all runs of a batch are over; do them here if no worker is there, or is any more.

    SIGINT and SIGTERM stop them all.
    """

    def look() -> bool:
        states = space.queue.states_of_batch(batch_id)
        tell({"event": "batch", **states})
        return not {"queued", "running"} & set(states)

    async def do() -> bool:
        from jupyter_mlops.jobs.here import run_batch_here

        await run_batch_here(space, batch_id, tell)
        return look()

    _wait(space, look, do, lambda: _stop_batch(space, batch_id, "SIGINT"))
    return batch(space, batch_id)


def stop_batch(space: Workspace, batch_id: int) -> dict[str, Any]:
    _stop_batch(space, batch_id)
    return batch(space, batch_id)


def _stop_batch(space: Workspace, batch_id: int, reason: str = "stopped by hand") -> None:
    space.queue.stop_batch(batch_id, reason)
    poke(space)


# -- what they share


def split_selector(text: str) -> tuple[str, str]:
    """`churn@v3` is a job's name and a version: `v3`; `churn@production` an alias; `churn` the latest."""
    name, sign, selector = text.partition("@")
    if not sign:
        return name, "latest"
    plain = selector in ("latest", "") or selector.lstrip("v").isdigit()
    return name, (selector or "latest") if plain else f"@{selector}"


def manifest_of(space: Workspace, version: VersionRow) -> Any:
    from jupyter_mlops.versions.manifest import Manifest

    return Manifest.get(space.store, version.digest)


def checked_values(
    space: Workspace, version: VersionRow, given: Mapping[str, object], texts: Mapping[str, str]
) -> dict[str, Any]:  # fmt: skip
    """Parameter values that fit a version, as JSON can say them; `{{ … }}` are left for later.

    :raises BadParameter: a name that isn't there, a value that doesn't fit.
    """
    return _checked(_pipeline_of(space, version), given, texts)


def _pipeline_of(space: Workspace, version: VersionRow) -> Pipeline:
    from jupyter_mlops.notebook.read import parse_notebook
    from jupyter_mlops.pipeline.build import build

    manifest = manifest_of(space, version)
    nb = parse_notebook(space.store.get(manifest.notebook), manifest.name)
    return build(nb, Path(manifest.name).stem)


def _checked(pipeline: Pipeline, given: Mapping[str, object], texts: Mapping[str, str]) -> dict[str, Any]:
    from jupyter_mlops.jobs.templates import SAMPLE, check, filled, names_in
    from jupyter_mlops.notebook.parameter import json_form
    from jupyter_mlops.notebook.parameters import resolve

    later = {k: v for k, v in {**given, **texts}.items() if names_in(v)}
    check(later)
    known = {p.name for p in pipeline.parameters}
    if later.keys() - known and pipeline.language == "python":
        raise BadParameter(
            f"there is no parameter {sorted(later.keys() - known)[0]!r}", remedy=f"Parameters: {', '.join(known)}."
        )
    if pipeline.language != "python":
        return {**{k: json_form(v) for k, v in given.items()}, **texts}
    filled(later, pipeline.parameters, SAMPLE)
    now = resolve(
        tuple(p for p in pipeline.parameters if p.name not in later),
        {k: v for k, v in given.items() if k not in later},
        {k: v for k, v in texts.items() if k not in later},
    )
    return {**{k: json_form(v) for k, v in now.items()}, **{k: json_form(v) for k, v in later.items()}}


def instant(text: str, zone: str, *, day_end: bool = False) -> float:
    """Seconds since 1970 of `2026-01-31` or `2026-01-31T06:00`, in a zone unless it says its own."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = datetime.min
    if not 1 < found.year < 9000:  # times near the ends of what dates can be can't be reckoned with
        raise BadInput(f"{text!r} is no date", remedy="Write 2026-01-31, or 2026-01-31T06:00.")
    if day_end and len(text) <= 10:
        found = found.replace(hour=23, minute=59, second=59)
    return (found if found.tzinfo else found.replace(tzinfo=ZoneInfo(zone))).timestamp()


def poke(space: Workspace) -> None:
    """Tell a worker on this machine that there is something in the queue; others find it by themselves."""
    from jupyter_mlops.jobs.handover import ask

    if hasattr(os, "getuid"):
        ask(space.home, {"poke": True})


def version_told(version: VersionRow, job: Job) -> dict[str, Any]:
    git = version.provenance.get("git") or {}
    return {
        "job": job.name, "version": version.name, "digest": version.digest, "created": version.created,
        "author": version.author, "message": version.message, "commit": git.get("commit", ""),
        "branch": git.get("branch", ""), "dirty": bool(git.get("dirty")),
        "locked": (version.provenance.get("lock") or {}).get("kind", ""),
    }  # fmt: skip


def run_told(run: Run) -> dict[str, Any]:
    """A run as `--json` shows it."""
    return {
        "id": run.id, "job": run.job, "version": None if run.version is None else f"v{run.version}",
        "state": run.state, "trigger": run.trigger, "slot": run.slot, "parameters": dict(run.parameters),
        "created": run.created, "started": run.started, "finished": run.finished, "seconds": run.seconds,
        "attempt": run.attempt, "worker": run.worker, "metrics": dict(run.metrics), "output": run.output,
        "error": None if run.error is None else dict(run.error), "notes": list(run.notes), "batch": run.batch_id,
        "steps": [dict(step) for step in run.steps],
        "verdict": None if run.verdict is None else dict(run.verdict),
    }  # fmt: skip


def schedule_told(made: Schedule, job: Job) -> dict[str, Any]:
    """A schedule in words, with the next times in its zone."""
    from jupyter_mlops.jobs.cron import Cron

    told = {
        "id": made.id, "job": job.name, "version": made.version, "cron": made.cron, "zone": made.zone,
        "parameters": dict(made.parameters), "missed": made.missed, "overlap": made.overlap,
        "paused": made.paused or job.paused, "problem": made.problem, "next": made.next_at,
    }  # fmt: skip
    try:
        cron = Cron(made.cron, made.zone)
        return {**told, "words": cron.in_words(), "upcoming": cron.upcoming(datetime.now(UTC))}
    except BadInput as error:
        return {**told, "words": "", "upcoming": [], "problem": made.problem or error.message}
