"""Digests of the contents of files, each computed once for a size and a time."""

from __future__ import annotations

import os
from pathlib import Path

from jupyter_mlops.storage.local import digest_file

HASHED_FILE = 2_000_000_000  # larger files are known by size and time


class FileDigests:
    """Digests of files, as of when they were asked for."""

    def __init__(self) -> None:
        self._digests: dict[tuple[str, int, int], str] = {}

    def digest(self, path: str) -> str:
        """The digest of a file's content; "" if it does not exist; a text with a space for what has none."""
        try:
            facts = os.stat(path)
        except OSError:
            return ""
        if os.path.isdir(path):
            return f"folder {facts.st_mtime_ns}"
        key = (path, facts.st_mtime_ns, facts.st_size)
        if key not in self._digests:
            large = facts.st_size > HASHED_FILE
            try:
                self._digests[key] = f"{facts.st_size} {facts.st_mtime_ns}" if large else digest_file(Path(path))
            except OSError:
                return ""
        return self._digests[key]


def file_facts(path: str) -> list[int] | None:
    """The modification time, the size and the inode of a file; None if there is none."""
    try:
        facts = os.stat(path)
    except OSError:
        return None
    return [facts.st_mtime_ns, facts.st_size, facts.st_ino]
