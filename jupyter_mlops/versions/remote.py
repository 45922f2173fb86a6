"""A store of versions on any URL that fsspec knows, such as `s3://bucket/prefix`.

Objects never change, so what was fetched once and checked is kept in a folder here, and taken from there.
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

from jupyter_mlops.errors import BadInput, MlopsError, StoreError
from jupyter_mlops.lean import lift
from jupyter_mlops.objects import (
    FULL,
    NAME,
    USERS,
    Kept,
    ObjectStore,
    damaged,
    digest_bytes,
    digest_file,
    missing,
    part_name,
    signature,
)  # fmt: skip
from jupyter_mlops.versions.store import CREDENTIALS

SMALL = 1_000_000  # bytes up to which an object is put again rather than asked for: that mends it if it was damaged
REMOVE = "Remove it there, and publish the same content again."
T = TypeVar("T")
TIMES = ("mtime", "LastModified", "last_modified", "updated", "modify", "created")  # as file systems call it


class RemoteStore:
    """Objects at a URL. An object is put under its name at once where the file system does that whole or not at all,
    and under another name first where it can rename; what is read is checked either way.

    :param kept: the folder of what was fetched.
    :param user: who puts objects here.
    :raises BadInput: nothing that is installed can reach such a URL.
    """

    def __init__(self, url: str, kept: ObjectStore, user: str = "") -> None:
        _require_driver(url)
        self.url, self.kept, self.user = url, kept, user
        self.where = CREDENTIALS.sub("", url)
        self.signed = False

    def place(self, digest: str) -> str:
        return f"{self.where.rstrip('/')}/{digest[:2]}/{digest[2:]}"

    def __contains__(self, digest: str) -> bool:
        return self._size(digest) is not None

    def put(self, data: bytes) -> str:
        """Store bytes; returns their digest."""
        self._sign()
        digest = digest_bytes(data)
        if len(data) <= SMALL or self._size(digest) != len(data):
            with self._reaching("written"):
                self._place(self._path(digest), lambda path: self._fs.pipe_file(path, data))
        with contextlib.suppress(StoreError):
            self.kept.put(data)
        return digest

    def put_file(self, path: Path) -> str:
        """Store what a file holds; returns its digest. The file stays as it is."""
        self._sign()
        before = _facts(path)
        digest = digest_file(path)
        if before[1] <= SMALL or self._size(digest) != before[1]:
            with self._reaching("written"):
                self._place(self._path(digest), lambda target: self._fs.put_file(str(path), target))
            if _facts(path) != before:
                self.remove(digest)
                raise StoreError("the file changed while it was read", where=str(path), remedy="Try again.")
        return digest

    def get(self, digest: str) -> bytes:
        """The bytes of an object, checked against its digest."""
        with contextlib.suppress(StoreError):
            return self._used(digest, self.kept.get)
        with self._reaching("read", digest):
            data = bytes(self._fs.cat_file(self._path(digest)))
        if digest_bytes(data) != digest:
            raise damaged(digest, self.place(digest), REMOVE)
        with contextlib.suppress(StoreError):
            self.kept.put(data)
        return data

    def fetch(self, digest: str, target: Path) -> None:
        """Let a file hold the bytes of an object; it is whole and checked, or left as it was."""
        with contextlib.suppress(StoreError):
            self._used(digest, lambda known: self.kept.fetch(known, target))
            return
        with self._reaching("read", digest), self._fs.open(self._path(digest), "rb") as source:
            if not self.kept.receive(digest, source):
                raise damaged(digest, self.place(digest), REMOVE)
        self.kept.fetch(digest, target)

    def listing(self) -> Iterator[Kept]:
        """Everything that is in the store."""
        with self._reaching("listed"):
            self._fs.invalidate_cache()
            try:
                found = self._fs.find(self._root, detail=True)
            except FileNotFoundError:
                return
        for path, facts in found.items():
            name = "".join(path.rsplit("/", 2)[-2:])
            if NAME.fullmatch(name):
                yield Kept(name, int(facts.get("size") or 0), _modified(facts))

    def remove(self, name: str) -> None:
        """Let what is listed under this name go."""
        with self._reaching("written"), contextlib.suppress(FileNotFoundError):
            self._fs.rm_file(self._path(name))

    def users(self) -> set[str]:
        """Who has put objects here."""
        with self._reaching("listed"):
            try:
                found = self._fs.ls(self._join(USERS), detail=False)
            except FileNotFoundError:
                return set()
            return {self._fs.cat_file(path).decode() for path in found if path.endswith(".txt")}

    # -- the file system

    @cached_property
    def _reached(self) -> tuple[Any, str]:
        from fsspec.core import url_to_fs

        with self._reaching("reached"):
            fs, root = url_to_fs(self.url, use_listings_cache=False)
            return fs, str(root).rstrip("/")

    @property
    def _fs(self) -> Any:
        return self._reached[0]

    @property
    def _root(self) -> str:
        return self._reached[1]

    def _join(self, name: str) -> str:
        return f"{self._root}/{name}"

    def _path(self, name: str) -> str:
        return self._join(f"{name[:2]}/{name[2:]}")

    def _size(self, digest: str) -> int | None:
        with self._reaching("read"):
            try:
                return int(self._fs.info(self._path(digest))["size"])
            except FileNotFoundError:
                return None

    def _place(self, path: str, write: Callable[[str], Any]) -> None:
        """Let an object be there whole, or not at all."""
        from fsspec import AbstractFileSystem

        if type(self._fs).mv is AbstractFileSystem.mv:  # can't rename; such file systems put whole objects
            write(path)
            return
        parent, _, name = path.rpartition("/")
        self._fs.makedirs(parent, exist_ok=True)
        part = f"{parent}/{part_name(name)}"
        try:
            write(part)
            try:
                self._fs.mv(part, path)
            except FileExistsError:
                self._fs.rm_file(path)
                self._fs.mv(part, path)
        except BaseException:
            with contextlib.suppress(Exception):
                self._fs.rm_file(part)
            raise

    def _sign(self) -> None:
        if self.signed or not self.user:
            return
        path = self._join(signature(self.user))
        with self._reaching("written"):
            try:
                self._fs.info(path)
            except FileNotFoundError:
                self._place(path, lambda target: self._fs.pipe_file(target, self.user.encode()))
        self.signed = True

    def _used(self, digest: str, how: Callable[[str], T]) -> T:
        """Take what is kept here, which counts as used then."""
        made = how(digest)
        with contextlib.suppress(OSError):
            os.utime(self.kept.path(digest))
        return made

    @contextlib.contextmanager
    def _reaching(self, done: str, digest: str = "") -> Iterator[None]:
        """Whatever a driver raises is told as a StoreError that says where."""
        try:
            yield
        except MlopsError:
            raise
        except FileNotFoundError as error:
            if digest:
                raise missing(digest, self.where) from None
            raise self._told(error, done) from error
        except Exception as error:  # drivers have exceptions of their own, of no common kind
            raise self._told(error, done) from error

    def _told(self, error: Exception, done: str) -> StoreError:
        if isinstance(error, OSError) and error.errno in FULL:
            return StoreError("the store is full", where=self.where, remedy="Make some room there and try again.")
        said = CREDENTIALS.sub("", f"{type(error).__name__}: {error}".rstrip(": "))
        return StoreError(
            f"the store can't be {done}: {said}",
            where=self.where,
            remedy="Look whether it can be reached from here, and lets this account in.",
        )


def _require_driver(url: str) -> None:
    from fsspec import get_filesystem_class

    lift()
    for part in url.split("::"):
        protocol = part.partition("://")[0]
        try:
            get_filesystem_class(protocol)
        except ImportError as error:
            cause = error.__cause__
            package = getattr(cause, "name", "") or _package(protocol)
            why = "" if package == _package(protocol) else f" ({cause})"
            raise BadInput(
                f"the store at {protocol}:// needs {package}: {error}{why}",
                where="store",
                remedy=f"pip install {package}",
            ) from None
        except ValueError:
            raise BadInput(
                f"{protocol!r} is no protocol that fsspec knows", where="store", remedy="Example: s3://bucket/prefix"
            ) from None


def _package(protocol: str) -> str:
    from fsspec.registry import known_implementations

    told = known_implementations[protocol]
    named = str(told["class"]).partition(".")[0]
    if named != "fsspec":
        return named
    said = re.search(r"[\"'`](\w+)[\"'`]", str(told.get("err", "")))
    return said.group(1) if said else f"'fsspec[{protocol}]'"


def _facts(path: Path) -> tuple[int, int, int]:
    facts = path.stat()
    return facts.st_mtime_ns, facts.st_size, facts.st_ino


def _modified(facts: dict[str, Any]) -> float | None:
    told = next((facts[name] for name in TIMES if facts.get(name)), None)
    if isinstance(told, str):
        try:
            told = datetime.fromisoformat(told)
        except ValueError:
            return None
    if isinstance(told, datetime):
        return told.timestamp()
    return float(told) if isinstance(told, int | float) else None
