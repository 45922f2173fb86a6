"""Doing one run that was taken from the queue: its version's files in a folder, its environment, and the pipeline."""

from __future__ import annotations

import asyncio
import contextlib
import os
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from zoneinfo import ZoneInfo

from jupyter_mlops.config import RunConfig
from jupyter_mlops.db.database import Damaged, name_of
from jupyter_mlops.errors import BadInput, MlopsError
from jupyter_mlops.jobs.folder import RunFolder
from jupyter_mlops.jobs.policies import Policies
from jupyter_mlops.jobs.records import Run, VersionRow
from jupyter_mlops.jobs.secrets import reveal
from jupyter_mlops.jobs.templates import filled, names_in
from jupyter_mlops.jobs.workspace import is_shared
from jupyter_mlops.notebook.output import text_of
from jupyter_mlops.objects import failed_to
from jupyter_mlops.run import retry
from jupyter_mlops.run.request import RunRequest

if TYPE_CHECKING:
    from jupyter_mlops.jobs.catalog import Catalog
    from jupyter_mlops.jobs.queue import Queue
    from jupyter_mlops.notebook.parameter import Parameter
    from jupyter_mlops.run.kernels import Kernels
    from jupyter_mlops.versions.manifest import Environment, Manifest
    from jupyter_mlops.versions.store import Store

ASKED = ("from_step", "only_step", "use_cache", "jobs", "isolate")
FIRST_NOTE = 0.3  # seconds until the first note: a run that is over by then needs none
NOTED_EVERY = 1.0  # seconds between notes of how its steps stand
Tell = Callable[[dict[str, Any]], None]
T = TypeVar("T")


@dataclass
class Performance:
    """What came of a run, to be written down under its lease."""

    state: str
    output: str = ""
    metrics: Mapping[str, Any] = field(default_factory=dict)
    error: Mapping[str, Any] | None = None
    notes: list[str] = field(default_factory=list)
    steps: list[Mapping[str, Any]] = field(default_factory=list)
    files: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Needs:
    """What it takes to do a run. `notes` say what differs from when its version was published."""

    version: VersionRow
    manifest: Manifest
    rules: Policies
    secrets: Mapping[str, str]
    parameters: dict[str, Any]
    kernel: str
    notes: list[str]


