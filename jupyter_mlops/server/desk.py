"""What all handlers share: the workspace, threads for what takes time, and the way to notebooks."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from jupyter_core.utils import ensure_async
from jupyter_server.services.contents.fileio import FileManagerMixin
from tornado.web import HTTPError

from jupyter_mlops.config import RunConfig
from jupyter_mlops.service import notebooks

THREADS = 8
P = ParamSpec("P")
T = TypeVar("T")


class Desk:
    """Where handlers get their work done without holding up the server.

    :param contents: the server's contents manager.
    """

    def __init__(self, config: RunConfig, contents: Any) -> None:
        from jupyter_mlops.service.jobs import open_workspace

        self.config, self.contents = config, contents
        self.space = open_workspace(config)
        self.threads = ThreadPoolExecutor(THREADS, thread_name_prefix="mlops")
        self.thinking = ThreadPoolExecutor(1, thread_name_prefix="mlops-pipeline")
        self.local = isinstance(contents, FileManagerMixin)
        self.changed: Callable[[dict[str, Any]], None] = lambda run: None

    async def do(self, verb: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a verb in a thread."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self.threads, functools.partial(verb, *args, **kwargs))

    async def think(self, verb: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a verb that needs the processor for long: one at a time, so that the others have it too."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self.thinking, functools.partial(verb, *args, **kwargs))

    async def notebook(self, path: str) -> Any:
        """The notebook as it was saved. HTTPError 404 if there is none, BadNotebook if it is none."""
        path = path.strip("/")
        if not path.endswith(".ipynb"):
            raise HTTPError(404, f"there is no notebook {path}")
        if self.local:
            model = await ensure_async(self.contents.get(path, content=True, type="file", format="text"))
            return await self.do(notebooks.parse, model["content"], path)
        model = await ensure_async(self.contents.get(path, content=True, type="notebook"))
        return await self.do(notebooks.notebook_of, model["content"], path)

    def place(self, path: str) -> Path | None:
        """The notebook's file on this machine, whether or not it is there; None if notebooks are kept elsewhere."""
        if not self.local:
            return None
        root = Path(self.contents.root_dir)
        found = root.joinpath(*[part for part in path.split("/") if part])
        return found if ".." not in path.split("/") else None

    def folder(self, path: str) -> Path | None:
        """The notebook's folder on this machine, if there is one."""
        place = self.place(path)
        return place.parent if place is not None and place.parent.is_dir() else None

    def close(self) -> None:
        self.threads.shutdown(wait=False, cancel_futures=True)
        self.thinking.shutdown(wait=False, cancel_futures=True)
        self.space.close()
