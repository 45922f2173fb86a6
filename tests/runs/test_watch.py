"""Which files count as a person's own."""

from __future__ import annotations

import sys

import pytest

from jupyter_mlops.run.agent.watch import Watch


@pytest.mark.parametrize(
    ("folder", "path", "own"),
    [
        ("/usr/src/app", "/usr/src/app/data.csv", True),
        ("/usr/src/app", "/usr/share/zoneinfo/UTC", False),
        ("/opt/app", "/opt/app/data.csv", True),
        ("/home/me", "/opt/data/in.csv", True),
        ("/", "/etc/hosts", False),
        (sys.prefix, f"{sys.prefix}/lib/thing.txt", False),
    ],
)
def test_what_lies_in_the_working_folder_counts(folder: str, path: str, own: bool) -> None:
    watch = Watch()
    watch.at(folder)
    assert (watch.name(path) == path) is own
