"""A content-addressed store in a folder: objects are named by the digest of their bytes and never change."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
import shutil
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from jupyter_mlops.errors import StoreError

CHUNK = 1 << 22
NAME = re.compile(r"[0-9a-f]{40}(\.[0-9a-f]{12}\.part)?")  # of an object, and of one that is being put
DISK_FULL_ERRNOS = (errno.ENOSPC, errno.EDQUOT)  # how the system says that there is no room
USERS = "users"  # beside the objects: who keeps something here


def digest_bytes(data: bytes) -> str:
    """The name of these bytes in a store (BLAKE2b, 160 bits, hex)."""
    return hashlib.blake2b(data, digest_size=20).hexdigest()


def digest_file(path: Path) -> str:
    """The digest of a file, read in pieces."""
    with path.open("rb") as handle:
        return copy_with_digest(handle, None)


class Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


def copy_with_digest(source: Readable, target: BinaryIO | None) -> str:
    """Copy in pieces; returns the digest of the copied bytes."""
    hasher = hashlib.blake2b(digest_size=20)
    while chunk := source.read(CHUNK):
        hasher.update(chunk)
        if target is not None:
            target.write(chunk)
    return hasher.hexdigest()


@dataclass(frozen=True)
class StoredObject:
    """An object, or the remains of an unfinished write.

    :param name: its digest, for a finished one.
    :param size: bytes.
    :param modified: seconds since 1970; None if unknown.
    """

    name: str
    size: int
    modified: float | None


class _DigestMismatch(Exception):
    """The received bytes do not match the digest."""


class ObjectStore:
    """Objects in a folder. Writing is atomic; the same content is stored once, and stored again if it was damaged.

    :param user: the name under which this process stores objects, in a store that others may share.
    """

    def __init__(self, root: Path, user: str = "") -> None:
        self.root = root
        self.user = user
        self.is_registered = False

    @property
    def location(self) -> str:
        return str(self.root)

    def path(self, digest: str) -> Path:
        return self.root / digest[:2] / digest[2:]

    def locate(self, digest: str) -> str:
        """The location of an object, for people."""
        return str(self.path(digest))

    def __contains__(self, digest: str) -> bool:
        return self.path(digest).is_file()

    def put(self, data: bytes) -> str:
        """Store bytes; returns their digest."""
        self._register_user()
        digest = digest_bytes(data)
        if not self._has_intact(digest):
            with _convert_write_errors(self.path(digest)) as target, atomic_write(target) as stream:
                stream.write(data)
        return digest

    def put_file(self, path: Path) -> str:
        """Store the content of a file; returns its digest. The file is not changed."""
        self._register_user()
        with path.open("rb") as source:
            digest = copy_with_digest(source, None)
            if self._has_intact(digest):
                return digest
            source.seek(0)
            with _convert_write_errors(self.path(digest)) as target, atomic_write(target) as stream:
                if copy_with_digest(source, stream) != digest:
                    raise StoreError("the file changed while it was read", where=str(path), remedy="Try again.")
        return digest

    def link_file(self, path: Path) -> str:
        """Store a file that will not change, without copying its bytes if possible; returns its digest."""
        digest = digest_file(path)
        target = self.path(digest)
        if target.is_file() and target.stat().st_size == path.stat().st_size:
            return digest
        with _convert_write_errors(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            part = target.with_name(temp_name(target.name))
            try:
                os.link(path, part)
            except OSError:
                return self.put_file(path)
            os.replace(part, target)
        return digest

    def get(self, digest: str) -> bytes:
        """The bytes of an object, checked against its digest."""
        path = self.path(digest)
        with self._convert_read_errors(digest):
            data = path.read_bytes()
        if digest_bytes(data) != digest:
            raise damaged_error(digest, self.locate(digest))
        return data

    def fetch(self, digest: str, target: Path) -> None:
        """Write the bytes of an object to a file, checked and atomically."""
        with contextlib.ExitStack() as stack:
            with self._convert_read_errors(digest):
                source = stack.enter_context(self.path(digest).open("rb"))
            with _convert_write_errors(target), atomic_write(target) as stream:
                if copy_with_digest(source, stream) != digest:
                    raise damaged_error(digest, self.locate(digest))

    def local_path(self, digest: str) -> Path:
        """The object's file."""
        path = self.path(digest)
        if not path.is_file():
            raise missing_error(digest, self.location)
        return path

    def receive(self, digest: str, source: Readable) -> bool:
        """Store an object from elsewhere; returns False, and stores nothing, if it does not match its digest."""
        with (
            _convert_write_errors(self.path(digest)) as target,
            contextlib.suppress(_DigestMismatch),
            atomic_write(target) as stream,
        ):
            if copy_with_digest(source, stream) != digest:
                raise _DigestMismatch
            return True
        return False

    def verify(self, digest: str) -> bool:
        """Whether the object exists and matches its digest."""
        path = self.path(digest)
        return path.is_file() and digest_file(path) == digest

    def listing(self) -> Iterator[StoredObject]:
        """All objects in the store."""
        for path in self.root.glob("??/*"):
            name = path.parent.name + path.name
            if not NAME.fullmatch(name):
                continue
            try:
                facts = path.stat()
            except OSError:
                continue  # gone meanwhile
            yield StoredObject(name, facts.st_size, facts.st_mtime)

    def remove(self, name: str) -> None:
        """Delete the object that is listed under this name."""
        with _convert_write_errors(self.path(name)) as target:
            target.unlink(missing_ok=True)

    def users(self) -> set[str]:
        """The users of the store."""
        names = set()
        for path in (self.root / USERS).glob("*.txt"):
            with contextlib.suppress(OSError):
                names.add(path.read_text(encoding="utf-8"))
        return names

    def clear(self) -> None:
        shutil.rmtree(self.root, ignore_errors=True)

    def _has_intact(self, digest: str) -> bool:
        """Whether the object need not be stored. If so, its time is updated, so that no process deletes it."""
        path = self.path(digest)
        try:
            if not path.is_file() or digest_file(path) != digest:
                return False
            os.utime(path)
        except OSError:
            return False
        return True

    def _register_user(self) -> None:
        if self.is_registered or not self.user:
            return
        with _convert_write_errors(self.root / user_file(self.user)) as path:
            if not path.is_file():
                with atomic_write(path) as stream:
                    stream.write(self.user.encode())
        self.is_registered = True

    @contextlib.contextmanager
    def _convert_read_errors(self, digest: str) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError:
            raise missing_error(digest, self.location) from None
        except OSError as error:
            raise store_error("be read", error, self.path(digest)) from None


