"""Every test has Jupyter folders and a run store of its own, and sees the kernels of this environment alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("tests", deadline=None, derandomize=True)
settings.load_profile("tests")

JUPYTER_FOLDERS = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR", "JUPYTER_MLOPS_HOME")
LEFT_OUT = ("JUPYTER_PATH", "JUPYTER_CONFIG_PATH", "MPLBACKEND", "PYTHONHASHSEED", "PYTHONWARNINGS")


@pytest.fixture(scope="session", autouse=True)
def own_jupyter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Folders that no other test process and no person uses; wider fixtures that start kernels get them too."""
    home = tmp_path_factory.mktemp("jupyter")
    with pytest.MonkeyPatch.context() as patch:
        for name in LEFT_OUT:
            patch.delenv(name, raising=False)
        for name in JUPYTER_FOLDERS:
            patch.setenv(name, str(home / name.lower()))
        patch.setenv("JUPYTER_PLATFORM_DIRS", "1")
        yield home


@pytest.fixture(autouse=True)
def mlops_home(own_jupyter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty run store and cache for each test."""
    home = tmp_path / "mlops-home"
    monkeypatch.setenv("JUPYTER_MLOPS_HOME", str(home))
    return home
