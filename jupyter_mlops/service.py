"""The verbs. Every surface, command line, server and widgets, calls these and nothing below."""

from __future__ import annotations

import difflib
import os
import re
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_mlops.config import RunConfig
from jupyter_mlops.errors import BadInput, NoKernel, UnknownStep

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from jupyter_mlops.pipeline.checks.finding import Finding
    from jupyter_mlops.pipeline.model import Pipeline
    from jupyter_mlops.pipeline.suggest import Suggestion


@dataclass(frozen=True)
class RunRequest:
    """What a person asks of one run.

    :param given: typed parameter values; `texts`: values as written on a command line, read by declared type.
    :param output: where the executed notebook goes; None: with the runs.
    :param jobs: kernels at most; 0: one for each core.
    :param timeout: seconds for a cell; `run_timeout`: seconds for the run.
    """

    notebook: Path
    given: Mapping[str, object] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    output: Path | None = None
    from_step: str = ""
    only_step: str = ""
    use_cache: bool = True
    jobs: int = 0
    isolate: bool = False
    timeout: float | None = None
    run_timeout: float | None = None
    report: Path | None = None
    report_code: bool = True
    kernel: str = ""
    cwd: Path | None = None


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

    nb = read(path)
    pipeline: Pipeline | None = None
    problem: MlopsError | None = None
    try:
        pipeline = build(nb, path.stem)
    except MlopsError as error:
        problem = error
    name = _kernel_name(nb, "")
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
) -> dict[str, Any]:
    """Run a notebook as a pipeline. Returns the record that `run --json` prints; BadInput before anything ran.

    :param tell: is called with each event while it runs (`event`: run, step, cell, output, ahead, discarded).
    """
    from jupyter_mlops.pipeline.build import build
    from jupyter_mlops.run.engine import MlopsEngine, cores
    from jupyter_mlops.run.failure import mark_failure, unmark
    from jupyter_mlops.run.loop import Options, Outcome

    config = config or RunConfig()
    source = read(request.notebook)
    declared = build(source, request.notebook.stem)
    kernel = _kernel_name(source, request.kernel)
    _require_kernel(kernel, request.kernel)
    values = _values(declared, request)
    nb = _injected(unmark(source), values, kernel, declared) if values else unmark(source)
    pipeline = build(nb, request.notebook.stem)
    _require_step(pipeline, request.from_step)
    _require_step(pipeline, request.only_step)
    run_id = _run_id()
    output = _output(request, config, run_id)
    cwd = (request.cwd or request.notebook.resolve().parent).resolve()
    tell({"event": "run", "id": run_id, "steps": [s.name for s in pipeline.steps], "output": str(output)})
    options = Options(
        jobs=request.jobs or config.jobs or cores(),
        isolate=request.isolate,
        redo_from=request.from_step,
        only=request.only_step,
        cell_timeout=request.timeout,
        run_timeout=request.run_timeout,
    )
    nb.metadata.setdefault("papermill", {}).update(
        input_path=str(request.notebook), output_path=str(output), version=_papermill()
    )
    nb.metadata.papermill.setdefault("parameters", {})
    outcomes: list[Outcome] = []
    MlopsEngine.execute_notebook(
        nb,
        kernel,
        output_path=str(output),
        progress_bar=False,
        save_every=config.save_every,
        pipeline=pipeline,
        options=options,
        config=config,
        use_cache=request.use_cache,
        cwd=str(cwd),
        tell=tell,
        outcome_to=outcomes.append,
    )
    outcome = outcomes[0]
    record = _record(run_id, outcome, pipeline, values, output, source, nb)
    if outcome.error is not None:
        mark_failure(nb, outcome.error)
        save(nb, output)
    if request.report is not None:
        from jupyter_mlops.run.report import write_report

        write_report(nb, request.report, request.notebook.stem, code=request.report_code)
    return record


