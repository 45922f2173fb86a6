"""Every way to run a version that this machine has, and what a run of one notebook must come to in each of them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat

from jupyter_mlops.export.folder import write
from jupyter_mlops.export.plan import ExportPlan
from jupyter_mlops.export.provers.process import notebook_run, run_process
from jupyter_mlops.export.provers.prover import PROVERS, EngineRun, ProofRequest, prover
from jupyter_mlops.export.step_command import encode_parameters
from jupyter_mlops.service.export import files_of, plan_of
from jupyter_mlops.service.jobs import open_workspace, publish
from tests.export.engines import slurm_stub

ROOT = Path(__file__).parents[2]
SECRET = "s3cret-hunter2-value"
COMMAND = [sys.executable, "-m", "jupyter_mlops.cli"]
HOSTILE = 'it\'s "$(touch pwned)" `id` ${HOME} 50% { x }} ünï ☃ 名\nsecond line\\ - a: b # c'
CELLS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    (
        "parameters",
        (
            'text: str = "plain"\nn: int = 3\nbroken: int = 0\nslow: float = 0.0\nstop: bool = False\nsize: int = 0\n'
            'folder: str = ""'
        ),
        {},
    ),
    ("step:load", "numbers = list(range(n))\nblob = bytes(size)", {}),
    ("step:double", "doubled = [2 * number for number in numbers]", {}),
    (
        "step:flaky",
        (
            "from pathlib import Path\n\n"
            "if folder:\n"
            "    counter = Path(folder) / 'attempts'\n"
            "    with counter.open('a') as stream:\n"
            "        stream.write('x')\n"
            "    if len(counter.read_text()) <= broken:\n"
            "        raise RuntimeError('not yet')\n"
            "total = sum(numbers)"
        ),
        {"retries": 1, "backoff": 1},
    ),
    ("step:wait", "import time\n\ntime.sleep(slow)\nwaited = True", {"timeout": 60}),
    ("step:check gate", "assert not stop, 'the guard stops'", {}),
    (
        "step:summary prev:check secret:API_TOKEN",
        (
            "import os\n\nsummary = {'text': text, 'doubled': doubled, 'total': total, 'waited': waited}\n"
            "summary['size'], summary['token'] = len(blob), len(os.environ['API_TOKEN'])\nprint(repr(summary))"
        ),
        {},
    ),
)
DONE = dict.fromkeys(("load", "double", "flaky", "wait", "check", "summary"), "completed")


@dataclass(frozen=True)
class Scenario:
    """A run.

    :param values: of parameters; FOLDER stands for a folder of the run.
    :param states: step -> state that it must end in; steps that are left out may end in any.
    :param attempts: how often the step `flaky` runs; 0: not counted.
    :param message: what the run says when it fails.
    """

    values: Mapping[str, object] = field(default_factory=dict)
    states: Mapping[str, str] = field(default_factory=lambda: DONE)
    attempts: int = 0
    message: str = ""

    @property
    def succeeds(self) -> bool:
        return set(self.states.values()) == {"completed"}


FOLDER = "FOLDER"
LARGE = 1_000_000_000 if "LARGE" in os.environ else 20_000_000  # bytes of a hand-off
SCENARIOS = {
    "hostile parameters": Scenario({"text": HOSTILE, "n": 5}),
    "a large hand-off": Scenario({"size": LARGE}),
    "a retry succeeds": Scenario({"broken": 1, "folder": FOLDER}, attempts=2),
    "a step fails": Scenario(
        {"broken": 9, "folder": FOLDER}, {"load": "completed", "flaky": "failed", "summary": "skipped"}, 2, "not yet"
    ),
    "a step takes too long": Scenario({"slow": 600.0}, {"load": "completed", "wait": "failed", "summary": "skipped"}),
    "a guard stops": Scenario({"stop": True}, {"check": "failed", "summary": "skipped"}, message="the guard stops"),
}
LOCAL = ("local", "steps", "dask")  # not exports, but the same promises
TARGETS = (*LOCAL, *PROVERS)
# What a target can't do: (target, scenario) -> words of the omission in which the export says so.
OTHERWISE: dict[tuple[str, str], tuple[str, ...]] = {
    ("script", "a retry succeeds"): ("Nothing is repeated",),
    ("script", "a step takes too long"): ("Time limits",),
}


def notebook(folder: Path, cells: tuple[tuple[str, str, dict[str, Any]], ...] = CELLS) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "numbers.ipynb"
    nb = nbformat.v4.new_notebook(
        cells=[
            nbformat.v4.new_code_cell(
                source, metadata={"tags": tags.split(), **({"jupyter_mlops": settings} if settings else {})}
            )
            for tags, source, settings in cells
        ],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
    )  # fmt: skip
    nbformat.write(nb, path)
    return path


def published(path: Path) -> ExportPlan:
    """The plan of the notebook, as `export` makes it."""
    space = open_workspace()
    try:
        publish(space, path)
        return plan_of(space, path.stem)
    finally:
        space.close()


def run_all(values: Mapping[str, object]) -> str:
    """What the last cell prints when the cells run in order, in a plain interpreter."""
    source = "\n".join(
        [CELLS[0][1], *(f"{name} = {value!r}" for name, value in values.items()), *(c[1] for c in CELLS[1:])]
    )
    variables = {**os.environ, "API_TOKEN": SECRET}
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=True, env=variables)
    return done.stdout


def request_of(plan: ExportPlan, folder: Path, values: Mapping[str, object]) -> ProofRequest:
    """A run with a home of its own: nothing is cached."""
    own = {k: v for k, v in os.environ.items() if not k.startswith("JUPYTER_MLOPS_")}
    environment = {
        **own, "PATH": f"{Path(sys.executable).parent}:{own['PATH']}", "PYTHONPATH": str(ROOT), "API_TOKEN": SECRET,
        "JUPYTER_MLOPS_HOME": str(folder / "home"), "PYTHONHASHSEED": "0",
    }  # fmt: skip
    return ProofRequest(plan, folder / "export", environment, values=values)


def run_target(target: str, request: ProofRequest, source: Path) -> EngineRun:
    """Run a version on a target. Raises InvalidInputError if its engine is not here."""
    if target in LOCAL:
        request.folder.mkdir(parents=True)
        return {"local": _run_locally, "steps": _run_steps, "dask": _run_on_dask}[target](request, source)
    if target == "slurm":
        request = slurm_stub.installed(request)
    if target in ("airflow", "dvc"):
        request = _with_engine(request, os.environ.get(f"MLOPS_{target.upper()}", ""))
    chosen = prover(target)
    write(files_of(request.plan, target), request.folder, {})
    engine = chosen.find(request)
    return chosen.run(request, engine)


def _with_engine(request: ProofRequest, program: str) -> ProofRequest:
    from dataclasses import replace

    return replace(request, engine=program)


def _run_locally(request: ProofRequest, source: Path, *options: str) -> EngineRun:
    parameters = encode_parameters(request.values)
    call = [*COMMAND, "run", str(source), *(["-b", parameters] if parameters else []), "--output", "out.ipynb"]
    finished = run_process([*call, *options], request.folder, request.environment)
    return notebook_run(finished, [*request.folder.glob("out.ipynb")])


def _run_on_dask(request: ProofRequest, source: Path) -> EngineRun:
    return _run_locally(request, source, "--executor", "dask", "-j", "2")


def _run_steps(request: ProofRequest, source: Path) -> EngineRun:
    """`jupyter mlops step` for each task whose predecessors succeeded, with its attempts, and the collection."""
    bundle = request.folder / request.plan.bundle_file
    bundle.write_bytes(request.plan.bundle)
    variables = {
        **request.environment, "JUPYTER_MLOPS_ARTIFACTS": str(request.folder / "artifacts"),
        "JUPYTER_MLOPS_RUN_ID": "r", "JUPYTER_MLOPS_PARAMETERS": encode_parameters(request.values),
    }  # fmt: skip
    succeeded: set[str] = set()
    for task in request.plan.tasks:
        if not set(task.after) <= succeeded:
            continue
        for attempt in range(1, task.retries + 2):
            call = [*COMMAND, "step", str(bundle), *task.steps]
            code = run_process(call, request.folder, {**variables, "JUPYTER_MLOPS_ATTEMPT": str(attempt)}).returncode
            if code in (0, 2):
                break
        succeeded |= {task.name} if code == 0 else set()
    finished = run_process([*COMMAND, "step", str(bundle), "--collect"], request.folder, variables)
    return notebook_run(finished, [*request.folder.glob("artifacts/runs/*/numbers.ipynb")])
