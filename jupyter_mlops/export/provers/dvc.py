"""The pipeline of DVC, by `dvc repro`."""

from __future__ import annotations

from typing import ClassVar

from jupyter_mlops.export.provers.process import engine_version, find_program, notebook_run, problem_of, run_process
from jupyter_mlops.export.provers.prover import Engine, EngineRun, ProofRequest
from jupyter_mlops.export.quoting import yaml

REMEDY = "Install it with `pip install dvc` in a separate environment, and name its program with --engine."


class DvcProver:
    """Reproduces all stages in a separate DVC project."""

    name: ClassVar[str] = "dvc"

    def find(self, request: ProofRequest) -> Engine:
        program = find_program(request, self.name, "dvc", REMEDY)
        return engine_version(self.name, program, "DVC", ["--version"], request.environment, REMEDY)

    def run(self, request: ProofRequest, engine: Engine) -> EngineRun:
        environment = {**request.environment, "DVC_NO_ANALYTICS": "1"}
        _write_parameters(request)
        started = run_process([engine.program, "init", "--no-scm", "--quiet"], request.folder, environment)
        if started.returncode:
            return EngineRun({}, problem=problem_of(started))
        finished = run_process([engine.program, "repro"], request.folder, environment)
        return notebook_run(finished, [*request.folder.glob(f"artifacts/runs/*/{request.plan.notebook}")])


def _write_parameters(request: ProofRequest) -> None:
    """Put the values of the request into params.yaml, as a person would."""
    if request.values:
        path = request.folder / "params.yaml"
        text = path.read_text(encoding="utf-8").rpartition("parameters:")[0]
        path.write_text(f"{text}{yaml({'parameters': dict(request.values)})}", encoding="utf-8")
