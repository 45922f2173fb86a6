"""Execute one claimed run: check out its version, build its environment, run the pipeline."""

from __future__ import annotations

import asyncio
import contextlib
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from zoneinfo import ZoneInfo

from jupyter_mlops.config import RunConfig
from jupyter_mlops.db.database import CorruptDocument, name_of
from jupyter_mlops.errors import InvalidInputError, MlopsError
from jupyter_mlops.execution.environ import kernel_environ
from jupyter_mlops.execution.request import RunRequest
from jupyter_mlops.jobs import run_log
from jupyter_mlops.jobs.models import record_models
from jupyter_mlops.jobs.policies import Policies
from jupyter_mlops.jobs.records import Run, VersionRow
from jupyter_mlops.jobs.run_data import RunData, RunDataStore
from jupyter_mlops.jobs.run_directory import RunDirectory
from jupyter_mlops.jobs.secrets import reveal
from jupyter_mlops.jobs.templates import filled, names_in
from jupyter_mlops.jobs.workspace import is_shared
from jupyter_mlops.notebook.output import text_of
from jupyter_mlops.storage.local import store_error
from jupyter_mlops.worker.executor import ClusterExecutor, cluster_request, executor_of
from jupyter_mlops.worker.run_data_writer import RunDataWriter, capsule_of, writer_of
from jupyter_mlops.worker.run_result import RunResult, result_of

if TYPE_CHECKING:
    from jupyter_mlops.execution.kernels import KernelProvider
    from jupyter_mlops.jobs.catalog import Catalog
    from jupyter_mlops.jobs.run_queue import RunQueue
    from jupyter_mlops.notebook.parameter import Parameter
    from jupyter_mlops.storage.store import Store
    from jupyter_mlops.versions.manifest import Environment, Manifest

ASKED = ("from_step", "only_step", "use_cache", "jobs", "isolate")
FIRST_NOTE = 0.3  # seconds until the steps are first saved: shorter runs need no interim save
NOTED_EVERY = 1.0  # seconds between saves of the steps
Tell = Callable[[dict[str, Any]], None]
T = TypeVar("T")


@dataclass(frozen=True)
class RunSpec:
    """What a run needs to execute. `notes` list the differences from the time of publication."""

    version: VersionRow
    manifest: Manifest
    rules: Policies
    secrets: Mapping[str, str]
    parameters: dict[str, Any]
    kernel: str
    environment_changes: list[str]
    writer: RunDataWriter


