"""The DAG file in a real Airflow: `dags test` runs the whole DAG in one process.

Needs an environment of its own, named by MLOPS_AIRFLOW:

    python -m venv airflow && airflow/bin/pip install apache-airflow==3.3.2
    MLOPS_AIRFLOW=airflow/bin/python pytest tests/export/engines/test_airflow_engine.py
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from jupyter_mlops.errors import MlopsError
from jupyter_mlops.export.plan import ExportPlan, ExportSchedule
from jupyter_mlops.jobs.airflow_api import AirflowApi
from jupyter_mlops.service.external_runs import imported_runs
from jupyter_mlops.service.jobs import open_workspace
from tests.export.engines.published import (
    collected,
    environment,
    printed,
    published,
    run_all,
    with_parameters,
    write_export,
)
from tests.export.plans_in_a_row import HOSTILE, hostile_plan, plan, wide_plan
from tests.jobs.workspace import wait_until
from tests.servers import free_port

AIRFLOW = os.environ.get("MLOPS_AIRFLOW", "")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(not AIRFLOW, reason="MLOPS_AIRFLOW names no Python with Airflow"),
]
IMPORTS = """
import sys, warnings
warnings.filterwarnings("error", module="unusual_prefix")  # Airflow names DAG files so
from airflow.dag_processing.dagbag import DagBag
bag = DagBag(sys.argv[1])
assert not bag.import_errors, bag.import_errors
from airflow.serialization.serialized_objects import DagSerialization
for dag in bag.dags.values():
    DagSerialization.to_dict(dag)
    print(dag.dag_id, len(dag.tasks))
