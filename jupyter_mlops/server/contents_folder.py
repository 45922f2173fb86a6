"""A folder of an export, as the server's contents manager has it."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from jupyter_core.utils import ensure_async
from tornado.web import HTTPError

from jupyter_mlops.errors import InvalidInputError
from jupyter_mlops.server.context import ServerContext, require_path
from jupyter_mlops.storage.local import atomic_write

MAX_NAME_BYTES = 255  # of one part of a path, on the usual file systems


class ContentsFolder:
    """Reads and writes the files of an export through the contents manager, so that its root and its hooks hold.

    Jupyter's own managers refuse hidden files, and have no way to make a file executable. The files of an export that
    are hidden (`.github/workflows`, `.dockerignore`, the record) are therefore read and written as files where the
    contents manager keeps files on this machine. A manager that keeps them elsewhere gets all files.

    :param path: below the server's root; '' for the root.
    :raises InvalidInputError: no folder can be there.
    """

    def __init__(self, context: ServerContext, path: str) -> None:
        self.context, self.contents = context, context.contents
        self.path = "/".join(part for part in path.split("/") if part not in ("", "."))
        require_folder(self.path, allow_hidden=bool(getattr(self.contents, "allow_hidden", False)))

    async def require_folder_or_nothing(self) -> None:
        """Raises InvalidInputError if a file is where the folder, or a folder above it, would be."""
        for path in _with_parents(self.path):
            if await ensure_async(self.contents.file_exists(path)):
                raise InvalidInputError(f"{path} is a file", field="folder", remedy="Choose a folder.")

    async def read(self, paths: Iterable[str]) -> dict[str, bytes]:
        """Path -> content of those files that are there. Raises InvalidInputError for what can't be read."""
        present = {}
        for path in paths:
            content = await self._read(path)
            if content is not None:
                present[path] = content
        return present

    async def write(self, path: str, content: bytes, *, executable: bool) -> None:
        """Write a file, and the folders that it is in. Raises InvalidInputError if it can't be written.

        :param executable: has an effect on this machine only, see `can_execute`.
        """
        hidden_file = self._hidden_file(path)
        if hidden_file is not None:
            await self.context.run_io(_write_file, hidden_file, content)
        else:
            await self._make_folders(path)
            model = {"type": "file", "format": "base64", "content": base64.b64encode(content).decode("ascii")}
            await self._call("written", path, self.contents.save, model, self._full(path))
        file = self.context.local_path(self._full(path))
        if executable and file is not None:
            await self.context.run_io(_make_executable, file)

    async def remove(self, path: str) -> None:
        """Remove a file."""
        hidden_file = self._hidden_file(path)
        if hidden_file is not None:
            await self.context.run_io(_unlink, hidden_file)
        else:
            await self._call("removed", path, self.contents.delete, self._full(path))

    @property
    def can_execute(self) -> bool:
        """Whether files can be made executable."""
        return self.context.local

    async def _read(self, path: str) -> bytes | None:
        hidden_file = self._hidden_file(path)
        if hidden_file is not None:
            return await self.context.run_io(_read_file, hidden_file)
        full_path = self._full(path)
        if await ensure_async(self.contents.dir_exists(full_path)):
            raise InvalidInputError(f"{full_path} is a folder, and the export has a file there", field="folder")
        if not await ensure_async(self.contents.file_exists(full_path)):
            return None
        model = await self._call("read", path, self.contents.get, full_path, content=True, type="file", format="base64")
        return _content_of(model)

    async def _make_folders(self, path: str) -> None:
        for folder in _with_parents(self._full(path).rpartition("/")[0]):
            if not await ensure_async(self.contents.dir_exists(folder)):
                await self._call("written", folder, self.contents.save, {"type": "directory"}, folder)

    async def _call(self, verb: str, path: str, method: Any, *args: Any, **kwargs: Any) -> Any:
        """Call the contents manager, and say in one sentence what it refused."""
        try:
            return await ensure_async(method(*args, **kwargs))
        except HTTPError as error:
            reason = error.log_message or error.reason or f"status {error.status_code}"
            raise InvalidInputError(f"{path} can't be {verb}: {reason}", field="folder") from None

    def _hidden_file(self, path: str) -> Path | None:
        """The file of a path that the contents manager would refuse; None if it would not, or has no files here."""
        if not any(part.startswith(".") for part in path.split("/")):
            return None
        return self.context.local_path(self._full(path))

    def _full(self, path: str) -> str:
        return f"{self.path}/{path}" if self.path else path


def require_folder(path: str, *, allow_hidden: bool) -> None:
    """Raises InvalidInputError for a path that can't be the folder of an export."""
    require_path(path)
    parts = path.split("/") if path else []
    if ".." in parts:
        raise InvalidInputError(
            "the folder is outside of the server's root", field="folder", remedy="Choose a folder below the root."
        )
    if any(len(part.encode("utf-8")) > MAX_NAME_BYTES for part in parts):
        raise InvalidInputError(
            f"a folder's name is longer than {MAX_NAME_BYTES} bytes", field="folder", remedy="Shorten it."
        )
    if not allow_hidden and any(part.startswith(".") for part in parts):
        raise InvalidInputError(
            "hidden folders can't be opened in JupyterLab",
            field="folder",
            remedy="Choose a folder whose name does not begin with a dot.",
        )


def _with_parents(path: str) -> list[str]:
    """A folder with all folders above it, outermost first."""
    parts = path.split("/") if path else []
    return ["/".join(parts[: depth + 1]) for depth in range(len(parts))]


def _content_of(model: Mapping[str, Any]) -> bytes:
    content: str = model["content"]
    return base64.b64decode(content) if model.get("format") == "base64" else content.encode("utf-8")


def _read_file(file: Path) -> bytes | None:
    try:
        return file.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise InvalidInputError(f"{file.name} can't be read: {error.strerror}", field="folder") from None


def _write_file(file: Path, content: bytes) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(file) as stream:
            stream.write(content)
    except OSError as error:
        raise InvalidInputError(f"{file.name} can't be written: {error.strerror}", field="folder") from None


def _unlink(file: Path) -> None:
    file.unlink(missing_ok=True)


def _make_executable(file: Path) -> None:
    os.chmod(file, file.stat().st_mode | 0o111)
