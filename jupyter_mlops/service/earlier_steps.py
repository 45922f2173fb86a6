"""Steps above a task in the notebook for which the task does not wait."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from jupyter_mlops.errors import RunFailedError
from jupyter_mlops.export.build import ancestors

if TYPE_CHECKING:
    from jupyter_mlops.execution.run_artifacts import RunArtifacts
    from jupyter_mlops.export.plan import ExportTask
    from jupyter_mlops.pipeline.model import Pipeline

COMPLETED = ("completed", "cached")
POLL_S = 1.0


class EarlierSteps:
    """Below a failed step, no code acts on the outside world. A task that acts although its text does not show it waits
    here for the steps above it.

    :param steps: those of the task.
    """

    def __init__(
        self, artifacts: RunArtifacts, pipeline: Pipeline, tasks: Sequence[ExportTask], steps: Sequence[str]
    ) -> None:
        self.artifacts, self.steps = artifacts, steps
        order = [step.name for step in pipeline.steps]
        first = min((order.index(step) for step in steps if step in order), default=0)
        self.beside = [name for name in order[:first] if name not in ancestors(tasks, steps)]

    def unfinished(self) -> dict[str, str]:
        """Step -> state of those that have not completed."""
        states = {name: str((self.artifacts.step(name) or {}).get("state", "queued")) for name in self.beside}
        return {name: state for name, state in states.items() if state not in COMPLETED}

    def wait(self, longest: float) -> None:
        """Wait until all have completed.

        :param longest: seconds.
        :raises RunFailedError: one failed, or they take too long.
        """
        until = time.monotonic() + longest
        while unfinished := self.unfinished():
            failed = [name for name, state in unfinished.items() if state == "failed"]
            if failed or time.monotonic() > until:
                name = (failed or list(unfinished))[0]
                raise RunFailedError(
                    f"the step acts on the outside world, and {name!r} above it is {unfinished[name]}",
                    where=f"step {self.steps[0]}",
                    remedy="Run the notebook once here and publish it again, so that the export orders the two; or let "
                    "the step act in any case: keep_going in its settings.",
                    data={"waits_for": name, "state": unfinished[name]},
                )
            time.sleep(POLL_S)