"""


@dataclass(frozen=True)
class Finished:
    """How a DAG ended: exit code of `dags test`, what it printed, and the folder of artifacts."""

    code: int
    text: str
    artifacts: Path

    def attempts(self, task: str) -> int:
        return self.text.count(f"[DAG TEST] starting task_id={task} ")


@pytest.fixture(scope="module")
def airflow_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("airflow")
    airflow(home, home, "db", "migrate").check_returncode()
    return home


def airflow(home: Path, dags: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [AIRFLOW, "-m", "airflow", *arguments],
        env=environment(
            AIRFLOW_HOME=str(home),
            AIRFLOW__CORE__LOAD_EXAMPLES="False",
            AIRFLOW__CORE__DAGS_FOLDER=str(dags),
            AIRFLOW_VAR_JUPYTER_MLOPS_PYTHON=sys.executable,
            **variables,
        ),
        capture_output=True,
        text=True,
        check=False,
        timeout=500,
    )


@pytest.fixture
def run(airflow_home: Path, tmp_path: Path) -> Callable[[ExportPlan], Finished]:
    def run_dag(exported: ExportPlan) -> Finished:
        folder = write_export(exported, "airflow", tmp_path / "dags")
        artifacts = tmp_path / "artifacts"
        finished = airflow(
            airflow_home, folder, "dags", "test", exported.slug, AIRFLOW_VAR_JUPYTER_MLOPS_ARTIFACTS=str(artifacts)
        )
        return Finished(finished.returncode, finished.stdout + finished.stderr, artifacts)

    return run_dag


def test_a_run_gives_the_values_of_run_all(run: Callable[[ExportPlan], Finished], tmp_path: Path) -> None:
    finished = run(published(tmp_path / "work"))
    assert finished.code == 0, finished.text[-3000:]
    assert printed(finished.artifacts) == run_all(tmp_path) == "RESULT 3.0 'plain'"
    record = collected(finished.artifacts)
    assert record["engine"] == "airflow"
    assert "/dags/sample/runs/" in record["engine_url"]
    assert [step["state"] for step in record["steps"]] == ["completed"] * 3


@pytest.mark.parametrize("text", HOSTILE)
def test_parameters_reach_the_step_unchanged(run: Callable[[ExportPlan], Finished], tmp_path: Path, text: str) -> None:
    if "{{" in text:
        text = text.replace("{{", "{ {")  # templates of jupyter mlops step itself, which refuses unknown ones
    finished = run(with_parameters(published(tmp_path / "work"), text=text, alpha=2.0))
    assert finished.code == 0, finished.text[-3000:]
    assert printed(finished.artifacts) == run_all(tmp_path, text=text, alpha=2.0)


def test_a_failed_step_fails_the_run_and_what_needs_it_does_not_run(
    run: Callable[[ExportPlan], Finished], tmp_path: Path
) -> None:
    marker = tmp_path / "marker"
    finished = run(with_parameters(published(tmp_path / "work"), marker=str(marker)))
    assert finished.code != 0
    assert "ValueError: the first attempt fails" in finished.text
    assert "failed with exit code 1" in finished.text
    states = {step["name"]: step["state"] for step in collected(finished.artifacts)["steps"]}
    assert (states["load"], states["train"]) == ("completed", "failed")
    assert states["report"] != "completed"


def test_a_repeated_step_succeeds(run: Callable[[ExportPlan], Finished], tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    finished = run(with_parameters(published(tmp_path / "work", {"train": 2}), marker=str(marker)))
    assert finished.code == 0, finished.text[-3000:]
    assert finished.attempts("train") == 2
    assert printed(finished.artifacts) == "RESULT 3.0 'plain'"


def test_wrong_input_is_not_repeated(run: Callable[[ExportPlan], Finished], tmp_path: Path) -> None:
    exported = published(tmp_path / "work", {"load": 3})
    finished = run(with_parameters(exported, text="{{ unheard_of }}"))
    assert finished.code != 0
    assert finished.attempts("load") == 1
    assert "another attempt can't succeed" in finished.text


def test_the_scheduled_time_is_that_of_the_schedules_zone(
    run: Callable[[ExportPlan], Finished], tmp_path: Path
) -> None:
    finished = run(with_parameters(published(tmp_path / "work"), text="{{ scheduled_time }}"))
    assert finished.code == 0, finished.text[-3000:]
    assert collected(finished.artifacts)["scheduled_time"][-6:] in ("+01:00", "+02:00")


@contextmanager
def api_server(home: Path, dags: Path) -> Iterator[str]:
    """The URL of Airflow's API server, with the user `ada` and the password `sesame`."""
    port = free_port()
    passwords = home / "passwords.json"
    passwords.write_text(json.dumps({"ada": "sesame"}), encoding="utf-8")
    variables = environment(
        AIRFLOW_HOME=str(home), AIRFLOW__CORE__LOAD_EXAMPLES="False", AIRFLOW__CORE__DAGS_FOLDER=str(dags),
        AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS="ada:admin",
        AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE=str(passwords), AIRFLOW__API__WORKERS="1",
    )  # fmt: skip
    process = subprocess.Popen(
        [AIRFLOW, "-m", "airflow", "api-server", "--host", "127.0.0.1", "--port", str(port)], env=variables,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    url = f"http://127.0.0.1:{port}"

    def answers() -> bool:
        assert process.poll() is None, "the server ended"
        try:
            return AirflowApi(url, {"user": "ada", "password": "sesame"}).is_version_2
        except MlopsError:
            return False

    try:
        wait_until(answers, 240)
        yield url
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(60)


def test_a_run_is_read_through_the_api_and_then_from_its_artifacts(
    run: Callable[[ExportPlan], Finished], airflow_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_USER", "ada")
    monkeypatch.setenv("TEST_PASSWORD", "sesame")
    marker = tmp_path / "marker"
    finished = run(with_parameters(published(tmp_path / "work"), marker=str(marker)))
    assert finished.code != 0
    with api_server(airflow_home, tmp_path / "dags") as url:
        space = open_workspace()
        try:
            imported = imported_runs(space, f"airflow+{url}?dag_id=sample&credentials=TEST")
            failed = imported["runs"][0]
            assert (failed["state"], failed["engine"], failed["version"]) == ("failed", "airflow", "v1")
            states = {step["name"]: step["state"] for step in failed["steps"]}
            assert states == {"load": "completed", "train": "failed", "report": "skipped"}
            assert (failed["error"]["step"], failed["error"]["cell"]) == ("train", 2)
            [collected_run] = imported_runs(space, str(finished.artifacts))["runs"]
            assert collected_run["id"] == failed["id"], "both tell of one run"
            assert "ValueError" in str(collected_run["error"])
            again = imported_runs(space, f"airflow+{url}?dag_id=sample&credentials=TEST")["runs"]
            assert failed["id"] not in {run["id"] for run in again}
        finally:
            space.close()


def test_files_import_without_warnings(airflow_home: Path, tmp_path: Path) -> None:
    schedules = tuple(ExportSchedule(c, "Europe/Paris", parameters={"alpha": a}) for c, a in (
        ("0 6 * * *", 0.1), ("0 18 * * 5-7", 0.1), ("0 6 L * *", 0.2), ("0 6 * * 5L", 0.3),
    ))  # fmt: skip
    plans = [plan(schedules=schedules, job="several", run_timeout=60.0), wide_plan()]
    for exported in [*plans, *(hostile_plan(text, job=f"hostile {n}") for n, text in enumerate(HOSTILE))]:
        write_export(exported, "airflow", tmp_path / exported.slug)
    finished = subprocess.run(
        [AIRFLOW, "-c", IMPORTS, str(tmp_path)],
        env=environment(AIRFLOW_HOME=str(airflow_home), AIRFLOW__CORE__LOAD_EXAMPLES="False"),
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert finished.returncode == 0, finished.stderr[-3000:]
    assert sorted(finished.stdout.split("\n")[-15:])[1:] == sorted(
        ["several 4", "several-2 4", "several-3 4", "churn 41", *(f"hostile-{n} 3" for n in range(len(HOSTILE)))]
    )
