"""The verbs of versions: what differs, whether it can be reproduced, and taking one elsewhere."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_mlops.errors import BadInput
from jupyter_mlops.service import jobs

if TYPE_CHECKING:
    from jupyter_mlops.jobs.records import Job, Run, VersionRow
    from jupyter_mlops.jobs.workspace import Workspace

SUSPECTS = "`jupyter mlops diff --run RUN` tells what changed since the last good one."
Tell = Callable[[dict[str, Any]], None]


def diff(space: Workspace, job: str, old: str, new: str = "latest") -> dict[str, Any]:
    """What differs between two versions of a job, in five sections."""
    known = space.catalog.job(job)
    first, second = space.catalog.version(known, old), space.catalog.version(known, new)
    return {"job": known.name, "old": first.name, "new": second.name, "sections": _sections(space, first, second)}


def suspects(space: Workspace, run_id: str) -> dict[str, Any]:
    """What changed since the last run of the job that was good, in the order of suspicion, with the evidence."""
    run = space.queue.run(space.queue.full_id(run_id))
    good = space.queue.last_good(run)
    if good is None or run.version_id is None or good.version_id is None:
        raise BadInput("the job had no completed run before this one", where=run.id)
    first, second = space.catalog.version_by_id(good.version_id), space.catalog.version_by_id(run.version_id)
    sections = _sections(space, first, second, (good, run))
    before, after = _values(space, first, good), _values(space, second, run)
    values = [
        {"what": f"parameter {name}", "before": before.get(name), "after": after.get(name)}
        for name in sorted({*good.parameters, *run.parameters})  # what both left at its default is told by the versions
        if before.get(name) != after.get(name)
    ]
    sections["pipeline"] = [*sections["pipeline"], *values]
    known = {change["what"] for change in sections["environment"]}
    noted, had = _drift(run), _drift(good) if first.id == second.id else []
    told = [n for n in noted if n not in had] + [f"no longer: {n}" for n in had if n not in noted]
    sections["environment"] = [*sections["environment"], *({"what": n} for n in told if n not in known)]
    ranked = [{"section": name, **change} for name, changes in sections.items() for change in changes]
    return {
        "run": run.id, "state": run.state, "good": good.id, "old": first.name, "new": second.name, "error": run.error,
        "suspects": ranked,
    }  # fmt: skip


def reproduce(space: Workspace, run_id: str, tell: Tell = lambda event: None) -> dict[str, Any]:
    """Run a run again, in its version's environment with its parameters and without kept results, and compare.

    The verdict is stored on the run: every output the same, or the first cell that differs.
    """
    made = begin_reproduction(space, run_id)
    jobs.follow(space, made["id"], tell)
    verdict: dict[str, Any] = reproduction(space, run_id)["verdict"]
    return verdict


def begin_reproduction(space: Workspace, run_id: str) -> dict[str, Any]:
    """Put the run that is to reproduce another into the queue; `reproduction` tells what came of it.

    :raises BadInput: there is nothing to compare with.
    """
    from jupyter_mlops.jobs.queue import Wish

    run = space.queue.run(space.queue.full_id(run_id))
    if run.state != "completed":
        raise BadInput(
            f"only a run that completed can be reproduced; this one is {run.state}",
            where=run.id,
            remedy=SUSPECTS if run.state == "failed" else "",
        )
    if space.folder_of(run.id).notebook(run.output) is None:
        raise BadInput("its executed notebook, which is compared with, is gone", where=run.output or run.id)
    asked = {**run.asked, "use_cache": False}
    wish = Wish(
        "reproduce", run.job_id, run.version_id, repairs=run.id, parameters=run.parameters, asked=asked, priority=5
    )  # fmt: skip
    made = space.queue.add(wish)
    jobs.poke(space)
    return jobs.run_told(made)


def reproduction(space: Workspace, run_id: str) -> dict[str, Any]:
    """The latest `run` that was made to reproduce a run, and the `verdict` once that is over; None where there is
    none. The verdict is stored on the run."""
    from jupyter_mlops.service.notebooks import run_told

    run = space.queue.run(space.queue.full_id(run_id))
    made = space.queue.reproduction(run)
    if made is None:
        return {"run": None, "verdict": run.verdict}
    made = space.queue.run(made.id)
    if made.state in ("queued", "running"):
        return {"run": run_told(made), "verdict": None}
    verdict = run.verdict
    if verdict is None or verdict.get("run") != made.id:
        verdict = _verdict(space, run, made)
        space.queue.set_verdict(run.id, verdict)
    return {"run": run_told(made), "verdict": verdict}


def bundle(space: Workspace, job: str, target: Path | None = None) -> dict[str, Any]:
    """Write a version, with its last completed run, as one zip."""
    from jupyter_mlops.versions.bundle import write_bundle

    name, selector = jobs.split_selector(job)
    known = space.catalog.job(name)
    version = space.catalog.version(known, selector)
    path = target or Path(f"{known.name}-{version.name}.zip")
    if not path.parent.is_dir():
        raise BadInput("the folder of the bundle does not exist", where=str(path.parent))
    good = _last_run(space, known, version)
    told = {**jobs.version_told(version, known), "provenance": dict(version.provenance)}
    write_bundle(jobs.manifest_of(space, version), space.store, told, path, jobs.run(space, good.id) if good else None)
    return {"job": known.name, "version": version.name, "path": str(path), "bytes": path.stat().st_size}


def unbundle(space: Workspace, path: Path, job: str = "") -> dict[str, Any]:
    """Publish what is in a bundle: the same version, as it was."""
    from jupyter_mlops.versions.bundle import read_bundle

    manifest, told = read_bundle(path, space.store)
    known = space.catalog.ensure_job(job or told["job"])
    version, new = space.catalog.add_version(
        known, manifest.put(space.store), author=told["author"], message=told["message"], provenance=told["provenance"]
    )
    return {**jobs.version_told(version, known), "new": new}


def gc(space: Workspace, *, dry: bool = False) -> dict[str, Any]:
    """Let go of runs that policies don't keep, and of what nothing refers to."""
    from jupyter_mlops.jobs.retention import sweep

    return sweep(space, dry=dry).to_dict()