class Performer:
    """Does runs, any number of them at once in one process."""

    def __init__(self, catalog: Catalog, queue: Queue, store: Store, config: RunConfig) -> None:
        self.catalog, self.queue, self.store, self.config = catalog, queue, store, config
        self.home = Path(config.home)
        self.described: dict[str, Environment] = {}
        self.shared = is_shared(config)

    async def perform(
        self, run: Run, kernels: Kernels | None = None, tell: Tell = lambda event: None
    ) -> Performance:  # fmt: skip
        """Do a run and say what came of it. What goes wrong is told there too, and not raised.

        Cancelling it stops the run: what was done by then is told.
        """
        try:
            if self.shared:
                await asyncio.to_thread(self._bring, run)
            version = "" if run.version is None else f", v{run.version}"
            self._note(run, f"{run.trigger} run {run.id} of {run.job or 'a notebook'}{version}, attempt {run.attempt}")
            return await self._perform(run, kernels, tell)
        except MlopsError as error:
            told = error
        except OSError as error:
            told = failed_to("be used", error, Path(error.filename or self.home))
        with contextlib.suppress(OSError):
            self._note(run, str(told))
        return Performance("failed", error=_told(told))

    def finish(self, run: Run, done: Performance) -> str:
        """Write down what came of a run; the state it is in now, "" if it is no longer ours.

        Where the store is shared, what the run left is put there before: whoever reads of its end finds that too.
        """
        if self.shared and done.files is None:
            try:
                done.files = self._folder(run).keep(self.store)
            except MlopsError as error:
                done.files = {}
                done.notes.append(f"its notebook, log and files are on {platform.node()} alone: {error}")
        return self.queue.finish(
            run, done.state, output=done.output, metrics=done.metrics, error=done.error, notes=done.notes,
            steps=done.steps, files=done.files,
        )  # fmt: skip

    def _folder(self, run: Run) -> RunFolder:
        return RunFolder(self.home, run.id, name_of(self.config.database))

    def _bring(self, run: Run) -> None:
        """What earlier attempts left, on whatever machine."""
        self._folder(run).bring(self.store, self._ask(self.queue.files, run.id))

    async def _perform(self, run: Run, kernels: Kernels | None, tell: Tell) -> Performance:
        from jupyter_mlops.versions.checkout import check_out, keep_files, lane, notebook_in

        needs = await asyncio.to_thread(self._needs, run)
        if run.asked.get("in_folder"):
            return await self._in_folder(run, needs, kernels, tell)
        version, manifest = needs.version, needs.manifest
        with lane(self.home, version.digest, shared=version.writes_files is False) as folder:
            begun = folder.with_suffix(".run")
            if not (begun.is_file() and begun.read_text(encoding="utf-8") == run.id and run.resumed):
                origin = Path(version.provenance.get("path", "")).parent
                notebook = await asyncio.to_thread(check_out, manifest, self.store, folder, origin)
            else:
                notebook = notebook_in(folder, manifest)
            begun.write_text(run.id, encoding="utf-8")
            record = await self._executed(run, notebook, notebook.parent, needs, kernels, tell)
            inside = [p for p in record["writes"] if Path(p).is_relative_to(folder)]
            if inside:
                await asyncio.to_thread(keep_files, folder, manifest, self._folder(run).written)
            if outside := set(record["writes"]) - set(inside):
                await asyncio.to_thread(self._folder(run).note_elsewhere, outside)
            if version.writes_files is not True and record["state"] == "completed":
                await asyncio.to_thread(self._ask, self.catalog.note_writes, version.id, bool(inside))
        return _performance(record, needs.notes)

    def _needs(self, run: Run) -> Needs:
        from jupyter_mlops.versions.manifest import Manifest

        if run.version_id is None:
            raise BadInput("the run has no version", remedy="Publish one, and run again.")
        version = self._ask(self.catalog.version_by_id, run.version_id)
        rules = Policies() if run.job_id is None else self._ask(self.catalog.job_by_id, run.job_id).rules
        manifest = Manifest.get(self.store, version.digest)
        secrets = reveal((*rules.secrets, *_secrets_of(manifest)), self.home)
        parameters = self._ask(self._filled, run, manifest)
        kernel, notes = self._kernel(manifest, version.provenance, rules)
        return Needs(version, manifest, rules, secrets, parameters, kernel, notes)

    def _ask(self, question: Callable[..., T], *about: Any) -> T:
        """What the database says, however long it is locked or away: a run must not fail of that."""
        return self.catalog.db.patiently(lambda: question(*about), self.catalog.db.OUTAGE)

    def _note(self, run: Run, text: str) -> None:
        """A line in the run's log."""
        path = self._folder(run).log
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as log:
            log.write(stamped(text))

    async def _in_folder(self, run: Run, needs: Needs, kernels: Kernels | None, tell: Tell) -> Performance:
        """A run of a notebook that is worked on, in its own folder, with the files that are there now."""
        folder = Path(run.asked["in_folder"])
        if not folder.is_dir():
            raise BadInput("the notebook's folder is gone", where=str(folder))
        source = self._folder(run).path / "source" / needs.manifest.name
        source.parent.mkdir(exist_ok=True)
        await asyncio.to_thread(self.store.fetch, needs.manifest.notebook, source)
        record = await self._executed(run, source, folder, needs, kernels, tell)
        if record["writes"]:
            await asyncio.to_thread(self._folder(run).note_elsewhere, record["writes"])
        return _performance(record, needs.notes)

    def _request(self, run: Run, notebook: Path, folder: Path, needs: Needs) -> RunRequest:
        return RunRequest(
            notebook,
            given=needs.parameters,
            output=self._folder(run).path / notebook.name,
            timeout=run.asked.get("timeout") or needs.rules.cell_timeout,
            run_timeout=run.asked.get("run_timeout") or needs.rules.run_timeout,
            kernel=needs.kernel,
            cwd=folder,
            env={**environ(), **needs.secrets},
            **{name: run.asked[name] for name in ASKED if name in run.asked},
        )

    async def _executed(
        self, run: Run, notebook: Path, folder: Path, needs: Needs, kernels: Kernels | None, tell: Tell
    ) -> dict[str, Any]:  # fmt: skip
        """Execute, and write down what happens; the record."""
        from jupyter_mlops.run.execute import execute

        request = self._request(run, notebook, folder, needs)
        with self._folder(run).log.open("a", encoding="utf-8") as log:
            journal = Journal(log, self.queue, run, tell)
            try:
                record = await execute(
                    request, self.config, journal.hear, kernels, run_id=run.id, secrets=needs.secrets.values()
                )  # fmt: skip
            finally:
                await journal.close()
            journal.say(f"{record['state']}")
        return record

    def _filled(self, run: Run, manifest: Manifest) -> dict[str, Any]:
        """Its parameters with their holes filled; the same for every attempt and worker."""
        if isinstance(run.parameters, Damaged) or isinstance(run.asked, Damaged):
            raise BadInput("what was asked for can't be read in the database", remedy="Start another run.")
        from jupyter_mlops.notebook.read import parse_notebook
        from jupyter_mlops.pipeline.build import build

        holes = names_in(dict(run.parameters))
        if not holes:
            return dict(run.parameters)
        zone = self.queue.zone_of(run)
        before = self.queue.last_good(run) if "previous_success_time" in holes else None
        at = run.slot if run.slot is not None else run.created
        known = {
            "scheduled_time": _iso(at, zone),
            "run_id": run.id,
            "previous_success_time": "" if before is None else _iso(before.slot or before.created, zone),
        }
        declared: Sequence[Parameter] = ()
        if manifest.language == "python":
            nb = parse_notebook(self.store.get(manifest.notebook), manifest.name)
            declared = build(nb, manifest.name).parameters
        made = filled(run.parameters, declared, known)
        self.queue.set_parameters(run, made)
        return made

    def _kernel(self, manifest: Manifest, provenance: Mapping[str, Any], rules: Policies) -> tuple[str, list[str]]:
        """The kernel to run in, and what differs from when the version was published."""
        from jupyter_mlops.kernels.specs import add_kernel
        from jupyter_mlops.versions import environment as env

        if manifest.language != "python" or not manifest.environment.python:
            return manifest.kernel, []
        try:
            different = env.differences(manifest.environment, self._described(manifest.kernel))
        except (MlopsError, BadInput) as error:
            if rules.environment == "live":
                raise
            different = [error.message]
        if not different or rules.environment == "live":
            return manifest.kernel, [f"environment: {told}" for told in different]
        lock = provenance.get("lock") or {}
        if not lock.get("digest"):
            raise BadInput("the version has no lock", remedy="Publish again, or set the policy environment to live.")
        text = self.store.get(lock["digest"]).decode()
        python = env.build(text, lock.get("kind", "pylock"), manifest.environment, self.home)
        name = f"mlops-{python.parent.parent.name}"
        return add_kernel(self.home / "environments" / "kernels", name, [str(python)]), []

    def _described(self, kernel: str) -> Environment:
        """The kernel's environment now; asked again when its packages are others."""
        from jupyter_mlops.run.environment import environment_digest
        from jupyter_mlops.versions import environment as env

        key = environment_digest(kernel, {})
        if key not in self.described:
            self.described = {key: env.describe(interpreter_of(kernel))}
        return self.described[key]


