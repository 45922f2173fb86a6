"""The command of the image, by its entry point, without a container."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import ClassVar

from jupyter_mlops.export.provers.process import notebook_run, run_process
from jupyter_mlops.export.provers.prover import Engine, EngineRun, ProofRequest, cannot
from jupyter_mlops.export.step_command import encode_parameters

SHELL = "/bin/sh"


class DockerProver:
    """Starts `CMD` of the Dockerfile by its entry point. The image itself is not built: that installs packages."""

    name: ClassVar[str] = "docker"

    def find(self, request: ProofRequest) -> Engine:
        if request.engine or not Path(SHELL).exists():
            cannot(self.name, f"only the image's command is run, by {SHELL}", "Leave out --engine.")
        return Engine(SHELL, "the command of the image, without a container", "POSIX")

    def run(self, request: ProofRequest, engine: Engine) -> EngineRun:
        dockerfile = (request.folder / "Dockerfile").read_text(encoding="utf-8")
        command = _instruction(dockerfile, "CMD")
        command = [word.replace("/opt/version/", f"{request.folder}/") for word in command]
        state = request.folder / "state"
        state.mkdir()
        names = {"JUPYTER_MLOPS_HOME": str(state), "HOME": str(state)}
        parameters = encode_parameters(request.values)
        command += ["--parameters_base64", parameters] * bool(parameters) + ["--output", f"{state}/"]
        call = [engine.program, str(request.folder / "entrypoint.sh"), *command]
        finished = run_process(call, state, {**request.environment, **names})
        return notebook_run(finished, [*state.glob("*.ipynb")])


def _instruction(dockerfile: str, name: str) -> list[str]:
    """The words of the last instruction of a name, in its JSON form."""
    texts = re.findall(rf"^{name} (\[.*\])$", dockerfile, re.MULTILINE)
    return [str(word) for word in json.loads(texts[-1])]