class RunExecutor:
    """Executes runs, any number at once in one process."""

    def __init__(
        self, catalog: Catalog, queue: RunQueue, store: Store, config: RunConfig,
        cluster: ClusterExecutor | None = None,
    ) -> None:  # fmt: skip
        self.cluster = cluster
        self.catalog, self.queue, self.store, self.config = catalog, queue, store, config
        self.home = Path(config.home)
        self.described: dict[str, Environment] = {}
        self.shared = is_shared(config)

    async def execute(
        self, run: Run, kernels: KernelProvider | None = None, tell: Tell = lambda event: None
    ) -> RunResult:  # fmt: skip
        """Execute a claimed run. Never raises; errors are reported in the result.

        Cancelling it stops the run; the result covers what was executed until then.
        """
        try:
            if self.shared:
                await asyncio.to_thread(self._download, run)
            facts = {"trigger": run.trigger, "run": run.id, "subject": run.subject, "version": run.version}
            run_log.append(self._folder(run).log, run_log.record("attempt", **facts, attempt=run.attempt))
            return await self._execute(run, kernels, tell)
        except MlopsError as error:
            reported = error
        except OSError as error:
            reported = store_error("be used", error, Path(error.filename or self.home))
        with contextlib.suppress(OSError):
            run_log.append(self._folder(run).log, run_log.record("error", text=str(reported)))
        return RunResult("failed", error=_told(reported))

    def finish(self, run: Run, result: RunResult) -> str:
        """Record the result of a run. Returns its new state, or "" if the lease was lost.

        With a shared store, the run's files are uploaded first, so that they are available to everyone who sees it
        finished.
        """
        if self.shared and result.files is None:
            try:
                result.files = self._folder(run).upload(self.store)
            except MlopsError as error:
                result.files = {}
                result.notes.append(f"its notebook, log and files are only on {platform.node()}: {error}")
        if problem := record_models(self.catalog, self.store, run, result.models, result.metrics, result.data.capsule):
            result.notes.append(problem)
        return self.queue.finish(
            run, result.state, output=result.output, metrics=result.metrics, error=result.error, notes=result.notes,
            environment_changes=result.environment_changes, steps=result.steps, files=result.files, data=result.data,
        )  # fmt: skip

    def _folder(self, run: Run) -> RunDirectory:
        return RunDirectory(self.home, run.id, name_of(self.config.database))

    def _download(self, run: Run) -> None:
        """Download the files of earlier attempts from other machines."""
        self._folder(run).download(self.store, self._ask(self.queue.files, run.id))

    async def _execute(self, run: Run, kernels: KernelProvider | None, tell: Tell) -> RunResult:
        from jupyter_mlops.versions.checkout import (
            check_out,
            checkout_slot,
            collect_files,
            lanes_of_hybrids,
            notebook_in,
        )

        needs = await asyncio.to_thread(self._spec, run)
        if run.options.get("in_folder"):
            return await self._in_folder(run, needs, kernels, tell)
        version, manifest = needs.version, needs.manifest
        is_own = not run.options.get("manifest")
        lanes = version.digest if is_own else lanes_of_hybrids(f"{name_of(self.config.database)} {run.job_id}")
        with checkout_slot(self.home, lanes, shared=is_own and version.writes_files is False) as folder:
            begun = folder.with_suffix(".run")
            if not (begun.is_file() and begun.read_text(encoding="utf-8") == run.id and run.recoveries):
                origin = Path(version.provenance.get("path", "")).parent
                notebook = await asyncio.to_thread(check_out, manifest, self.store, folder, origin)
            else:
                notebook = notebook_in(folder, manifest)
            begun.write_text(run.id, encoding="utf-8")
            record = await self._executed(run, notebook, notebook.parent, needs, kernels, tell)
            data = await asyncio.to_thread(self._data, run, needs, record, folder, notebook.parent)
            inside = [p for p in record["writes"] if Path(p).is_relative_to(folder)]
            if inside:
                await asyncio.to_thread(collect_files, folder, manifest, self._folder(run).written)
            if outside := set(record["writes"]) - set(inside):
                await asyncio.to_thread(self._folder(run).set_origin, outside)
            if is_own and version.writes_files is not True and record["state"] == "completed":
                await asyncio.to_thread(self._ask, self.catalog.note_writes, version.id, bool(inside))
        return result_of(record, needs.environment_changes, data)

    def _data(self, run: Run, needs: RunSpec, record: Mapping[str, Any], folder: Path, notebook: Path) -> RunData:
        """What a run leaves behind besides its files."""
        environment = needs.manifest.environment
        if needs.environment_changes or (needs.manifest.language == "python" and not environment.python):
            with contextlib.suppress(MlopsError):
                environment = self._described(needs.manifest.kernel)
        capsule = capsule_of(run.id, run.job, needs.version, environment, record, folder, notebook)
        return needs.writer.finish(capsule, record)

    def _spec(self, run: Run) -> RunSpec:
        from jupyter_mlops.versions.manifest import Manifest

        if run.version_id is None:
            raise InvalidInputError("the run has no version", remedy="Publish a version, then run again.")
        version = self._ask(self.catalog.version_by_id, run.version_id)
        rules = Policies() if run.job_id is None else self._ask(self.catalog.job_by_id, run.job_id).rules
        manifest = Manifest.get(self.store, run.options.get("manifest") or version.digest)
        secrets = reveal((*rules.secrets, *_secrets_of(manifest)), self.home)
        parameters = self._ask(self._filled, run, manifest)
        writer = self._ask(writer_of, run, RunDataStore(self.catalog.db), self.store, rules, manifest)
        lock = run.options.get("lock")
        if lock:
            rules = replace(rules, environment="locked")
        kernel, changes = self._kernel(manifest, {"lock": lock} if lock else version.provenance, rules)
        return RunSpec(version, manifest, rules, secrets, parameters, kernel, changes, writer)

    def _ask(self, question: Callable[..., T], *about: Any) -> T:
        """Query the database, retrying while it is locked or unavailable: a run must not fail for that reason."""
        return self.catalog.db.retry_during_outage(lambda: question(*about), self.catalog.db.OUTAGE)

    async def _in_folder(self, run: Run, needs: RunSpec, kernels: KernelProvider | None, tell: Tell) -> RunResult:
        """A run of an unpublished notebook, in its own folder with the current files."""
        folder = Path(run.options["in_folder"])
        if not folder.is_dir():
            raise InvalidInputError("the notebook's folder does not exist any more", where=str(folder))
        source = self._folder(run).path / "source" / needs.manifest.name
        source.parent.mkdir(exist_ok=True)
        await asyncio.to_thread(self.store.fetch, needs.manifest.notebook, source)
        record = await self._executed(run, source, folder, needs, kernels, tell)
        if record["writes"]:
            await asyncio.to_thread(self._folder(run).set_origin, record["writes"])
        data = await asyncio.to_thread(self._data, run, needs, record, folder, folder)
        return result_of(record, needs.environment_changes, data)

    def _request(self, run: Run, notebook: Path, folder: Path, needs: RunSpec) -> RunRequest:
        return RunRequest(
            notebook,
            given=needs.parameters,
            output=self._folder(run).path / notebook.name,
            timeout=run.options.get("timeout") or needs.rules.cell_timeout,
            run_timeout=run.options.get("run_timeout") or needs.rules.run_timeout,
            kernel=needs.kernel,
            cwd=folder,
            published_from=published_from(needs.version.provenance, run, notebook.name),
            env={**kernel_environ(), **needs.secrets},
            **{name: run.options[name] for name in ASKED if name in run.options},
        )

    async def _executed(
        self, run: Run, notebook: Path, folder: Path, needs: RunSpec, kernels: KernelProvider | None, tell: Tell
    ) -> dict[str, Any]:  # fmt: skip
        """Execute the pipeline, write the run log, and return the record."""
        from jupyter_mlops.execution.execute import execute

        request = self._request(run, notebook, folder, needs)
        with self._folder(run).log.open("a", encoding="utf-8") as log:
            journal = RunLogWriter(log, self.queue, run, tell)
            try:
                cluster_run = cluster_request(
                    run, request, needs.rules, needs.version, needs.manifest, self.store
                )  # fmt: skip
                if self.cluster is not None and executor_of(run, needs.rules, self.config) == "dask":
                    record = await self.cluster.execute(cluster_run, self.config, journal.on_event)
                else:
                    remote = self.cluster.steps(cluster_run, self.config) if self.cluster is not None else None
                    request = replace(request, remote=remote)
                    record = await execute(
                        request, self.config, journal.on_event, kernels, run_id=run.id, secrets=needs.secrets.values(),
                        sink=needs.writer.sink(),
                    )  # fmt: skip
            finally:
                await journal.close()
            journal.write("end", state=record["state"])
        return record

    def _filled(self, run: Run, manifest: Manifest) -> dict[str, Any]:
        """Its parameters with all templates filled in; the same for every attempt and worker."""
        if isinstance(run.parameters, CorruptDocument) or isinstance(run.options, CorruptDocument):
            raise InvalidInputError(
                "the run's parameters or options in the database are unreadable", remedy="Start a new run."
            )
        from jupyter_mlops.notebook.reader import parse_notebook
        from jupyter_mlops.pipeline.build import build

        holes = names_in(dict(run.parameters))
        if not holes:
            return dict(run.parameters)
        zone = self.queue.zone_of(run)
        before = self.queue.last_good(run) if "previous_success_time" in holes else None
        at = run.slot if run.slot is not None else run.created
        template_values = {
            "scheduled_time": _iso(at, zone),
            "run_id": run.id,
            "previous_success_time": "" if before is None else _iso(before.slot or before.created, zone),
        }
        declared: Sequence[Parameter] = ()
        if manifest.language == "python":
            nb = parse_notebook(self.store.get(manifest.notebook), manifest.name)
            declared = build(nb, manifest.name).parameters
        parameters = filled(run.parameters, declared, template_values)
        self.queue.set_parameters(run, parameters)
        return parameters

    def _kernel(self, manifest: Manifest, provenance: Mapping[str, Any], rules: Policies) -> tuple[str, list[str]]:
        """The kernel to use, and how its environment differs from the time of publication."""
        from jupyter_mlops.kernels.specs import add_kernel
        from jupyter_mlops.versions import environment as env

        if manifest.language != "python" or not manifest.environment.python:
            return manifest.kernel, []
        try:
            different = env.differences(manifest.environment, self._described(manifest.kernel))
        except (MlopsError, InvalidInputError) as error:
            if rules.environment == "live":
                raise
            different = [error.message]
        if not different or rules.environment == "live":
            return manifest.kernel, different
        lock = provenance.get("lock") or {}
        if not lock.get("digest"):
            raise InvalidInputError(
                "the version has no lock", remedy="Publish again, or set the policy environment to live."
            )
        text = self.store.get(lock["digest"]).decode()
        python = env.build(text, lock.get("kind", "pylock"), manifest.environment, self.home)
        name = f"mlops-{python.parent.parent.name}"
        return add_kernel(self.home / "environments" / "kernels", name, [str(python)]), []

    def _described(self, kernel: str) -> Environment:
        """The current environment of a kernel; described again when its packages change."""
        from jupyter_mlops.execution.environment import environment_digest, interpreter_of
        from jupyter_mlops.versions import environment as env

        key = environment_digest(kernel, {})
        if key not in self.described:
            self.described = {key: env.describe(interpreter_of(kernel))}
        return self.described[key]


