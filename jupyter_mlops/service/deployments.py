"""Deployments: exports at places, how these differ from what is published, and their removal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from jupyter_mlops.errors import InvalidInputError, MlopsError, NotFoundError
from jupyter_mlops.service import run_values
from jupyter_mlops.service.export import files_of, plan_of

if TYPE_CHECKING:
    from jupyter_mlops.jobs.deployments import Deployment
    from jupyter_mlops.jobs.workspace import Workspace
    from jupyter_mlops.places.drift import Drift, Published
    from jupyter_mlops.places.place import Export, Place

THREADS = 8  # places that are looked at at once


def deploy(
    space: Workspace, job: str, target: str, place: str = "", *, dry_run: bool = False, force: bool = False,
    runs: str = "",
) -> dict[str, Any]:  # fmt: skip
    """Export a version to a place and record it.

    :param job: `JOB`, `JOB@v3` or `JOB@production`; drift is judged by what was named here.
    :param place: a folder, `git+URL#BRANCH:FOLDER`, `kubectl:CONTEXT/NAMESPACE`, `crontab:FOLDER` or `systemd:FOLDER`;
        "" for the configured place of the target.
    :param dry_run: write and record nothing.
    :param force: replace edited files.
    :param runs: folder or URL of the artifacts of its runs, which workers then bring into the history.
    :raises ConflictError: a file was edited; UnreachableError: the place doesn't answer.
    """
    from jupyter_mlops.jobs.deployments import Deployments

    chosen = _place(space, target, place)
    chosen.require_target(target)
    name, selector = run_values.split_selector(job)
    job_record = space.catalog.job(name)
    version = space.catalog.version(job_record, selector)
    export, omissions = _export(space, job_record.name, f"v{version.number}", target, chosen)
    records = Deployments(space.db)
    before = records.find(job_record.name, target, chosen.location)
    deployed = {} if before is None else before.files
    runs = _runs(runs) if runs or before is None else before.runs
    changes = chosen.changes(export, deployed)
    facts = {"job": job_record.name, "version": version.name, "target": target, "place": chosen.location}
    payload = {**facts, "files": [asdict(change) for change in changes], "omissions": omissions, "dry_run": dry_run}
    if dry_run:
        is_changed = any(change.state != "same" for change in changes)
        return {**payload, "changed": is_changed, "revision": "", "notes": [], "deployment": None}
    number = records.begin(job_record, version, selector, target, chosen.location, {}, runs)
    try:
        result = chosen.write(export, deployed, force=force)
    except BaseException as error:
        records.fail(number, error.message if isinstance(error, MlopsError) else f"{type(error).__name__}: {error}")
        raise
    if before is not None and not result.changed and _is_again(before, version.digest, selector, runs):
        records.cancel(number)
        deployment = before
    else:
        deployment = records.succeed(number, result.items, result.revision)
    return {
        **payload, "changed": result.changed, "notes": list(result.notes),
        "deployment": deployment.id, "revision": deployment.revision or result.revision,
    }  # fmt: skip


def _is_again(before: Deployment, digest: str, selector: str, runs: str) -> bool:
    return (before.digest, before.selector, before.runs) == (digest, selector, runs)


def deployments(space: Workspace, job: str = "", *, check: bool = True) -> list[dict[str, Any]]:
    """What is deployed where, and how it differs from what is published and from what was written.

    :param job: only of this job, "" for all.
    :param check: look at the places. Otherwise `state` is None unless a deployment is behind.
    :raises NotFoundError: there is no such job, and nothing of it was deployed.
    """
    from jupyter_mlops.jobs.deployments import Deployments
    from jupyter_mlops.places.drift import behind

    records = Deployments(space.db).current(job)
    if job and not records:
        records = Deployments(space.db).current(space.catalog.job(job).name)
    exports = [_deployed_export(space, record) for record in records]
    published = [_published(space, record, deployed) for record, deployed in zip(records, exports, strict=True)]
    late = [behind(r.version, r.selector, p) for r, p in zip(records, published, strict=True)]
    if not check:
        return [
            _to_dict(r, "behind" if why else None, [why] if why else []) for r, why in zip(records, late, strict=True)
        ]
    with ThreadPoolExecutor(THREADS, thread_name_prefix="places") as threads:
        drifts = list(threads.map(_drift, records, exports, late))
    return [_to_dict(r, drift.state, drift.reasons) for r, drift in zip(records, drifts, strict=True)]


def undeploy(space: Workspace, job: str, target: str, place: str = "", *, force: bool = False) -> dict[str, Any]:
    """Remove what was deployed.

    :raises NotFoundError: nothing was deployed there; ConflictError: it was edited, and `force` is not set.
    """
    from jupyter_mlops.jobs.deployments import Deployments

    chosen = _place(space, target, place)
    name, _ = run_values.split_selector(job)
    records = Deployments(space.db)
    record = records.find(name, target, chosen.location)
    if record is None:
        places = [f"{d.target} at {d.place}" for d in records.current(name)]
        raise NotFoundError(
            f"{name!r} is not deployed for {target} at this place", where=chosen.location,
            remedy=f"Deployed: {'; '.join(places)}." if places else "`jupyter mlops deployments` lists deployments.",
        )  # fmt: skip
    notes = chosen.remove(_deployed_export(space, record).export, record.files, force=force)
    records.remove(record.id)
    facts = {"job": record.job, "version": f"v{record.version}", "target": target, "place": record.place}
    return {**facts, "files": sorted(record.files), "notes": list(notes)}


def _place(space: Workspace, target: str, text: str) -> Place:
    """The place of that name, or the configured one of a target. Raises NotFoundError for an unknown target."""
    from jupyter_mlops.export.exporter import exporter
    from jupyter_mlops.places.place import open_place

    exporter(target)
    text = text or space.config.places.get(target, "")
    if not text:
        raise InvalidInputError(
            f"no place is named, and none is configured for {target}", where="--place", field="place",
            remedy=f"Name one, or set c.RunConfig.places = {{{target!r}: …}} in jupyter_mlops_config.py.",
        )  # fmt: skip
    return open_place(text)


def _runs(text: str) -> str:
    """The location of a store of runs, as it is recorded. Raises InvalidInputError if it holds credentials."""
    from jupyter_mlops.storage.documents import open_documents
    from jupyter_mlops.storage.store import CREDENTIALS

    if not text:
        return ""
    if CREDENTIALS.search(text):
        raise InvalidInputError(
            "the store holds credentials, and stores are recorded", where="--runs", field="runs",
            remedy="Leave them out; workers take them from their environment.",
        )  # fmt: skip
    return open_documents(text).location


def _export(space: Workspace, job: str, selector: str, target: str, place: Place) -> tuple[Export, list[str]]:
    """The export of a version for a place, and what the engine can't do."""
    from jupyter_mlops.export.exporter import exporter
    from jupyter_mlops.jobs.catalog import whoami
    from jupyter_mlops.places.place import Export

    plan = plan_of(space, f"{job}@{selector}")
    if place.prefix:
        plan = replace(plan, prefix=place.prefix)
    files = files_of(plan, target)
    export = Export(target, plan.job, plan.version, plan.digest, plan.slug, files, whoami())
    return export, list(exporter(target).omissions(plan))