@contextlib.contextmanager
def atomic_write(target: Path) -> Iterator[BinaryIO]:
    """A stream to a temporary file that replaces the target when it is complete, and is deleted otherwise."""
    target.parent.mkdir(parents=True, exist_ok=True)
    temp_path = target.with_name(temp_name(target.name))
    try:
        with temp_path.open("xb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temp_path, target)
    except BaseException:
        with contextlib.suppress(OSError):
            temp_path.unlink(missing_ok=True)
        raise


def temp_name(name: str) -> str:
    """A unique name for a temporary file."""
    return f"{name[:40]}.{uuid.uuid4().hex[:12]}.part"


def user_file(user: str) -> str:
    """The file in a store that records its users."""
    return f"{USERS}/{digest_bytes(user.encode())}.txt"


def missing_error(digest: str, location: str) -> StoreError:
    return StoreError(
        f"no such object: {digest}",
        where=location,
        remedy="Publish it again, or restore it from a backup of the store.",
    )


def damaged_error(
    digest: str, location: str, remedy: str = "Publish the same content again to repair it."
) -> StoreError:
    return StoreError(f"the object's bytes don't match its digest {digest}", where=location, remedy=remedy)


def store_error(action: str, error: OSError, path: Path) -> StoreError:
    """An error of the operating system, with the place and a remedy.

    :param action: the failed action: `be read`, `be written`.
    """
    if error.errno in DISK_FULL_ERRNOS:
        return StoreError("the disk is full", where=str(path), remedy="Free some space and try again.")
    return StoreError(f"can't {action}: {error.strerror or error}", where=str(path))


@contextlib.contextmanager
def _convert_write_errors(target: Path) -> Iterator[Path]:
    try:
        yield target
    except OSError as error:
        raise store_error("be written", error, target.parent) from None
