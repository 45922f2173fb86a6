"""A cluster for tests that leave it as it was, and one for tests that break it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.dask_cluster import DaskCluster


@pytest.fixture(scope="module")
def shared_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaskCluster]:
    """Two workers that no test ends."""
    pytest.importorskip("distributed")
    cluster = DaskCluster(tmp_path_factory.mktemp("dask")).start_scheduler()
    try:
        cluster.start_worker()
        cluster.start_worker("--resources", "disk=2")
        yield cluster.wait_for_workers(2)
    finally:
        cluster.close()


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[DaskCluster]:
    """A scheduler without workers, which the test may break."""
    pytest.importorskip("distributed")
    folder = tmp_path / "dask"
    folder.mkdir()
    cluster = DaskCluster(folder).start_scheduler()
    try:
        yield cluster
    finally:
        cluster.close()
