"""Small JSON documents and files by path, in a folder or at a URL: data that processes share by name, not by digest."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from jupyter_mlops.errors import InvalidInputError, StoreError
from jupyter_mlops.storage.local import atomic_write, store_error
from jupyter_mlops.storage.store import CREDENTIALS, FOLDERS, URL


class Documents(Protocol):
    """Bytes by relative path. Writes are atomic; the last document written under a path counts."""

    @property
    def location(self) -> str:
        """The folder or URL, without credentials."""

    def read(self, path: str) -> bytes | None:
        """The bytes; None if the document does not exist. Raises StoreError."""

    def write(self, path: str, data: bytes) -> None:
        """Write bytes. Raises StoreError."""

    def names(self, folder: str) -> list[str]:
        """Names of the documents and folders in a folder, in order; empty if the folder does not exist. Raises
        StoreError.
        """


def open_documents(url: str) -> Documents:
    """The documents in a folder or at a URL. Raises InvalidInputError if no installed package supports the URL."""
    match = URL.match(url)
    if match is None:
        return FolderDocuments(Path(url).expanduser().absolute())
    if match["protocol"].lower() in FOLDERS and "::" not in url:
        return FolderDocuments(Path(url[match.end() :]).absolute())
    return RemoteDocuments(url)


def read_json(documents: Documents, path: str) -> Any:
    """The document's value; None if the document does not exist. Raises StoreError if it is not JSON."""
    data = documents.read(path)
    if data is None:
        return None
    try:
        return json.loads(data)
    except ValueError:
        raise StoreError("the document is not JSON", where=f"{documents.location}/{path}") from None


def write_json(documents: Documents, path: str, value: Any) -> None:
    documents.write(path, json.dumps(value, ensure_ascii=False, sort_keys=True).encode("utf-8", "surrogatepass"))


class FolderDocuments:
    """Documents in a folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.location = str(root)

    def read(self, path: str) -> bytes | None:
        try:
            return (self.root / path).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise store_error("be read", error, self.root / path) from None

    def write(self, path: str, data: bytes) -> None:
        target = self.root / path
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with atomic_write(target) as stream:
                stream.write(data)
        except OSError as error:
            raise store_error("be written", error, target) from None

    def names(self, folder: str) -> list[str]:
        try:
            return sorted(p.name for p in (self.root / folder).iterdir() if not p.name.endswith(".part"))
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            raise store_error("be listed", error, self.root / folder) from None


class RemoteDocuments:
    """Documents at a URL. Object stores write objects atomically; other file systems use a rename."""

    def __init__(self, url: str) -> None:
        from fsspec.core import url_to_fs

        from jupyter_mlops.import_guard import unblock

        unblock()
        self.location = CREDENTIALS.sub("", url)
        try:
            self._fs, root = url_to_fs(url, use_listings_cache=False)
        except (ImportError, ValueError) as error:
            raise InvalidInputError(
                f"the artifacts can't be reached: {error}",
                where=self.location,
                remedy="Install the package that fsspec names.",
            ) from None
        self._root = str(root).rstrip("/")

    def read(self, path: str) -> bytes | None:
        with self._convert_errors("read"):
            try:
                return bytes(self._fs.cat_file(f"{self._root}/{path}"))
            except FileNotFoundError:
                return None

    def write(self, path: str, data: bytes) -> None:
        from fsspec import AbstractFileSystem

        target = f"{self._root}/{path}"
        with self._convert_errors("written"):
            if type(self._fs).mv is AbstractFileSystem.mv:
                self._fs.pipe_file(target, data)
                return
            from jupyter_mlops.storage.local import temp_name

            folder, _, name = target.rpartition("/")
            self._fs.makedirs(folder, exist_ok=True)
            part = f"{folder}/{temp_name(name)}"
            self._fs.pipe_file(part, data)
            self._fs.mv(part, target)

    def names(self, folder: str) -> list[str]:
        with self._convert_errors("listed"):
            try:
                paths = self._fs.ls(f"{self._root}/{folder}", detail=False)
            except FileNotFoundError:
                return []
            return sorted(str(path).rstrip("/").rpartition("/")[2] for path in paths)

    @contextmanager
    def _convert_errors(self, action: str) -> Iterator[None]:
        try:
            yield
        except StoreError:
            raise
        except Exception as error:  # drivers have exceptions of their own, of no common kind
            message = CREDENTIALS.sub("", f"{type(error).__name__}: {error}".rstrip(": "))
            raise StoreError(
                f"the artifacts can't be {action}: {message}",
                where=self.location,
                remedy="Check that this machine can reach it, with these credentials.",
            ) from error
