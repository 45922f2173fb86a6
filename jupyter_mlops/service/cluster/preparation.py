"""What a run on a cluster begins with: the version in the artifacts, and workers that can execute it."""

from __future__ import annotations

import os
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_mlops import __version__
from jupyter_mlops.config import RunConfig
from jupyter_mlops.errors import ClusterError, InvalidInputError
from jupyter_mlops.service.cluster.connection import Connection
from jupyter_mlops.service.cluster.task_spec import Place, WorkerCheck, WorkerReport
from jupyter_mlops.service.step import TaskProcess
from jupyter_mlops.service.task_request import TaskRequest

if TYPE_CHECKING:
    from jupyter_mlops.versions.manifest import Environment, Manifest
    from jupyter_mlops.worker.executor import ClusterRequest

# A worker that lacks jupyter_mlops can't unpickle a function of it, and answers what it lacks to a question of Python.
VERSION_QUESTION = "__import__('jupyter_mlops').__version__"
CHECK_QUESTION = (
    "__import__('jupyter_mlops.service.cluster.remote_task', fromlist=['check_worker']).check_worker(check)"
)
MOST_NAMED = 3  # workers that an error names


@dataclass(frozen=True)
class Preparation:
    """A run that can begin.

    :param process: the driver's view of the run: version, tasks and artifacts.
    :param place: where tasks work on the workers.
    :param template: the request of each task, except its steps and its attempt.
    :param notes: differences for the record.
    """

    process: TaskProcess
    place: Place
    template: TaskRequest
    notes: tuple[str, ...] = ()


def artifacts_url(run: ClusterRequest, config: RunConfig) -> str:
    """The folder or URL through which the tasks of a run transfer results."""
    return run.artifacts or config.artifacts or str(Path(config.home).absolute() / "artifacts")


def settings_of(config: RunConfig) -> dict[str, Any]:
    """The settings that hold on workers too."""
    names = ("hash_seed", "startup_timeout", "fork_kernels", "fork_safe", "preload", "pool_memory", "kernels_idle")
    changed = config.changed_settings()
    return {name: changed[name] for name in names if name in changed}


async def check_versions(connection: Connection) -> None:
    """Raises ClusterError if a worker lacks jupyter_mlops, or has another release of it."""
    answers = await connection.ask(eval, VERSION_QUESTION)
    problems = {
        worker: f"it has no jupyter_mlops ({answer})" if isinstance(answer, BaseException)
        else f"it has jupyter_mlops {answer}, and this is {__version__}"
        for worker, answer in answers.items() if answer != __version__
    }  # fmt: skip
    _require_none(problems, "Install the same release of jupyter_mlops on all workers.")


async def check_workers(connection: Connection, check: WorkerCheck) -> dict[str, WorkerReport]:
    """What each worker answers. Raises ClusterError if one can't be used."""
    answers = await connection.ask(eval, CHECK_QUESTION, {"check": check})
    problems = {
        worker: str(report) if isinstance(report, BaseException) else "; ".join(report.problems)
        for worker, report in answers.items()
        if isinstance(report, BaseException) or report.problems
    }
    _require_none(
        problems, "Give --artifacts a folder or URL that all workers reach, and each worker what the version needs."
    )
    return answers


def environment_notes(reports: Mapping[str, WorkerReport], *, strict: bool) -> tuple[str, ...]:
    """Notes on workers whose packages differ. Raises ClusterError instead if `strict`."""
    problems = {
        worker: f"its packages differ: {', '.join(report.differences[:MOST_NAMED])}"
        + (f" and {rest} more" if (rest := len(report.differences) - MOST_NAMED) > 0 else "")
        for worker, report in reports.items() if report.differences
    }  # fmt: skip
    if strict:
        _require_none(
            problems, "Install the version's packages there, or set the policy environment=live to run with others."
        )
    return tuple(f"worker {worker}: {problem}" for worker, problem in problems.items())


def _require_none(problems: Mapping[str, str], remedy: str) -> None:
    if problems:
        chosen = [f"worker {worker}: {problem}" for worker, problem in list(problems.items())[:MOST_NAMED]]
        rest = len(problems) - len(chosen)
        text = "; ".join(chosen) + (f"; and {rest} more workers" if rest > 0 else "")
        raise ClusterError(f"not all workers can execute the run: {text}", remedy=remedy)


def new_check(run: ClusterRequest, config: RunConfig, local: bool) -> WorkerCheck:
    """A check whose token is in the artifacts."""
    from jupyter_mlops.storage.documents import open_documents
    from jupyter_mlops.storage.local import digest_file

    url = artifacts_url(run, config)
    check = WorkerCheck(
        url, f"checks/{uuid.uuid4().hex}", uuid.uuid4().hex, home=str(Path(config.home).absolute()) if local else "",
        notebook=("", "") if run.version else (str(run.request.notebook), digest_file(run.request.notebook)),
    )  # fmt: skip
    open_documents(url).write(check.document, check.token.encode())
    return check


