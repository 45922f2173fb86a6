"""A store of versions at any URL that fsspec supports, such as `s3://bucket/prefix`.

Objects never change, so checked copies are cached in a local folder.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from jupyter_mlops.errors import InvalidInputError, MlopsError, StoreError
from jupyter_mlops.import_guard import unblock
from jupyter_mlops.storage.local import (
    DISK_FULL_ERRNOS,
    NAME,
    USERS,
    ObjectStore,
    StoredObject,
    damaged_error,
    digest_bytes,
    digest_file,
    missing_error,
    temp_name,
    user_file,
)  # fmt: skip
from jupyter_mlops.storage.store import CREDENTIALS

SMALL_OBJECT_BYTES = (
    1_000_000  # bytes up to which an object is put again rather than asked for: that mends it if it was damaged
)
REMOVE_REMEDY = "Remove it there, and publish the same content again."
T = TypeVar("T")
TIME_FIELDS = ("mtime", "LastModified", "last_modified", "updated", "modify", "created")  # as file systems call it


class RemoteStore:
    """Objects at a URL.

    An object is written under its name if the file system writes atomically, otherwise under a temporary name and
    renamed. Every read is checked.

    :param cache: the folder of local copies.
    :param user: the name under which this process stores objects.
    :raises InvalidInputError: no installed package supports the URL.
    """

    def __init__(self, url: str, cache: ObjectStore, user: str = "") -> None:
        _require_driver(url)
        self.url, self.cache, self.user = url, cache, user
        self.location = CREDENTIALS.sub("", url)
        self.is_registered = False

    def locate(self, digest: str) -> str:
        return f"{self.location.rstrip('/')}/{digest[:2]}/{digest[2:]}"

    def __contains__(self, digest: str) -> bool:
        return self._size(digest) is not None

    def put(self, data: bytes) -> str:
        """Store bytes; returns their digest."""
        self._register_user()
        digest = digest_bytes(data)
        if len(data) <= SMALL_OBJECT_BYTES or self._size(digest) != len(data):
            with self._convert_errors("written"):
                self._write_whole(self._path(digest), lambda path: self._fs.pipe_file(path, data))
        with contextlib.suppress(StoreError):
            self.cache.put(data)
        return digest

    def put_file(self, path: Path) -> str:
        """Store the content of a file; returns its digest. The file is not changed."""
        self._register_user()
        old_facts = _file_facts(path)
        digest = digest_file(path)
        if old_facts[1] <= SMALL_OBJECT_BYTES or self._size(digest) != old_facts[1]:
            with self._convert_errors("written"):
                self._write_whole(self._path(digest), lambda target: self._fs.put_file(str(path), target))
            if _file_facts(path) != old_facts:
                self.remove(digest)
                raise StoreError("the file changed while it was read", where=str(path), remedy="Try again.")
        return digest

    def get(self, digest: str) -> bytes:
        """The bytes of an object, checked against its digest."""
        with contextlib.suppress(StoreError):
            return self._use_cached(digest, self.cache.get)
        with self._convert_errors("read", digest):
            data = bytes(self._fs.cat_file(self._path(digest)))
        if digest_bytes(data) != digest:
            raise damaged_error(digest, self.locate(digest), REMOVE_REMEDY)
        with contextlib.suppress(StoreError):
            self.cache.put(data)
        return data

    def fetch(self, digest: str, target: Path) -> None:
        """Write the bytes of an object to a file, checked and atomically."""
        with contextlib.suppress(StoreError):
            self._use_cached(digest, lambda cached_digest: self.cache.fetch(cached_digest, target))
            return
        self._download(digest)
        self.cache.fetch(digest, target)

    def local_path(self, digest: str) -> Path:
        """The file of a local copy."""
        if digest not in self.cache:
            self._download(digest)
        return self._use_cached(digest, self.cache.path)

    def _download(self, digest: str) -> None:
        """Keep a checked local copy of an object."""
        with self._convert_errors("read", digest), self._fs.open(self._path(digest), "rb") as source:
            if not self.cache.receive(digest, source):
                raise damaged_error(digest, self.locate(digest), REMOVE_REMEDY)

    def listing(self) -> Iterator[StoredObject]:
        """All objects in the store."""
        with self._convert_errors("listed"):
            self._fs.invalidate_cache()
            try:
                entries = self._fs.find(self._root, detail=True)
            except FileNotFoundError:
                return
        for path, facts in entries.items():
            name = "".join(path.rsplit("/", 2)[-2:])
            if NAME.fullmatch(name):
                yield StoredObject(name, int(facts.get("size") or 0), _modified_time(facts))

    def remove(self, name: str) -> None:
        """Delete the object that is listed under this name."""
        with self._convert_errors("written"), contextlib.suppress(FileNotFoundError):
            self._fs.rm_file(self._path(name))

    def users(self) -> set[str]:
        """The users of the store."""
        with self._convert_errors("listed"):
            try:
                paths = self._fs.ls(self._join(USERS), detail=False)
            except FileNotFoundError:
                return set()
            return {self._fs.cat_file(path).decode() for path in paths if path.endswith(".txt")}

    # -- the file system

    @cached_property
    def _connection(self) -> tuple[Any, str]:
        from fsspec.core import url_to_fs

        with self._convert_errors("reached"):
            fs, root = url_to_fs(self.url, use_listings_cache=False)
            return fs, str(root).rstrip("/")

    @property
    def _fs(self) -> Any:
        return self._connection[0]

    @property
    def _root(self) -> str:
        return self._connection[1]

    def _join(self, name: str) -> str:
        return f"{self._root}/{name}"

    def _path(self, name: str) -> str:
        return self._join(f"{name[:2]}/{name[2:]}")

    def _size(self, digest: str) -> int | None:
        with self._convert_errors("read"):
            try:
                return int(self._fs.info(self._path(digest))["size"])
            except FileNotFoundError:
                return None

    def _write_whole(self, path: str, write: Callable[[str], Any]) -> None:
        """Write an object atomically."""
        from fsspec import AbstractFileSystem

        if type(self._fs).mv is AbstractFileSystem.mv:  # can't rename; such file systems put whole objects
            write(path)
            return
        parent, _, name = path.rpartition("/")
        self._fs.makedirs(parent, exist_ok=True)
        temp_path = f"{parent}/{temp_name(name)}"
        try:
            write(temp_path)
            try:
                self._fs.mv(temp_path, path)
            except FileExistsError:
                self._fs.rm_file(path)
                self._fs.mv(temp_path, path)
        except BaseException:
            with contextlib.suppress(Exception):
                self._fs.rm_file(temp_path)
            raise

    def _register_user(self) -> None:
        if self.is_registered or not self.user:
            return
        path = self._join(user_file(self.user))
        with self._convert_errors("written"):
            try:
                self._fs.info(path)
            except FileNotFoundError:
                self._write_whole(path, lambda target: self._fs.pipe_file(target, self.user.encode()))
        self.is_registered = True

    def _use_cached(self, digest: str, reader: Callable[[str], T]) -> T:
        """Use the local copy, and update its time."""
        result = reader(digest)
        with contextlib.suppress(OSError):
            os.utime(self.cache.path(digest))
        return result

    @contextlib.contextmanager
    def _convert_errors(self, action: str, digest: str = "") -> Iterator[None]:
        """Convert any error of a driver into a StoreError that names the place."""
        try:
            yield
        except MlopsError:
            raise
        except FileNotFoundError as error:
            if digest:
                raise missing_error(digest, self.location) from None
            raise self._driver_error(error, action) from error
        except Exception as error:  # drivers have exceptions of their own, of no common kind
            raise self._driver_error(error, action) from error

    def _driver_error(self, error: Exception, action: str) -> StoreError:
        if isinstance(error, OSError) and error.errno in DISK_FULL_ERRNOS:
            return StoreError("the store is full", where=self.location, remedy="Free some space there and try again.")
        message = CREDENTIALS.sub("", f"{type(error).__name__}: {error}".rstrip(": "))
        return StoreError(
            f"the store can't be {action}: {message}",
            where=self.location,
            remedy="Check that it can be reached from this machine, and that this account has access.",
        )


def _require_driver(url: str) -> None:
    from fsspec import get_filesystem_class

    unblock()
    for segment in url.split("::"):
        protocol = segment.partition("://")[0]
        try:
            get_filesystem_class(protocol)
        except ImportError as error:
            cause = error.__cause__
            package = getattr(cause, "name", "") or _package(protocol)
            detail = "" if package == _package(protocol) else f" ({cause})"
            raise InvalidInputError(
                f"the store at {protocol}:// needs {package}: {error}{detail}",
                where="store",
                remedy=f"pip install {package}",
            ) from None
        except ValueError:
            raise InvalidInputError(
                f"{protocol!r} is not a protocol that fsspec supports",
                where="store",
                remedy="Example: s3://bucket/prefix",
            ) from None


def _package(protocol: str) -> str:
    from fsspec.registry import known_implementations

    implementation = known_implementations[protocol]
    module = str(implementation["class"]).partition(".")[0]
    if module != "fsspec":
        return module
    match = re.search(r"[\"'`](\w+)[\"'`]", str(implementation.get("err", "")))
    return match.group(1) if match else f"'fsspec[{protocol}]'"


def _file_facts(path: Path) -> tuple[int, int, int]:
    facts = path.stat()
    return facts.st_mtime_ns, facts.st_size, facts.st_ino


def _modified_time(facts: dict[str, Any]) -> float | None:
    value = next((facts[name] for name in TIME_FIELDS if facts.get(name)), None)
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return None
    if isinstance(value, datetime):
        return value.timestamp()
    return float(value) if isinstance(value, int | float) else None
