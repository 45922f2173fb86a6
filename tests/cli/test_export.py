"""`export` and `step`, as a person and an engine meet them."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command import COMMAND, Done, command, read, texts, write

CELLS = [
    ("parameters", "n: int = 3  # how many\nbroken: bool = False"),
    ("step:load", "rows = list(range(n))\nopen('rows.txt', 'w').write(str(rows))"),
    ("step:left", "left = sum(rows)\nprint('left', left)"),
    ("step:right", "assert not broken, 'it broke'\nright = max(rows)\nprint('right', right)"),
    ("step:report metrics", "total = left + right\nprint(total, open('rows.txt').read())"),
]
STEPS = ("load", "left", "right", "report")


@pytest.fixture
def job(tmp_path: Path) -> str:
    write(tmp_path / "sums.ipynb", *CELLS)
    assert command("publish", tmp_path / "sums.ipynb", "--job", "sums").code == 0
    return "sums"


@pytest.fixture
def bundle(job: str, tmp_path: Path) -> Path:
    assert command("export", job, "--to", "airflow", "-o", tmp_path / "out").code == 0
    return tmp_path / "out" / "sums-v1.zip"


def step(bundle: Path, *arguments: object, **variables: str) -> Done:
    """One process of an engine's run, with the variables that exported files set."""
    environment = {
        **os.environ,
        "JUPYTER_MLOPS_ARTIFACTS": str(bundle.parent.parent / "artifacts"),
        "JUPYTER_MLOPS_RUN_ID": "manual__2026-01-31T06:00:00+00:00",
        **variables,
    }
    process = subprocess.run(
        [*COMMAND, "step", str(bundle), *map(str, arguments), "--json"],
        capture_output=True, text=True, timeout=120, check=False, env=environment,
    )  # fmt: skip
    return Done(process.returncode, process.stdout, process.stderr)


def encoded(**values: Any) -> dict[str, str]:
    return {"JUPYTER_MLOPS_PARAMETERS": base64.b64encode(json.dumps(values).encode()).decode()}


def test_list() -> None:
    names = [target["name"] for target in json.loads(command("export", "--list", "--json").out)]
    assert {"airflow", "kubernetes", "github", "slurm", "docker"} <= set(names)
    assert "Airflow" in command("export", "--list").out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--to", "airflow", "-o", "x"], "no job is named"),
        (["sums", "-o", "x"], "no target is named"),
        (["sums", "--to", "airflow"], "no folder is named"),
        (["sums", "--to", "airflw", "-o", "x"], "Did you mean 'airflow'?"),
        (["sum", "--to", "airflow", "-o", "x"], "no job"),
        (["sums@v9", "--to", "airflow", "-o", "x"], "no version v9"),
        (["sums", "--to", "airflow", "-o", "sums.ipynb"], "is a file"),
    ],
)
def test_bad_input(job: str, tmp_path: Path, arguments: list[str], message: str) -> None:
    refused = command("export", *arguments, cwd=tmp_path)
    assert refused.code == 2
    assert message in refused.err
    assert not (tmp_path / "x").exists()


def test_an_export_is_the_same_each_time_and_can_be_checked(job: str, tmp_path: Path) -> None:
    for folder in ("one", "two"):
        assert command("export", job, "--to", "airflow", "-o", tmp_path / folder).code == 0
    first, second = (
        {path.name: path.read_bytes() for path in (tmp_path / folder).iterdir()} for folder in ("one", "two")
    )
    assert first == second
    check = ["export", job, "--to", "airflow", "-o", tmp_path / "one", "--check"]
    assert command(*check).code == 0
    dag = tmp_path / "one" / "sums.py"
    dag.write_text(dag.read_text() + "# mine\n")
    differs = command(*check)
    assert (differs.code, "~ sums.py" in differs.out) == (1, True)
    assert "-# mine" in command(*check[:-1], "--diff").out
    kept = command(*check[:-1])
    assert (kept.code, "edited since" in kept.err) == (2, True)
    assert dag.read_text().endswith("# mine\n")
    assert command(*check[:-1], "--force").code == 0
    assert command(*check).code == 0


