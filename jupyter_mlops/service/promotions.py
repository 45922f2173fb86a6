"""Promotion of versions to stages, and rollback. They return plain JSON values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jupyter_mlops.errors import ConflictError, GateError, InvalidInputError, NotFoundError
from jupyter_mlops.service import gates
from jupyter_mlops.service.aliases import change_to_dict
from jupyter_mlops.service.gates import PRODUCTION
from jupyter_mlops.service.run_values import selector_of

if TYPE_CHECKING:
    from jupyter_mlops.jobs.workspace import Workspace


def promote(
    space: Workspace, job: str, selector: str, stage: str = PRODUCTION, *, reason: str = "", override: bool = False,
    expected: int | None = None, run_id: str = "", author: str = "",
) -> dict[str, Any]:  # fmt: skip
    """Let a version enter a stage if its gates pass.

    :param override: enter it although gates have not passed; needs a reason.
    :param expected: number of the last change of the stage that the caller has seen, 0 for none. None: as it is now.
    :param run_id: the run by which the version is judged; "": its latest completed run.
    :raises GateError: a gate has not passed; ConflictError: the version is there already, has not been at the stage
        before, or another promotion came first.
    """
    from jupyter_mlops.registry.aliases import Aliases, checked_reason
    from jupyter_mlops.registry.stages import require_order, require_stage

    reason = checked_reason(reason)
    if override and not reason:
        raise InvalidInputError("overriding gates needs a reason", field="reason", remedy="Say why, with --reason.")
    job_record = space.catalog.job(job)
    require_stage(job_record.rules, stage, job_record.name)
    version = space.catalog.version(job_record, selector_of(selector))
    aliases = Aliases(space.db)
    history = aliases.history(job_record)
    last = next((change for change in reversed(history) if change.alias == stage), None)
    if last is not None and last.version == version.number:
        raise ConflictError(f"{version.name} is at {stage} already", where=job_record.name)
    require_order(job_record.rules, stage, version.number, history, job_record.name)
    checked = gates.check(space, job, version.name, stage, run_id)
    has_passed = checked["state"] == "passed"
    if not has_passed and not override:
        raise gate_error(checked)
    change = aliases.change(
        job_record, stage, version, "promote", author=author, reason=reason, gates=checked["gates"],
        expected=(0 if last is None else last.number) if expected is None else expected,
        overridden=not has_passed,
    )  # fmt: skip
    return {"job": job_record.name, "change": change_to_dict(change), "run": checked["run"], "undone": None}


def gate_error(checked: dict[str, Any]) -> GateError:
    """The error for gates that have not passed.

    :param checked: as `gates.check` returns it.
    """
    lines = [
        f"{gate['state']}: {gate['expression']}" + (f" ({'; '.join(gate['reasons'])})" if gate["reasons"] else "")
        for gate in checked["gates"]
        if gate["state"] != "passed"
    ]
    run = f"judged by the run {checked['run']}" if checked["run"] else "which has no completed run"
    override = "Override it with --override and --reason, or check again with `jupyter mlops gate JOB check`."
    first = f"Run it: {checked['remedy']}. " if checked["remedy"] else ""
    return GateError(
        f"gates of {checked['stage']} have not passed for {checked['version']}, {run}: {', '.join(lines)}",
        where=checked["job"], remedy=f"{first}{override}", data=checked,
    )  # fmt: skip


def rollback(
    space: Workspace, job: str, stage: str = PRODUCTION, *, reason: str = "", expected: int | None = None,
    author: str = "",
) -> dict[str, Any]:  # fmt: skip
    """Undo the last change of a stage that no rollback has undone: the stage gets the version that it had before.

    Gates and the order of stages don't apply. `undone` is the change that was undone.

    :param expected: as of `promote`.
    :raises ConflictError: there is no earlier version, or another change came first.
    """
    from jupyter_mlops.registry.aliases import Aliases
    from jupyter_mlops.registry.history import undoable
    from jupyter_mlops.registry.stages import require_stage

    job_record = space.catalog.job(job)
    aliases = Aliases(space.db)
    history = aliases.history(job_record, stage)
    if not history:
        require_stage(job_record.rules, stage, job_record.name)
        raise NotFoundError(f"no version was ever at {stage}", where=job_record.name)
    undone = undoable(history)
    if undone is None or undone.previous is None:
        current = history[-1].version_name
        raise ConflictError(
            f"there is no version to go back to: nothing is recorded before {current or 'the first one'}",
            where=f"{job_record.name}, {stage}",
            remedy=f"Promote another version, or remove the alias: jupyter mlops demote JOB --from {stage}",
        )
    version = space.catalog.version(job_record, f"v{undone.previous}")
    change = aliases.change(
        job_record, stage, version, "rollback", author=author, reason=reason, undoes=undone.number,
        expected=history[-1].number if expected is None else expected,
    )  # fmt: skip
    return {
        "job": job_record.name, "change": change_to_dict(change), "run": None, "undone": change_to_dict(undone),
    }  # fmt: skip


def stages(space: Workspace, job: str) -> dict[str, Any]:
    """The stages of a job in their order, with what is there since when and why, and the number of their gates."""
    from jupyter_mlops.registry.aliases import Aliases
    from jupyter_mlops.registry.gate_list import GateList
    from jupyter_mlops.registry.history import undoable
    from jupyter_mlops.registry.stages import stage_before

    job_record = space.catalog.job(job)
    rules = job_record.rules
    history = Aliases(space.db).history(job_record)
    gated = [gate.stage for gate in GateList(space.db).gates(job_record)]
    entries = []
    for name in dict.fromkeys((*rules.stage_names, *rules.protected)):
        changes = [change for change in history if change.alias == name]
        undone = undoable(changes)
        entries.append(
            {"name": name, "change": change_to_dict(changes[-1]) if changes else None,
             "number": changes[-1].number if changes else 0, "gates": gated.count(name),
             "protected": name in rules.protected, "after": stage_before(rules, name),
             "rollback_to": None if undone is None or undone.previous is None else f"v{undone.previous}"}
        )  # fmt: skip
    return {"job": job_record.name, "stages": entries}
