"""Operations on aliases and their history. They return plain JSON values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jupyter_mlops.errors import ConflictError, NotFoundError
from jupyter_mlops.service.jobs import version_to_dict

if TYPE_CHECKING:
    from jupyter_mlops.jobs.records import Job
    from jupyter_mlops.jobs.workspace import Workspace
    from jupyter_mlops.registry.history import AliasChange


def set_alias(
    space: Workspace, job: str, alias: str, selector: str, *, author: str = "", reason: str = ""
) -> dict[str, Any]:  # fmt: skip
    """Let an alias name a version.

    :raises ConflictError: only a promotion may do that, or the version has not been at the stage before.
    """
    from jupyter_mlops.registry.aliases import Aliases
    from jupyter_mlops.registry.stages import require_order

    job_record = space.catalog.job(job)
    version = space.catalog.version(job_record, selector)
    require_settable(space, job_record.name, alias)
    aliases = Aliases(space.db)
    history = aliases.history(job_record)
    require_order(job_record.rules, alias, version.number, history, job_record.name)
    change = aliases.change(job_record, alias, version, "set", author=author, reason=reason)
    return {"job": job_record.name, "alias": alias, "version": version.name, "change": change_to_dict(change)}


def require_settable(space: Workspace, job: str, alias: str) -> None:
    """Raises ConflictError if only a promotion may let an alias name a version. The job need not exist."""
    from jupyter_mlops.jobs.alias_name import require_alias
    from jupyter_mlops.registry import stages
    from jupyter_mlops.registry.gate_list import GateList

    require_alias(alias)
    try:
        job_record = space.catalog.job(job)
    except NotFoundError:
        return
    gated = {gate.stage for gate in GateList(space.db).gates(job_record)}
    stages.require_settable(job_record.rules, alias, gated, job_record.name)


def require_publishable(space: Workspace, job: str, alias: str) -> None:
    """Raises ConflictError if a version can't get an alias as it is published: see `require_settable`, or a stage comes
    before. The job need not exist."""
    from jupyter_mlops.registry.stages import stage_before

    require_settable(space, job, alias)
    try:
        job_record = space.catalog.job(job)
    except NotFoundError:
        return
    if before := stage_before(job_record.rules, alias):
        raise ConflictError(
            f"a version that is published can't be at {alias} at once: {before} comes before", where=job_record.name,
            remedy=f"Publish it without an alias, and promote it to {before}.",
        )  # fmt: skip


def remove_alias(space: Workspace, job: str, alias: str, *, author: str = "", reason: str = "") -> dict[str, Any]:
    """Remove an alias. Returns the change.

    :raises ConflictError: it is protected, or schedules run the version that it names.
    """
    from jupyter_mlops.registry.aliases import Aliases
    from jupyter_mlops.registry.stages import require_removable

    job_record = space.catalog.job(job)
    aliases = Aliases(space.db)
    last = aliases.current(job_record).get(alias)
    if last is None:
        names = ", ".join(aliases.current(job_record))
        raise NotFoundError(
            f"the job {job_record.name!r} has no alias {alias!r}", remedy=f"Aliases: {names}." if names else ""
        )
    require_removable(job_record.rules, alias, job_record.name)
    users = [str(schedule.id) for schedule in space.catalog.schedules(job_record) if schedule.version == f"@{alias}"]
    if users:
        raise ConflictError(
            f"the schedules {', '.join(users)} run @{alias}", where=job_record.name,
            remedy="Remove these schedules, or let them run another version, first.",
        )  # fmt: skip
    change = aliases.change(
        job_record, alias, None, "remove", author=author, reason=reason, expected=last.number
    )  # fmt: skip
    return change_to_dict(change)


def history(space: Workspace, job: str, alias: str = "") -> list[dict[str, Any]]:
    """The changes of the aliases of a job, or of one of them, newest first."""
    from jupyter_mlops.registry.aliases import Aliases

    job_record = space.catalog.job(job)
    changes = Aliases(space.db).history(job_record, alias)
    if alias and not changes:
        raise NotFoundError(f"the job {job_record.name!r} never had an alias {alias!r}")
    return [change_to_dict(change) for change in reversed(changes)]


def versions_at(space: Workspace, job: str, text: str) -> dict[str, Any]:
    """Which version each alias named at a time, with who made it so, when and why, and the versions of that time.

    :param text: a date (the end of that day in the local zone) or a time.
    """
    from jupyter_mlops.registry.aliases import Aliases
    from jupyter_mlops.registry.moment import parse_moment

    moment = parse_moment(text)
    job_record = space.catalog.job(job)
    aliases = Aliases(space.db)
    changes = aliases.at(job_record, moment.seconds)
    versions = [
        {
            **version_to_dict(version, job_record),
            "aliases": [alias for alias, change in changes.items() if change.version == version.number],
        }
        for version in space.catalog.versions(job_record)
        if version.created <= moment.seconds
    ]
    return {
        "job": job_record.name, "at": moment.seconds, "at_text": moment.text, "versions": versions,
        "aliases": [change_to_dict(change) for change in changes.values()],
        "notes": _notes_at(job_record, aliases.history(job_record), moment.seconds),
    }  # fmt: skip


def _notes_at(job: Job, changes: list[AliasChange], seconds: float) -> list[str]:
    """What was not recorded at that time."""
    late = [change.alias for change in changes if change.is_imported and change.changed > seconds]
    return [
        f"{alias}: what it named before its first recorded change is not known (job {job.name})" for alias in late
    ]  # fmt: skip


def search(space: Workspace, alias: str) -> list[dict[str, Any]]:
    """The version with this alias of each job, with the change that made it so and the metrics of its latest
    completed run.

    :raises NotFoundError: no job has this alias.
    """
    from jupyter_mlops.jobs.alias_name import require_alias
    from jupyter_mlops.registry.aliases import Aliases

    require_alias(alias)
    rows = Aliases(space.db).search(alias)
    if not rows:
        names = sorted({name for job in space.catalog.jobs() for name in space.catalog.aliases(job)})
        remedy = f"Aliases: {', '.join(names)}." if names else "There are no aliases yet."
        raise NotFoundError(f"no job has the alias {alias!r}", remedy=remedy)
    return [
        {**row, "alias": alias, "version": f"v{row['version']}", "author": row["author"] or "",
         "reason": row["reason"] or "", "action": row["action"] or "", "metrics": row["metrics"] or {}}
        for row in rows
    ]  # fmt: skip


def change_to_dict(change: AliasChange) -> dict[str, Any]:
    """A change with the names of versions; `version` is None if the alias was removed."""
    return {
        "alias": change.alias, "number": change.number, "version": change.version_name or None,
        "previous": None if change.previous is None else f"v{change.previous}", "changed": change.changed,
        "author": change.author, "reason": change.reason, "action": change.action, "undoes": change.undoes,
        "gates": change.gates, "overridden": change.overridden,
    }  # fmt: skip
