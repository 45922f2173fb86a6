"""The scripts for Slurm: dependencies, resources, and that no text of a version becomes code."""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_mlops.errors import InvalidInputError
from jupyter_mlops.export.plan import ExportPlan
from jupyter_mlops.export.step_command import encode_parameters
from jupyter_mlops.export.targets.slurm import SlurmExporter
from tests.export import plans

TEXTS = [text for text in plans.HOSTILE_TEXTS if text]


def scripts(plan: ExportPlan) -> tuple[str, str]:
    submit, task = SlurmExporter().files(plan).values()
    return str(submit), str(task)


def submitted(plan: ExportPlan, folder: Path, *options: str) -> list[list[str]]:
    """What the script calls `sbatch` with; `squeue` names no run."""
    for name, content in SlurmExporter().files(plan).items():
        (folder / name).write_text(str(content), encoding="utf-8")
    programs = {
        "sbatch": 'printf "%s\\0" "$@" >> calls; printf "\\n\\0" >> calls; n=$(grep -ac . count 2>/dev/null);'
        ' echo x >> count; echo "$((n + 101));cluster"',
        "squeue": "true", "jupyter": "true",
    }  # fmt: skip
    for name, text in programs.items():
        (folder / name).write_text(f"#!/bin/sh\n{text}\n")
        (folder / name).chmod(0o755)
    command = ["bash", str(folder / f"{plan.slug}.sh"), "--run-id", "r", *options]
    subprocess.run(command, cwd=folder, env={"PATH": f"{folder}:/usr/bin:/bin"}, check=True, timeout=60)
    return [call.split("\0")[:-1] for call in (folder / "calls").read_text(encoding="utf-8").split("\n\0")[:-1]]


def test_a_job_for_each_task_waits_for_those_before(tmp_path: Path) -> None:
    calls = submitted(plans.plan(), tmp_path)
    assert len(calls) == 5
    dependencies = [[word for word in call if word.startswith("--dependency")] for call in calls]
    assert dependencies == [
        [], ["--dependency=afterok:101"], ["--dependency=afterok:101"], ["--dependency=afterok:102:103"],
        ["--dependency=afterany:101:102:103:104"],
    ]  # fmt: skip
    assert all("--kill-on-invalid-dep=yes" in call for call in calls)
    assert {"--cpus-per-task=2", "--mem=4096M", "--time=32"} <= set(calls[1])
    assert {"--cpus-per-task=1", "--gres=gpu:1"} <= set(calls[2])
    assert calls[1][-2:] == [str(tmp_path / "churn.sbatch"), "train a"]
    assert calls[4][-1] == "--collect"


def test_a_sweep_is_an_array(tmp_path: Path) -> None:
    (tmp_path / "lines").write_text("e30=\ne30=\ne30=")
    calls = submitted(plans.plan(), tmp_path, "--sweep", str(tmp_path / "lines"))
    assert all("--array=0-2" in call for call in calls)
    assert "--dependency=aftercorr:101" in calls[1]
    assert "--dependency=afterany:101:102:103:104" in calls[4]


def test_a_run_id_can_be_no_path(tmp_path: Path) -> None:
    with pytest.raises(subprocess.CalledProcessError):
        submitted(plans.plan(), tmp_path, "--run-id", "../x")


@pytest.mark.parametrize("text", TEXTS)
def test_no_text_becomes_code(text: str, tmp_path: Path) -> None:
    plan = plans.hostile(text)
    calls = submitted(plan, tmp_path)
    assert calls[0][-1] == text
    assert not (tmp_path / "pwned").exists()
    values = re.findall(r"--parameters ([A-Za-z0-9+/=]+)$", scripts(plan)[0], re.MULTILINE)
    assert [json.loads(base64.b64decode(value)) for value in values] == [{"text": text}]


