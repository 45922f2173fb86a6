"""What runs in the process of a Dask worker: checks, and tasks, which it hands to a step server."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path
from typing import Any

from jupyter_mlops.config import RunConfig
from jupyter_mlops.errors import MlopsError
from jupyter_mlops.service.cluster.claim import Claim
from jupyter_mlops.service.cluster.server_process import SERVERS, ServerProcess
from jupyter_mlops.service.cluster.task_spec import TOPIC, Place, TaskSpec, WorkerCheck, WorkerReport

LOOK_S = 0.1  # seconds between looks at whether the task is still asked for
BEAT_S = 2.0  # seconds between signs of life


def execute_task(spec: TaskSpec) -> dict[str, Any]:
    """Execute one attempt at a task. Returns `outcome` ("record", "error", "stopped" or "lost") and what belongs to it.

    Ends within seconds when Dask no longer wants the task: it was cancelled, or the worker lost its scheduler.
    """
    from distributed import get_worker

    worker = get_worker()
    key = worker.get_current_task()
    try:
        lost = _claim(spec, worker.address)
        if lost is not None:
            return lost
    except MlopsError as error:
        return {"outcome": "error", "error": error.to_dict()}
    slot = _Slot(worker, key, spec)
    slot.say([{"event": "claimed", "worker": worker.address, "host": os.uname().nodename}])
    try:
        return _served(slot, spec)
    finally:
        slot.say([{"event": "ended"}])


def _served(slot: _Slot, spec: TaskSpec) -> dict[str, Any]:
    """Let a step server execute a task. Returns its outcome."""
    server = SERVERS.take(spec.place.home, spec.place.settings)
    try:
        server.begin(spec)
        outcome = slot.follow(server)
    except BaseException:
        server.end()
        raise
    if outcome is None:
        server.end_gently()
        return {"outcome": "stopped"}
    if outcome["outcome"] == "died":
        server.end()
        code = server.process.returncode
        error = MlopsError(f"the process of the step ended with code {code}")
        return {"outcome": "error", "error": {**error.to_dict(), "kind": "KernelDiedError"}}
    SERVERS.give_back(server, spec.place.home, spec.place.settings)
    return outcome


class _Slot:
    """One running task of the worker."""

    def __init__(self, worker: Any, key: object, spec: TaskSpec) -> None:
        self.worker, self.key, self.spec = worker, key, spec
        self.said_at = self.pinged_at = 0.0

    def follow(self, server: ServerProcess) -> dict[str, Any] | None:
        """Pass on what a server says until the task ends: its outcome; None if it is no longer needed."""
        while self._is_wanted():
            messages = server.messages(LOOK_S)
            self.say([message["event"] for message in messages if "event" in message])
            for message in messages:
                if "outcome" in message:
                    return message
            if server.has_ended:
                return {"outcome": "died"}
            if time.monotonic() - self.pinged_at > BEAT_S:
                self.pinged_at = time.monotonic()
                server.ping()
            if time.monotonic() - self.said_at > BEAT_S:
                self.say([{"event": "beat"}])
        return None

    def say(self, events: list[dict[str, Any]]) -> None:
        """Send events to the driver of the run."""
        if events:
            self.said_at = time.monotonic()
            facts = {"token": self.spec.token, "task": self.spec.task, "attempt": self.spec.request.attempt}
            self.worker.log_event(TOPIC, {**facts, "events": events})

    def _is_wanted(self) -> bool:
        state = self.worker.state.tasks.get(self.key)
        executing = state is not None and state.state in ("executing", "long-running")
        return executing and self.worker.status.name in ("running", "paused", "closing_gracefully")


def _claim(spec: TaskSpec, address: str) -> dict[str, Any] | None:
    """Claim the attempt, and have the version's bundle. Returns the outcome if it is already claimed."""
    from jupyter_mlops.execution.run_artifacts import RunArtifacts

    home = Path(_config(spec.place.home).home)
    artifacts = RunArtifacts(spec.request.artifacts, spec.request.run_id, home)
    claim = Claim(artifacts.documents, artifacts.folder, spec.task, spec.request.attempt)
    owner = claim.owner()
    if owner is not None:
        return {"outcome": "lost", "worker": owner}
    claim.take(address)
    bundle = home / "runs-of-tasks" / "bundles" / f"{spec.place.bundle}.zip"
    if not bundle.is_file():
        bundle.parent.mkdir(parents=True, exist_ok=True)
        artifacts.objects.fetch(spec.place.bundle, bundle)
    return None


def check_worker(check: WorkerCheck) -> WorkerReport:
    """What this worker lacks for a run."""
    from jupyter_mlops.storage.documents import open_documents
    from jupyter_mlops.storage.local import digest_file

    problems: list[str] = []
    config = _config(check.home)
    try:
        documents = open_documents(check.artifacts)
        if documents.read(check.document) != check.token.encode():
            problems.append(f"it does not see the artifacts at {documents.location}")
        else:
            documents.write(f"{check.document}.answer", b"")
    except MlopsError as error:
        problems.append(f"it can't use the artifacts: {error.message}")
    problems += _missing_secrets(check, Path(config.home))
    differences, failures = _differences(check)
    path, digest = check.notebook
    with contextlib.suppress(OSError):
        has_notebook = bool(path) and Path(path).is_file() and digest_file(Path(path)) == digest
        return WorkerReport(tuple(problems + failures), tuple(differences), has_notebook)
    return WorkerReport(tuple(problems + failures), tuple(differences))


def _missing_secrets(check: WorkerCheck, home: Path) -> list[str]:
    from jupyter_mlops.jobs.secrets import reveal

    try:
        reveal(check.secrets, home)
    except MlopsError as error:
        return [error.message]
    return []


def _differences(check: WorkerCheck) -> tuple[list[str], list[str]]:
    """Packages that differ from the version's, and problems."""
    from jupyter_mlops.execution.environment import interpreter_of, kernel_spec
    from jupyter_mlops.versions import environment as env

    if not check.packages:
        return [], []
    name = check.kernel if kernel_spec(check.kernel) is not None else "python3"
    try:
        described = env.describe(interpreter_of(name))
    except MlopsError as error:
        return [], [error.message]
    differences = []
    if check.python and described.python.rsplit(".", 1)[0] != check.python.rsplit(".", 1)[0]:
        differences.append(f"Python {described.python} instead of {check.python}")
    for package, version in check.packages.items():
        present = described.packages.get(package) or described.others.get(package)
        if present is None:
            differences.append(f"{package} is missing")
        elif present != version:
            differences.append(f"{package} {present} instead of {version}")
    return differences, []


def release_run(place: Place, digest: str, run_id: str) -> None:
    """Let other runs have the working folder of a run that has ended."""
    from jupyter_mlops.versions.run_folder import release_run_folder

    release_run_folder(Path(_config(place.home).home), digest, run_id)


def _config(home: str) -> RunConfig:
    return RunConfig(home=home) if home else RunConfig()
