"""The demo project, run as a pipeline and by `jupyter execute`.

A round runs it for the first time, and again with another seed, which takes the steps above the seed from the cache.
Both are measured with a process of their own (`jupyter mlops run`) and with a worker that is running.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import nbformat

from jupyter_mlops import service
from jupyter_mlops.execution.request import RunRequest
from jupyter_mlops.notebook.injection import inject
from jupyter_mlops.worker.client import submit
from tests.benchmarks.cases import OURS, WORKER, Case, Part
from tests.benchmarks.measure import Failed, Row, Sample, Target, compare, run
from tests.benchmarks.runners import JupyterExecute, Mlops, printed
from tests.benchmarks.worker import Worker, wait_for

NAME = "demo"
PEER = JupyterExecute.name
FIRST, OTHER_SEED = "first run", "another seed"
SEEDS: Mapping[str, int] = {FIRST: 7, OTHER_SEED: 22}
TARGETS = {
    (FIRST, OURS): [Target(0.75, PEER)],
    (FIRST, WORKER): [Target(0.6, PEER)],
    (OTHER_SEED, WORKER): [Target(0.55, PEER)],
}
IMPORTS = "import pandas as pd\nimport matplotlib.pyplot as plt\nfrom sklearn.ensemble import RandomForestClassifier"


def demo(rounds: int, folder: Path, tell: Callable[[str], None], *, quick: bool = False) -> list[Row]:
    """The rows of the case. Raises Failed if a run fails, or prints something else than Run All."""
    execute, cold, warm = JupyterExecute(folder / "jupyter"), Mlops(folder / "jupyter"), Worker(folder / "jupyter")
    for peer in (execute, cold):
        peer.ready()
    case = Case(NAME, "the demo", lambda number: (Part("", ()),), imports=IMPORTS)
    samples: dict[str, dict[str, list[Sample]]] = {phase: {PEER: [], OURS: [], WORKER: []} for phase in SEEDS}
    for number in range(1, rounds + 1):
        tell(f"the demo · round {number} of {rounds}")
        with tempfile.TemporaryDirectory(prefix="demo-", dir=folder, ignore_cleanup_errors=True) as base:
            texts: dict[str, dict[str, str]] = {phase: {} for phase in SEEDS}
            turns: list[tuple[str, JupyterExecute | Mlops]] = [(PEER, execute), (OURS, cold), (WORKER, warm)]
            for name, peer in turns if number % 2 else turns[::-1]:
                at = Path(base, name.replace(" ", "-"))
                at.mkdir()
                peer.begin(case, at)
                try:
                    for phase, seed in SEEDS.items():
                        samples[phase][name].append(_sample(peer, _project(at, phase), seed))
                        texts[phase][name] = printed([at / "mlops-demo" / "out.ipynb"])
                finally:
                    peer.end()
            if any(len(set(found.values())) > 1 for found in texts.values()):
                raise Failed("what the pipeline prints is not what Run All prints")
    rows = []
    for phase, of_peers in samples.items():
        targets = {} if quick else {name: aims for (at_phase, name), aims in TARGETS.items() if at_phase == phase}
        rows += compare(f"the demo: {phase}", dict(of_peers), base=PEER, targets=targets)
    return rows


def _project(at: Path, phase: str) -> Path:
    """The folder of the project, copied there for the first phase."""
    return service.demo(at).parent if phase == FIRST else at / "mlops-demo"


def _sample(peer: JupyterExecute | Mlops, project: Path, seed: int) -> Sample:
    (project / "out.ipynb").unlink(missing_ok=True)
    environment = peer.environment(project.parent)
    if isinstance(peer, Worker):
        assert peer.home is not None
        wait_for(lambda: peer.status_of("kernels_ready") >= 2)
        began = time.perf_counter()
        request = RunRequest(
            project / "demo.ipynb", given={"seed": seed}, output=project / "out.ipynb", cwd=project, env=environment
        )
        record = submit(request, peer.home, environ=environment)
        if record is None or record["state"] != "completed":
            raise Failed("the worker did not take it" if record is None else f"it {record['state']}: {record['error']}")
        return Sample(time.perf_counter() - began)
    if isinstance(peer, Mlops):
        command = [*peer.command(project)[:-3], "demo.ipynb", "-o", "out.ipynb", "-p", "seed", str(seed)]
        return run(command, project, environment)
    nb = nbformat.read(project / "demo.ipynb", 4)
    nbformat.write(inject(nb, {"seed": seed}, "python3", "python"), project / "in.ipynb")
    return run(peer.command(project), project, environment)
