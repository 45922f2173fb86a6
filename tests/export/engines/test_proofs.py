"""`jupyter mlops export --prove` as a person calls it, on the engines that are on this machine."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import nbformat
import pytest

from tests.export.engines.version import COMMAND, environment

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
TARGETS = [
    "script",
    "cron",
    "systemd",
    pytest.param("dvc", marks=pytest.mark.skipif(not shutil.which("dvc"), reason="dvc is not on PATH")),
    pytest.param("airflow", marks=pytest.mark.skipif(not shutil.which("airflow"), reason="airflow is not on PATH")),
]


class Project:
    """A published notebook."""

    def __init__(self, folder: Path, *cells: tuple[str, str]) -> None:
        self.folder = folder
        self.environment = environment(folder / "home")
        made = [nbformat.v4.new_code_cell(source, metadata={"tags": [tag]}) for tag, source in cells]
        nb = nbformat.v4.new_notebook(cells=made, metadata={"kernelspec": {"name": "python3", "display_name": "P"}})
        nbformat.write(nb, folder / "numbers.ipynb")
        assert self.call("publish", str(folder / "numbers.ipynb")).returncode == 0

    def call(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*COMMAND, *arguments], env=self.environment, capture_output=True, text=True, check=False, timeout=500
        )

    def prove(self, target: str, *options: str) -> subprocess.CompletedProcess[str]:
        return self.call("export", "numbers", "--to", target, "-o", str(self.folder / target), "--prove", *options)

    def proof(self, target: str) -> dict[str, Any]:
        proof: dict[str, Any] = json.loads((self.folder / target / "PROOF.json").read_text(encoding="utf-8"))
        return proof


@pytest.mark.parametrize("target", TARGETS)
def test_a_version_is_proved(target: str, tmp_path: Path) -> None:
    project = Project(
        tmp_path, ("parameters", "n: int = 3"), ("step:load", "rows = list(range(n))\nrows"),
        ("step:clock", "import uuid\nuuid.uuid4().hex[:9]"), ("step:sum", "print(sum(rows))\n{'total': sum(rows)}"),
    )  # fmt: skip
    finished = project.prove(target)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    proof = project.proof(target)
    assert (proof["target"], proof["verdict"], proof["version"]) == (target, "equal", 1)
    assert proof["engine_version"]
    assert [cell["verdict"] for cell in proof["cells"]] == ["equal", "equal", "not compared", "equal"]
    assert "cell 3 of step clock: not compared: Run All itself shows something else each time" in finished.stdout
    check = project.call("export", "numbers", "--to", target, "-o", str(tmp_path / target), "--check")
    assert check.returncode == 0, check.stdout


def test_what_differs_is_named(tmp_path: Path) -> None:
    project = Project(tmp_path, ("step:a", "x = 1\nx"), ("step:b", "import sys\n'ipykernel' in sys.modules"))
    finished = project.prove("script")
    assert finished.returncode == 1
    assert "cell 2 of step b: different: text on stdout" in finished.stdout
    first, second = project.proof("script")["cells"]
    assert first == {"cell": 1, "step": "a", "verdict": "equal"}
    assert (second["run_all"], second["engine"]) == ("True\n", "False\n")
    again = project.prove("script", "--json")
    assert again.returncode == 1
    assert json.loads(again.stdout)["proof"] == project.proof("script")


def test_a_notebook_that_fails_has_no_proof(tmp_path: Path) -> None:
    project = Project(tmp_path, ("step:a", "1 / 0"))
    finished = project.prove("script")
    assert finished.returncode == 2
    assert "Run All itself fails" in finished.stderr
    assert "ZeroDivisionError" in finished.stderr
    assert not (tmp_path / "script" / "PROOF.json").exists()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--engine", "/absent"), "/absent is no program"), (("--check",), "--prove writes PROOF.json"),
        (("--diff",), "--prove writes PROOF.json"),
    ],
)  # fmt: skip
def test_options_that_do_not_fit(options: tuple[str, ...], sentence: str, tmp_path: Path) -> None:
    project = Project(tmp_path, ("step:a", "1"))
    finished = project.prove("script", *options)
    assert finished.returncode == 2
    assert sentence in finished.stderr
    assert project.prove("argo").returncode == 2