def import_jobs(space: Workspace, database: Path | None = None, *, activate: bool = False) -> list[dict[str, Any]]:
    """Take over the jobs of jupyter-scheduler."""
    from jupyter_mlops.jobs.importer import import_jobs as do

    return do(space, jobs.checked_values, database, activate=activate)


def _sections(
    space: Workspace, old: VersionRow, new: VersionRow, runs: tuple[Run | None, Run | None] | None = None
) -> dict[str, Any]:  # fmt: skip
    from jupyter_mlops.notebook.read import parse_notebook
    from jupyter_mlops.versions.diff import diff as compare

    one, two = jobs.manifest_of(space, old), jobs.manifest_of(space, new)
    notebooks = tuple(parse_notebook(space.store.get(m.notebook), m.name) for m in (one, two))
    job = space.catalog.job_by_id(new.job_id)
    first, second = runs or (_last_run(space, job, old), _last_run(space, job, new))
    metrics = ({} if first is None else first.metrics, {} if second is None else second.metrics)
    return dict(compare(one, two, (notebooks[0], notebooks[1]), metrics, space.store))


def _values(space: Workspace, version: VersionRow, run: Run) -> dict[str, Any]:
    """The parameters that a run had, defaults included."""
    declared = jobs.manifest_of(space, version).pipeline["parameters"]
    return {**{p["name"]: p["default"] for p in declared}, **run.parameters}


def _drift(run: Run) -> list[str]:
    """How the environment that a run had differed from its version's."""
    return [note.removeprefix("environment: ") for note in run.notes if note.startswith("environment: ")]


def _last_run(space: Workspace, job: Job, version: VersionRow) -> Run | None:
    """The last completed run of a version."""
    return next(
        (r for r in space.queue.runs(job_id=job.id, states=["completed"], limit=1000) if r.version_id == version.id),
        None,
    )


def _verdict(space: Workspace, run: Run, done: Run) -> dict[str, Any]:
    from jupyter_mlops.service.notebooks import executed
    from jupyter_mlops.versions.compare import first_difference

    told: dict[str, Any] = {"run": done.id, "state": "differs", "difference": None}
    if done.state != "completed":
        error = done.error or {}
        words = f"≠ it {done.state} this time: {error.get('ename', '')}: {error.get('evalue', '')}"
        return {**told, "words": words.rstrip(": ")}
    folders = [space.folder_of(each.id, written=True) for each in (run, done)]
    before, after = (json.loads(executed(space, each.id)) for each in (run, done))
    found = first_difference(before, after)
    if found is not None:
        step = f" of step {found.step}" if found.step else ""
        words = f"≠ differs first in cell {found.cell + 1}{step}: {found.what}"
        return {**told, "difference": found.to_dict(), "words": words}
    kept, kept_now = (folder.written_digests() for folder in folders)
    elsewhere, elsewhere_now = (folder.elsewhere() for folder in folders)
    pairs = [(name, kept.get(name), kept_now.get(name)) for name in sorted({*kept, *kept_now})]
    pairs += [(path, elsewhere[path], elsewhere_now[path]) for path in sorted({*elsewhere} & {*elsewhere_now})]
    wrong = next((name for name, before, after in pairs if before != after), None)
    if wrong is not None:
        return {**told, "words": f"≠ every output is the same, but the file {wrong} differs", "file": wrong}
    return {**told, "state": "reproduced", "words": "≡ reproduced: every output and every file is the same"}
