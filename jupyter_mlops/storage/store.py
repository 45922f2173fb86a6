"""The interface of object stores, and the store of a URL."""

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
    """Objects named by the digest of their bytes. A read returns the bytes that were stored, or raises StoreError.

    Any number of processes may put, get and list at once.
    """

    @property
    def location(self) -> str:
        """The folder or URL, without credentials."""

    def locate(self, digest: str) -> str:
        """The location of an object, for people."""

    def __contains__(self, digest: str) -> bool: ...

    def put(self, data: bytes) -> str:
        """Store bytes atomically; returns their digest. A damaged object is repaired."""

    def put_file(self, path: Path) -> str:
        """Store the content of a file, which may be larger than memory; returns its digest."""

    def get(self, digest: str) -> bytes:
        """The bytes of an object, checked against its digest."""

    def fetch(self, digest: str, target: Path) -> None:
        """Write the bytes of an object to a file, checked and atomically."""

    def local_path(self, digest: str) -> Path:
        """A local file with the bytes of an object. Do not change it."""

    def listing(self) -> Iterator[StoredObject]:
        """All objects in the store."""

    def remove(self, name: str) -> None:
        """Delete the object that is listed under this name."""

    def users(self) -> set[str]:
        """The users of the store: an object may only be deleted if no other user needs it."""


def open_store(url: str, home: Path, user: str = "") -> Store:
    """The store in a folder or at a URL.

    :param home: the folder of local copies.
    :param user: the name under which this process stores objects.
    :raises InvalidInputError: the folder is invalid, or no installed package supports the URL.
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
            f"{url!r} is not a valid folder", where="store", remedy="Examples: /a/folder, s3://bucket/prefix"
        )
    return Path(path)
