"""A contents manager that keeps everything in memory, as those do that keep it on another machine."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any

from jupyter_server.services.contents.checkpoints import Checkpoints
from jupyter_server.services.contents.manager import ContentsManager
from tornado.web import HTTPError


class NoCheckpoints(Checkpoints):
    def list_checkpoints(self, path: str) -> list[Any]:
        return []


class MemoryContents(ContentsManager):
    allow_hidden = True
    checkpoints_class = NoCheckpoints
    kept: dict[str, bytes | None] = {"": None}  # noqa: RUF012 # path -> content, None for a folder

    def dir_exists(self, path: str) -> bool:
        return self.kept.get(path.strip("/"), b"") is None

    def file_exists(self, path: str = "") -> bool:
        return self.kept.get(path.strip("/")) is not None

    def is_hidden(self, path: str) -> bool:
        return False

    def get(self, path: str, content: bool = True, type: Any = None, format: Any = None, **_: Any) -> dict[str, Any]:
        path = path.strip("/")
        if path not in self.kept:
            raise HTTPError(404, f"{path} is not there")
        present = self.kept[path]
        now = datetime.now(UTC)
        text = None if present is None or not content else base64.b64encode(present).decode()
        return {
            "name": path.rpartition("/")[2], "path": path, "type": "directory" if present is None else "file",
            "writable": True, "created": now, "last_modified": now, "mimetype": None, "size": None,
            "content": text, "format": "base64" if text is not None else None,
        }  # fmt: skip

    def save(self, model: dict[str, Any], path: str) -> dict[str, Any]:
        path = path.strip("/")
        if not self.dir_exists(path.rpartition("/")[0]):
            raise HTTPError(404, f"the folder of {path} is not there")
        self.kept[path] = None if model["type"] == "directory" else base64.b64decode(model["content"])
        return self.get(path, content=False)

    def delete_file(self, path: str) -> None:
        del self.kept[path.strip("/")]
