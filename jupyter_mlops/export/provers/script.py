"""The Python script, in the plain interpreter."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any, ClassVar
from uuid import uuid4

from jupyter_mlops.export.provers.process import engine_version, find_program, problem_of, run_process
from jupyter_mlops.export.provers.prover import Engine, EngineRun, ProofRequest, text_values

REMEDY = "Name a Python that has the packages of requirements.txt with --engine."


class ScriptProver:
    """Runs the script with this interpreter, or the one that `--engine` names, and splits what it prints by cells."""

    name: ClassVar[str] = "script"

    def find(self, request: ProofRequest) -> Engine:
        program = find_program(request, self.name, sys.executable, REMEDY)
        code = "import platform; print(platform.python_version())"
        return engine_version(self.name, program, "Python", ["-c", code], request.environment, REMEDY)

    def run(self, request: ProofRequest, engine: Engine) -> EngineRun:
        mark = f"--- {uuid4()} cell "
        environment = {**request.environment, "JUPYTER_MLOPS_CELL_MARK": mark}
        options = [f"--{name.replace('_', '-')}={text}" for name, text in text_values(request).items()]
        finished = run_process([engine.program, f"{request.plan.slug}.py", *options], request.folder, environment)
        return EngineRun(_outputs(finished.stdout, mark, request), text_only=True, problem=problem_of(finished))


def _outputs(text: str, mark: str, request: ProofRequest) -> dict[int, list[dict[str, Any]]]:
    """What each cell printed. Cells at the top of the script print nothing."""
    from jupyter_mlops.notebook.reader import parse_notebook

    nb = parse_notebook(request.plan.source.encode("utf-8", "surrogatepass"), Path(request.plan.notebook).name)
    positions = [index for index, cell in enumerate(nb.cells) if cell.cell_type == "code"]
    parts = re.split(re.escape(mark) + r"(\d+)\n", text)
    texts: dict[int, list[dict[str, Any]]] = {place: [] for place in range(len(positions))}
    for number, printed in zip(parts[1::2], parts[2::2], strict=True):
        if printed:
            texts[positions.index(int(number) - 1)] = [{"output_type": "stream", "name": "stdout", "text": printed}]
    return texts