class RunLogWriter:
    """Writes the run log, and saves the states of the steps to the database at intervals."""

    def __init__(self, log: Any, queue: RunQueue, run: Run, tell: Tell) -> None:
        self.log, self.queue, self.run, self.tell = log, queue, run, tell
        self.steps: dict[str, dict[str, Any]] = {}
        self.noted_at = time.monotonic() - NOTED_EVERY + FIRST_NOTE
        self.noting: asyncio.Task[None] | None = None

    def write(self, kind: str, **facts: Any) -> None:
        self.log.write(run_log.line_of(run_log.record(kind, **facts)))
        self.log.flush()

    def on_event(self, event: dict[str, Any]) -> None:
        """Log an event of the run."""
        self.tell(event)
        kind = event["event"]
        if kind == "run":
            self.steps = {name: {"name": name, "state": "queued"} for name in event["steps"]}
            self._note()
        elif kind == "step":
            step = self.steps.setdefault(event["step"], {"name": event["step"]})
            step.update(state=event["state"], seconds=event.get("seconds") or 0.0, attempts=event.get("attempts", 0))
            self.write("step", step=event["step"], state=event["state"], why=event.get("why") or "")
            self._note()
        elif kind == "retry":
            step = self.steps.setdefault(event["step"], {"name": event["step"], "state": "running"})
            step["attempts"] = event["attempt"]
            self.write("retry", **{name: event[name] for name in ("step", "attempt", "of", "wait", "why")})
            self._note()
        elif kind == "placed":
            self.write("placed", step=event["step"], where=event["where"])
        elif kind == "cell":
            self.write("cell", step=event["step"], cell=event["cell"])
        elif kind == "output" and (text := text_of(event["output"])):
            self.write("output", text=text)

    def _note(self) -> None:
        if self.noting is None or self.noting.done():
            self.noting = asyncio.ensure_future(self._write_down())

    async def _write_down(self) -> None:
        await asyncio.sleep(max(0.0, self.noted_at + NOTED_EVERY - time.monotonic()))
        self.noted_at = time.monotonic()
        with contextlib.suppress(MlopsError):  # the final state is recorded in any case
            await asyncio.to_thread(self.queue.save_steps, self.run, [dict(step) for step in self.steps.values()])

    async def close(self) -> None:
        if self.noting is not None:
            self.noting.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self.noting


