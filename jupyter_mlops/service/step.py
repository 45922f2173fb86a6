"""`jupyter mlops step`: steps of a bundle as one process of another engine's run, and the collection of all of them."""

from __future__ import annotations

import asyncio
import json
import os
import shlex
import time
from collections.abc import Callable, Iterable, Mapping
from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_mlops.config import RunConfig
from jupyter_mlops.errors import InvalidInputError, MlopsError, RunStoppedError, UnknownStepError
from jupyter_mlops.execution.redaction import Redaction
from jupyter_mlops.export.build import ancestors
from jupyter_mlops.service.earlier_results import results_above, results_of, variables_near
from jupyter_mlops.service.earlier_steps import COMPLETED, EarlierSteps
from jupyter_mlops.service.export import tasks
from jupyter_mlops.service.task_request import TaskRequest
from jupyter_mlops.storage.local import atomic_write

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from jupyter_mlops.execution.committed_state import BlockResult, CommittedState
    from jupyter_mlops.execution.kernels import KernelProvider
    from jupyter_mlops.execution.run_artifacts import HandedOn, RunArtifacts
    from jupyter_mlops.pipeline.model import Block, Pipeline, Settings
    from jupyter_mlops.versions.manifest import Manifest

EventCallback = Callable[[dict[str, Any]], None]
LONGEST_WAIT = 3600.0  # seconds that a step waits for those above it before it acts


def run(
    request: TaskRequest,
    config: RunConfig | None = None,
    on_event: EventCallback = lambda e: None,
    folder: Path | None = None,
) -> dict[str, Any]:
    """Execute the steps of a request, or collect. Returns the record that `step --json` prints.

    :param folder: the working folder, which holds the version's files; None: one of the home, with a check-out.
    :raises InvalidInputError: the bundle, a parameter or the result of an earlier step is missing or wrong.
    """
    process = TaskProcess(request, config or RunConfig(), folder)
    return asyncio.run(process.execute(on_event)) if request.steps else process.collect()