def with_version(
    check: WorkerCheck, manifest: Manifest, environment: Environment | None, secrets: Sequence[str]
) -> WorkerCheck:
    """A check that also asks for the packages and the secrets of a version.

    :param environment: None: any will do.
    """
    if environment is None:
        return replace(check, kernel=manifest.kernel, secrets=tuple(secrets))
    return replace(
        check, kernel=manifest.kernel, python=environment.python, packages=dict(environment.packages),
        secrets=tuple(secrets),
    )  # fmt: skip


def prepare(run: ClusterRequest, config: RunConfig, *, in_place: bool, local: bool) -> Preparation:
    """Put the version into the artifacts.

    :param in_place: whether the steps work in the notebook's folder; it is the same on all workers then.
    :param local: whether the workers are on this machine.
    :raises InvalidInputError: the notebook, a parameter or the kernel is invalid.
    """
    from jupyter_mlops.execution.run_artifacts import RunArtifacts
    from jupyter_mlops.storage.local import digest_bytes

    home, request = Path(config.home).absolute(), run.request
    bundle = _bundle(run, home, in_place=in_place)
    path = home / "runs-of-tasks" / "bundles" / f"{digest_bytes(bundle)}.zip"
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.is_file():
        part = path.with_suffix(f".{os.getpid()}.part")
        part.write_bytes(bundle)
        part.replace(path)
    url = artifacts_url(run, config)
    template = TaskRequest(
        path, (), url, run.run_id, request.given, request.texts,
        engine="dask", use_cache=request.use_cache, from_step=request.from_step or request.only_step,
        cell_timeout=request.timeout, longest_wait=0.0, has_templates=False,
    )  # fmt: skip
    folder = (request.cwd or request.notebook.parent).resolve()
    process = TaskProcess(template, config, folder)
    digest = RunArtifacts(url, run.run_id, home).objects.put(bundle)
    place = Place(digest, str(home) if local else "", settings_of(config), str(folder) if in_place else "")
    return Preparation(process, place, replace(template, bundle=Path(path.name)))


def _bundle(run: ClusterRequest, home: Path, *, in_place: bool) -> bytes:
    """The version as one zip."""
    from jupyter_mlops.storage.local import ObjectStore
    from jupyter_mlops.versions.archive import archive

    if run.version is not None:
        facts = dict(run.version.facts)
        return archive(run.version.manifest, run.version.store, facts)
    store = ObjectStore(home / "store")
    manifest, profiles = _notebook_manifest(run, home, store, in_place=in_place)
    facts = {
        "job": Path(manifest.name).stem, "version": 0, "author": "", "message": "", "created": "",
        "provenance": {"path": str(run.request.evidence_of), "profiles": profiles}, "secrets": [],
    }  # fmt: skip
    return archive(manifest, store, facts)


def _notebook_manifest(
    run: ClusterRequest, home: Path, store: Any, *, in_place: bool
) -> tuple[Manifest, dict[str, Any]]:
    """The manifest of a notebook that was not published, and what earlier runs showed of it."""
    from jupyter_mlops.execution.execute import kernel_name
    from jupyter_mlops.execution.profile_file import evidence_file
    from jupyter_mlops.execution.profile_store import ProfileStore, block_id, to_dict
    from jupyter_mlops.notebook.reader import read_notebook
    from jupyter_mlops.pipeline.build import build
    from jupyter_mlops.versions.manifest import Environment
    from jupyter_mlops.versions.snapshot import snapshot, snapshot_notebook

    request = run.request
    nb = read_notebook(request.notebook)
    kernel, folder = kernel_name(nb, request.kernel), (request.cwd or request.notebook.parent).resolve()
    pipeline = build(nb, request.notebook.stem)
    if pipeline.language != "python":
        raise InvalidInputError(
            f"only Python notebooks run on a cluster; this one is in {pipeline.language}", where=str(request.notebook)
        )
    known_profiles = ProfileStore(evidence_file(home, request.evidence_of), folder).facts
    keys = [block_id(nb.cells[i].source for i in block.cells) for block in pipeline.blocks]
    profiles = {key: known_profiles[key] for key in keys if key in known_profiles}
    plain = {key: to_dict(profile, folder) for key, profile in profiles.items()}
    if in_place:
        return snapshot_notebook(nb, request.notebook.name, store, kernel), plain
    reads = {path for profile in profiles.values() for path in profile.reads - profile.writes}
    observed = [path for path in reads if Path(path).is_relative_to(folder)]
    place = folder / request.notebook.name
    return snapshot(nb, place, store, Environment(), kernel, observed), plain


def described_environment(kernel: str) -> Environment | None:
    """The packages of a kernel here, which workers must have too; None if they can't be listed."""
    from jupyter_mlops.errors import EnvironmentBuildError
    from jupyter_mlops.execution.environment import interpreter_of
    from jupyter_mlops.versions.environment import describe

    try:
        return describe(interpreter_of(kernel))
    except EnvironmentBuildError:
        return None