def _secrets_of(manifest: Manifest) -> list[str]:
    """Names in the notebook's `secret:` tags, as `secret:NAME` or Kale's `secret:NAME:KEY`."""
    return list(manifest.pipeline.get("secrets", ()))


def _iso(at: float, zone: str) -> str:
    return datetime.fromtimestamp(at, ZoneInfo(zone)).isoformat()


def _told(error: MlopsError) -> dict[str, Any]:
    words = f"{error.message}. {error.remedy}".strip() if error.remedy else error.message
    text = f"{error.where}: {words}" if error.where else words
    return {"step": "", "cell": 0, "ename": error.code, "evalue": text, "traceback": []}


def internal_error(error: Exception) -> dict[str, Any]:
    """A defect of ours as the error of a run."""
    text = f"{type(error).__name__}: {error}"
    return {"step": "", "cell": 0, "ename": "Defect", "evalue": text, "traceback": []}


def published_from(provenance: Mapping[str, Any], run: Run, name: str) -> Path | None:
    """The notebook whose profile a run shares: an unpublished one in its folder, the published path of a version, or
    one path per job if the origin of the version is unknown."""
    if run.options.get("in_folder"):
        return Path(run.options["in_folder"]) / name
    origin = provenance.get("path")
    return Path(origin) if origin else Path(f"job-{run.job_id}") / name if run.job_id is not None else None
