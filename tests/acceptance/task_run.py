"""Running a row as an engine runs an export: a process for each task, in an order that only the edges restrain."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from jupyter_mlops.config import RunConfig
from jupyter_mlops.errors import InvalidInputError, RunFailedError
from jupyter_mlops.execution.outcome import Outcome
from jupyter_mlops.export.plan import ExportTask
from jupyter_mlops.pipeline.build import build
from jupyter_mlops.service import step
from jupyter_mlops.service.export import tasks
from jupyter_mlops.service.task_request import TaskRequest
from jupyter_mlops.storage.local import ObjectStore
from jupyter_mlops.versions.archive import archive
from jupyter_mlops.versions.snapshot import snapshot_notebook

RUN_ID = "manual__2026-01-31T06:00:00+00:00"


class Engine:
    """Runs tasks in an order that the edges allow and that is as far from the notebook's as possible."""

    def __init__(self, tasks: Sequence[ExportTask]) -> None:
        self.waiting = list(tasks)
        self.ended: set[str] = set()
        self.failed: set[str] = set()

    def run(self, execute: Callable[[ExportTask], bool]) -> None:
        """Run all tasks whose predecessors succeed.

        :param execute: whether a task succeeded. A task that waits for one beside it raises RunFailedError: it is tried
            again when another has ended.
        """
        postponed: list[ExportTask] = []
        while self.waiting:
            ready = [t for t in self.waiting if self.ended >= set(t.after) and t not in postponed]
            if not ready:
                self.failed |= {t.name for t in postponed}
                self.ended |= {t.name for t in postponed}
                self.waiting = [t for t in self.waiting if t not in postponed]
                postponed = []
                continue
            task = ready[-1]
            try:
                succeeded = not self.failed & set(task.after) and execute(task)
            except RunFailedError:
                postponed.append(task)
                continue
            postponed = []
            self.waiting.remove(task)
            self.ended.add(task.name)
            self.failed |= set() if succeeded else {task.name}


def run_tasks(
    nb: NotebookNode, folder: Path, home: Path, parameters: Mapping[str, object], profiles: Mapping[str, object]
) -> tuple[NotebookNode, Outcome]:
    """Run a notebook in `folder`, each task by itself, and collect. A task whose predecessor failed does not run.

    :param profiles: what an earlier run showed, as `publish` records it.
    :raises MlopsError: a task refused, as its exit code would say.
    """
    pipeline = build(nb, "row")
    if not pipeline.steps:
        raise InvalidInputError("there are no steps")
    store = ObjectStore(home / "published")
    manifest = snapshot_notebook(nb, "row.ipynb", store, "python3")
    manifest.put(store)
    facts: dict[str, Any] = {
        "job": "row",
        "version": 1,
        "author": "",
        "message": "",
        "created": "",
        "provenance": {"profiles": profiles},
    }
    bundle = home / "row.zip"
    bundle.write_bytes(archive(manifest, store, facts))
    config = RunConfig(home=str(home))
    step.LONGEST_WAIT = 0.0  # one task runs at a time: what it would wait for does not run meanwhile

    def execute(task: ExportTask) -> bool:
        record = step.run(_request(bundle, task.steps, home, parameters), config, folder=folder)
        return bool(record["state"] == "completed")

    Engine(tasks(nb, pipeline, facts["provenance"])).run(execute)
    record = step.run(_request(bundle, (), home, parameters), config, folder=folder)
    executed = nbformat.reads(Path(record["output"]).read_text("utf-8"), 4)
    outcome = Outcome(state=record["state"], error=record["error"], metrics=record["metrics"])
    return executed, outcome


def _request(bundle: Path, steps: Sequence[str], home: Path, parameters: Mapping[str, object]) -> TaskRequest:
    return TaskRequest(bundle, tuple(steps), str(home / "artifacts"), RUN_ID, parameters, use_cache=False)
