"""The line of a crontab, as cron would start it: by its shell, with its few variables."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import ClassVar

from jupyter_mlops.export.provers.installed import assignments, few_variables, install, moved
from jupyter_mlops.export.provers.process import notebook_run, run_process
from jupyter_mlops.export.provers.prover import Engine, EngineRun, ProofRequest, cannot
from jupyter_mlops.export.step_command import encode_parameters

SHELL = "/bin/sh"


class CronProver:
    """Starts the command of the crontab's first line at once, without the time and the values of its schedule."""

    name: ClassVar[str] = "cron"

    def find(self, request: ProofRequest) -> Engine:
        if request.engine or not Path(SHELL).exists():
            cannot(self.name, f"cron starts commands with {SHELL}, and no other engine", "Leave out --engine.")
        return Engine(SHELL, "the shell of cron", "POSIX")

    def run(self, request: ProofRequest, engine: Engine) -> EngineRun:
        install(request)
        crontab = moved((request.folder / f"{request.plan.slug}.crontab").read_text(encoding="utf-8"), request)
        settings = dict(pair for line in crontab.splitlines() for pair in _settings(line).items())
        environment = {**few_variables(request, request.folder), **settings}
        finished = run_process([engine.program, "-c", _command(crontab, request)], request.folder, environment)
        return notebook_run(finished, [*request.folder.glob("results/*.ipynb")])


def _settings(line: str) -> dict[str, str]:
    return dict(assignments(line)) if re.match(r"[A-Z]+=\S+$", line) else {}


def _command(crontab: str, request: ProofRequest) -> str:
    """The program of the first line that starts it, a comment where there is no schedule."""
    script = re.escape(f"{request.folder}/{request.plan.slug}-run.sh")
    match = re.search(rf"^(?:# )?(?:\S+ ){{5}}({script})", crontab, re.MULTILINE)
    script = shlex.quote(match[1] if match else f"{request.folder}/{request.plan.slug}-run.sh")
    parameters = encode_parameters(request.values)
    return f"{script} --parameters {parameters}" if parameters else script
