"""Every test has Jupyter folders and a run store of its own, and sees the kernels of this environment alone."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from jupyter_mlops.import_guard import unblock
from tests.acceptance import refusals

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


@pytest.fixture(autouse=True)
def all_imports() -> Iterator[None]:
    """What a command blocks in its process is not blocked for the next test in this one."""
    yield
    unblock()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out the exhaustive rows unless `SLOW=1` asks for them: each has a row beside it that always runs."""
    if os.environ.get("SLOW") != "1":
        for item in items:
            if item.get_closest_marker("exhaustive"):
                item.add_marker(pytest.mark.skip(reason="SLOW=1 runs it"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print how often pipelines of the equivalence table refused; reports of other processes carry it here."""
    reports = [report for found in terminalreporter.stats.values() for report in found]
    told = [pair for report in reports if getattr(report, "when", "") == "call" for pair in report.user_properties]
    for line in refusals.summary(told):
        terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """The URL of a private server's first database."""
    from tests.databases import postgresql_programs, private_postgresql

    if postgresql_programs() is None:
        pytest.skip("PostgreSQL's server is not installed")
    with private_postgresql() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database, on each kind in turn."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'test.sqlite'}"
        return
    from sqlalchemy import create_engine, text
    from sqlalchemy.engine import make_url

    server = request.getfixturevalue("postgresql")
    name = f"t{uuid.uuid4().hex}"
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    yield make_url(server).set(database=name).render_as_string(hide_password=False)
    with engine.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    engine.dispose()
