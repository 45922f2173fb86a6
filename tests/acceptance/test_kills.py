"""The kill matrix, a short pass; the long one is `python -m tests.acceptance.kill_matrix`."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.acceptance.kill_matrix import matrix


@pytest.mark.skipif(sys.platform != "linux", reason="looks at processes in /proc")
@pytest.mark.xdist_group("kills")
@pytest.mark.timeout(280)
def test_nothing_is_lost_doubled_or_left(tmp_path: Path) -> None:
    verdict = matrix(tmp_path, runs=12, seed=7)
    assert verdict.problems == []
    assert sum(verdict.kills.values()) > 0
