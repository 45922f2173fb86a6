"""The service layer, used by the command line, the server and the widgets; they call nothing below it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_mlops.config import RunConfig, default_home
from jupyter_mlops.errors import InvalidInputError
from jupyter_mlops.execution.request import RunRequest

EXECUTORS = ("local", "dask")

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from jupyter_mlops.pipeline.checks.finding import Finding
    from jupyter_mlops.pipeline.model import Pipeline
    from jupyter_mlops.pipeline.suggest import Suggestion


def read(path: Path) -> NotebookNode:
    """The notebook at `path`. Raises InvalidNotebookError if it can't be read."""
    from jupyter_mlops.notebook.reader import read_notebook

    return read_notebook(path)


def show(path: Path, config: RunConfig | None = None) -> Pipeline:
    """The pipeline of a notebook, including edges observed in its earlier runs on this machine."""
    from jupyter_mlops.execution.profile_file import evidence_file
    from jupyter_mlops.execution.profile_store import ProfileStore, block_id
    from jupyter_mlops.pipeline.build import build

    nb = read(path)
    pipeline = build(nb, path.stem)
    evidence = ProfileStore(evidence_file((config or RunConfig()).home, path))
    observed_writes = {
        block.cells: profile.wrote
        for block in pipeline.blocks
        if (profile := evidence.get(block_id(nb.cells[i].source for i in block.cells))) is not None
    }
    return build(nb, path.stem, observed_writes) if observed_writes else pipeline


def check(path: Path) -> list[Finding]:
    """Check whether a notebook will run headless: the findings of all rules, worst first."""
    from jupyter_mlops.errors import MlopsError
    from jupyter_mlops.execution.environment import kernel_spec, modules_missing
    from jupyter_mlops.execution.execute import kernel_name
    from jupyter_mlops.pipeline.build import build
    from jupyter_mlops.pipeline.checks import check as run_rules
    from jupyter_mlops.pipeline.checks.missing_imports import imported_modules
    from jupyter_mlops.pipeline.checks.rule import Context, KernelFacts

    nb = read(path)
    pipeline: Pipeline | None = None
    problem: MlopsError | None = None
    try:
        pipeline = build(nb, path.stem)
    except MlopsError as error:
        problem = error
    name = kernel_name(nb)
    spec = kernel_spec(name)
    context = Context(nb=nb, pipeline=pipeline, beside=_modules_beside(path))
    missing_modules = None
    if context.language == "python" and spec is not None:
        module_names = frozenset(module.split(".")[0] for module in imported_modules(context))
        missing_modules = (
            modules_missing(name, module_names, str(path.resolve().parent)) if module_names else frozenset()
        )
    facts = KernelFacts(
        modules_missing=missing_modules, name=name, language=context.language, installed=spec is not None
    )
    findings = run_rules(replace(context, kernel=facts))
    if problem is not None and not any(f.severity == "error" for f in findings):
        raise problem
    return findings


def _modules_beside(path: Path) -> frozenset[str]:
    """Modules and packages in the notebook's folder, which its kernel can import."""
    folder = path.resolve().parent
    return frozenset(p.stem for p in folder.iterdir() if p.suffix == ".py" or (p.is_dir() and p.name.isidentifier()))


def suggest(path: Path) -> tuple[NotebookNode, Suggestion]:
    """Suggest tags for an untagged notebook; also returns the notebook with these tags."""
    from jupyter_mlops.pipeline.suggest import apply
    from jupyter_mlops.pipeline.suggest import suggest as think

    nb = read(path)
    suggestion = think(nb)
    return apply(nb, suggestion), suggestion


def save(nb: NotebookNode, path: Path) -> None:
    """Write a notebook, atomically."""
    from jupyter_mlops.notebook.writer import write_notebook

    write_notebook(nb, path)


def run(
    request: RunRequest,
    config: RunConfig | None = None,
    on_event: Callable[[dict[str, Any]], None] = lambda event: None,
    *,
    in_place: bool = False,
) -> dict[str, Any]:
    """Run a notebook as a pipeline. Returns the record that `run --json` prints; raises InvalidInputError before
    anything ran.

    A running worker executes it. Without one, or if it would run differently there, this process executes it.

    :param on_event: called with each event except outputs, which are in the record.
    :param in_place: do not use a worker.
    """
    request = replace(request, notebook=_absolute_path(request.notebook))
    if request.cwd is not None and not request.cwd.is_dir():
        raise InvalidInputError("the folder to run in does not exist", where=f"--cwd {request.cwd}")
    if is_for_cluster(request, config):
        from jupyter_mlops.service.cluster.notebook_run import run_notebook
        from jupyter_mlops.service.configuration import load_config

        return run_notebook(request, config or load_config(), on_event)
    if not in_place and (config is None or config.is_plain()):
        from jupyter_mlops.worker.client import submit

        record = submit(request, Path(config.home if config is not None else default_home()), on_event)
        if record is not None:
            return record
    import asyncio

    return asyncio.run(_run_here(request, config, lambda e: on_event(e) if e["event"] != "output" else None))


async def _run_here(
    request: RunRequest, config: RunConfig | None, on_event: Callable[[dict[str, Any]], None]
) -> dict[str, Any]:
    """Run a notebook in this process."""
    from jupyter_mlops.execution.execute import execute
    from jupyter_mlops.service.remote_steps import RemoteSteps

    steps = RemoteSteps(request, config or RunConfig())
    try:
        return await execute(replace(request, remote=steps), config, on_event)
    finally:
        await steps.close()


