"""Files and folders that exist for a while only."""

from __future__ import annotations

import os
import sys
from typing import Any

SCRATCH_NAME = 8  # letters of a name that `tempfile` generates, at least


def scratch_names(random_paths: Any, looks: Any) -> list[str]:
    """Names that `tempfile` generated: a result that contains one differs every time.

    `mktemp` reports no event. It looks for a path below the folder of temporary files that does not exist.

    :param random_paths: what `mkstemp` and `mkdtemp` reported.
    :param looks: path -> what was seen of it.
    """
    tempfile = sys.modules.get("tempfile")
    if tempfile is None or not tempfile.tempdir:
        return []
    root = os.path.abspath(tempfile.tempdir)
    absent = {path for path, look in looks.items() if look == [""] and os.path.dirname(path) == root}
    names = {os.path.basename(path) for path in {*random_paths, *absent}}
    return sorted(name for name in names if len(name) >= SCRATCH_NAME)


def leave_out(names: Any, notes: Any) -> None:
    """Take these files and folders, and what is in them, out of the notes of a block."""
    inside = tuple(name + os.sep for name in names)
    for paths in notes:
        for name in list(paths):
            if name in names or (inside and name.startswith(inside)):
                del paths[name]
