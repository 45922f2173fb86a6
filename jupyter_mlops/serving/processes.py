"""Several serving processes that share a port: started, watched and ended by one that serves nothing itself."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from jupyter_mlops.config import RunConfig
from jupyter_mlops.errors import MlopsError, from_dict
from jupyter_mlops.serving.metrics import Metrics
from jupyter_mlops.serving.process import READY, bind
from jupyter_mlops.serving.settings import ServeSettings

SHORT_LIFE = 10.0  # seconds: a process that ended sooner is restarted only after a pause
PAUSE = 5.0
START_UP = 300.0  # seconds in which a process must load its model
log = logging.getLogger("jupyter_mlops.serving")


class ServingProcesses:
    """Keeps `settings.workers` processes serving."""

    def __init__(self, settings: ServeSettings, config: RunConfig, on_ready: Callable[[int], None]) -> None:
        self.settings, self.config, self.on_ready = settings, config, on_ready
        self.children: dict[int, asyncio.subprocess.Process] = {}
        self.stopping = asyncio.Event()

    async def run(self) -> None:
        """Serve until SIGTERM or SIGINT. Raises MlopsError if the first process can't start."""
        sockets = bind(self.settings, listening=False)
        port = sockets[0].getsockname()[1]
        self.settings = replace(self.settings, port=port)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stopping.set)
        with tempfile.TemporaryDirectory(prefix="mlops-serve-") as folder:
            metrics = Path(folder) / "metrics"
            Metrics.create(metrics, self.settings.workers)
            try:
                await self._start(0, metrics)
                await asyncio.gather(*(self._start(row, metrics) for row in range(1, self.settings.workers)))
                watching = [asyncio.ensure_future(self._watch(row, metrics)) for row in range(self.settings.workers)]
                self.on_ready(port)
                await self.stopping.wait()
                await asyncio.gather(*watching)
            finally:
                await self._end()
                for bound in sockets:
                    bound.close()

    async def _start(self, row: int, metrics: Path) -> None:
        """Start a process and wait until it answers."""
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "jupyter_mlops.serving.process",
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, start_new_session=True,
        )  # fmt: skip
        self.children[row] = child
        assert child.stdin is not None and child.stdout is not None
        child.stdin.write(json.dumps(self._request(row, metrics)).encode() + b"\n")
        with contextlib.suppress(ConnectionError):
            await child.stdin.drain()
        try:
            line = (await asyncio.wait_for(child.stdout.readline(), START_UP)).decode().strip()
        except TimeoutError:
            line = ""
        if line != READY:
            raise _failure(line)

    def _request(self, row: int, metrics: Path) -> dict[str, Any]:
        config = {name: getattr(self.config, name) for name in ("home", "database", "store")}
        return {
            "settings": self.settings.to_dict(), "config": config, "metrics": str(metrics), "row": row,
            "rows": self.settings.workers,
        }  # fmt: skip

    async def _watch(self, row: int, metrics: Path) -> None:
        """Start a process again whenever it ended by itself."""
        while not self.stopping.is_set():
            began = time.monotonic()
            ended = asyncio.ensure_future(self.children[row].wait())
            stopped = asyncio.ensure_future(self.stopping.wait())
            await asyncio.wait({ended, stopped}, return_when=asyncio.FIRST_COMPLETED)
            stopped.cancel()
            if not ended.done():
                ended.cancel()
                return
            log.error("a serving process ended with %s; it is started again", ended.result())
            if time.monotonic() - began < SHORT_LIFE:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self.stopping.wait(), PAUSE)
                    return
            with contextlib.suppress(MlopsError):
                await self._start(row, metrics)

    async def _end(self) -> None:
        """End the processes; each finishes its requests."""
        for child in self.children.values():
            with contextlib.suppress(ProcessLookupError):
                child.terminate()
        waiting = [asyncio.ensure_future(child.wait()) for child in self.children.values()]
        if waiting:
            await asyncio.wait(waiting, timeout=2 * self.settings.grace + 10)
        for child in self.children.values():
            with contextlib.suppress(ProcessLookupError):
                child.kill()


def _failure(line: str) -> MlopsError:
    try:
        return from_dict(json.loads(line))
    except (ValueError, KeyError, TypeError):
        return MlopsError("a serving process did not start", remedy="Its messages are above.")