@dataclass(frozen=True)
class _Deployed:
    """A deployed export as it would be made again, and its place.

    :param place: None if the recorded place can't be understood; `problem` says why.
    """

    export: Export
    place: Place | None
    problem: str = ""


def _deployed_export(space: Workspace, record: Deployment) -> _Deployed:
    from jupyter_mlops.export.identifiers import unique_identifiers
    from jupyter_mlops.places.place import Export, open_place

    slug = unique_identifiers([record.job], "dns")[record.job]
    bare = Export(record.target, record.job, record.version, record.digest, slug)
    try:
        place = open_place(record.place)
    except MlopsError as error:
        return _Deployed(bare, None, error.message)
    try:
        return _Deployed(_export(space, record.job, f"v{record.version}", record.target, place)[0], place)
    except MlopsError:  # the job, its version or the exporter is gone
        return _Deployed(bare, place)


def _published(space: Workspace, record: Deployment, deployed: _Deployed) -> Published:
    from jupyter_mlops.places.drift import Published

    try:
        job = space.catalog.job(record.job)
    except NotFoundError:
        return Published(None)
    latest = next(iter(space.catalog.versions(job)), None)
    selected = space.catalog.aliases(job).get(record.selector[1:]) if record.selector.startswith("@") else None
    return Published(None if latest is None else latest.number, selected, _is_same(record.files, deployed))


def _is_same(items: Mapping[str, str], deployed: _Deployed) -> bool:
    """Whether an export now would be what was deployed. What can't be exported now is not compared."""
    if deployed.place is None or not deployed.export.files:
        return True
    try:
        return dict(deployed.place.items(deployed.export)) == dict(items)
    except MlopsError:  # a program that renders it is not on this machine
        return True


def _drift(record: Deployment, deployed: _Deployed, late: str) -> Drift:
    from jupyter_mlops.places.drift import drift

    if deployed.place is None:
        return drift({}, late, deployed.problem)
    try:
        return drift(deployed.place.states(deployed.export, record.files), late)
    except MlopsError as error:
        return drift({}, late, error.message)


def _to_dict(record: Deployment, state: str | None, reasons: Sequence[str]) -> dict[str, Any]:
    return {
        "deployment": record.id, "job": record.job, "version": f"v{record.version}", "digest": record.digest,
        "selector": record.selector, "target": record.target, "place": record.place, "revision": record.revision,
        "runs": record.runs, "author": record.author, "created": record.created, "files": dict(record.files),
        "state": state, "reasons": list(reasons),
    }  # fmt: skip