class Journal:
    """Writes what a run says into its log, and how its steps stand into the database now and then."""

    def __init__(self, log: Any, queue: Queue, run: Run, tell: Tell) -> None:
        self.log, self.queue, self.run, self.tell = log, queue, run, tell
        self.steps: dict[str, dict[str, Any]] = {}
        self.noted_at = time.monotonic() - NOTED_EVERY + FIRST_NOTE
        self.noting: asyncio.Task[None] | None = None
        self.within_line = False

    def say(self, text: str) -> None:
        self.log.write("\n" * self.within_line + stamped(text))
        self.log.flush()
        self.within_line = False

    def hear(self, event: dict[str, Any]) -> None:
        """An event of the run."""
        self.tell(event)
        kind = event["event"]
        if kind == "run":
            self.steps = {name: {"name": name, "state": "queued"} for name in event["steps"]}
            self._note()
        elif kind == "step":
            known = self.steps.setdefault(event["step"], {"name": event["step"]})
            known.update(state=event["state"], seconds=event.get("seconds") or 0.0, attempts=event.get("attempts", 0))
            self.say(f"step {event['step']}: {event['state']}" + (f" ({event['why']})" if event.get("why") else ""))
            self._note()
        elif kind == "retry":
            known = self.steps.setdefault(event["step"], {"name": event["step"], "state": "running"})
            known["attempts"] = event["attempt"]
            self.say(f"step {event['step']}: {retry.told(event)}")
            self._note()
        elif kind == "cell":
            self.say(f"cell {event['cell'] + 1} of {event['step']}")
        elif kind == "output":
            text = text_of(event["output"])
            self.log.write(text)
            self.log.flush()
            self.within_line = not text.endswith("\n") if text else self.within_line

    def _note(self) -> None:
        if self.noting is None or self.noting.done():
            self.noting = asyncio.ensure_future(self._write_down())

    async def _write_down(self) -> None:
        await asyncio.sleep(max(0.0, self.noted_at + NOTED_EVERY - time.monotonic()))
        self.noted_at = time.monotonic()
        with contextlib.suppress(MlopsError):  # the end is written in any case
            await asyncio.to_thread(self.queue.note_steps, self.run, [dict(step) for step in self.steps.values()])

    async def close(self) -> None:
        if self.noting is not None:
            self.noting.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self.noting


