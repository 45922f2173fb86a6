"""Where versions are kept: what a store of them has to do, and which one a URL means."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from jupyter_mlops.errors import InvalidInputError
from jupyter_mlops.storage.local import ObjectStore, StoredObject

URL = re.compile(r"(?P<protocol>[a-zA-Z][a-zA-Z0-9+.\-]+)(://|::)")
CREDENTIALS = re.compile(r"(?<=://)[^/@]*@")  # in a URL: shown to nobody
FOLDERS = ("file", "local")


class Store(Protocol):
    """Objects named by the digest of their bytes. What is read is what was put, or StoreError is raised.

    Any number of processes may put, get and list at once.
    """

    @property
    def location(self) -> str:
        """The folder or URL, without credentials."""

    def locate(self, digest: str) -> str:
        """Where an object is, in words for a person."""

    def __contains__(self, digest: str) -> bool: ...

    def put(self, data: bytes) -> str:
        """Store bytes; returns their digest. An object is there whole or not at all; one that was damaged is mended."""

    def put_file(self, path: Path) -> str:
        """Store what a file holds, which may be more than memory holds; returns its digest."""

    def get(self, digest: str) -> bytes:
        """The bytes of an object, checked against its digest."""

    def fetch(self, digest: str, target: Path) -> None:
        """Let a file hold the bytes of an object; it is whole and checked, or left as it was."""

    def local_path(self, digest: str) -> Path:
        """A file of this machine that holds the bytes of an object, to read and not to change."""

    def listing(self) -> Iterator[StoredObject]:
        """Everything that is in the store."""

    def remove(self, name: str) -> None:
        """Let what is listed under this name go."""

    def users(self) -> set[str]:
        """Who has put objects here: nobody may let objects go that others may need."""


def open_store(url: str, home: Path, user: str = "") -> Store:
    """The store that a folder's path or a URL means.

    :param home: where what was fetched is kept.
    :param user: who puts objects there.
    :raises InvalidInputError: it names no folder, or nothing that is installed can reach such a URL.
    """
    match = URL.match(url)
    if match is None:
        return ObjectStore(_folder(url, url).expanduser().absolute(), user)
    if match["protocol"].lower() in FOLDERS and "::" not in url:
        return ObjectStore(_folder(url[match.end() :], url).absolute(), user)
    from jupyter_mlops.storage.remote import RemoteStore

    return RemoteStore(url, ObjectStore(home / "fetched"), user)


def _folder(path: str, url: str) -> Path:
    if not path.strip():
        raise InvalidInputError(
            f"{url!r} names no folder", where="store", remedy="Examples: /a/folder, s3://bucket/prefix"
        )
    return Path(path)
