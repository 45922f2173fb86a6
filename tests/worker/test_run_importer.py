"""Workers bring runs of other engines into the history."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlops.config import RunConfig
from jupyter_mlops.errors import ConflictError
from jupyter_mlops.jobs.records import Run
from jupyter_mlops.jobs.retention import clean_up
from jupyter_mlops.service import deployments, jobs, repairs
from jupyter_mlops.service import runs as run_service
from jupyter_mlops.service.external_runs import imported_runs
from jupyter_mlops.worker.run_importer import RunImporter
from tests.jobs.airflow import Airflow, dag_run, served, task
from tests.jobs.clock import Clock
from tests.jobs.workspace import opened, wait_until, working, write_notebook

CELLS = (
    "# tags: parameters\nn: int = 3",
    "# tags: step:load\nrows = list(range(n))",
    "# tags: step:fit\nprint(sum(rows))",
)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with the job `sums`."""
    with opened(tmp_path / "home") as space:
        jobs.publish(space, write_notebook(tmp_path / "sums.ipynb", *CELLS))
    return tmp_path / "home"


def published_digest(home: Path) -> str:
    with opened(home) as space:
        return str(jobs.versions(space, "sums")[0]["digest"])


def write_run(
    artifacts: Path, home: Path, name: str, *steps: tuple[str, str], result: dict[str, Any] | None = None,
    digest: str | None = None,
) -> None:  # fmt: skip
    """What exported tasks leave in the artifacts: the states of steps, and what was collected."""
    folder, now = artifacts / "runs" / name, time.time()
    (folder / "steps").mkdir(parents=True, exist_ok=True)
    version = published_digest(home) if digest is None else digest
    facts = {"job": "sums", "digest": version, "engine": "slurm", "engine_url": "", "parameters": {"n": 3}}
    (folder / "run.json").write_text(json.dumps({"format": 1, **facts}), encoding="utf-8")
    for step, state in steps:
        record = {"step": step, "state": state, "attempt": 1, "started": now, "finished": now, "seconds": 1.0}
        (folder / "steps" / f"{step}.json").write_text(json.dumps(record), encoding="utf-8")
    if result is not None:
        content = {
            **facts, "state": "completed", "started": now, "finished": now, "metrics": {}, "error": None, "notes": [],
            "steps": [{"name": s, "state": state} for s, state in steps], "notebook_name": "sums.ipynb", **result,
        }  # fmt: skip
        (folder / "result.json").write_text(json.dumps(content), encoding="utf-8")


def read(home: Path, clock: Clock | None = None, **settings: Any) -> list[Run]:
    importer = RunImporter(RunConfig(home=str(home), **settings), clock or time.time)
    return importer.read_due()[0]


def test_a_run_is_updated_until_it_ends(home: Path, tmp_path: Path) -> None:
    artifacts, clock = tmp_path / "artifacts", Clock()
    stores = [str(artifacts)]
    assert read(home, clock, run_stores=stores) == []
    write_run(artifacts, home, "r1", ("load", "running"))
    clock.go(60)
    [running] = read(home, clock, run_stores=stores)
    assert (running.state, running.engine, running.finished) == ("running", "slurm", None)
    assert [(s["name"], s["state"]) for s in running.steps] == [("load", "running"), ("fit", "queued")]
    clock.go(60)
    write_run(artifacts, home, "r1", ("load", "completed"), ("fit", "running"))
    [further] = read(home, clock, run_stores=stores)
    assert (further.id, [s["state"] for s in further.steps]) == (running.id, ["completed", "running"])
    write_run(artifacts, home, "r1", ("load", "completed"), ("fit", "completed"), result={"metrics": {"auc": 0.9}})
    clock.go(60)
    [over] = read(home, clock, run_stores=stores)
    assert (over.id, over.state, over.metrics) == (running.id, "completed", {"auc": 0.9})
    clock.go(60)
    assert read(home, clock, run_stores=stores) == []
    with opened(home) as space:
        [listed] = run_service.runs(space, "sums")
        assert (listed["engine"], listed["state"], listed["version"]) == ("slurm", "completed", "v1")


