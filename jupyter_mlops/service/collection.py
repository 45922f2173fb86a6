"""The end of a run whose steps ran in separate processes: one executed notebook, verified."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import nbformat

from jupyter_mlops.execution import planner, reuse_rules
from jupyter_mlops.execution.below import HARMLESS
from jupyter_mlops.execution.committed_state import callbacks
from jupyter_mlops.execution.inputs import StepInputs, read_files
from jupyter_mlops.execution.run_metrics import RunMetrics
from jupyter_mlops.export.build import ancestors

if TYPE_CHECKING:
    from jupyter_mlops.execution.committed_state import BlockResult, CommittedState
    from jupyter_mlops.execution.run_artifacts import HandedOn, RunArtifacts
    from jupyter_mlops.export.plan import ExportTask
    from jupyter_mlops.pipeline.model import Block, Pipeline


def collect(
    artifacts: RunArtifacts, nb: nbformat.NotebookNode, pipeline: Pipeline, tasks: Sequence[ExportTask],
    parameters: Mapping[str, object], selected: Collection[str] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """The record of the run, as `run --json` prints it, and `notebook`: the bytes of the executed notebook.

    Results are committed in notebook order. Each must have been given the values that the order gives it; otherwise
    the run has failed, since its outputs may not be those of Run All.

    :param nb: the notebook with its parameters; its outputs are filled in.
    :param selected: the steps that were to run; None: all.
    """
    from jupyter_mlops.notebook.parameter import json_form

    states = {step.name: artifacts.step(step.name) for step in pipeline.steps}
    line = _commit(artifacts, nb, pipeline, tasks, states)
    steps = [_step(name, facts) for name, facts in states.items()]
    error = next((facts["error"] for facts in states.values() if facts and facts.get("error")), None) or line.error
    due = [step for step in steps if selected is None or step["name"] in selected]
    complete = all(step["state"] in ("completed", "cached") for step in due)
    state = "completed" if complete and error is None else "failed"
    if state == "failed" and error is None:
        present = {step["name"] for step in steps if step["state"] in ("completed", "cached")}
        absent = [step for step in pipeline.steps if step.name not in present]
        missing = [step for step in absent if selected is None or step.name in selected]
        names = ", ".join(step.name for step in missing)
        error = _error(missing[0].name, missing[0].cells[0], "UpstreamFailed", f"these steps did not run: {names}")
    started = [facts["started"] for facts in states.values() if facts and facts.get("started")]
    finished = [facts["finished"] for facts in states.values() if facts and facts.get("finished")]
    defaults = {p.name: p.default for p in pipeline.parameters}
    record = {
        "state": state,
        "steps": steps,
        "metrics": line.metrics,
        "points": line.points,
        "inputs": line.inputs.to_dict({step["name"]: step["state"] for step in steps}),
        "error": error,
        "notes": list(
            dict.fromkeys([*(n for f in states.values() if f for n in f.get("notes", ())), *line.logged.notes()])
        ),
        "started": min(started, default=None),
        "finished": max(finished, default=None),
        "parameters": {**defaults, **{name: json_form(value) for name, value in parameters.items()}},
    }
    _mark(nb, record)
    return {**record, "notebook": nbformat.writes(nb).encode("utf-8", "surrogatepass")}


class _Line:
    """What the results committed so far amount to."""

    def __init__(self) -> None:
        self.metrics: dict[str, Any] = {}
        self.points: list[list[Any]] = []
        self.logged = RunMetrics(self.metrics, self.points)
        self.inputs = StepInputs("")
        self.error: dict[str, Any] | None = None
        self.displays: dict[str, dict[int, list[int]]] = {}


def _commit(
    artifacts: RunArtifacts, nb: nbformat.NotebookNode, pipeline: Pipeline, tasks: Sequence[ExportTask],
    states: Mapping[str, dict[str, Any] | None],
) -> _Line:  # fmt: skip
    from jupyter_mlops.execution.committed_state import CommittedState

    line, committed = _Line(), CommittedState()
    step_outputs = {n: facts.get("cells", {}) for n, facts in states.items() if facts}
    failed_outputs: dict[str, Any] = next((f.get("cells", {}) for f in states.values() if f and f.get("error")), {})
    order = Order(pipeline, tasks)
    writers: list[tuple[Block, set[str]]] = []
    for block in pipeline.blocks:
        handed_on = artifacts.result(block.index) if block.role != "step" or _has_ended(states[block.owner]) else None
        if handed_on is None:
            _show(nb, block, step_outputs.get(block.owner, failed_outputs if block.role != "step" else {}))
            committed.count += len(block.cells)
            continue
        if line.error is None and block.role == "step":
            beside = set[str]().union(*(files for other, files in writers if order.is_beside(other, block)))
            if why := order.why_different(block, handed_on, committed, beside):
                line.error = _not_equal(block, why)
        _note_inputs(line.inputs, block, handed_on, committed)
        _reuse(nb, block, handed_on, committed, line)
        writers.append((block, set(handed_on.files)))
        order.note_values(block, handed_on.result)
        committed.apply(handed_on.result, block.access.imports)
    return line


def _note_inputs(inputs: StepInputs, block: Block, handed_on: HandedOn, committed: CommittedState) -> None:
    """Record what a block read, as far as its process said."""
    result, inputs.folder = handed_on.result, handed_on.folder
    inputs.add_variables(block, committed)
    inputs.add_result(block, result)
    for path, facts in read_files(result).items():
        if path not in result.written:
            inputs.add_file(block.owner, path, result.digests.get(path, " "), (facts or [0, 0])[1])


def _has_ended(facts: Mapping[str, Any] | None) -> bool:
    return facts is not None and facts.get("state") in ("completed", "cached")


class Order:
    """What the edges between tasks guarantee: which blocks ran with the results of which others."""

    def __init__(self, pipeline: Pipeline, tasks: Sequence[ExportTask]) -> None:
        self.blocks = pipeline.blocks
        self.outside = frozenset(n for b in pipeline.blocks if b.role != "step" for n in b.access.writes)
        self.process = {step: task.name for task in tasks for step in task.steps}
        self.digests: dict[str, set[str]] = {}  # name -> of its value, alone and with what shares objects with it
        self.origins: dict[str, Block] = {}  # name -> the block that left it as it is
        self.before = {step: ancestors(tasks, task.steps) for task in tasks for step in task.steps}

    def note_values(self, block: Block, result: BlockResult) -> None:
        """Record what a block left. A value is the same if it only shares objects with others than before, or if the
        block's text can't change it: a value that was loaded in another process may be pickled otherwise."""
        changed = result.wrote
        functions = {function for function, _ in block.access.calls} & {*self.digests, *self.outside}
        if not functions and not block.access.opaque:
            changed &= block.access.writes
        for group in result.groups:
            for name in group.names:
                digests = {group.digest, group.own.get(name, group.digest)}
                self.origins[name] = block
                self.digests[name] = digests if name in changed else self.digests.get(name, set()) | digests

    def is_beside(self, earlier: Block, later: Block) -> bool:
        """Whether nothing guarantees that a block had the results of an earlier one of the notebook."""
        if earlier.role != "step" or self.process[earlier.owner] == self.process[later.owner]:
            return False
        return earlier.owner not in self.before[later.owner]

    def why_different(
        self, block: Block, handed_on: HandedOn, committed: CommittedState, files: Collection[str]
    ) -> str:
        """Why a block may have computed something else than in Run All; "" if it has not.

        :param files: paths, relative to the working folder, that blocks beside this one wrote.
        """
        result = handed_on.result
        needed = committed.closure(planner.within_reach(block), sharing=False) & planner.needs(block)
        for name in sorted({*result.loaded, *needed} - self.outside):
            digests = self.digests.get(name, set())
            if name in committed.groups and not digests & {result.loaded.get(name), result.values.get(name)}:
                return f"`{name}` changed since it started"
        if why := self._why_apart(block, result, committed):
            return why
        if resource := reuse_rules.changed_resource(result, committed):
            return f"the state of {resource} changed since it started"
        folder = handed_on.folder
        for path in (*result.read, *result.looks):
            if os.path.relpath(path, folder) in files:
                return f"{os.path.relpath(path, folder)} was written since it started"
        for listing in result.listed:
            if any(os.path.dirname(name) == os.path.relpath(listing, folder).strip(".") for name in files):
                return f"files in {os.path.relpath(listing, folder)} were written since they were listed"
        later = self.blocks[block.index + 1 :]
        elsewhere = [b for b in later if b.role == "step" and self.process[b.owner] != self.process[block.owner]]
        if elsewhere and (live := {n: w for n, w in result.stuck.items() if n not in HARMLESS}):
            return f"it leaves {next(iter(live.values()))}, which {elsewhere[0].owner!r} did not have"
        return ""

    def _why_apart(self, block: Block, result: BlockResult, committed: CommittedState) -> str:
        """Why a block may have missed what a block beside it did, although no value that it was given changed."""
        for name in sorted(result.wrote & set(result.loaded) & committed.groups.keys()):
            sharing = set(committed.groups[name].names) - set(result.loaded) - self.outside
            others = {other for other in sharing if self.is_beside(self.origins[other], block)}
            if others and name not in planner.rebinds(block):
                return f"`{name}` shares objects with `{min(others)}`, which this step was not given"
        resources = callbacks(committed.state)
        beside = next((b for b in self.blocks[: block.index] if self.is_beside(b, block)), None)
        if resources and beside is not None:
            return f"the state of {min(resources)} holds a function, which may read what `{beside.owner}` writes"
        return ""


def _not_equal(block: Block, why: str) -> dict[str, Any]:
    cell = block.cells[0] if block.cells else 0
    return _error(
        block.owner, cell, "NotEqual",
        f"cell {cell + 1} may not show what Run All shows: {why}.\n"
        f"Run the notebook once with `jupyter mlops run` and publish it again, so that the export knows, or add the "
        f"tag `prev:STEP` to `{block.owner}`.",
    )  # fmt: skip


def _reuse(
    nb: nbformat.NotebookNode, block: Block, handed_on: HandedOn, committed: CommittedState, line: _Line
) -> None:
    """Put a block's outputs into the notebook, with the execution counts of Run All."""
    result = handed_on.result
    places = dict(zip(sorted(result.cells), block.cells, strict=True))
    for offset, (place, index) in enumerate(places.items()):
        cell = nb.cells[index]
        cell.outputs = [nbformat.from_dict(output) for output in result.cells[place]["outputs"]]
        cell.execution_count = committed.count + offset
        for output in cell.outputs:
            if output.output_type == "execute_result":
                output["execution_count"] = cell.execution_count
        cell.metadata["jupyter_mlops_run"] = nbformat.from_dict({"step": block.owner, "state": "completed"})
    for update in result.updates:
        _update_displays(nb, line, update, block)
    for display_id, cells in result.displays.items():
        line.displays.setdefault(display_id, {}).update({places[int(cell)]: at for cell, at in cells.items()})
    line.logged.add(result.metrics, result.logged)