class TaskProcess:
    """What a process of a run needs: the version, its pipeline and the artifacts.

    :ivar fence: is called before anything is written to the artifacts, and raises an error if another process has
        taken the task over.
    """

    def __init__(self, request: TaskRequest, config: RunConfig, folder: Path | None) -> None:
        from jupyter_mlops.execution.run_artifacts import RunArtifacts
        from jupyter_mlops.pipeline.build import build
        from jupyter_mlops.versions.run_folder import run_folder

        self.request, self.config, self.home = request, config, Path(config.home)
        self.notes: list[str] = []
        self.fence: Callable[[], None] = lambda: None
        self.artifacts: RunArtifacts = RunArtifacts(request.artifacts, request.run_id, self.home)
        self.manifest, self.facts, store = _version(request.bundle, self.home)
        self.digest: str = self.facts["digest"]
        self.source = _notebook(store.get(self.manifest.notebook), self.manifest)
        self.parameters = _parameters(request, self.source, self.manifest)
        self.nb, self.pipeline = _injected(self.source, self.parameters, self.manifest)
        self.tasks = tasks(self.source, build(self.source, Path(self.manifest.name).stem), self.facts["provenance"])
        self.earlier = EarlierSteps(self.artifacts, self.pipeline, self.tasks, request.steps)
        self.names = [step.name for step in self.pipeline.steps]
        if folder is None:
            self.notebook = run_folder(self.home, self.manifest, self.digest, store, request.run_id)
        else:
            self.notebook = self.home / "runs-of-tasks" / "in-place" / self.digest[:20] / self.manifest.name
            if not self.notebook.is_file():  # the folder is named by its content
                self.notebook.parent.mkdir(parents=True, exist_ok=True)
                with atomic_write(self.notebook) as stream:
                    stream.write(store.get(self.manifest.notebook))
        self.folder = self.notebook.parent if folder is None else folder

    def of_task(self, request: TaskRequest, fence: Callable[[], None]) -> TaskProcess:
        """The same for another task of the same run on this machine, without reading the version again."""
        process = copy(self)
        process.request, process.notes, process.fence = request, [], fence
        process.earlier = EarlierSteps(self.artifacts, self.pipeline, self.tasks, request.steps)
        return process

    # -- steps

    async def execute(self, on_event: EventCallback, kernels: KernelProvider | None = None) -> dict[str, Any]:
        """Execute the steps in a kernel and store their results for other tasks.

        :param kernels: where the kernel comes from; None: this process starts it.
        """
        self._require_steps()
        self.artifacts.describe(self.description())
        secrets = self._secrets()
        self.artifacts.redaction = Redaction(secrets.values())
        task = self._task(self._handed_on())
        started = time.time()
        for step in self.request.steps:
            self._put_step(step, {"state": "running", "started": started})
        try:
            record = await self._run(task, secrets, on_event, kernels)
            if task.guarded and self._was_denied(record):
                self.earlier.wait(LONGEST_WAIT if self.request.longest_wait is None else self.request.longest_wait)
                record = await self._run(replace(task, guarded=False), secrets, on_event, kernels)
        except RunStoppedError:
            raise  # another process may have the task now
        except MlopsError as error:
            self._put_error(error, started)
            raise
        if record["state"] == "stopped":
            for step in self.request.steps:
                self._put_step(step, {"state": "stopped", "started": started, "finished": time.time()})
            return record
        record = self._judged(record)
        self._put_record(record, started)
        return {**record, "output": "", "steps": [s for s in record["steps"] if s["name"] in self.request.steps]}

    def _handed_on(self) -> dict[int, HandedOn]:
        """Results of other processes that this one starts from. Raises InvalidInputError if one is missing."""
        if self.request.block is not None:
            return results_above(self.artifacts, self.request.block)
        needed = ancestors(self.tasks, self.request.steps)
        return results_of(self.artifacts, self.pipeline, needed, self.request.steps[0])

    def _require_steps(self) -> None:
        for step in self.request.steps:
            if step not in self.names:
                raise UnknownStepError(f"there is no step {step!r}", remedy=f"Steps: {', '.join(self.names)}.")
        if self.request.block is not None:
            return
        for task in self.tasks:
            together = set(task.steps) & set(self.request.steps)
            if together and set(self.request.steps) != set(task.steps):
                names = " ".join(shlex.quote(name) for name in task.steps)
                raise InvalidInputError(
                    f"the steps {', '.join(task.steps)} share a process" if len(task.steps) > 1
                    else f"the step {task.steps[0]!r} runs in a separate process",
                    where="STEP",
                    remedy=f"Run: jupyter mlops step {shlex.quote(str(self.request.bundle))} {names}",
                )  # fmt: skip

    def _secrets(self) -> dict[str, str]:
        from jupyter_mlops.jobs.secrets import reveal

        settings = [s.settings for s in self.pipeline.steps if s.name in self.request.steps]
        return reveal(self.secret_names(settings), self.home)

    def secret_names(self, settings: Iterable[Settings]) -> list[str]:
        """Names of the secrets that kernels of steps with these settings receive."""
        names = (secret.partition(":")[0] for s in settings for secret in s.secrets)
        return [*self.facts.get("secrets", ()), *(name for name in names if name.isidentifier())]

    def _task(self, handed_on: Mapping[int, HandedOn]) -> Any:
        from jupyter_mlops.execution.planner import needs_of, opaque
        from jupyter_mlops.execution.run_artifacts import REMOVED, files_after
        from jupyter_mlops.execution.task import Task, require_complete

        owners = {block.index: block.owner for block in self.pipeline.blocks}
        require_complete({index: h.result for index, h in handed_on.items()}, owners)
        files = files_after(handed_on[index].files for index in sorted(handed_on))
        self.artifacts.lay_files(files, self.folder)
        present, since = [name for name, content in files.items() if content != REMOVED], time.time()
        block_only = self.request.block is not None
        names = None if block_only else variables_near(self.pipeline, handed_on, self.request.steps)
        results = {index: self.artifacts.fetch(h.result, names) for index, h in handed_on.items()}

        def on_result(block: Block, result: BlockResult, state: CommittedState) -> None:
            names = state.closure(None if opaque(block) else needs_of(block, state))
            loaded = {name: state.groups[name].digest for name in names}
            values = {name: state.value_digest(name) or "" for name in names}
            before = {**result.state_before, **{name: digest for name, (digest, _) in state.state.items()}}
            complete = replace(result, loaded=loaded, values=values, state_before=before)
            self.fence()
            inputs = _inputs_of(complete) if block_only else {}
            for path in self.artifacts.put_result(complete, self.folder, since, present, inputs):
                self.notes.append(f"{block.owner} wrote {path}, outside of its folder: other machines don't have it")

        is_guarded = not block_only and bool(self.earlier.unfinished())
        return Task(self.request.steps, results, self.request.block, is_guarded, on_result)

    async def _run(
        self, task: Any, secrets: Mapping[str, str], on_event: EventCallback, kernels: KernelProvider | None
    ) -> dict[str, Any]:
        from jupyter_mlops.execution.environ import kernel_environ
        from jupyter_mlops.execution.execute import execute
        from jupyter_mlops.execution.request import RunRequest

        def on_notebook(nb: NotebookNode) -> None:
            self.cells = _cells(nb, len(self.nb.cells))

        request = RunRequest(
            self.notebook,
            given=self.parameters,
            jobs=1,
            use_cache=self.request.use_cache,
            from_step=self.request.from_step,
            timeout=self.request.cell_timeout,
            kernel=_kernel(self.manifest.kernel),
            cwd=self.folder,
            published_from=Path((self.facts.get("provenance") or {}).get("path") or self.notebook),
            env={**kernel_environ(), **secrets},
            task=replace(task, on_notebook=on_notebook),
            cache=_cache_folder(self.request.artifacts),
        )
        return await execute(
            request, self.config, on_event, kernels, run_id=self.request.run_id, secrets=secrets.values()
        )

    def _put_step(self, step: str, facts: Mapping[str, Any]) -> None:
        self.fence()
        about = {"attempt": self.request.attempt, "engine_url": self.request.engine_url, "host": os.uname().nodename}
        self.artifacts.put_step(step, {**about, **facts})

    def _was_denied(self, record: Mapping[str, Any]) -> bool:
        """Whether the guard stopped a step that acts on the outside world."""
        return any(s["name"] in self.request.steps and s["state"] == "skipped" for s in record["steps"])

    def _judged(self, record: dict[str, Any]) -> dict[str, Any]:
        """The record, failed if a step did not complete: cells outside of steps failed, or it ended the run early."""
        ended = [s for s in record["steps"] if s["name"] in self.request.steps and s["state"] not in COMPLETED]
        if not ended:
            return record
        name = ended[0]["name"]
        error = record["error"]
        if error is None:
            message = f"{' '.join(record['notes']) or 'it did not run'}. An engine can't end its run early"
            error = {
                "step": name,
                "cell": self._cells_of(name)[0],
                "ename": "RunEnded",
                "evalue": message,
                "traceback": [],
            }
        if error["step"] not in self.request.steps:
            error = {**error, "step": name}
        steps = [{**s, "state": "failed"} if s is ended[0] else s for s in record["steps"]]
        return {**record, "state": "failed", "error": error, "steps": steps}

    def _put_record(self, record: Mapping[str, Any], started: float) -> None:
        ended = time.time()
        for step in record["steps"]:
            if step["name"] not in self.request.steps:
                continue
            error = record["error"] if record["error"] and record["error"]["step"] == step["name"] else None
            indexes = self._cells_of(step["name"], outside=error is not None)
            cells = {str(index): self.cells[index] for index in indexes if index in self.cells}
            self._put_step(step["name"], {
                "state": step["state"], "started": started, "finished": ended, "seconds": step["seconds"],
                "why": step["why"], "error": error, "notes": [*record["notes"], *self.notes], "cells": cells,
            })  # fmt: skip

    def _put_error(self, error: MlopsError, started: float) -> None:
        for step in self.request.steps:
            if self.request.longest_wait == 0.0 and "waits_for" in error.data:  # it begins again after that one
                self._put_step(step, {"state": "queued"})
                continue
            facts = {"step": step, "cell": error.cell or 0, "ename": error.code, "evalue": str(error), "traceback": []}
            self._put_step(step, {"state": "failed", "started": started, "finished": time.time(), "error": facts})

    def _cells_of(self, step: str, outside: bool = False) -> list[int]:
        """Positions of a step's cells, and of those outside of steps if `outside`."""
        blocks = [b for b in self.pipeline.blocks if b.owner == step or (outside and b.role != "step")]
        return [index for block in blocks for index in block.cells]

    # -- the whole run

    def collect(self) -> dict[str, Any]:
        """Put the results of all steps together, verify them, and store the executed notebook."""
        from jupyter_mlops.service.collection import collect
        from jupyter_mlops.versions.run_folder import release_run_folder

        record = collect(self.artifacts, self.nb, self.pipeline, self.tasks, self.parameters)
        record = {**record, **{k: v for k, v in self.description().items() if k not in record}}
        notebook = record.pop("notebook")
        record["notebook_name"] = self.manifest.name
        record["output"] = self.artifacts.put_file(self.manifest.name, notebook)
        self.artifacts.put_file("result.json", json.dumps(record, ensure_ascii=False, indent=1).encode())
        release_run_folder(self.home, self.digest, self.request.run_id)
        return record

    def description(self) -> dict[str, Any]:
        """What the run is, as the artifacts record it."""
        from jupyter_mlops.notebook.parameter import json_form

        return {
            "id": self.request.run_id, "job": self.facts["job"], "version": self.facts["version"],
            "digest": self.digest, "engine": self.request.engine, "engine_url": self.request.engine_url,
            "scheduled_time": self.request.scheduled_time,
            **({"part_of": self.request.part_of} if self.request.part_of else {}),
            "parameters": {name: json_form(value) for name, value in self.parameters.items()},
        }  # fmt: skip