@pytest.mark.kernel
def test_steps_in_processes_of_their_own_give_what_run_all_gives(bundle: Path) -> None:
    for name in STEPS:
        ended = step(bundle, name, **encoded(n=5))
        assert (ended.code, ended.record["steps"][0]["state"]) == (0, "completed"), ended.err
    collected = step(bundle, "--collect", **encoded(n=5))
    assert collected.code == 0, collected.err
    record = collected.record
    assert (record["state"], record["metrics"], record["parameters"]["n"]) == ("completed", {"total": 14}, 5)
    executed = read(record["output"])
    assert texts(executed)[-3:] == ["left 10\n", "right 4\n", "14 [0, 1, 2, 3, 4]\n"]
    counts = [cell.execution_count for cell in executed.cells if cell.cell_type == "code"]
    assert counts == list(range(1, len(counts) + 1))


@pytest.mark.kernel
def test_a_failing_step_stops_what_needs_it_and_the_run(bundle: Path) -> None:
    broken = encoded(broken=True)
    assert [step(bundle, name, **broken).code for name in STEPS] == [0, 0, 1, 2]
    collected = step(bundle, "--collect", **broken)
    assert collected.code == 1
    record = collected.record
    assert [s["state"] for s in record["steps"]] == ["completed", "completed", "failed", "skipped"]
    assert (record["error"]["step"], record["error"]["ename"]) == ("right", "AssertionError")
    cells = [cell for cell in read(record["output"]).cells if cell.cell_type == "code"]
    assert any(output.output_type == "error" for output in cells[-2].outputs)


@pytest.mark.kernel
def test_the_next_run_uses_what_the_artifacts_hold(bundle: Path) -> None:
    for run, state in (("first", "completed"), ("second", "cached")):
        variables = {"JUPYTER_MLOPS_RUN_ID": run}
        ended = step(bundle, "load", **variables)
        assert ended.record["steps"][0]["state"] == "completed"  # it writes a file
        assert step(bundle, "left", **variables).record["steps"][0]["state"] == state
        step(bundle, "--collect", **variables)


@pytest.mark.parametrize(
    ("arguments", "variables", "message"),
    [
        (["load"], {"JUPYTER_MLOPS_ARTIFACTS": ""}, "--artifacts is missing"),
        (["load"], {"JUPYTER_MLOPS_RUN_ID": ""}, "--run-id is missing"),
        (["load"], {"JUPYTER_MLOPS_PARAMETERS": "?"}, "not base64"),
        (["load"], {"JUPYTER_MLOPS_ATTEMPT": "x"}, "number of an attempt"),
        (["load"], {"JUPYTER_MLOPS_SCHEDULED_TIME": "now"}, "ISO 8601"),
        (["load"], encoded(n="many"), "n"),
        (["load"], encoded(m=1), "m"),
        (["lod"], {}, "no step 'lod'"),
        (["load", "left"], {}, "a separate process"),
        (["left"], {}, "has no result"),
        ([], {}, "name steps"),
        (["load", "--collect"], {}, "name steps"),
    ],
)
def test_what_no_other_attempt_can_mend(
    bundle: Path, arguments: list[str], variables: dict[str, str], message: str
) -> None:
    refused = step(bundle, *arguments, **variables)
    assert refused.code == 2, refused.out
    assert message in refused.err


def test_no_bundle(tmp_path: Path) -> None:
    assert step(tmp_path / "none" / "x.zip", "load").code == 2
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "x.zip").write_text("no zip")
    refused = step(tmp_path / "bad" / "x.zip", "load")
    assert (refused.code, "bundle" in refused.err) == (2, True)


