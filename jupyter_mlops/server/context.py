"""The state that all handlers share: the workspace, thread pools, and access to notebooks."""

from __future__ import annotations

import asyncio
import functools
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from jupyter_core.utils import ensure_async
from jupyter_server.services.contents.fileio import FileManagerMixin
from tornado.web import HTTPError

from jupyter_mlops.config import RunConfig
from jupyter_mlops.errors import InvalidInputError
from jupyter_mlops.service import notebooks

THREADS = 8
P = ParamSpec("P")
T = TypeVar("T")


def require_path(path: str) -> None:
    """Raises InvalidInputError for a text that can't be a file path: with a NUL or half a surrogate pair."""
    if "\0" in path or any("\ud800" <= sign <= "\udfff" for sign in path):
        raise InvalidInputError(f"{path!r} can't be a path", remedy="Use the path of the contents manager.")


class ServerContext:
    """Executes the work of handlers without blocking the server.

    :param contents: the server's contents manager.
    """

    def __init__(self, config: RunConfig, contents: Any) -> None:
        from jupyter_mlops.service.jobs import open_workspace

        self.config, self.contents = config, contents
        self.space = open_workspace(config)
        self.io_executor = ThreadPoolExecutor(THREADS, thread_name_prefix="mlops")
        self.cpu_executor = ThreadPoolExecutor(1, thread_name_prefix="mlops-pipeline")
        self.local = isinstance(contents, FileManagerMixin)
        self.on_change: Callable[[dict[str, Any]], None] = lambda run: None

    async def run_io(self, verb: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a verb in a thread."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self.io_executor, functools.partial(verb, *args, **kwargs))

    async def run_cpu(self, verb: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a verb that uses the CPU for long. Only one runs at a time, so that other requests are not delayed."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self.cpu_executor, functools.partial(verb, *args, **kwargs))

    async def notebook(self, path: str) -> Any:
        """The notebook as it was saved. Raises HTTPError 404 if it does not exist, InvalidNotebookError if it is not a
        notebook.
        """
        path = path.strip("/")
        require_path(path)
        if not path.endswith(".ipynb"):
            raise HTTPError(404, f"there is no notebook {path}")
        if self.local:
            model = await ensure_async(self.contents.get(path, content=True, type="file", format="text"))
            return await self.run_io(notebooks.parse, model["content"], path)
        model = await ensure_async(self.contents.get(path, content=True, type="notebook"))
        return await self.run_io(notebooks.notebook_of, model["content"], path)

    def local_path(self, path: str) -> Path | None:
        """The notebook's path on this machine, whether or not it exists; None if notebooks are stored elsewhere."""
        if not self.local:
            return None
        root = Path(self.contents.root_dir)
        file_path = root.joinpath(*[component for component in path.split("/") if component])
        return file_path if ".." not in path.split("/") else None

    def folder(self, path: str) -> Path | None:
        """The notebook's folder on this machine, if there is one."""
        file_path = self.local_path(path)
        return file_path.parent if file_path is not None and os.path.isdir(file_path.parent) else None

    def close(self) -> None:
        self.io_executor.shutdown(wait=False, cancel_futures=True)
        self.cpu_executor.shutdown(wait=False, cancel_futures=True)
        self.space.close()