def _version(bundle: Path, home: Path) -> tuple[Manifest, dict[str, Any], Any]:
    """The version in a bundle, and the store that holds its files."""
    from jupyter_mlops.storage.local import ObjectStore
    from jupyter_mlops.versions.bundle import read_bundle

    store = ObjectStore(home / "store")
    manifest, facts = read_bundle(bundle, store)
    if manifest.language != "python":
        raise InvalidInputError(f"only Python notebooks have steps here; this one is in {manifest.language}")
    return manifest, facts, store


def _notebook(data: bytes, manifest: Manifest) -> NotebookNode:
    from jupyter_mlops.notebook.reader import parse_notebook

    return parse_notebook(data, manifest.name)


def _parameters(request: TaskRequest, nb: NotebookNode, manifest: Manifest) -> dict[str, Any]:
    """The values of a run, checked and with templates filled in."""
    from jupyter_mlops.jobs.templates import check, filled
    from jupyter_mlops.notebook.parameters import resolve
    from jupyter_mlops.pipeline.build import build

    declared = build(nb, Path(manifest.name).stem).parameters
    if not request.has_templates:
        return dict(resolve(declared, request.parameters, request.texts))
    check(request.parameters)
    scheduled = request.scheduled_time or time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    holes = {"scheduled_time": scheduled, "run_id": request.run_id, "previous_success_time": ""}
    values = filled(request.parameters, declared, holes)
    return dict(resolve(declared, values, request.texts))