@given(st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), min_size=1, max_size=20))
@settings(max_examples=40, deadline=None)
def test_steps_are_single_words(text: str) -> None:
    submit, _ = scripts(plans.plan(plans.task(text)))
    match = re.search(r'submit \w+ "\$previous_runs" -- (.*)\)\n\nevery_job', submit, re.DOTALL)
    assert match is not None
    process = subprocess.run(["bash", "-c", f"printf %s {match[1]}"], capture_output=True, check=True)
    assert process.stdout == text.encode()


@pytest.mark.parametrize(("code", "attempts"), [(0, 1), (1, 3), (2, 1), (137, 3)])
def test_attempts(code: int, attempts: int, tmp_path: Path) -> None:
    (tmp_path / "jupyter").write_text(f"#!/bin/sh\necho $JUPYTER_MLOPS_ATTEMPT >> calls\nexit {code}\n")
    (tmp_path / "sleep").write_text("#!/bin/sh\n")
    for name in ("jupyter", "sleep"):
        (tmp_path / name).chmod(0o755)
    variables = {"PATH": f"{tmp_path}:/usr/bin:/bin", "STEP_BUNDLE": "b.zip", "STEP_RETRIES": "2", "STEP_PAUSE": "5"}
    command = ["bash", "-c", scripts(plans.plan())[1], "task", "a"]
    process = subprocess.run(command, cwd=tmp_path, env=variables, check=False, timeout=20)
    assert process.returncode == code
    assert (tmp_path / "calls").read_text().split() == [str(n + 1) for n in range(attempts)]


def test_secrets_of_others_and_loose_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "jupyter").write_text("#!/bin/sh\nenv > environment\n")
    (tmp_path / "jupyter").chmod(0o755)
    (tmp_path / "secrets").write_text("A=it's=$(x) `y`\nB=2\n")
    variables = {
        "PATH": f"{tmp_path}:/usr/bin:/bin",
        "STEP_BUNDLE": "b",
        "STEP_SECRETS": "A",
        "STEP_ENVIRONMENT": "secrets",
    }
    command = ["bash", "-c", scripts(plans.plan())[1], "task", "a"]
    (tmp_path / "secrets").chmod(0o644)
    assert subprocess.run(command, cwd=tmp_path, env=variables, check=False).returncode == 2
    (tmp_path / "secrets").chmod(0o600)
    subprocess.run(command, cwd=tmp_path, env=variables, check=True)
    environment = (tmp_path / "environment").read_text().splitlines()
    assert "A=it's=$(x) `y`" in environment
    assert not [line for line in environment if line.startswith("B=")]


@pytest.mark.skipif(not shutil.which("shellcheck"), reason="shellcheck is not on PATH")
@pytest.mark.parametrize("plan", [plans.plan(), plans.forty(), *map(plans.hostile, TEXTS)], ids=lambda p: p.job[:20])
def test_shellcheck_has_nothing_to_say(plan: ExportPlan, tmp_path: Path) -> None:
    for name, content in SlurmExporter().files(plan).items():
        (tmp_path / name).write_text(str(content), encoding="utf-8")
        process = subprocess.run(
            ["shellcheck", "-e", "SC2016", name], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert process.stdout == ""


def test_what_is_left_out_stands_in_the_file() -> None:
    plan = plans.plan(
        plans.task("a", limits={"tpu": "1"}), retries=1, run_timeout=60.0, concurrency=2, notify=("mailto:a@b",),
        schedules=(plans.schedule(zone="Europe/Paris"),),
    )  # fmt: skip
    omissions = SlurmExporter().omissions(plan)
    assert len(omissions) == 7
    assert all(f"# - {sentence}\n" in scripts(plan)[0] for sentence in omissions)


def test_limits_that_are_no_quantities_are_refused() -> None:
    with pytest.raises(InvalidInputError, match="not a quantity"):
        scripts(plans.plan(plans.task("a", limits={"memory": "much"})))


def test_the_same_plan_gives_the_same_bytes() -> None:
    assert scripts(plans.forty()) == scripts(plans.forty())
    assert scripts(plans.forty())[0].count("\njob_") == 40
    assert encode_parameters({}) == ""
