"""A kernel's environment: described, compared, and built again; conda's by a folder that looks like one of conda."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from jupyter_mlops.errors import EnvironmentFailed
from jupyter_mlops.versions.environment import build, describe, differences, lock
from jupyter_mlops.versions.manifest import Environment

CHANNEL = "https://conda.anaconda.org/conda-forge/linux-64"
FILES = {"numpy": "numpy-2.0.0-py311_0.conda", "libblas": "libblas-3.9.0-20_openblas.tar.bz2"}


@pytest.fixture
def conda(tmp_path: Path) -> Path:
    """The interpreter of an environment with conda's records."""
    folder = tmp_path / "env"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    meta = folder / "conda-meta"
    meta.mkdir()
    for name, file in FILES.items():
        (meta / f"{name}.json").write_text(json.dumps({"name": name, "url": f"{CHANNEL}/{file}", "md5": name * 2}))
    (meta / "local.json").write_text(json.dumps({"name": "local"}))
    (meta / "history").write_text("==> 2026 <==\n")
    return folder / "bin" / "python"


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A conda that makes an interpreter and keeps what it was asked."""
    folder = tmp_path / "programs"
    folder.mkdir()
    made = folder / "conda"
    made.write_text(
        f"""#!{sys.executable}
import os, sys
from pathlib import Path
options = dict(zip(sys.argv, sys.argv[1:]))
with open({str(tmp_path / "asked")!r}, "a") as asked:
    asked.write(Path(options["--file"]).read_text())
if "broken" in os.environ:
    sys.exit("PackagesNotFoundError: libblas")
folder = Path(options["--prefix"], "bin")
folder.mkdir(parents=True)
(folder / "python").symlink_to(sys.executable)
"""
    )
    made.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}/usr/bin{os.pathsep}/bin")
    return tmp_path / "asked"


def test_a_conda_environment_is_locked_by_the_address_of_each_package(conda: Path, tmp_path: Path) -> None:
    found = describe([str(conda)])
    assert found.conda == (f"{CHANNEL}/{FILES['libblas']}#libblaslibblas", f"{CHANNEL}/{FILES['numpy']}#numpynumpy")
    made = lock(found, tmp_path / "locks", [str(conda)])
    assert (made.kind, made.hashed) == ("conda", True)
    assert made.text.split("\n") == ["@EXPLICIT", *found.conda, ""]


def test_a_conda_environment_is_built_once(conda: Path, program: Path, tmp_path: Path) -> None:
    found = describe([str(conda)])
    text = lock(found, tmp_path / "locks", [str(conda)]).text
    python = build(text, "conda", found, tmp_path / "home")
    assert build(text, "conda", found, tmp_path / "home") == python
    assert python.is_file() and python.is_relative_to(tmp_path / "home" / "environments")
    assert program.read_text() == text


def test_what_conda_says_is_told(conda: Path, program: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = describe([str(conda)])
    text = lock(found, tmp_path / "locks", [str(conda)]).text
    monkeypatch.setenv("broken", "1")
    with pytest.raises(EnvironmentFailed, match="PackagesNotFoundError: libblas"):
        build(text, "conda", found, tmp_path / "home")
    monkeypatch.delenv("broken")
    assert build(text, "conda", found, tmp_path / "home").is_file()


def test_without_conda_it_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EnvironmentFailed, match="no conda, mamba or micromamba"):
        build("@EXPLICIT\n", "conda", Environment(), tmp_path)


def test_packages_of_conda_that_differ_are_named() -> None:
    then = Environment("3.11.7", conda=tuple(f"{CHANNEL}/{file}#x" for file in FILES.values()))
    now = Environment(
        "3.11.7", conda=(f"{CHANNEL}/numpy-2.0.0-py311_0.conda#x", f"{CHANNEL}/libblas-3.9.0-21_mkl.conda")
    )
    assert differences(then, now) == ["libblas: 3.9.0-20_openblas then, 3.9.0-21_mkl now"]
    assert differences(then, then) == []


def test_an_interpreter_that_is_none_is_named(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFailed, match="can't be described") as caught:
        describe([str(tmp_path / "python")])
    assert str(tmp_path / "python") in caught.value.where