def _injected(nb: NotebookNode, values: dict[str, Any], manifest: Manifest) -> tuple[NotebookNode, Pipeline]:
    """The notebook with its parameters, and its pipeline, as `execute` will see them."""
    from jupyter_mlops.notebook.parameters import inject
    from jupyter_mlops.pipeline.build import build

    injected = inject(nb, values, manifest.kernel, manifest.language) if values else nb
    return injected, build(injected, Path(manifest.name).stem)


def _cells(nb: NotebookNode, count: int) -> dict[int, dict[str, Any]]:
    """Position -> outputs and metadata of the cells of an executed notebook."""
    from jupyter_mlops.execution.failure import unmark

    nb = unmark(nb)
    return {
        index: {"outputs": list(cell.outputs), "execution_count": cell.execution_count}
        for index, cell in enumerate(nb.cells[:count])
        if cell.cell_type == "code"
    }


def _inputs_of(result: BlockResult) -> dict[str, str]:
    """Path -> digest of the files that a block read and did not write."""
    from jupyter_mlops.storage.local import digest_file

    paths = [Path(path) for path, facts in result.read.items() if facts is not None and path not in result.written]
    return {str(path): digest_file(path) for path in paths if path.is_file()}


def _kernel(name: str) -> str:
    """The version's kernel, or the default one where the image does not have it."""
    from jupyter_mlops.execution.environment import kernel_spec

    return name if kernel_spec(name) is not None else "python3"


def _cache_folder(artifacts: str) -> Path | None:
    """The cache that tasks on all machines share, where the artifacts are a folder."""
    from jupyter_mlops.storage.store import URL

    return None if URL.match(artifacts) else Path(artifacts).expanduser().absolute()
