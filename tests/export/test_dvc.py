"""The pipeline of DVC: stages, and that no text of a version becomes code or a template."""

from __future__ import annotations

import base64
import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from jupyter_mlops.errors import InvalidInputError
from jupyter_mlops.export.plan import ExportPlan
from jupyter_mlops.export.targets.dvc import DvcExporter
from tests.export import plans


def files(plan: ExportPlan) -> dict[str, str]:
    return {name: str(content) for name, content in DvcExporter().files(plan).items()}


def stages(plan: ExportPlan) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(files(plan)["dvc.yaml"])
    return dict(document["stages"])


def call(plan: ExportPlan, folder: Path, jupyter: str, command: str) -> int:
    for name, content in files(plan).items():
        (folder / name).write_text(content, encoding="utf-8")
    programs = {"jupyter": jupyter, "python3": f'exec {sys.executable} "$@"', "sleep": "true"}
    for name, text in programs.items():
        (folder / name).write_text(f"#!/bin/sh\n{text}\n")
        (folder / name).chmod(0o755)
    environment = {"PATH": f"{folder}:/usr/bin:/bin"}
    return subprocess.run(["sh", "-c", command], cwd=folder, env=environment, check=False, timeout=30).returncode


def test_a_stage_for_each_task() -> None:
    pipeline = stages(plans.plan(*plans.diamond(), plans.task("collect", "report")))
    assert list(pipeline) == ["load", "train_a", "train_b", "report", "step_collect", "collect"]
    assert pipeline["report"]["deps"] == ["churn-v3.zip", "markers/train_a", "markers/train_b"]
    assert pipeline["train_a"]["cmd"] == "sh run-step.sh train_a 2 5 600 'train a'"
    assert len(pipeline["collect"]["deps"]) == 6


@pytest.mark.parametrize("text", [t for t in plans.HOSTILE_TEXTS if t and "\n" not in t])
def test_no_text_becomes_code_or_a_template(text: str, tmp_path: Path) -> None:
    plan = plans.hostile(text)
    pipeline = stages(plan)
    command = next(iter(pipeline.values()))["cmd"]
    assert "${" not in files(plan)["dvc.yaml"].partition("stages:")[2].replace("# ", "").replace(text, "")
    assert "${" not in command
    assert shlex.split(command)[-1] == text
    (tmp_path / "params.yaml").touch()
    assert call(plan, tmp_path, 'printf "%s\\0" "$@" > arguments', command) == 0
    assert (tmp_path / "arguments").read_text().split("\0")[:-1] == ["mlops", "step", plan.bundle_file, text]
    assert not (tmp_path / "pwned").exists()
    assert yaml.safe_load(files(plan)["params.yaml"]) == {"parameters": {}}


def test_a_name_with_a_line_break_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="line break"):
        files(plans.hostile("a\nb"))


def test_parameters_of_the_file_reach_the_step(tmp_path: Path) -> None:
    plan = plans.plan()
    environment = 'echo "$JUPYTER_MLOPS_PARAMETERS $JUPYTER_MLOPS_RUN_ID" > environment'
    assert (
        call(
            plan, tmp_path, environment, "sed -i 's/{}/{day: 2026-01-31, n: 3}/' params.yaml; sh run-step.sh a 0 0 0 a"
        )
        == 0
    )
    parameters, run_id = (tmp_path / "environment").read_text().split()
    assert json.loads(base64.b64decode(parameters)) == {"day": "2026-01-31", "n": 3}
    assert re.fullmatch(r"churn-v3-[0-9a-f]{12}", run_id)
    assert (tmp_path / "markers" / "a").read_text() == f"a {run_id}\n"


@pytest.mark.parametrize(("code", "attempts"), [(0, 1), (1, 3), (2, 1)])
def test_attempts(code: int, attempts: int, tmp_path: Path) -> None:
    jupyter = f"echo $JUPYTER_MLOPS_ATTEMPT >> calls; exit {code}"
    assert call(plans.plan(), tmp_path, jupyter, "sh run-step.sh a 2 1 0 a") == code
    assert (tmp_path / "calls").read_text().split() == [str(n + 1) for n in range(attempts)]
    assert (tmp_path / "markers" / "a").exists() is (code == 0)


@pytest.mark.skipif(not shutil.which("shellcheck"), reason="shellcheck is not on PATH")
def test_shellcheck_has_nothing_to_say(tmp_path: Path) -> None:
    (tmp_path / "run-step.sh").write_text(files(plans.plan())["run-step.sh"])
    process = subprocess.run(["shellcheck", tmp_path / "run-step.sh"], capture_output=True, text=True, check=False)
    assert process.stdout == ""


def test_what_is_left_out_stands_in_the_file() -> None:
    plan = plans.plan(
        plans.task("a", limits={"cpu": "1"}, image="x"), retries=1, run_timeout=1.0, notify=("a",),
        schedules=(plans.schedule(),),
    )  # fmt: skip
    omissions = DvcExporter().omissions(plan)
    assert len(omissions) == 8
    assert all(f"# - {sentence}\n" in files(plan)["dvc.yaml"] for sentence in omissions)


def test_the_same_plan_gives_the_same_bytes() -> None:
    assert files(plans.forty()) == files(plans.forty())
    assert len(stages(plans.forty())) == 41
