"""The image and the Compose file: structure, linters, and that no text of a version becomes code."""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from jupyter_mlops.errors import InvalidInputError
from jupyter_mlops.export.plan import ExportPlan
from jupyter_mlops.export.targets.docker import DockerExporter, _label
from tests.export import plans


def files(plan: ExportPlan) -> dict[str, str]:
    return {name: str(content) for name, content in DockerExporter().files(plan).items()}


def compose(plan: ExportPlan) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(files(plan)["compose.yaml"])
    return document


def test_the_image_has_the_version_and_no_root() -> None:
    text = files(plans.plan(packages={"uv": "0.8.3"}))["Dockerfile"]
    assert "ARG UV_VERSION=0.8.3\n" in text
    assert "--requirement version/pylock.toml" in text
    assert text.count("FROM ${BASE_IMAGE}") == 2
    assert re.search(r"^USER 10001:10001$", text, re.MULTILINE)
    assert "sha256:" + "ab" * 32 in text.partition("LABEL")[2]


def test_the_worker_waits_for_the_database_and_the_version() -> None:
    document = compose(plans.plan())
    services = document["services"]
    assert services["publish"]["depends_on"] == {"postgres": {"condition": "service_healthy"}}
    assert services["worker"]["depends_on"] == {"publish": {"condition": "service_completed_successfully"}}
    assert set(services["worker"]) >= {"healthcheck", "secrets", "volumes"}
    assert services["worker"]["deploy"]["resources"]["reservations"]["devices"][0]["count"] == 1
    assert document["secrets"]["API_TOKEN"] == {"file": "./secrets/API_TOKEN"}
    assert set(document["volumes"]) == {"database", "home"}


def test_policies_and_schedules_are_published() -> None:
    plan = plans.plan(
        retries=2, run_timeout=90.5,
        schedules=(plans.schedule("0 6 * * MON", zone="Asia/Tokyo", missed="all", overlap="skip", parameters={"n": 1}),
                   plans.schedule(paused=True)),
    )  # fmt: skip
    lines = files(plan)["publish.sh"].splitlines()
    assert "--set retries=2" in "".join(lines) and "--set run_timeout=90.5" in "".join(lines)
    (schedule,) = [line for line in lines if " schedule " in line]
    assert "--cron '0 6 * * MON' --tz Asia/Tokyo --missed all --overlap skip -b " in schedule


@pytest.mark.parametrize("text", plans.HOSTILE_TEXTS)
def test_no_text_becomes_code(text: str, tmp_path: Path) -> None:
    plan = plans.hostile(text)
    script = files(plan)["publish.sh"].replace("$JUPYTER_MLOPS_HOME", str(tmp_path))
    (tmp_path / "jupyter").write_text('#!/bin/sh\nprintf "%s\\0" "$@" >> calls; printf "\\n\\0" >> calls\n')
    (tmp_path / "jupyter").chmod(0o755)
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    subprocess.run(["sh", "-c", script], cwd=tmp_path, env=environment, check=True, timeout=20)
    calls = [call.split("\0")[:-1] for call in (tmp_path / "calls").read_text().split("\n\0")[:-1]]
    assert [call[-1] for call in calls[1:]] == [plan.job, plan.job]
    assert json.loads(base64.b64decode(calls[2][calls[2].index("-b") + 1])) == {"text": text}
    assert not (tmp_path / "pwned").exists()
    labels = [line for line in files(plan)["Dockerfile"].splitlines() if "opencontainers" in line]
    assert all(re.fullmatch(r'(LABEL| {5}) [a-z.]+="([^"\\$]|\\["\\$])*"( \\)?', line) for line in labels)
    assert compose(plan)["services"]["worker"]["image"] == f"{plan.slug}:v3"


def test_a_label_is_a_line() -> None:
    assert _label('a "b"\n$C \\') == r'"a \"b\" \$C \\"'


@pytest.mark.skipif(not shutil.which("hadolint"), reason="hadolint is not on PATH")
@pytest.mark.parametrize("plan", [plans.plan(), *map(plans.hostile, plans.HOSTILE_TEXTS)], ids=lambda p: p.job[:20])
def test_linters_have_nothing_to_say(plan: ExportPlan, tmp_path: Path) -> None:
    for name, content in files(plan).items():
        (tmp_path / name).write_text(content, encoding="utf-8")
    for command in (["hadolint", "Dockerfile"], ["shellcheck", "-e", "SC2016", "entrypoint.sh", "publish.sh"]):
        process = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert (process.stdout, process.returncode) == ("", 0)


def test_secrets_become_variables(tmp_path: Path) -> None:
    script = files(plans.plan())["entrypoint.sh"].replace("/run/secrets", str(tmp_path))
    (tmp_path / "API_TOKEN").write_text("it's $(x)\n")
    process = subprocess.run(["sh", "-c", script, "entrypoint.sh", "env"], capture_output=True, text=True, check=True)
    assert "API_TOKEN=it's $(x)\n" in process.stdout


def test_what_is_left_out_stands_in_the_file() -> None:
    plan = plans.plan(
        plans.task("a", limits={"cpu": "1"}, image="x"),
        lock="conda-explicit.txt",
        schedules=(plans.schedule(paused=True),),
    )
    omissions = DockerExporter().omissions(plan)
    assert len(omissions) == 5
    assert all(f"# - {sentence}\n" in files(plan)["compose.yaml"] for sentence in omissions)
    with pytest.raises(InvalidInputError, match="postgres_password"):
        files(plans.plan(plans.task("a", secrets=("postgres_password",))))


def test_the_same_plan_gives_the_same_bytes() -> None:
    assert files(plans.forty()) == files(plans.forty())
