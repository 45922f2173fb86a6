"""Which task of a run comes next: the states of tasks and what follows from their ends. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Literal

from jupyter_mlops.export.plan import ExportTask

TaskState = Literal["waiting", "running", "held", "completed", "failed", "skipped"]
FINAL = ("completed", "failed", "skipped")


class TaskGraph:
    """The tasks of one run.

    :param tasks: in notebook order.
    :param selected: names of the tasks to run; the others are left out, as if they had completed.
    :param keep_going: whether tasks beside a failed one still start.
    """

    def __init__(
        self, tasks: Sequence[ExportTask], selected: Collection[str] | None = None, *, keep_going: bool = True
    ) -> None:
        self.tasks = {task.name: task for task in tasks if selected is None or task.name in selected}
        self.states: dict[str, TaskState] = dict.fromkeys(self.tasks, "waiting")
        self.reasons: dict[str, str] = {}
        self.keep_going = keep_going
        self._order = [task.name for task in tasks]

    @property
    def is_finished(self) -> bool:
        return all(state in FINAL for state in self.states.values())

    def ready(self) -> list[ExportTask]:
        """The tasks that may start, in notebook order."""
        return [
            task for name, task in self.tasks.items()
            if self.states[name] == "waiting" and all(self._has_completed(before) for before in task.after)
        ]  # fmt: skip

    def start(self, name: str) -> None:
        """A task has been submitted."""
        self.states[name] = "running"

    def complete(self, name: str) -> None:
        """A task has succeeded."""
        self.states[name] = "completed"
        self._settle()

    def fail(self, name: str) -> None:
        """A task has failed for good."""
        self.states[name] = "failed"
        self._settle()

    def hold(self, name: str) -> None:
        """A task acts on the world outside: it starts again when all tasks above it in the notebook have completed."""
        self.states[name] = "held"
        self._settle()

    def _settle(self) -> None:
        """Skip tasks that can't run any more, and release those whose wait is over."""
        failed = [name for name, state in self.states.items() if state == "failed"]
        changed = True
        while changed:
            changed = False
            for name, task in self.tasks.items():
                state, reason = self._next(name, task, failed)
                if state != self.states[name]:
                    self.states[name], self.reasons[name], changed = state, reason, True

    def _next(self, name: str, task: ExportTask, failed: Sequence[str]) -> tuple[TaskState, str]:
        state = self.states[name]
        if state not in ("waiting", "held"):
            return state, self.reasons.get(name, "")
        above = task.after if state == "waiting" else self._above(name)
        if (lost := self._lost(above)) is not None:
            return "skipped", f"it waits for {lost!r}, which did not complete"
        if failed and not self.keep_going:
            return "skipped", f"{failed[0]!r} failed"
        if state == "held" and all(self._has_completed(before) for before in above):
            return "waiting", ""
        return state, self.reasons.get(name, "")

    def _above(self, name: str) -> list[str]:
        return self._order[: self._order.index(name)]

    def _has_completed(self, name: str) -> bool:
        return self.states.get(name, "completed") == "completed"

    def _lost(self, names: Collection[str]) -> str | None:
        """The first of these tasks that failed or was skipped."""
        return next((name for name in names if self.states.get(name) in ("failed", "skipped")), None)