def is_for_cluster(request: RunRequest, config: RunConfig | None = None) -> bool:
    """Whether a Dask cluster executes the run. Raises InvalidInputError for an executor that does not exist."""
    config = config or RunConfig()
    if request.executor != "dask" and (request.scheduler or request.artifacts):
        option = "--scheduler" if request.scheduler else "--artifacts"
        if (request.executor or config.executor) != "dask" and not _has_remote_steps(request.notebook):
            raise InvalidInputError(
                "that is for runs on a cluster, and no step runs on one",
                where=option,
                remedy="Add --executor dask, or `executor` to the settings of a step.",
            )
    name = request.executor or config.executor
    if name not in EXECUTORS:
        raise InvalidInputError(
            f"there is no executor {name!r}", where="executor", remedy=f"Executors: {', '.join(EXECUTORS)}."
        )
    return name == "dask"


def _has_remote_steps(notebook: Path) -> bool:
    """Whether the settings of a step name a cluster."""
    return any(step.settings.executor not in ("", "local") for step in show(notebook).steps)


def _absolute_path(path: Path) -> Path:
    """The absolute path, so that records are the same from any process."""
    try:
        return path.absolute()
    except FileNotFoundError:
        raise InvalidInputError(
            "the current folder does not exist any more", where=str(path), remedy="Change to an existing folder."
        ) from None


def serve_worker(config: RunConfig, ready: Callable[[], None] = lambda: None, *, is_supervised: bool = False) -> None:
    """Run a worker until a signal or `stop_worker` ends it. `ready` is called when it accepts runs.

    :param is_supervised: by a server: then it also ends when no server is left.
    """
    import asyncio

    from jupyter_mlops.service.cluster.executor import DaskExecutor
    from jupyter_mlops.worker.daemon import WorkerDaemon

    async def serve() -> None:
        await WorkerDaemon(config, supervised=is_supervised, cluster=DaskExecutor()).serve(ready)

    asyncio.run(serve())


def worker_status(config: RunConfig | None = None) -> dict[str, Any] | None:
    """The state of the worker of this home folder; None if there is none."""
    from jupyter_mlops.worker.client import ask

    return ask(Path((config or RunConfig()).home), {"status": True})


def worker_absence(config: RunConfig | None = None) -> str:
    """The reason why no worker answered, as text for people."""
    from jupyter_mlops.worker.client import why_no_worker

    return why_no_worker(Path((config or RunConfig()).home))


def stop_worker(config: RunConfig | None = None) -> dict[str, Any] | None:
    """Ask the worker to end when its runs have finished; None if there is none."""
    from jupyter_mlops.worker.client import ask

    return ask(Path((config or RunConfig()).home), {"end": True})


def demo(folder: Path) -> Path:
    """Copy the demo project into a folder and return its notebook. Existing files are kept.

    :raises InvalidInputError: a file of the same name exists with other content.
    """
    import shutil

    source = demo_source()
    target = folder / "mlops-demo"
    for path in sorted(source.rglob("*")):
        if path.is_dir() or "__pycache__" in path.parts:
            continue
        destination = target / path.relative_to(source)
        if destination.is_file() and destination.read_bytes() != path.read_bytes():
            continue
        destination.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, destination)
    return target / "demo.ipynb"


def demo_source() -> Path:
    """Location of the demo project: in the package when installed, in binder/ in a checkout."""
    package_folder = Path(__file__).parent.parent
    for candidate in (package_folder / "demo", package_folder.parent / "binder" / "demo"):
        if (candidate / "demo.ipynb").is_file():
            return candidate
    raise InvalidInputError("the demo project is not installed", remedy="Install jupyter_mlops with pip.")


def yaml_values(text: str, location: str) -> dict[str, object]:
    """Parameters from YAML, with dates left as text, as papermill reads them."""
    import yaml

    class Loader(yaml.SafeLoader):
        """Leaves dates as text."""

    Loader.yaml_implicit_resolvers = {
        k: [(tag, regexp) for tag, regexp in v if tag != "tag:yaml.org,2002:timestamp"]
        for k, v in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    try:
        parsed = yaml.load(text, Loader)
    except yaml.YAMLError as error:
        message = re.sub(r"\s+", " ", str(error))
        raise InvalidInputError(f"not YAML: {message}", where=location) from None
    if parsed is None:
        return {}
    if not isinstance(parsed, dict):
        raise InvalidInputError(
            "parameters must be a mapping of names to values", where=location, remedy="Example: alpha: 0.5"
        )
    return {str(k): v for k, v in parsed.items()}


def install_kernelspec(name: str, *, prefix: str | None = None, preload: tuple[str, ...] = ()) -> Path:
    """Install the kernelspec "Python 3 (forked)"; returns its folder.

    :param prefix: folder of an environment; None: for the current user.
    :param preload: modules to import ahead for every kernel.
    """
    from jupyter_mlops.kernels.kernelspec import install

    if not re.fullmatch(r"[A-Za-z0-9._-]+", name):
        raise InvalidInputError(f"{name!r} is not a valid kernel name", remedy="Use letters, digits, '.', '_' and '-'.")
    try:
        return install(name, prefix=prefix, preload=preload)
    except OSError as error:
        raise InvalidInputError(
            f"the kernelspec cannot be installed: {error}", remedy="Choose another folder: --prefix FOLDER."
        ) from None