def test_a_run_of_another_engine_is_not_changed_here(home: Path, tmp_path: Path) -> None:
    artifacts = tmp_path / "artifacts"
    write_run(artifacts, home, "going", ("load", "running"))
    write_run(artifacts, home, "failed", ("load", "failed"), result={"state": "failed"})
    with opened(home) as space:
        runs = {run["state"]: run["id"] for run in imported_runs(space, str(artifacts))["runs"]}
        for act, run_id in (
            (run_service.stop, runs["running"]), (run_service.repair, runs["failed"]), (repairs.repair, runs["failed"])
        ):  # fmt: skip
            with pytest.raises(ConflictError, match="a run of slurm can't be"):
                act(space, run_id)
        assert {run["id"]: run["state"] for run in run_service.runs(space)} == {i: state for state, i in runs.items()}


def test_other_machines_have_the_notebook_and_the_log(tmp_path: Path) -> None:
    shared: dict[str, Any] = {"database": f"sqlite:///{tmp_path / 'shared.sqlite'}", "store": str(tmp_path / "store")}
    one, two, artifacts = tmp_path / "one", tmp_path / "two", tmp_path / "artifacts"
    with opened(one, **shared) as space:
        version = jobs.publish(space, write_notebook(tmp_path / "sums.ipynb", *CELLS))
        write_run(artifacts, one, "r1", ("load", "completed"), result={"digest": version["digest"]}, digest="")
        (artifacts / "runs" / "r1" / "sums.ipynb").write_text("{}", encoding="utf-8")
        [run] = imported_runs(space, str(artifacts))["runs"]
    one.rename(tmp_path / "away")
    with opened(two, **shared) as space:
        elsewhere = run_service.run(space, run["id"])
        assert Path(elsewhere["output"]).read_text(encoding="utf-8") == "{}"
        assert Path(elsewhere["output"]).is_relative_to(two)
        assert "step load: completed" in "".join(run_service.logs(space, run["id"]))


def test_what_retention_deleted_does_not_come_back(home: Path, tmp_path: Path) -> None:
    artifacts, clock = tmp_path / "artifacts", Clock()
    old = time.time() - 10 * 86400
    with opened(home) as space:
        jobs.set_policies(space, "sums", {"keep_runs": 1})
    for number in range(3):
        result = {"started": old + number, "finished": old + number + 0.5}
        write_run(artifacts, home, f"r{number}", ("load", "completed"), result=result)
    importer = RunImporter(RunConfig(home=str(home), run_stores=[str(artifacts)]), clock)
    assert len(importer.read_due()[0]) == 3
    with opened(home) as space:
        assert clean_up(space).runs == 2
        [newest] = run_service.runs(space, "sums")
    for another in (importer, RunImporter(importer.config, clock)):
        clock.go(60)
        assert another.read_due()[0] == []
    with opened(home) as space:
        assert [run["id"] for run in run_service.runs(space, "sums")] == [newest["id"]]
        assert len(imported_runs(space, str(artifacts))["runs"]) == 2, "by hand, all come back"


def test_deployments_name_their_stores(home: Path, tmp_path: Path) -> None:
    artifacts, place = tmp_path / "artifacts", tmp_path / "dags"
    place.mkdir()
    write_run(artifacts, home, "r1", ("load", "running"))
    assert read(home) == []
    with opened(home) as space:
        deployments.deploy(space, "sums", "slurm", str(place), runs=str(artifacts))
    assert [run.engine for run in read(home)] == ["slurm"]
    with opened(home) as space:
        deployments.undeploy(space, "sums", "slurm", str(place))
    write_run(artifacts, home, "r2", ("load", "running"))
    assert read(home, Clock(time.time() + 3600)) == []


