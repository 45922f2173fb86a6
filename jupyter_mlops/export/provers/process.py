"""Processes of engines: found on this machine, run to their end, and what they left."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from jupyter_mlops.export.provers.prover import Engine, EngineRun, ProofRequest, cannot

VERSION_LIMIT = 120.0  # seconds
INJECTED = "injected-parameters"
FAILED_ON_TOP = "papermill-error-cell-tag"


def find_program(request: ProofRequest, target: str, name: str, remedy: str) -> str:
    """The path of an engine's program: the one that was named, or the first on PATH."""
    path = shutil.which(request.engine or name, path=request.environment.get("PATH"))
    if path is None:
        place = f"{request.engine} is no program" if request.engine else f"{name} is not on PATH"
        cannot(target, place, remedy)
    return str(Path(path).absolute())


def engine_version(
    target: str, program: str, name: str, arguments: Sequence[str], environment: Mapping[str, str], remedy: str, *,
    line: int = -1,
) -> Engine:  # fmt: skip
    """The engine with the version that its program prints; refused if it does not answer.

    :param line: the line of the output that has the version.
    """
    try:
        finished = subprocess.run(
            [program, *arguments], env=dict(environment), capture_output=True, text=True, errors="replace",
            timeout=VERSION_LIMIT, check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        cannot(target, f"{program} does not start: {error}", remedy)
    lines = finished.stdout.strip().splitlines()
    if finished.returncode or not lines:
        reason = (finished.stderr.strip().splitlines() or ["it prints no version"])[-1]
        cannot(target, f"{program} {' '.join(arguments)} failed: {reason}", remedy)
    number = re.search(r"\d[\w.+-]*", lines[line])
    return Engine(program, name, number[0] if number else lines[line].strip())


def run_process(
    command: Sequence[str], folder: Path, environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """A process at its end. One that can't start ends with 127."""
    try:
        return subprocess.run(
            list(command), cwd=folder, env=dict(environment), capture_output=True, text=True, errors="replace",
            check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except OSError as error:
        return subprocess.CompletedProcess(command, 127, "", str(error))


def problem_of(finished: subprocess.CompletedProcess[str]) -> str:
    """Why a process failed, in its own last words; "" if it did not."""
    if not finished.returncode:
        return ""
    lines = [line.strip() for line in (finished.stderr + finished.stdout).splitlines() if line.strip()]
    return f"exit code {finished.returncode}: {lines[-1][:300] if lines else 'it printed nothing'}"


def notebook_run(finished: subprocess.CompletedProcess[str], notebooks: Sequence[Path]) -> EngineRun:
    """What an engine left that writes the executed notebook."""
    problem = problem_of(finished)
    if not notebooks:
        return EngineRun({}, problem=problem or "the engine left no executed notebook")
    try:
        nb = json.loads(max(notebooks, key=lambda path: path.stat().st_mtime).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        return EngineRun({}, problem=problem or f"the executed notebook can't be read: {error}")
    steps = nb["metadata"].get("jupyter_mlops_run", {}).get("steps", ())
    states = {step["name"]: step["state"] for step in steps}
    return EngineRun(dict(enumerate(cell_outputs(nb))), problem=problem, states=states)


def cell_outputs(nb: Mapping[str, Any]) -> Iterator[list[dict[str, Any]]]:
    """The outputs of the notebook's own code cells, in order."""
    for cell in nb["cells"]:
        if cell["cell_type"] == "code" and not {INJECTED, FAILED_ON_TOP} & set(
            cell.get("metadata", {}).get("tags", ())
        ):
            yield [dict(output) for output in cell.get("outputs", ())]
