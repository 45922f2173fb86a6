"""One server for the tests of the REST surface."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.servers import Server, server


@pytest.fixture(scope="session")
def rest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with server(tmp_path_factory.mktemp("rest")) as made:
        yield made
