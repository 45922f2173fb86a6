"""The verbs. Every surface, command line, server and widgets, calls these and nothing below."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_mlops.config import RunConfig, default_home
from jupyter_mlops.errors import BadInput
from jupyter_mlops.run.request import RunRequest

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from jupyter_mlops.pipeline.checks.finding import Finding
    from jupyter_mlops.pipeline.model import Pipeline
    from jupyter_mlops.pipeline.suggest import Suggestion


def read(path: Path) -> NotebookNode:
    """The notebook at `path`; BadNotebook says what is wrong with it."""
    from jupyter_mlops.notebook.read import read_notebook

    return read_notebook(path)


def show(path: Path, config: RunConfig | None = None) -> Pipeline:
    """The pipeline that a notebook is, with the edges that its earlier runs on this machine showed."""
    from jupyter_mlops.pipeline.build import build
    from jupyter_mlops.run.evidence import Evidence, block_id

    nb = read(path)
    pipeline = build(nb, path.stem)
    evidence = Evidence(Path((config or RunConfig()).home) / "evidence" / f"{pipeline.name}.json")
    learned = {
        block.cells: known.wrote
        for block in pipeline.blocks
        if (known := evidence.get(block_id(nb.cells[i].source for i in block.cells))) is not None
    }
    return build(nb, path.stem, learned) if learned else pipeline


def check(path: Path) -> list[Finding]:
    """Whether a notebook will run headless: the findings of all rules, worst first."""
    from jupyter_mlops.errors import MlopsError
    from jupyter_mlops.pipeline.build import build
    from jupyter_mlops.pipeline.checks import check as run_rules
    from jupyter_mlops.pipeline.checks.missing_imports import imported
    from jupyter_mlops.pipeline.checks.rule import Context, KernelFacts
    from jupyter_mlops.run.environment import kernel_spec, modules_missing
    from jupyter_mlops.run.execute import kernel_name

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
    missing = None
    if context.language == "python" and spec is not None:
        wanted = frozenset(module.split(".")[0] for module in imported(context))
        missing = modules_missing(name, wanted, str(path.resolve().parent)) if wanted else frozenset()
    facts = KernelFacts(modules_missing=missing, name=name, language=context.language, found=spec is not None)
    found = run_rules(replace(context, kernel=facts))
    if problem is not None and not any(f.severity == "error" for f in found):
        raise problem
    return found


def _modules_beside(path: Path) -> frozenset[str]:
    """Modules and packages in the notebook's folder, which its kernel can import from there."""
    folder = path.resolve().parent
    return frozenset(p.stem for p in folder.iterdir() if p.suffix == ".py" or (p.is_dir() and p.name.isidentifier()))


def suggest(path: Path) -> tuple[NotebookNode, Suggestion]:
    """Tags for an untagged notebook, and the notebook that carries them."""
    from jupyter_mlops.pipeline.suggest import apply
    from jupyter_mlops.pipeline.suggest import suggest as think

    nb = read(path)
    found = think(nb)
    return apply(nb, found), found


def save(nb: NotebookNode, path: Path) -> None:
    """Write a notebook, atomically."""
    from jupyter_mlops.notebook.write import write_notebook

    write_notebook(nb, path)


def run(
    request: RunRequest,
    config: RunConfig | None = None,
    tell: Callable[[dict[str, Any]], None] = lambda event: None,
    *,
    in_place: bool = False,
) -> dict[str, Any]:
    """Run a notebook as a pipeline. Returns the record that `run --json` prints; BadInput before anything ran.

    A worker that is running gets it; where there is none, or it would not run it as this process does, this one does.

    :param tell: is called with each event but outputs, which the record has.
    :param in_place: leave workers alone.
    """
    request = replace(request, notebook=_absolute(request.notebook))
    if request.cwd is not None and not request.cwd.is_dir():
        raise BadInput("there is no such folder to run in", where=f"--cwd {request.cwd}")
    if not in_place and (config is None or config.is_plain()):
        from jupyter_mlops.jobs.handover import hand_over

        record = hand_over(request, Path(config.home if config is not None else default_home()), tell)
        if record is not None:
            return record
    import asyncio

    from jupyter_mlops.run.execute import execute

    return asyncio.run(execute(request, config, lambda event: tell(event) if event["event"] != "output" else None))


