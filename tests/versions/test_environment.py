"""A kernel's environment: described, compared, and built again; conda's by a folder that looks like one of conda."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from jupyter_mlops.errors import EnvironmentBuildError
from jupyter_mlops.versions import environment as module
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


def test_where_a_package_is_from_is_told_and_no_password(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "env"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    (site,) = folder.glob("lib/python3*/site-packages")
    for name, url in (
        ("plain", None),
        ("wheel", {"url": "https://me:secret@example.org/wheel-1.0-py3-none-any.whl", "archive_info": {}}),
        ("git", {"url": "https://me:secret@example.org/git", "vcs_info": {"vcs": "git", "commit_id": "abc"}}),
        ("folder", {"url": "file:///home/me/folder", "dir_info": {}}),
    ):
        made = site / f"{name}-1.0.dist-info"
        made.mkdir()
        (made / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        if url is not None:
            (made / "direct_url.json").write_text(json.dumps(url))
    described = describe([str(folder / "bin" / "python")])
    wheel, git = "https://example.org/wheel-1.0-py3-none-any.whl", "git+https://example.org/git@abc"
    assert described.packages == {"git": git, "plain": "1.0", "wheel": wheel}
    assert described.others == {"folder": "1.0"}
    asked: list[str] = []

    def compiled(command: list[str], **options: str) -> subprocess.CompletedProcess[str]:
        asked.append(options["input"])
        return subprocess.CompletedProcess(command, 1, "", "no index")

    monkeypatch.setattr(subprocess, "run", compiled)
    assert lock(described, tmp_path, ["python"]).text == f"git @ {git}\nplain==1.0\nwheel @ {wheel}\n" == asked[0]


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


def installed(python: Path, name: str, installer: str) -> None:
    """Records of a package, as who installs it leaves them."""
    library = next((python.parent.parent / "lib").glob("python3*")) / "site-packages"
    facts = library / f"{name}-1.0.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (facts / "INSTALLER").write_text(f"{installer}\n")


def test_what_pip_installed_beside_conda_is_in_the_lock_and_is_installed_again(
    conda: Path, program: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, installer in (("numpy", "conda"), ("mlops-no-such-one", "pip"), ("mlops-no-such-two", "uv")):
        installed(conda, name, installer)
    found = describe([str(conda)])
    assert found.packages == {"mlops-no-such-one": "1.0", "mlops-no-such-two": "1.0"}
    made = lock(found, tmp_path / "locks", [str(conda)])
    explicit, _, by_pip = made.text.partition("# what pip installed\n")
    assert explicit.split("\n") == ["@EXPLICIT", *found.conda, ""]
    assert by_pip == "mlops-no-such-one==1.0\nmlops-no-such-two==1.0\n"  # no index knows them
    assert (made.kind, made.hashed) == ("conda", False) and "without digests" in made.notes[0]
    asked = tmp_path / "uv asked"
    uv = program.parent / "programs" / "uv"
    uv.write_text(f"#!/bin/sh\nfor last; do :; done\n(echo $*; cat $last) >> {str(asked)!r}\n")
    uv.chmod(0o755)
    monkeypatch.setattr(module, "_find_uv", lambda: str(uv))
    python = build(made.text, "conda", found, tmp_path / "home")
    assert build(made.text, "conda", found, tmp_path / "home") == python
    assert program.read_text() == explicit
    command, *listed = asked.read_text().splitlines()
    assert command.startswith("pip install ") and f"--python {python}" in command and "--no-deps" in command
    assert listed == ["mlops-no-such-one==1.0", "mlops-no-such-two==1.0"]


def test_a_version_that_told_of_conda_s_packages_twice_is_no_different() -> None:
    then = Environment("3.11.7", packages={"numpy": "2.0.0"}, conda=(f"{CHANNEL}/{FILES['numpy']}#x",))
    assert differences(then, Environment("3.11.7", conda=then.conda)) == []


def test_what_conda_says_is_told(conda: Path, program: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = describe([str(conda)])
    text = lock(found, tmp_path / "locks", [str(conda)]).text
    monkeypatch.setenv("broken", "1")
    with pytest.raises(EnvironmentBuildError, match="PackagesNotFoundError: libblas"):
        build(text, "conda", found, tmp_path / "home")
    monkeypatch.delenv("broken")
    assert build(text, "conda", found, tmp_path / "home").is_file()


def test_without_conda_it_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EnvironmentBuildError, match="no conda, mamba or micromamba"):
        build("@EXPLICIT\n", "conda", Environment(), tmp_path)


def test_a_wheel_s_address_is_no_other_version_than_its_number() -> None:
    numbers, address = (
        Environment("3.11.7", packages={"w": v}) for v in ("1.0", "https://e.org/w-1.0-py3-none-any.whl")
    )
    assert differences(numbers, address) == differences(address, numbers) == []
    other = Environment("3.11.7", packages={"w": "1.1"})
    assert differences(other, address) == ["w: 1.1 then, https://e.org/w-1.0-py3-none-any.whl now"]


def test_packages_of_conda_that_differ_are_named() -> None:
    then = Environment("3.11.7", conda=tuple(f"{CHANNEL}/{file}#x" for file in FILES.values()))
    now = Environment(
        "3.11.7", conda=(f"{CHANNEL}/numpy-2.0.0-py311_0.conda#x", f"{CHANNEL}/libblas-3.9.0-21_mkl.conda")
    )
    assert differences(then, now) == ["libblas: 3.9.0-20_openblas then, 3.9.0-21_mkl now"]
    assert differences(then, then) == []


def test_an_interpreter_that_is_none_is_named(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentBuildError, match="can't be described") as caught:
        describe([str(tmp_path / "python")])
    assert str(tmp_path / "python") in caught.value.where


def test_a_lock_that_can_not_be_put_aside_is_a_lock_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def compiled(command: list[str], **options: object) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess(command, 0, 'lock-version = "1.0"\n', "")

    monkeypatch.setattr(subprocess, "run", compiled)
    described = Environment("3.11.7", "cpython", "linux-x86_64", {"numpy": "2.0.0"})
    (tmp_path / "file").write_text("in the way")
    assert lock(described, tmp_path / "file" / "locks", ["python"]).hashed
    assert lock(described, tmp_path / "locks", ["python"]).hashed
    (kept,) = (tmp_path / "locks").iterdir()
    kept.write_text("")  # cut short
    assert lock(described, tmp_path / "locks", ["python"]).text == 'lock-version = "1.0"\n'
