"""Which files count as a person's own."""

from __future__ import annotations

import os
import sys

import pytest

from jupyter_mlops.execution.agent.readers import SITES
from jupyter_mlops.execution.agent.watch import Watch


@pytest.mark.parametrize(
    ("path", "counts"),
    [
        ("/usr/src/app/data.csv", True),
        ("/usr/share/zoneinfo/UTC", True),
        ("/usr/local/share/thing/data.csv", True),
        ("/etc/hosts", True),
        ("/dev/shm/data.bin", True),
        ("/dev/null", False),
        (os.path.expanduser("~/.cache/app/v.json"), True),
        (f"{sys.prefix}/share/thing.txt", True),
        (f"{SITES[0]}package/module.py", False),
        (f"{SITES[0]}package/data.csv", True),
        (f"{SITES[0]}package-1.0.dist-info/METADATA", False),
        ("/home/me/site-packages/mine.py", True),
        (os.__file__, False),
        ("/tmp/ipykernel_12/34.py", False),
    ],
)
def test_no_folder_is_left_out_for_its_name(path: str, counts: bool) -> None:
    assert (Watch().name(path) == path) is counts
