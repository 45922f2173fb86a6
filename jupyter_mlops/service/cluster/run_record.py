"""The end of a run on a cluster: its record, its executed notebook, and the files that its steps wrote."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

from jupyter_mlops.execution.run_artifacts import FOLDER, REMOVED, files_after
from jupyter_mlops.service.earlier_steps import COMPLETED
from jupyter_mlops.service.step import TaskProcess

STATUS = {"completed": "completed", "cached": "completed", "failed": "failed", "stopped": "failed"}


def run_record(
    process: TaskProcess, run_id: str, *, selected: Collection[str] | None = None, stopped: bool = False,
    error: Mapping[str, Any] | None = None, notes: Sequence[str] = (), reasons: Mapping[str, str] | None = None,
) -> tuple[dict[str, Any], Any]:  # fmt: skip
    """The record that `run --json` prints, and the executed notebook.

    :param selected: the steps that were to run; None: all.
    :param error: why the run ended, if not by a step.
    :param reasons: step -> why it was skipped.
    """
    from jupyter_mlops.service.collection import collect

    nb = deepcopy(process.nb)
    record = collect(process.artifacts, nb, process.pipeline, process.tasks, process.parameters, selected)
    record.pop("notebook")
    steps = [_step(step, reasons or {}, stopped=stopped) for step in record["steps"]]
    state = "stopped" if stopped else "failed" if error is not None else record["state"]
    cause = None if stopped else error or record["error"]
    if stopped and record["error"] is not None and record["error"]["ename"] != "UpstreamFailed":
        cause = record["error"]
    record = {
        "id": run_id, "state": state, "parameters": record["parameters"], "steps": steps,
        "metrics": record["metrics"], "points": record["points"], "inputs": record["inputs"],
        "frames": {}, "models": [],  # those of steps on a cluster are not kept
        "output": "", "error": cause, "fused": fusions(process),
        "notes": list(dict.fromkeys([*notes, *record["notes"]])), "writes": [], "decisions": [],
    }  # fmt: skip
    _mark(nb, record)
    return record, nb


def _step(step: dict[str, Any], reasons: Mapping[str, str], *, stopped: bool) -> dict[str, Any]:
    why = [reasons[step["name"]]] if step["state"] == "skipped" and step["name"] in reasons else step["why"]
    state = "stopped" if stopped and step.get("is_running") else step["state"]
    return {
        "name": step["name"], "state": state, "attempts": step["attempts"], "seconds": step["seconds"], "reads": [],
        "why": why, "host": step.get("host", ""),
    }  # fmt: skip


def fusions(process: TaskProcess) -> list[dict[str, str]]:
    """Steps that share a kernel, as the record of a local run has them."""
    return [
        {
            "variable": fusion.variable, "type": fusion.type, "made_by": fusion.made_by,
            "needed_by": ", ".join(fusion.needed_by), "why": fusion.reason,
        }
        for fusion in process.pipeline.fusions
    ]  # fmt: skip


def _mark(nb: Any, record: Mapping[str, Any]) -> None:
    """Write the outcome to the notebook's metadata, as the record of a local run has it."""
    import nbformat

    states = {step["name"]: step["state"] for step in record["steps"]}
    facts = {name: record[name] for name in ("state", "steps", "metrics", "fused", "notes")}
    nb.metadata["jupyter_mlops_run"] = nbformat.from_dict(facts)
    papermill = nb.metadata.setdefault("papermill", {})
    papermill.update(parameters=nbformat.from_dict(record["parameters"]))
    papermill["exception"] = True if record["state"] != "completed" else None
    for cell in nb.cells:
        step = cell.metadata.get("jupyter_mlops_run", {}).get("step")
        if cell.cell_type == "code" and step is not None:
            status = STATUS.get(states.get(step, "completed"), "pending")
            cell.metadata["papermill"] = nbformat.from_dict({"status": status, "exception": status == "failed" or None})


def lay_files(process: TaskProcess, folder: Path) -> list[str]:
    """Let a folder have the files that completed steps wrote. Returns their paths. Raises StoreError."""
    states = {step.name: (process.artifacts.step(step.name) or {}).get("state") for step in process.pipeline.steps}
    changes = []
    for block in process.pipeline.blocks:
        if block.role != "step" or states[block.owner] in COMPLETED:
            handed_on = process.artifacts.result(block.index)
            if handed_on is not None:
                changes.append(handed_on.files)
    files = files_after(changes)
    process.artifacts.lay_files(files, folder)
    return sorted(str(folder / name) for name, content in files.items() if content not in (REMOVED, FOLDER))
