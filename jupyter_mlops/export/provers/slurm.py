"""The jobs of Slurm, by `sbatch` on the cluster that this machine reaches."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from jupyter_mlops.export.provers.process import engine_version, find_program, notebook_run, run_process
from jupyter_mlops.export.provers.prover import Engine, EngineRun, ProofRequest, cannot
from jupyter_mlops.export.step_command import encode_parameters

REMEDY = "Install Slurm (`apt-get install slurmctld slurmd munge`), or run this where `sbatch` reaches a cluster."


class SlurmProver:
    """Submits all jobs and waits for them, in a folder that all nodes must see."""

    name: ClassVar[str] = "slurm"

    def find(self, request: ProofRequest) -> Engine:
        program = find_program(request, self.name, "sbatch", REMEDY)
        nodes = run_process(
            [str(Path(program).with_name("sinfo")), "--noheader", "--format=%D"], request.folder, request.environment
        )
        if nodes.returncode or not nodes.stdout.strip():
            cannot(self.name, "no cluster answers `sinfo`", REMEDY)
        return engine_version(self.name, program, "Slurm", ["--version"], request.environment, REMEDY)

    def run(self, request: ProofRequest, engine: Engine) -> EngineRun:
        folder = Path(engine.program).parent
        variables = {**request.environment, "PATH": f"{request.environment.get('PATH', '')}:{folder}"}
        parameters = encode_parameters(request.values)
        values = ["--parameters", parameters] if parameters else []
        finished = run_process(["bash", f"{request.plan.slug}.sh", "--wait", *values], request.folder, variables)
        return notebook_run(finished, [*request.folder.glob(f"artifacts/runs/*/{request.plan.notebook}")])
