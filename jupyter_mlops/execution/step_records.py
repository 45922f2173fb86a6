"""The states of the steps of a run: bookkeeping, events, and the metadata of the cells."""

from __future__ import annotations

import time
from collections.abc import Iterable

import nbformat

from jupyter_mlops.errors import MlopsError
from jupyter_mlops.execution import planner
from jupyter_mlops.execution.committed_state import BlockResult
from jupyter_mlops.execution.decisions import Decision
from jupyter_mlops.execution.outcome import Outcome, error_facts
from jupyter_mlops.execution.reasons import Reason
from jupyter_mlops.execution.run_context import RunContext
from jupyter_mlops.execution.run_errors import LocatedFailure
from jupyter_mlops.execution.run_metrics import RunMetrics
from jupyter_mlops.pipeline.model import Block


class StepRecords:
    """Records what happens to each step, in the outcome, in the notebook and as events.

    :ivar current: the block whose turn it is; None before the first and after the last.
    """

    def __init__(self, context: RunContext) -> None:
        self.context = context
        self.steps = {s.name: planner.StepRecord(s.name) for s in context.pipeline.steps}
        self.states: dict[str, list[str]] = {name: [] for name in self.steps}
        self.outcome = Outcome(steps=list(self.steps.values()))
        self.metrics = RunMetrics(self.outcome.metrics, self.outcome.points)
        self.current: Block | None = None
        self.started: set[str] = set()
        self.began_at = time.monotonic()

    def note(self, decision: Decision) -> None:
        """Add a decision to the history, and to the reasons of the step if it is one of them."""
        block, instruction = self.context.blocks[decision.block], decision.instruction
        if instruction.kind is not None and block.owner in self.steps and block.cells:
            reason = Reason(instruction.kind, block.cells, self.context.redaction.text(instruction.reason))
            self.steps[block.owner].reasons.append(reason)
        facts = {"step": block.owner, "cells": list(block.cells), **decision.to_dict()}
        self.outcome.decisions.append(self.context.redaction.clean(facts))

    def begin(self, block: Block) -> None:
        """The turn of a block has come."""
        self.began_at = time.monotonic()
        if block.owner in self.steps and block.owner not in self.started:
            self.started.add(block.owner)
            self.context.tell({"event": "step", "step": block.owner, "state": "running"})

    def begin_attempt(self, block: Block, attempt: int) -> None:
        """The main kernel begins to execute a block, for the n-th time."""
        if block.owner in self.steps:
            record = self.steps[block.owner]
            record.attempts = max(attempt, record.attempts)

    def finish(
        self, block: Block, state: str, seconds: float, result: BlockResult | None = None, why: str = ""
    ) -> None:
        """A block has ended in a state."""
        cells = self.context.record.nb.cells
        for index in block.cells:
            facts = {"step": block.owner, "state": state, **({"why": why} if why else {})}
            cells[index].metadata["jupyter_mlops_run"] = nbformat.from_dict(facts)
        if block.owner not in self.steps:
            return
        record = self.steps[block.owner]
        self.states[block.owner].append(state)
        record.seconds += seconds
        if state == "completed":
            record.attempts = max(1, record.attempts)
        if result is not None:
            record.reads = sorted({*record.reads, *result.read})
        last = max(b.index for b in self.context.blocks if b.owner == block.owner)
        record.state = planner.joined_state(self.states[block.owner])
        if block.index == last or state in ("failed", "stopped"):
            self.context.tell(
                {
                    "event": "step", "step": block.owner, "state": record.state, "seconds": record.seconds, "why": why,
                    "attempts": record.attempts,
                }
            )  # fmt: skip

    def skip(self, block: Block, why: str) -> None:
        """A block does not run, or its result is dropped, because one above it failed."""
        for index in block.cells:
            cell = self.context.record.nb.cells[index]
            cell.update(outputs=[], execution_count=None)
            cell.metadata["papermill"] = nbformat.from_dict(
                {"exception": None, "start_time": None, "end_time": None, "duration": None, "status": "pending"}
            )
        if block.owner in self.steps and "completed" not in self.states[block.owner]:
            self.steps[block.owner].attempts = 0
        self.finish(block, "skipped", 0.0, why=why)

    def fail(self, block: Block, error: MlopsError) -> None:
        """A block failed."""
        redaction, outcome = self.context.redaction, self.outcome
        cell = error.cell if isinstance(error, LocatedFailure) else (block.cells[0] if block.cells else 0)
        outcome.state = "failed"
        if outcome.error is None:
            outcome.error = {"step": block.owner, "cell": cell, **redaction.clean(error_facts(error))}
        why = redaction.text(str(error.message))
        self.finish(block, "failed", time.monotonic() - self.began_at, why=why)

    def fail_current(self, ename: str, evalue: str) -> None:
        """The run failed while the current block ran."""
        outcome, block = self.outcome, self.current
        outcome.state = "failed"
        if outcome.error is None:
            outcome.error = {
                "step": block.owner if block else "", "cell": self.running_cell(block),
                "ename": ename, "evalue": evalue, "traceback": [],
            }  # fmt: skip
        self.mark_current("failed")

    def mark_current(self, state: str) -> None:
        """The current block ended in a state because the run did."""
        if self.current is not None:
            index = self.running_cell(self.current)
            papermill = self.context.record.nb.cells[index].metadata.get("papermill")
            if papermill is not None and papermill.get("status") in ("running", "pending"):
                papermill["status"] = "failed"
                papermill["exception"] = True
            self.finish(self.current, state, time.monotonic() - self.began_at)

    def running_cell(self, block: Block | None) -> int:
        """The position of the cell of a block that runs, or that comes next."""
        cells = self.context.record.nb.cells
        for index in block.cells if block is not None else ():
            if cells[index].metadata.get("papermill", {}).get("status") in ("running", "failed", "pending"):
                return index
        return block.cells[0] if block is not None and block.cells else 0

    def settle(self, files: Iterable[str]) -> None:
        """The run has ended, and wrote these files."""
        for record in self.steps.values():
            if record.state == "running":
                record.state = "stopped"
        self.outcome.wrote = list(files)
        self.outcome.notes += self.metrics.notes()
        self.context.redaction.clean(self.outcome.metrics)
        self.context.redaction.clean(self.outcome.points)
        self.context.redaction.clean(self.outcome.notes)
