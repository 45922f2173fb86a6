"""Runs of Airflow as runs here: one table of states, and pure functions over what its API answers."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from jupyter_mlops.jobs.artifact_runs import timestamp
from jupyter_mlops.jobs.external_runs import ExternalRun
from jupyter_mlops.states import RunState, StepState

# A run that waits in Airflow is `running` here: workers would take a `queued` one for theirs.
RUN_STATES: Mapping[str, RunState] = {
    "queued": "running",
    "running": "running",
    "success": "completed",
    "failed": "failed",
}
TASK_STATES: Mapping[str | None, StepState] = {
    None: "queued",
    "none": "queued",
    "no_status": "queued",
    "scheduled": "queued",
    "queued": "queued",
    "up_for_retry": "queued",
    "up_for_reschedule": "running",
    "deferred": "running",
    "running": "running",
    "restarting": "running",
    "success": "completed",
    "failed": "failed",
    "shutdown": "stopped",
    "upstream_failed": "skipped",
    "skipped": "skipped",
    "removed": "skipped",
}
STOPPED: Mapping[StepState, StepState] = {"queued": "skipped", "running": "stopped"}  # once the run has ended


def external_run(
    url: str, dag_run: Mapping[str, Any], tasks: Sequence[Mapping[str, Any]], steps: Mapping[str, int]
) -> ExternalRun:
    """A run of Airflow.

    :param url: of Airflow's web server.
    :param steps: name -> first cell of the version's steps, in notebook order. Tasks that are no steps only count for
        the error.
    :raises ValueError, KeyError, TypeError: the answers are not Airflow's.
    """
    dag_id, run_id = str(dag_run["dag_id"]), str(dag_run["dag_run_id"])
    state = RUN_STATES[str(dag_run["state"])]
    is_over = state != "running"
    times = [timestamp(str(dag_run.get(name) or "")) for name in ("start_date", "queued_at", "run_after")]
    started = next((time for time in (*times, timestamp(str(dag_run.get("logical_date") or ""))) if time), 0.0)
    finished = timestamp(str(dag_run.get("end_date") or "")) if is_over else None
    rows = [row for task in tasks for row in _steps(task, steps, is_over)]
    positions = {name: position for position, name in enumerate(steps)}
    return ExternalRun(
        engine="airflow",
        engine_run=run_name(dag_id, run_id),
        state=state,
        started=started,
        finished=(finished or started) if is_over else None,
        engine_url=f"{url}/dags/{quote(dag_id, safe='')}/runs/{quote(run_id, safe='')}",
        slot=_slot(dag_run),
        parameters=dict(dag_run.get("conf") or {}),
        error=_error(tasks, rows, steps) if state == "failed" else None,
        notes=["queued in Airflow"] if dag_run["state"] == "queued" else [],
        steps=sorted(rows, key=lambda row: positions[row["name"]]),
        source="api",
    )


def run_name(dag_id: str, run_id: str) -> str:
    """The name of a run as its exported tasks call it: both sources report one run."""
    return re.sub(r"[^\w.:+-]", "_", f"{dag_id}.{run_id}", flags=re.ASCII)


def title_of(task: Mapping[str, Any]) -> str:
    """A task's name for people, which is that of its steps."""
    return str(task.get("task_display_name") or task["task_id"])


def steps_of(task: Mapping[str, Any], steps: Collection[str]) -> list[str]:
    """The steps that a task executes: several may share one."""
    title = title_of(task)
    if title in steps:
        return [title]
    parts = title.split(", ")
    return parts if all(part in steps for part in parts) else []


def described_version(text: object) -> int | None:
    """The number of the version that a DAG's description names: `churn v3: message`."""
    match = re.match(r".* v(\d{1,9})(?=[:,]|$)", str(text or "").partition(":")[0])
    return int(match[1]) if match else None


def _steps(task: Mapping[str, Any], steps: Collection[str], is_over: bool) -> list[dict[str, Any]]:
    raw_state = task.get("state")
    state = TASK_STATES.get(raw_state, "queued")
    if is_over:
        state = STOPPED.get(state, state)
    why = [f"Airflow: {raw_state}"] if raw_state in ("upstream_failed", "removed", "up_for_retry", "deferred") else []
    facts = {"state": state, "attempts": int(task.get("try_number") or 0), "why": why}
    names = steps_of(task, steps)
    seconds = float(task.get("duration") or 0.0) / max(len(names), 1)
    return [{"name": name, **facts, "seconds": seconds} for name in names]


def _slot(dag_run: Mapping[str, Any]) -> float | None:
    if str(dag_run.get("run_type")) not in ("scheduled", "backfill"):
        return None
    return timestamp(str(dag_run.get("logical_date") or dag_run.get("run_after") or ""))


def _error(
    tasks: Sequence[Mapping[str, Any]], rows: Sequence[Mapping[str, Any]], steps: Mapping[str, int]
) -> dict[str, Any]:
    failed = sorted(
        (task for task in tasks if task.get("state") == "failed"), key=lambda task: str(task.get("end_date") or "")
    )
    step = next((str(row["name"]) for row in rows if row["state"] == "failed"), "")
    text = f"the task {title_of(failed[0])!r} failed in Airflow; its log says why" if failed else "the run failed"
    return {"step": step, "cell": steps.get(step, 0), "ename": "AirflowFailed", "evalue": text, "traceback": []}