@pytest.mark.kernel
def test_a_run_of_another_engine_comes_back(bundle: Path) -> None:
    variables = {
        **encoded(n=4), "JUPYTER_MLOPS_ENGINE": "airflow", "JUPYTER_MLOPS_SCHEDULED_TIME": "2026-01-31T06:00:00+01:00",
    }  # fmt: skip
    artifacts = bundle.parent.parent / "artifacts"
    for name in STEPS:
        assert step(bundle, name, **variables).code == 0
    [running] = command("runs", "--import", artifacts, "--json").record["runs"]
    assert (running["state"], running["engine"], running["finished"]) == ("running", "airflow", None)
    assert [s["state"] for s in running["steps"]] == ["completed"] * 4
    for verb in ("stop", "repair"):
        refused = command(verb, running["id"])
        assert (refused.code, "a run of airflow can't be" in refused.err) == (2, True)
    assert step(bundle, "--collect", **variables).code == 0
    [imported] = command("runs", "--import", artifacts, "--json").record["runs"]
    assert imported["id"] == running["id"]
    assert (imported["trigger"], imported["state"], imported["metrics"]) == ("airflow", "completed", {"total": 9})
    assert (imported["version"], imported["slot"], imported["parameters"]["n"]) == ("v1", 1769835600.0, 4)
    assert [s["state"] for s in imported["steps"]] == ["completed"] * 4
    assert texts(read(imported["output"]))[-1] == "9 [0, 1, 2, 3]\n"
    assert command("runs", "--import", artifacts).out == "There are no new runs.\n"
    assert [run["id"] for run in json.loads(command("runs", "sums", "--json").out)] == [imported["id"]]
    assert "load" in command("logs", imported["id"]).out


def test_runs_of_versions_that_are_not_here_are_skipped(tmp_path: Path) -> None:
    run = tmp_path / "artifacts" / "runs" / "elsewhere"
    run.mkdir(parents=True)
    (run / "result.json").write_text('{"job": "nowhere"}')
    skipped = command("runs", "--import", tmp_path / "artifacts", "--json").record["skipped"]
    assert [entry["run"] for entry in skipped] == ["elsewhere"]


@pytest.mark.kernel
def test_nothing_below_a_failed_step_acts_though_no_run_has_shown_that_it_does(tmp_path: Path) -> None:
    path = write(
        tmp_path / "deploy.ipynb",
        ("step:guard", "assert 1 > 2, 'stop here'"),
        ("step:deploy", f"opener = open\nopener({str(tmp_path / 'deployed.txt')!r}, 'w').write('live')"),
        ("step:pure", "print(2 + 2)"),
    )
    assert command("publish", path).code == 0
    assert command("export", "deploy", "--to", "airflow", "-o", tmp_path / "out").code == 0
    bundle = tmp_path / "out" / "deploy-v1.zip"
    assert step(bundle, "guard").code == 1
    stopped = step(bundle, "deploy")
    assert (stopped.code, "'guard' above it is failed" in stopped.err) == (1, True)
    assert not (tmp_path / "deployed.txt").exists()
    assert step(bundle, "pure").code == 0
    collected = step(bundle, "--collect").record
    assert [s["state"] for s in collected["steps"]] == ["failed", "failed", "completed"]
    assert collected["error"]["step"] == "guard"


@pytest.mark.kernel
def test_no_secret_reaches_the_artifacts(tmp_path: Path) -> None:
    path = write(
        tmp_path / "secret.ipynb",
        ("step:used secret:TOKEN", "import os\nprint(os.environ['TOKEN'])\nlength = len(os.environ['TOKEN'])"),
        ("step:length", "print(length)"),
        ("step:kept secret:TOKEN", "token = os.environ['TOKEN']"),
        ("step:later", "print(token[:2])"),
    )
    assert command("publish", path).code == 0
    assert command("export", "secret", "--to", "airflow", "-o", tmp_path / "out").code == 0
    bundle, value = tmp_path / "out" / "secret-v1.zip", "hunter2hunter2"
    missing = step(bundle, "used")
    assert (missing.code, "the secret TOKEN was not found" in missing.err) == (2, True)
    assert step(bundle, "used", TOKEN=value).code == 0
    assert step(bundle, "length", TOKEN=value).code == 0
    refused = step(bundle, "kept", TOKEN=value)
    assert refused.code == 1
    assert "`token` holds the value of a secret" in refused.err + refused.out
    folders = [tmp_path / "artifacts", tmp_path / "mlops-home", tmp_path / "out"]
    files = [p for folder in folders for p in folder.rglob("*") if p.is_file()]
    assert len(files) > 5
    assert [p for p in files if value.encode() in p.read_bytes()] == []