def _absolute(path: Path) -> Path:
    """The path as any process can follow it, so that records say the same whoever makes them."""
    try:
        return path.absolute()
    except FileNotFoundError:
        raise BadInput("the current folder is gone", where=str(path), remedy="Change to one that is there.") from None


def serve_worker(config: RunConfig, ready: Callable[[], None] = lambda: None, *, kept: bool = False) -> None:
    """Be a worker until a signal or `stop_worker` ends it. `ready` is called when it takes runs.

    :param kept: by a server: then it also ends when no server is there any more.
    """
    import asyncio

    from jupyter_mlops.jobs.worker import Worker

    async def serve() -> None:
        await Worker(config, kept=kept).serve(ready)

    asyncio.run(serve())


def worker_status(config: RunConfig | None = None) -> dict[str, Any] | None:
    """What the worker of this home is doing; None if there is none."""
    from jupyter_mlops.jobs.handover import ask

    return ask(Path((config or RunConfig()).home), {"status": True})


def worker_absence(config: RunConfig | None = None) -> str:
    """Why there was no answer of a worker, in words."""
    from jupyter_mlops.jobs.handover import absence

    return absence(Path((config or RunConfig()).home))


def stop_worker(config: RunConfig | None = None) -> dict[str, Any] | None:
    """Ask the worker to end when its runs are done; None if there is none."""
    from jupyter_mlops.jobs.handover import ask

    return ask(Path((config or RunConfig()).home), {"end": True})


def demo(folder: Path) -> Path:
    """Copy the demo project into a folder and return its notebook. What stands there already is kept.

    :raises BadInput: a file of the demo's name is there with other content.
    """
    import shutil

    source = demo_source()
    target = folder / "mlops-demo"
    for path in sorted(source.rglob("*")):
        if path.is_dir() or "__pycache__" in path.parts:
            continue
        to = target / path.relative_to(source)
        if to.is_file() and to.read_bytes() != path.read_bytes():
            continue
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, to)
    return target / "demo.ipynb"


def demo_source() -> Path:
    """Where the demo project is: in the package when installed, in binder/ in a checkout."""
    here = Path(__file__).parent.parent
    for candidate in (here / "demo", here.parent / "binder" / "demo"):
        if (candidate / "demo.ipynb").is_file():
            return candidate
    raise BadInput("the demo project is not installed", remedy="Install jupyter_mlops with pip.")


def yaml_values(text: str, where: str) -> dict[str, object]:
    """Parameters from YAML, with dates left as text, as papermill reads them."""
    import yaml

    class Loader(yaml.SafeLoader):
        """Leaves dates as text."""

    Loader.yaml_implicit_resolvers = {
        k: [(tag, regexp) for tag, regexp in v if tag != "tag:yaml.org,2002:timestamp"]
        for k, v in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    try:
        found = yaml.load(text, Loader)
    except yaml.YAMLError as error:
        first = re.sub(r"\s+", " ", str(error))
        raise BadInput(f"not YAML: {first}", where=where) from None
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise BadInput("parameters have to be a mapping of names to values", where=where, remedy="Example: alpha: 0.5")
    return {str(k): v for k, v in found.items()}


def install_kernelspec(name: str, *, prefix: str | None = None, preload: tuple[str, ...] = ()) -> Path:
    """Install the kernelspec "Python 3 (forked)"; returns its folder.

    :param prefix: an environment's folder; None: for this person.
    :param preload: modules that are imported ahead of every kernel.
    """
    from jupyter_mlops.kernels.kernelspec import install

    if not re.fullmatch(r"[A-Za-z0-9._-]+", name):
        raise BadInput(f"{name!r} can't be the name of a kernel", remedy="Use letters, digits, '.', '_' and '-'.")
    try:
        return install(name, prefix=prefix, preload=preload)
    except OSError as error:
        raise BadInput(
            f"the kernelspec can't be installed: {error}", remedy="Choose another place: --prefix FOLDER."
        ) from None