def stamped(text: str) -> str:
    """A line of a log."""
    return f"[{datetime.now(UTC).strftime('%Y-%m-%dT%H:%M:%S.%fZ')}] {text}\n"


def _performance(record: Mapping[str, Any], notes: list[str]) -> Performance:
    return Performance(
        record["state"], record["output"], record["metrics"], record["error"], [*notes, *record["notes"]],
        record["steps"],
    )  # fmt: skip


def interpreter_of(kernel: str) -> list[str]:
    """How a kernel's interpreter is called."""
    import sys

    from jupyter_mlops.kernels.specs import spec_manager
    from jupyter_mlops.run.environment import kernel_spec

    spec = kernel_spec(kernel)
    if spec is None:
        raise BadInput(
            f"no kernel named {kernel!r} is installed",
            where="kernel",
            remedy=f"There are: {', '.join(sorted(spec_manager().find_kernel_specs())) or 'none'}.",
        )
    first = spec.argv[0] if spec.argv else "python"
    return [first if os.path.isabs(first) else sys.executable]


def environ() -> dict[str, str]:
    """The environment that kernels of runs begin with, secrets left out."""
    return {k: v for k, v in os.environ.items() if not k.startswith("MLOPS_SECRET_")}


def _secrets_of(manifest: Manifest) -> list[str]:
    """Names in the notebook's `secret:` tags, as `secret:NAME` or Kale's `secret:NAME:KEY`."""
    return list(manifest.pipeline.get("secrets", ()))


def _iso(at: float, zone: str) -> str:
    return datetime.fromtimestamp(at, ZoneInfo(zone)).isoformat()


def _told(error: MlopsError) -> dict[str, Any]:
    words = f"{error.message}. {error.remedy}".strip() if error.remedy else error.message
    text = f"{error.where}: {words}" if error.where else words
    return {"step": "", "cell": 0, "ename": type(error).__name__, "evalue": text, "traceback": []}


def defect(error: Exception) -> dict[str, Any]:
    """An error that is ours, as a run's."""
    text = f"{type(error).__name__}: {error}"
    return {"step": "", "cell": 0, "ename": "Defect", "evalue": text, "traceback": []}
