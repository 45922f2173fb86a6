"""The file for GitLab CI/CD: its structure, and that no text of a version becomes code."""

from __future__ import annotations

import base64
import json
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from jupyter_mlops.errors import InvalidInputError
from jupyter_mlops.export.plan import ExportPlan
from jupyter_mlops.export.targets.gitlab import GitLabExporter
from tests.export import plans


def text_of(plan: ExportPlan) -> str:
    (content,) = GitLabExporter().files(plan).values()
    return str(content)


def document(plan: ExportPlan) -> dict[str, Any]:
    parsed: dict[str, Any] = yaml.safe_load(text_of(plan))
    return parsed


def called(script: str, folder: Path, **variables: str) -> list[str]:
    """What a script calls `jupyter` with."""
    (folder / "jupyter").write_text('#!/bin/sh\nprintf "%s\\0" "$@" > arguments\n')
    (folder / "jupyter").chmod(0o755)
    environment = {"PATH": f"{folder}:/usr/bin:/bin", "CI_PIPELINE_SOURCE": "web", **variables}
    subprocess.run(["sh", "-e", "-c", script], cwd=folder, env=environment, check=True, timeout=20)
    return (folder / "arguments").read_text().split("\0")[:-1]


def test_the_jobs() -> None:
    plan = plans.plan(run_timeout=3600.0, schedules=(plans.schedule(zone="Asia/Tokyo", parameters={"n": 1}),))
    jobs = document(plan)
    assert list(jobs) == ["variables", ".churn", "churn:check", "churn:run"]
    assert jobs["churn:run"]["resource_group"] == "churn"
    assert jobs[".churn"]["timeout"] == "75 minutes"
    assert "--cron '0 6 * * *' --cronTimeZone Asia/Tokyo --variable CHURN_RUN:yes" in text_of(plan)


def test_a_variable_for_each_parameter() -> None:
    plan = plans.plan(parameters=(
        plans.parameter("alpha", 0.5), plans.parameter("flag", True), plans.parameter("items", [1], "list"),
        plans.parameter("mode", "a", "Literal", choices=("a", "b")), plans.parameter("run", 1),
        plans.parameter("dollar", "a$b"),
    ))  # fmt: skip
    variables = document(plan)["variables"]
    assert [v["value"] for v in variables.values()] == ["no", "0.5", "true", "", "a", "1", ""]
    assert variables["CHURN_MODE"]["options"] == ["a", "b"]
    assert len(variables) == 7


@pytest.mark.parametrize("text", plans.HOSTILE_TEXTS)
def test_no_text_becomes_code(text: str, tmp_path: Path) -> None:
    plan = plans.hostile(text, notebook="train.ipynb")
    (script,) = document(plan)[f"{plan.slug}:run"]["script"]
    prefix = plan.slug.replace("-", "_").upper()
    (parameters,) = re.findall(rf"--variable {prefix}_PARAMETERS:(\S+)$", text_of(plan), re.MULTILINE)
    assert json.loads(base64.b64decode(parameters)) == {"text": text}
    words = called(script, tmp_path, **{f"{prefix}_PARAMETERS": parameters, f"{prefix}_TEXT": text})
    assert words[3:8] == (["-b", parameters, "-p", "text", text] if text else ["-b", parameters, *words[5:8]])
    assert not (tmp_path / "pwned").exists()


@pytest.mark.parametrize("text", [t for t in plans.HOSTILE_TEXTS if not re.search(r"[\x00-\x1f\x7f\u2028]", t)])
def test_the_notebook_is_one_word(text: str) -> None:
    plan = plans.hostile(text)
    check = document(plan)[f"{plan.slug}:check"]["script"][0]
    assert shlex.split(check)[-1] == f"$CI_PROJECT_DIR/.version/{text}.ipynb"


@pytest.mark.parametrize(("code", "attempts"), [(0, 1), (1, 3), (2, 1)])
def test_bad_input_is_not_repeated(code: int, attempts: int, tmp_path: Path) -> None:
    (script,) = document(plans.plan(retries=2, backoff=1.0))["churn:run"]["script"]
    (tmp_path / "jupyter").write_text(f"#!/bin/sh\necho x >> calls\nexit {code}\n")
    (tmp_path / "sleep").write_text("#!/bin/sh\n")
    for name in ("jupyter", "sleep"):
        (tmp_path / name).chmod(0o755)
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin", "CI_PIPELINE_SOURCE": "web"}
    process = subprocess.run(["sh", "-e", "-c", script], cwd=tmp_path, env=environment, check=False, timeout=20)
    assert (process.returncode, len((tmp_path / "calls").read_text().split())) == (code, attempts)


def test_what_is_left_out_stands_in_the_file() -> None:
    plan = plans.plan(
        concurrency=3, notify=("mailto:a@b",), lock="conda-explicit.txt",
        schedules=(plans.schedule(overlap="skip", parameters={"day": "{{ scheduled_time }}"}),),
    )  # fmt: skip
    omissions = GitLabExporter().omissions(plan)
    assert len(omissions) == 8
    assert all(f"# - {sentence}\n" in text_of(plan) for sentence in omissions)
    with pytest.raises(InvalidInputError, match="CI_TOKEN"):
        text_of(plans.plan(plans.task("a", secrets=("CI_TOKEN",))))


def test_the_same_plan_gives_the_same_bytes() -> None:
    assert text_of(plans.forty()) == text_of(plans.forty())
