"""The DAG, by `airflow dags test` with a separate database."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import ClassVar

from jupyter_mlops.export.provers.process import engine_version, find_program, notebook_run, problem_of, run_process
from jupyter_mlops.export.provers.prover import Engine, EngineRun, ProofRequest

REMEDY = (
    "Install it with `pip install apache-airflow` in a separate environment, and name its `airflow` program or its"
    " Python with --engine."
)
LAST_LINE = "import airflow; print(airflow.__version__)"


class AirflowProver:
    """Runs the whole DAG in one process of Airflow; its tasks run with this installation."""

    name: ClassVar[str] = "airflow"

    def find(self, request: ProofRequest) -> Engine:
        program = _python(find_program(request, self.name, "airflow", REMEDY))
        variables = _variables(request)
        return engine_version(self.name, program, "Airflow", ["-c", LAST_LINE], variables, REMEDY)

    def run(self, request: ProofRequest, engine: Engine) -> EngineRun:
        call, variables = [engine.program, "-m", "airflow"], _variables(request)
        (request.folder / "dags").mkdir()
        for path in request.folder.iterdir():
            if path.is_file():
                shutil.copy(path, request.folder / "dags")
        prepared = run_process([*call, "db", "migrate"], request.folder, variables)
        if prepared.returncode:
            return EngineRun({}, problem=f"airflow db migrate: {problem_of(prepared)}")
        conf = ["--conf", json.dumps(dict(request.values))] if request.values else []
        finished = run_process([*call, "dags", "test", request.plan.slug, *conf], request.folder, variables)
        return notebook_run(finished, [*request.folder.glob(f"artifacts/runs/*/{request.plan.notebook}")])


def _python(program: str) -> str:
    """The Python of an environment, by itself or by its `airflow`."""
    path = Path(program)
    return str(path.with_name("python")) if path.name == "airflow" else program


def _variables(request: ProofRequest) -> dict[str, str]:
    return {
        **request.environment,
        "AIRFLOW_HOME": str(request.folder / "airflow"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_FOLDER": str(request.folder / "dags"),
        "AIRFLOW_VAR_JUPYTER_MLOPS_PYTHON": sys.executable,
        "AIRFLOW_VAR_JUPYTER_MLOPS_ARTIFACTS": str(request.folder / "artifacts"),
    }
