"""An export where it would be installed: its folder in place of `/opt/SLUG`, with an environment beside it."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from jupyter_mlops.export.provers.prover import ProofRequest

# A service starts with few variables. These say where this installation and its data are, not what the job does.
OURS = ("PYTHONPATH", "JUPYTER_MLOPS_HOME", "JUPYTER_PATH", "JUPYTER_DATA_DIR", "VIRTUAL_ENV")


def install(request: ProofRequest) -> None:
    """Put an environment into the folder whose programs are those of this installation."""
    programs = request.folder / "venv" / "bin"
    programs.mkdir(parents=True)
    for program in Path(sys.executable).parent.iterdir():
        if not (programs / program.name).exists():
            os.symlink(program, programs / program.name)


def moved(text: str, request: ProofRequest) -> str:
    """A text of the export whose `/opt/SLUG` is the folder."""
    return text.replace(f"/opt/{request.plan.slug}", str(request.folder))


def few_variables(request: ProofRequest, home: Path) -> dict[str, str]:
    """What cron and systemd set, the secrets of the job, and where this installation is."""
    names = (*OURS, *request.plan.secrets)
    kept_variables = {name: request.environment[name] for name in names if name in request.environment}
    return {**kept_variables, "HOME": str(home), "LOGNAME": "mlops", "USER": "mlops", "LANG": "C.UTF-8"}


def assignments(line: str) -> Mapping[str, str]:
    """`NAME=VALUE NAME=VALUE` of values without spaces."""
    pairs = (word.partition("=") for word in line.split())
    return {name: value for name, _, value in pairs}