def _record(
    run_id: str, outcome: Any, pipeline: Pipeline, values: dict[str, object], output: Path, source: Any, nb: Any
) -> dict[str, Any]:
    import json

    parameters = {p.name: values.get(p.name, p.default) for p in pipeline.parameters}
    error = outcome.error
    if error is not None:
        error = {**error, "cell": _source_cell(error["cell"], nb, source)}
    record = {
        "id": run_id,
        "state": outcome.state,
        "parameters": {**parameters, **values},
        "steps": [s.to_dict() for s in outcome.steps],
        "metrics": outcome.metrics,
        "output": str(output),
        "error": error,
        "fused": outcome.fused,
        "notes": outcome.notes,
    }
    plain: dict[str, Any] = json.loads(json.dumps(record, default=str))
    return plain


def _source_cell(cell: int, nb: Any, source: Any) -> int:
    """The position in the person's notebook of a cell of the one that ran, which may have cells injected."""
    kept = [i for i, c in enumerate(source.cells) if "injected-parameters" not in c.metadata.get("tags", ())]
    if len(nb.cells) == len(source.cells):
        return cell
    before = sum("injected-parameters" not in c.metadata.get("tags", ()) for c in nb.cells[: cell + 1])
    return kept[max(0, min(before, len(kept)) - 1)] if kept else cell


def _values(pipeline: Pipeline, request: RunRequest) -> dict[str, object]:
    if pipeline.language == "python":
        from jupyter_mlops.notebook.parameters import resolve

        return resolve(pipeline.parameters, request.given, request.texts)
    from papermill.cli import _resolve_type

    return {**request.given, **{k: _resolve_type(v) for k, v in request.texts.items()}}


def _injected(nb: NotebookNode, values: dict[str, object], kernel: str, pipeline: Pipeline) -> NotebookNode:
    from jupyter_mlops.notebook.parameters import inject

    return inject(nb, values, kernel, pipeline.language)


def _kernel_name(nb: Any, told: str) -> str:
    return told or nb.metadata.get("kernelspec", {}).get("name", "") or "python3"


def _require_kernel(name: str, told: str) -> None:
    from jupyter_client.kernelspec import KernelSpecManager

    found = KernelSpecManager().find_kernel_specs()
    if name in found:
        return
    nearest = difflib.get_close_matches(name, found, 1)
    where = "--kernel" if told else "the notebook's kernelspec"
    hint = f"Did you mean {nearest[0]!r}? " if nearest else ""
    raise NoKernel(
        f"no kernel named {name!r} is installed",
        where=where,
        remedy=f"{hint}Installed: {', '.join(sorted(found)) or 'none'}. Choose one with --kernel NAME.",
    )


def _require_step(pipeline: Pipeline, name: str) -> None:
    names = [s.name for s in pipeline.steps]
    if not name or name in names:
        return
    nearest = difflib.get_close_matches(name, names, 1)
    hint = f"Did you mean {nearest[0]!r}? " if nearest else ""
    raise UnknownStep(f"there is no step {name!r}", remedy=f"{hint}Steps: {', '.join(names) or 'none'}.")


def _run_id() -> str:
    return f"{time.strftime('%Y%m%d-%H%M%S')}-{uuid.uuid4().hex[:6]}"


def _output(request: RunRequest, config: RunConfig, run_id: str) -> Path:
    if request.output is None:
        path = Path(config.home) / "runs" / run_id / f"{request.notebook.stem}.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        return path
    path = request.output.resolve()
    if path.is_dir():
        path = path / f"{request.notebook.stem}.ipynb"
    if path == request.notebook.resolve():
        raise BadInput("the output would overwrite the notebook", where=str(path), remedy="Name another file with -o.")
    if not path.parent.is_dir():
        raise BadInput("the folder of the output does not exist", where=str(path.parent), remedy="Make it first.")
    if not os.access(path.parent, os.W_OK):
        raise BadInput("the folder of the output can't be written", where=str(path.parent))
    return path


def _papermill() -> str:
    from papermill.version import version

    return str(version)


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
    here = Path(__file__).parent
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
