"""The file on `gitlab-ci-local`, which runs jobs of GitLab in the shell of this machine.

    npm install gitlab-ci-local node@24        # in a folder of its own; its node_modules/.bin goes on PATH

`python` and `uv` don't install anything in these tests: `jupyter` is this repository's, or a recorder.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from jupyter_mlops.export.targets.gitlab import GitLabExporter
from tests.export import plans
from tests.export.engines import version

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not shutil.which("gitlab-ci-local") or not shutil.which("rsync"), reason="gitlab-ci-local is not on PATH"
    ),
]


class Project:
    def __init__(self, folder: Path, slug: str) -> None:
        self.root, self.bin = folder / "export", folder / "bin"
        self.bin.mkdir()
        self.program("uv", "exit 0")
        self.program("python", f'[ "$2" = pip ] && exit 0\nexec {sys.executable} "$@"')
        self.environment = version.environment(folder / "home")
        self.environment["PATH"] = f"{self.bin}:{self.environment['PATH']}"
        self._git("init", "-q", "-b", "main")
        self._git("remote", "add", "origin", "git@gitlab.example:group/project.git")
        self._git("commit", "-q", "--allow-empty", "-m", "Empty")
        self._git("update-ref", "refs/remotes/origin/main", "HEAD")
        (self.root / ".gitlab-ci.yml").write_text(f"include:\n  - local: {slug}.gitlab-ci.yml\n")
        self._git("add", "-A")
        self._git("commit", "-q", "-m", "Version")

    def program(self, name: str, text: str) -> None:
        (self.bin / name).write_text(f"#!/bin/sh\n{text}\n")
        (self.bin / name).chmod(0o755)

    def _git(self, *arguments: str) -> None:
        command = ["git", "-c", "user.name=n", "-c", "user.email=n@localhost", *arguments]
        subprocess.run(command, cwd=self.root, check=True, capture_output=True)

    def run(self, source: str, **variables: str) -> int:
        settings = {"CI_PIPELINE_SOURCE": source, **variables}
        options = [word for name, value in settings.items() for word in ("--variable", f"{name}={value}")]
        process = subprocess.run(
            ["gitlab-ci-local", "--force-shell-executor", *options], cwd=self.root, capture_output=True, text=True,
            env=self.environment, timeout=200, check=False,
        )  # fmt: skip
        print(process.stdout[-3000:], process.stderr[-3000:])
        return process.returncode


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """With a version that really runs."""
    return Project(version.exported(tmp_path, "gitlab").parent, "numbers")


def recorded(folder: Path, code: int = 0) -> Project:
    """With a `jupyter` that only records its arguments."""
    (folder / "export").mkdir()
    plan = plans.plan(retries=2, backoff=1.0, parameters=(plans.parameter("text", "x"),))
    for name, content in GitLabExporter().files(plan).items():
        (folder / "export" / name).write_text(str(content))
    (folder / "export" / plan.bundle_file).write_bytes(plan.bundle)
    project = Project(folder, "churn")
    project.program("jupyter", f"printf '%s\\0' \"$@\" >> {folder}/calls; echo >> {folder}/calls\nexit {code}")
    return project


def test_values_are_those_of_run_all(project: Project) -> None:
    text = "it's 50% ✓ `id`"
    code = project.run("schedule", NUMBERS_RUN="yes", NUMBERS_PARAMETERS=version.encoded(text=text, n=5))
    assert code == 0
    assert version.output(project.root / "results" / "numbers.ipynb") == version.run_all(text=text, n=5)
    assert "numbers" in (project.root / "results" / "report.html").read_text()


def test_a_push_checks_and_runs_with_small_parameters(project: Project) -> None:
    assert project.run("push", NUMBERS_SMALL_PARAMETERS=version.encoded(n=1)) == 0
    assert version.output(project.root / "results" / "numbers.ipynb") == version.run_all(n=1)


def test_bad_input_fails_the_job(project: Project) -> None:
    assert project.run("schedule", NUMBERS_RUN="yes", NUMBERS_PARAMETERS=version.encoded(n="many")) != 0


@pytest.mark.parametrize(("code", "attempts"), [(0, 1), (1, 3), (2, 1)])
def test_attempts(tmp_path: Path, code: int, attempts: int) -> None:
    project = recorded(tmp_path, code)
    assert (project.run("schedule", CHURN_RUN="yes") == 0) is (code == 0)
    assert len((tmp_path / "calls").read_text().splitlines()) == attempts


@pytest.mark.parametrize("text", [t for t in plans.HOSTILE_TEXTS if t and t.isprintable() and "$" not in t])
def test_what_a_person_types_arrives(tmp_path: Path, text: str) -> None:
    project = recorded(tmp_path)
    assert project.run("web", CHURN_RUN="yes", CHURN_TEXT=text) == 0
    words = (tmp_path / "calls").read_text().split("\0")
    assert words[3:6] == ["-p", "text", text]
    assert not list(tmp_path.rglob("pwned"))
