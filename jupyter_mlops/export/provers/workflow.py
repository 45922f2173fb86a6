"""The scripts of a CI job, as its runner would call them, without the runner and without what they install."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence

from jupyter_mlops.export.provers.process import engine_version
from jupyter_mlops.export.provers.prover import Engine, ProofRequest, cannot

INSTALLS = ("pip install", "uv pip")
# What a runner says about the machine that it is: the rest of this process's variables is not the job's.
OF_MACHINE = ("PATH", "LANG", "TMPDIR", "PYTHONPATH", "JUPYTER_MLOPS_HOME", "JUPYTER_PATH", "JUPYTER_DATA_DIR")


def find_shell(request: ProofRequest, runner: str) -> Engine:
    """The shell, as an engine that says that the runner is missing."""
    target = runner.partition(" ")[0].lower()
    if request.engine:
        cannot(target, "only the scripts of the job are run, by bash", "Leave out --engine.")
    program = shutil.which("bash", path=request.environment.get("PATH"))
    if program is None:
        cannot(target, "bash is not on PATH", "Install bash.")
    engine = engine_version(target, program, "bash", ["--version"], request.environment, "Install bash.", line=0)
    return Engine(program, f"the scripts of the job in bash, without a runner of {runner}", engine.version)


def script_text(lines: Sequence[str]) -> str:
    """The lines of a job as one script, without those that install packages into the machine."""
    parts = [line for text in lines for line in text.splitlines() if not any(word in line for word in INSTALLS)]
    return "\n".join(parts)


def job_variables(request: ProofRequest, variables: Mapping[str, str]) -> dict[str, str]:
    """What a job's scripts see: the machine's variables and those of the job, and none of this process otherwise."""
    machine = {name: request.environment[name] for name in OF_MACHINE if name in request.environment}
    secrets = {name: request.environment[name] for name in request.plan.secrets if name in request.environment}
    home = request.folder.parent / "runner"
    home.mkdir(exist_ok=True)
    return {**machine, **secrets, "HOME": str(home), "CI": "true", "PYTHONHASHSEED": "0", **variables}
