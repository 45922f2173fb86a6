"""The pipeline on a real DVC.

pip install dvc      # into an environment of its own; its bin folder goes on PATH
"""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.export.engines import version

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not shutil.which("dvc"), reason="dvc is not on PATH")]


class Project:
    def __init__(self, root: Path, **parameters: object) -> None:
        self.root = version.exported(root, "dvc")
        self.environment = {**version.environment(root / "home"), "DVC_NO_ANALYTICS": "1"}
        path = self.root / "params.yaml"
        text = path.read_text().replace("parameters: {}", "")
        path.write_text(text + yaml.safe_dump({"parameters": parameters}, allow_unicode=True))
        assert self.dvc("init", "--no-scm").returncode == 0

    def dvc(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        process = subprocess.run(
            ["dvc", *arguments], cwd=self.root, env=self.environment, capture_output=True, text=True, timeout=250
        )
        print(process.stdout[-3000:], process.stderr[-3000:])
        return process

    @property
    def markers(self) -> set[str]:
        return {path.name for path in (self.root / "markers").iterdir()}

    def output(self) -> str:
        (path,) = self.root.glob("artifacts/runs/*/numbers.ipynb")
        return version.output(path)


def test_values_are_those_of_run_all_and_nothing_is_run_twice(tmp_path: Path) -> None:
    text = 'it\'s "$(touch pwned)" `id` ${HOME} 50% ✓\nline'
    project = Project(tmp_path, text=text, n=5)
    assert project.dvc("repro").returncode == 0
    assert project.output() == version.run_all(text=text, n=5)
    assert json.loads(project.dvc("status", "--json").stdout) == {}
    assert "didn't change" in project.dvc("repro").stdout
    assert not list(tmp_path.rglob("pwned"))


def test_a_failed_attempt_is_repeated(tmp_path: Path) -> None:
    project = Project(tmp_path, folder=str(tmp_path), broken=2)
    assert project.dvc("repro").returncode == 0
    assert len((tmp_path / "attempts").read_text()) == 3


def test_nothing_runs_below_a_failed_step(tmp_path: Path) -> None:
    project = Project(tmp_path, folder=str(tmp_path), broken=9)
    assert project.dvc("repro", "--keep-going").returncode != 0
    assert len((tmp_path / "attempts").read_text()) == 3
    assert project.markers == {"load", "double"}


def test_bad_input_is_not_repeated(tmp_path: Path) -> None:
    project = Project(tmp_path, n="many")
    process = project.dvc("repro")
    assert process.returncode != 0
    assert "Attempt" not in process.stderr + process.stdout
    assert project.markers == set()
