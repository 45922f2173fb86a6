"""Operations on gates. They return plain JSON values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jupyter_mlops.errors import InvalidInputError
from jupyter_mlops.service.run_values import build_pipeline, selector_of

if TYPE_CHECKING:
    from jupyter_mlops.jobs.records import Job, Run, VersionRow
    from jupyter_mlops.jobs.workspace import Workspace
    from jupyter_mlops.registry.gate_list import StoredGate
    from jupyter_mlops.registry.gates import GateResult

PRODUCTION = "production"


def add(space: Workspace, job: str, expression: str, stage: str = PRODUCTION, *, author: str = "") -> dict[str, Any]:
    """Add a gate to a stage of a job.

    :raises InvalidInputError: it is not a condition, or there is no such stage.
    """
    from jupyter_mlops.registry.gate_list import GateList
    from jupyter_mlops.registry.gate_parser import parse
    from jupyter_mlops.registry.stages import require_stage

    job_record = space.catalog.job(job)
    require_stage(job_record.rules, stage, job_record.name)
    parse(expression, alias_names(space, job_record))
    gate = GateList(space.db).add(job_record, stage, expression.strip(), author)
    return {**_to_dict(gate), "job": job_record.name, "notes": _notes(space, job_record, gate.expression)}


def gates(space: Workspace, job: str, stage: str = "") -> list[dict[str, Any]]:
    """The gates of a job, or of one of its stages."""
    from jupyter_mlops.registry.gate_list import GateList

    return [_to_dict(gate) for gate in GateList(space.db).gates(space.catalog.job(job), stage)]


def remove(space: Workspace, job: str, number: int) -> dict[str, Any]:
    """Remove a gate. Returns it."""
    from jupyter_mlops.registry.gate_list import GateList

    job_record = space.catalog.job(job)
    return {**_to_dict(GateList(space.db).remove(job_record, number)), "job": job_record.name, "notes": []}


def check(
    space: Workspace, job: str, selector: str = "latest", stage: str = PRODUCTION, run_id: str = ""
) -> dict[str, Any]:  # fmt: skip
    """What the gates of a stage say about a version, judged by its latest completed run or by another one.

    :param run_id: a completed run of the version.
    """
    from jupyter_mlops.registry.gates import overall
    from jupyter_mlops.registry.stages import require_stage
    from jupyter_mlops.registry.version_runs import latest_completed, run_of

    job_record = space.catalog.job(job)
    require_stage(job_record.rules, stage, job_record.name)
    version = space.catalog.version(job_record, selector_of(selector))
    run = run_of(space, version, run_id) if run_id else latest_completed(space, version)
    results = _results(space, job_record, version, run, stage)
    return {
        "job": job_record.name, "version": version.name, "stage": stage, "state": overall(results),
        "run": None if run is None else run.id, "finished": None if run is None else run.finished,
        "remedy": f"jupyter mlops run {job_record.name}@{version.name}" if run is None and results else "",
        "gates": [result.to_dict() for result in results],
    }  # fmt: skip


def _results(space: Workspace, job: Job, version: VersionRow, run: Run | None, stage: str) -> list[GateResult]:
    from jupyter_mlops.registry.gate_list import GateList
    from jupyter_mlops.registry.gate_parser import parse
    from jupyter_mlops.registry.gates import GateResult, evaluate
    from jupyter_mlops.registry.run_facts import RunFacts, gate_cells
    from jupyter_mlops.service.measures import register_measures

    register_measures()
    facts = RunFacts(space, job, version, run, stage)
    results = gate_cells(build_pipeline(space, version).steps, version, run)
    aliases = alias_names(space, job)
    for gate in GateList(space.db).gates(job, stage):
        try:
            condition = parse(gate.expression, aliases)
        except InvalidInputError as error:  # a stage or alias that it names is gone
            results.append(GateResult(gate.expression, "undecided", gate.number, reasons=(error.message,)))
            continue
        results.append(evaluate(condition, facts, gate.expression, gate.number))
    return results


def alias_names(space: Workspace, job: Job) -> set[str]:
    """The words that stand for a version in gates of a job, besides `previous`."""
    return {*job.rules.stage_names, *job.rules.protected, *space.catalog.aliases(job)}


def _notes(space: Workspace, job: Job, expression: str) -> list[str]:
    """Metrics of a gate that no run has."""
    from jupyter_mlops.registry.gate_parser import parse
    from jupyter_mlops.registry.gate_syntax import Metric, walk
    from jupyter_mlops.registry.run_facts import similar_metrics
    from jupyter_mlops.registry.version_runs import metric_names

    names = metric_names(space, job)
    nodes = walk(parse(expression, alias_names(space, job)))
    metrics = dict.fromkeys(node.name for node in nodes if isinstance(node, Metric))
    return [
        f"no recent run has a metric {name!r}{similar_metrics(name, names)}" for name in metrics if name not in names
    ]  # fmt: skip


def _to_dict(gate: StoredGate) -> dict[str, Any]:
    return {
        "number": gate.number, "stage": gate.stage, "expression": gate.expression, "created": gate.created,
        "author": gate.author,
    }  # fmt: skip
