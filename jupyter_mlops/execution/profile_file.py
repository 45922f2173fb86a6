"""Path of a notebook's profile. Standard library only: it is needed before anything is imported."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

STEM = 60  # characters of the notebook's name in the file's name, for readability


def evidence_file(home: str | Path, notebook: str | Path) -> Path:
    """The profile file of a notebook. Notebooks of the same name in other folders have their own; a moved notebook
    starts with an empty profile.

    :param notebook: its path. Runs of a version use the path that it was published from.
    """
    path = os.path.realpath(notebook)
    digest = hashlib.blake2b(os.fsencode(path), digest_size=16).hexdigest()
    stem = Path(path).stem.encode(errors="replace").decode()[:STEM]
    return Path(home) / "evidence" / f"{stem}-{digest}.json"
