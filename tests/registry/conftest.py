"""One job with three versions for all tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from jupyter_mlops.jobs.workspace import Workspace
from tests.registry.space import build, copied


@pytest.fixture(scope="session")
def churn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the workspace, to be copied."""
    return build(tmp_path_factory.mktemp("churn"), 3)


@pytest.fixture
def space(churn: Path, tmp_path: Path) -> Iterator[Workspace]:
    """A workspace in which the job `churn` has three versions."""
    with copied(churn, tmp_path / "copy") as space:
        yield space