@pytest.mark.parametrize(
    "content", ["", "not json", "[]", "{}", '{"job": "sums", "state": "queued"}', '{"job": "\\ud800"}', '{"job": 3}']
)
def test_a_damaged_run_does_not_keep_others_from_being_read(home: Path, tmp_path: Path, content: str) -> None:
    artifacts = tmp_path / "artifacts"
    write_run(artifacts, home, "a", ("load", "running"))
    write_run(artifacts, home, "z", ("load", "running"))
    damaged = artifacts / "runs" / "m"
    damaged.mkdir()
    (damaged / "result.json").write_text(content, encoding="utf-8")
    with opened(home) as space:
        imported = imported_runs(space, str(artifacts))
    assert len(imported["runs"]) == 2
    assert [skipped["run"] for skipped in imported["skipped"]] == ["m"]
    assert imported["skipped"][0]["why"]


def test_a_notebook_name_that_leads_elsewhere_is_not_read(home: Path, tmp_path: Path) -> None:
    artifacts = tmp_path / "artifacts"
    (tmp_path / "secret").write_text("mine")
    write_run(artifacts, home, "r1", ("load", "completed"), result={"notebook_name": "../../../secret"})
    with opened(home) as space:
        [run] = imported_runs(space, str(artifacts))["runs"]
    assert run["output"] == ""


