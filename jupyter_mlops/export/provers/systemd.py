"""The command of a service, as systemd would start it: without a shell, with the unit's variables."""

from __future__ import annotations

import re
import shlex
import shutil
from typing import ClassVar

from jupyter_mlops.export.provers.installed import assignments, few_variables, install, moved
from jupyter_mlops.export.provers.process import engine_version, notebook_run, problem_of, run_process
from jupyter_mlops.export.provers.prover import Engine, EngineRun, ProofRequest, cannot
from jupyter_mlops.export.step_command import encode_parameters

REMEDY = "Install systemd, whose systemd-analyze reads the unit."


class SystemdProver:
    """Starts `ExecStart` of the service with the variables of `Environment`.

    The sandbox of the unit (`DynamicUser`, `ProtectSystem`) and its limits don't hold here.
    """

    name: ClassVar[str] = "systemd"

    def find(self, request: ProofRequest) -> Engine:
        if request.engine:
            cannot(self.name, "a unit has no other engine", "Leave out --engine.")
        program = shutil.which("systemd-analyze", path=request.environment.get("PATH"))
        if program is None:
            return Engine("", "the command of the unit", "without systemd")
        return engine_version(self.name, program, "systemd", ["--version"], request.environment, REMEDY, line=0)

    def run(self, request: ProofRequest, engine: Engine) -> EngineRun:
        install(request)
        unit_path = min(request.folder.glob("*.service"))
        unit = moved(unit_path.read_text(encoding="utf-8"), request)
        state = request.folder / "state"
        (state / request.plan.slug).mkdir(parents=True)
        if engine.program:
            unit_path.write_text(unit, encoding="utf-8")
            verified = run_process([engine.program, "verify", str(unit_path)], request.folder, request.environment)
            if verified.returncode:
                return EngineRun({}, problem=f"systemd-analyze verify: {problem_of(verified)}")
        unit = unit.replace("\\\n", " ").replace("%S", str(state))
        command = [word for word in shlex.split(_setting(unit, "ExecStart")) if word]
        command = _without_values(command)
        if parameters := encode_parameters(request.values):
            command += ["--parameters_base64", parameters]
        variables = {**few_variables(request, state), **assignments(_setting(unit, "Environment"))}
        finished = run_process(command, state / request.plan.slug, variables)
        return notebook_run(finished, [*(state / request.plan.slug).glob("*.ipynb")])


def _setting(unit: str, name: str) -> str:
    match = re.search(rf"^{name}=(.*)$", unit, re.MULTILINE)
    return match[1] if match else ""


def _without_values(command: list[str]) -> list[str]:
    """The command with the defaults of the parameters, which Run All has too."""
    if "--parameters_base64" not in command:
        return command
    place = command.index("--parameters_base64")
    return [*command[:place], *command[place + 2 :]]
