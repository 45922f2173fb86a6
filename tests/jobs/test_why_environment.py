"""A package changes a metric: environments are built from their locks. Needs an index with ipykernel."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from jupyter_mlops.service import jobs, runs, why, why_plan
from jupyter_mlops.versions import environment
from tests.jobs.workspace import opened, write_notebook

pytestmark = [pytest.mark.kernel, pytest.mark.slow]


def write_wheel(folder: Path, name: str, version: str, source: str) -> None:
    """A wheel of one module."""
    info = f"{name}-{version}.dist-info"
    files = {
        f"{name}.py": source,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name.replace('_', '-')}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    digests = {
        path: base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        for path, text in files.items()
    }
    record = "".join(f"{path},sha256={digests[path]},{len(text.encode())}\n" for path, text in files.items())
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as archive:
        for path, text in {**files, f"{info}/RECORD": f"{record}{info}/RECORD,,\n"}.items():
            archive.writestr(path, text)


@pytest.fixture
def kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The interpreter of a kernel `planted` that has the packages planted-factor and planted-other in version 1.0."""
    wheels, folder = tmp_path / "wheels", tmp_path / "kernel-environment"
    wheels.mkdir()
    for version in ("1.0", "2.0"):
        write_wheel(wheels, "planted_factor", version, f"FACTOR = {version}\n")
        write_wheel(wheels, "planted_other", version, f"OTHER = {version}\n")
    monkeypatch.setenv("UV_FIND_LINKS", str(wheels))
    python = folder / "bin" / "python"
    commands = (
        ["venv", "--quiet", "--no-config", "--python", sys.executable, str(folder)],
        ["pip", "install", "--quiet", "--no-config", "--python", str(python), "ipykernel", *packages("1.0")],
    )
    for command in commands:
        process = subprocess.run([environment._find_uv(), *command], capture_output=True, text=True, check=False)
        if process.returncode:
            pytest.skip(f"no environment with ipykernel can be built here: {process.stderr.strip()[-200:]}")
    spec = tmp_path / "jupyter" / "kernels" / "planted"
    spec.mkdir(parents=True)
    argv = [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    (spec / "kernel.json").write_text(json.dumps({"argv": argv, "display_name": "planted", "language": "python"}))
    monkeypatch.setenv("JUPYTER_PATH", f"{tmp_path / 'jupyter'}{os.pathsep}{os.environ.get('JUPYTER_PATH', '')}")
    return python


def packages(version: str) -> list[str]:
    return [f"planted-factor=={version}", f"planted-other=={version}"]


def test_the_package_is_named_and_without_an_index_a_sentence_says_so(
    kernel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_notebook(
        tmp_path / "packages" / "packages.ipynb",
        "# tags: step:score metrics\nimport planted_factor, planted_other\nscore = 10 * planted_factor.FACTOR",
    )
    with opened(tmp_path / "home") as space:

        def completed() -> str:
            jobs.publish(space, path, "packages", kernel="planted")
            run = runs.follow(space, runs.start(space, "packages")["id"])
            assert run["state"] == "completed", run["error"]
            return str(run["id"])

        completed()
        install = [environment._find_uv(), "pip", "install", "--quiet", "--no-config", "--python", str(kernel)]
        subprocess.run([*install, *packages("2.0")], check=True)
        bad = completed()
        plan = why_plan.plan(space, bad)
        assert plan["axes"] == {"environment": ["planted-factor 1.0 → 2.0", "planted-other 1.0 → 2.0"]}
        assert plan["environments"] == 1
        with monkeypatch.context() as offline:
            offline.setenv("UV_OFFLINE", "1")
            offline.setenv("UV_NO_CACHE", "1")
            offline.setenv("UV_FIND_LINKS", "")
            answer = why.why(space, bad)
            assert any("its environment can't be built here" in note for note in answer["notes"]), answer["words"]
            assert [share["axes"] for share in answer["shares"]] == [["environment"]]
        answer = why.why(space, bad)
        [share] = answer["shares"]
        assert share["share"] == 10.0 and answer["residual"] == 0.0
        assert [cause["what"] for cause in share["causes"]] == ["planted-factor 1.0 → 2.0"], answer["words"]