def test_a_store_that_does_not_answer_is_told_once(
    home: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "jupyter_mlops.worker")
    (tmp_path / "artifacts").mkdir()
    write_run(tmp_path / "artifacts", home, "r1", ("load", "running"))
    clock = Clock()
    settings = {"run_stores": ["airflow+http://127.0.0.1:9?dag_id=x", str(tmp_path / "artifacts")]}
    assert len(read(home, clock, **settings)) == 1, "the other store is read"
    for _ in range(3):
        clock.go(3600)
        assert read(home, clock, **settings) == []
    warnings = [record.message for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(warnings) == 1
    assert "127.0.0.1:9" in warnings[0]
    assert "can't be reached" in warnings[0]


def test_it_is_told_when_a_store_answers_again(
    home: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.INFO, "jupyter_mlops.worker")
    monkeypatch.setenv("JUPYTER_MLOPS_AIRFLOW_TOKEN", "token-1")
    clock = Clock()
    with served(Airflow()) as airflow:
        store = f"airflow+{airflow.url}"
        airflow.statuses["/dags"] = 500
        read(home, clock, run_stores=[store])
        airflow.statuses.clear()
        clock.go(3600)
        read(home, clock, run_stores=[store])
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
    assert "token-1" not in caplog.text


def test_credentials_are_not_kept(home: Path, caplog: pytest.LogCaptureFixture) -> None:
    read(home, run_stores=["nothing-like-this://ada:sesame@host/x"])
    assert "sesame" not in caplog.text
    assert "nothing-like-this://host/x" in caplog.text
    for path in home.rglob("*.sqlite*"):
        assert b"sesame" not in path.read_bytes()


def test_a_network_that_hangs_does_not_hold_up_the_end(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    release, began = threading.Event(), threading.Event()

    def hang(self: RunImporter) -> tuple[list[Run], float]:
        began.set()
        release.wait(60)
        return [], 1.0

    monkeypatch.setattr(RunImporter, "read_due", hang)

    async def go() -> float:
        end = asyncio.Event()
        looking = asyncio.ensure_future(RunImporter(RunConfig(home=str(home))).look(lambda run: None, end))
        await asyncio.to_thread(began.wait, 30)
        end.set()
        return await looking

    try:
        assert asyncio.run(go()) == 0.0
    finally:
        release.set()


def test_runs_of_airflow(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_AIRFLOW_USER", "ada")
    monkeypatch.setenv("MY_AIRFLOW_PASSWORD", "sesame")
    with served(Airflow()) as airflow, opened(home) as space:
        airflow.dags = {
            "sums": {"dag_id": "sums", "description": "sums v1: x", "tags": ["jupyter_mlops"]},
            "nobodys": {"dag_id": "nobodys", "description": "", "tags": ["jupyter_mlops"]},
        }
        first = dag_run(dag_id="sums", state="running", end_date=None)
        airflow.runs["sums"] = [first]
        airflow.tasks[first["dag_run_id"]] = [task("load"), task("fit", state="running"), task("collect", state=None)]
        airflow.logs["load", 1] = "loading"
        url = f"airflow+{airflow.url}?credentials=MY_AIRFLOW"
        imported = imported_runs(space, url)
        assert imported["skipped"] == [{"run": "nobodys", "why": "no job here has a DAG of this name"}]
        [run] = imported["runs"]
        assert (run["state"], run["version"], run["engine"]) == ("running", "v1", "airflow")
        assert [(s["name"], s["state"]) for s in run["steps"]] == [("load", "completed"), ("fit", "running")]
        assert "loading" in "".join(run_service.logs(space, run["id"]))
        airflow.runs["sums"] = [{**first, "state": "failed", "end_date": "2026-01-31T06:02:00Z"}]
        airflow.tasks[first["dag_run_id"]][1] = task("fit", state="failed", attempts=2)
        [run_after] = imported_runs(space, url)["runs"]
        assert (run_after["id"], run_after["state"]) == (run["id"], "failed")
        assert (run_after["error"]["step"], run_after["error"]["cell"]) == ("fit", 2)
        assert imported_runs(space, url)["runs"] == []


def test_the_version_of_a_run_is_the_one_deployed_when_it_started(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUPYTER_MLOPS_AIRFLOW_TOKEN", "token-1")
    place = tmp_path / "dags"
    place.mkdir()
    with served(Airflow()) as airflow, opened(home) as space:
        deployments.deploy(space, "sums", "airflow", str(place))
        jobs.publish(space, write_notebook(tmp_path / "sums.ipynb", *CELLS, "# tags: step:more\nprint(1)"))
        airflow.dags = {"sums": {"dag_id": "sums", "description": "sums v2: x", "tags": ["jupyter_mlops"]}}
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 1))
        airflow.runs["sums"] = [
            dag_run(dag_id="sums", dag_run_id="after", start_date=now, end_date=now),
            dag_run(dag_id="sums", dag_run_id="before"),
        ]
        versions = {r["started"] > 1.79e9: r["version"] for r in imported_runs(space, f"airflow+{airflow.url}")["runs"]}
    assert versions == {True: "v1", False: "v2"}


@pytest.mark.slow
def test_a_worker_picks_runs_up_by_itself(home: Path, tmp_path: Path) -> None:
    artifacts, config = tmp_path / "artifacts", tmp_path / "config"
    config.mkdir()
    settings = f"c.RunConfig.run_stores = [{str(artifacts)!r}]\nc.RunConfig.run_stores_every = 0.2\n"
    (config / "jupyter_mlops_config.py").write_text(settings, encoding="utf-8")
    write_run(artifacts, home, "r1", ("load", "running"))

    def listed() -> list[tuple[str, str]]:
        with opened(home) as space:
            return [(run["engine"], run["state"]) for run in run_service.runs(space)]

    with working(home, JUPYTER_CONFIG_DIR=str(config)), working_on_another(tmp_path, home, config):
        wait_until(lambda: listed() == [("slurm", "running")])
        write_run(artifacts, home, "r1", ("load", "completed"), ("fit", "completed"), result={})
        wait_until(lambda: listed() == [("slurm", "completed")])


def working_on_another(tmp_path: Path, home: Path, config: Path) -> Any:
    """A second worker of the same database, with a home of its own."""
    database = f"sqlite:///{home / 'mlops.sqlite'}"
    return working(
        tmp_path / "second", JUPYTER_CONFIG_DIR=str(config), JUPYTER_MLOPS_DATABASE=database,
        JUPYTER_MLOPS_STORE=str(home / "store"),
    )  # fmt: skip