def _update_displays(nb: nbformat.NotebookNode, line: _Line, update: Mapping[str, Any], block: Block) -> None:
    for index, positions in line.displays.get(update["id"], {}).items():
        outputs = nb.cells[index].outputs
        for at in positions:
            if index not in block.cells and at < len(outputs):
                outputs[at]["data"] = nbformat.from_dict(update["data"])
                outputs[at]["metadata"] = nbformat.from_dict(update["metadata"])


def _show(nb: nbformat.NotebookNode, block: Block, cells: Mapping[str, Any]) -> None:
    """Put the outputs of a step that failed into the notebook, as far as it came."""
    for index in block.cells:
        content = cells.get(str(index))
        if content is not None:
            nb.cells[index].outputs = [nbformat.from_dict(output) for output in content["outputs"]]
            nb.cells[index].execution_count = content["execution_count"]


def _step(name: str, facts: Mapping[str, Any] | None) -> dict[str, Any]:
    """A step of the record. A step that is still `running` was lost with its process."""
    if facts is None:
        return {"name": name, "state": "skipped", "attempts": 0, "seconds": 0.0, "why": []}
    state = "failed" if facts.get("state") == "running" else facts.get("state", "skipped")
    return {
        "name": name, "state": state, "attempts": facts.get("attempt", 1), "seconds": facts.get("seconds", 0.0),
        "why": facts.get("why", []), "started": facts.get("started"), "finished": facts.get("finished"),
        "is_running": facts.get("state") in ("running", "stopped"),
        "host": facts.get("host", ""), "engine_url": facts.get("engine_url", ""),
    }  # fmt: skip


def _mark(nb: nbformat.NotebookNode, record: Mapping[str, Any]) -> None:
    from jupyter_mlops.execution.failure import mark_failure

    facts = {name: record[name] for name in ("state", "steps", "metrics", "notes")}
    nb.metadata["jupyter_mlops_run"] = nbformat.from_dict(facts)
    error = record["error"]
    if error is not None and error.get("traceback"):
        mark_failure(nb, error)


def _error(step: str, cell: int, code: str, message: str) -> dict[str, Any]:
    return {"step": step, "cell": cell, "ename": code, "evalue": message, "traceback": []}
