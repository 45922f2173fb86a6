"""A content-addressed store: objects are named by the digest of their bytes and never change."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
from pathlib import Path

from jupyter_mlops.errors import StoreError

CHUNK = 1 << 22


def digest_file(path: Path) -> str:
    """The name that the bytes of a file have in the store (BLAKE2b, 160 bits, hex)."""
    found = hashlib.blake2b(digest_size=20)
    with path.open("rb") as handle:
        while chunk := handle.read(CHUNK):
            found.update(chunk)
    return found.hexdigest()


class ObjectStore:
    """Objects in a folder. Putting is atomic; the same content is kept once."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, digest: str) -> Path:
        return self.root / digest[:2] / digest[2:]

    def __contains__(self, digest: str) -> bool:
        return self.path(digest).is_file()

    def adopt(self, path: Path) -> str:
        """Take over a finished file: afterwards it stands in the store alone, under its digest.

        A process that has the file mapped keeps its mapping.
        """
        digest = digest_file(path)
        target = self.path(digest)
        try:
            if target.is_file():
                path.unlink()
            else:
                target.parent.mkdir(parents=True, exist_ok=True)
                os.replace(path, target)
        except OSError as error:
            raise _store_error(error, target) from None
        return digest

    def put(self, data: bytes) -> str:
        """Store bytes; returns their digest."""
        digest = hashlib.blake2b(data, digest_size=20).hexdigest()
        target = self.path(digest)
        if target.is_file():
            return digest
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            part = target.with_name(f"{target.name}.{os.getpid()}.part")
            part.write_bytes(data)
            os.replace(part, target)
        except OSError as error:
            raise _store_error(error, target) from None
        return digest

    def get(self, digest: str) -> bytes:
        """The bytes of an object, checked against its digest."""
        path = self.path(digest)
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            raise StoreError("no such object", where=digest, remedy="Run again: it is made anew.") from None
        if hashlib.blake2b(data, digest_size=20).hexdigest() != digest:
            raise StoreError(
                "the object's bytes don't match its digest", where=digest, remedy=f"Remove {path} and run again."
            )
        return data

    def verify(self, digest: str) -> bool:
        """Whether the object is there and its bytes are those of its digest."""
        path = self.path(digest)
        return path.is_file() and digest_file(path) == digest

    def clear(self) -> None:
        shutil.rmtree(self.root, ignore_errors=True)


def _store_error(error: OSError, path: Path) -> StoreError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StoreError("the disk is full", where=str(path.parent), remedy="Free some room and run again.")
    return StoreError(f"can't be written: {error.strerror}", where=str(path.parent))
